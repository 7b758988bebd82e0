//! What can go wrong between custody and a source, and what the caller is told of it.

use std::time::Duration;

use crate::model::{Answered, ErrorCode, PublicError, SourceName};

/// A failure of a source, classified by what can be done about it.
///
/// `detail` fields are for the operator's log. They may name files and say what the system said,
/// and never carry a value or a whole upstream message; the caller sees only [`SourceError::public`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Somebody changed the item since the version the caller knows.
    #[error("{source_name}: the item is at version {current}, not the one expected")]
    Conflict {
        /// Which source.
        source_name: SourceName,
        /// The version it's at now.
        current: u64,
    },
    /// The source knows us and refuses.
    #[error("{source_name}: refused: {detail}")]
    Forbidden {
        /// Which source.
        source_name: SourceName,
        /// For the operator.
        detail: String,
    },
    /// The value can't be kept there as it is.
    #[error("{source_name}: can't keep this value: {detail}")]
    Invalid {
        /// Which source.
        source_name: SourceName,
        /// For the caller too: a sentence without any part of the value.
        detail: &'static str,
    },
    /// The vault, item or field isn't there (any more).
    #[error("{source_name}: no such vault, item or field")]
    Missing {
        /// Which source.
        source_name: SourceName,
    },
    /// Too many requests.
    #[error("{source_name}: rate limited")]
    RateLimited {
        /// Which source.
        source_name: SourceName,
        /// When trying again makes sense.
        retry_after: Duration,
    },
    /// The source, or this item of it, can't be written to.
    #[error("{source_name}: read-only: {detail}")]
    ReadOnly {
        /// Which source.
        source_name: SourceName,
        /// For the operator.
        detail: String,
    },
    /// More than the source keeps.
    #[error("{source_name}: the value is larger than {limit} bytes")]
    TooLarge {
        /// Which source.
        source_name: SourceName,
        /// The most it keeps.
        limit: usize,
    },
    /// It doesn't answer, or not as it should.
    #[error("{source_name}: unavailable: {detail}")]
    Unavailable {
        /// Which source.
        source_name: SourceName,
        /// For the operator.
        detail: String,
        /// What a person can do about it; shown to the caller, so it names no secret.
        remedy: &'static str,
    },
    /// The source can't do this.
    #[error("{source_name}: unsupported: {detail}")]
    Unsupported {
        /// Which source.
        source_name: SourceName,
        /// For the caller too.
        detail: &'static str,
    },
}

impl SourceError {
    /// What it's counted as.
    #[must_use]
    pub const fn answered(&self) -> Answered {
        match self {
            Self::Conflict { .. } => Answered::Conflict,
            Self::Forbidden { .. } => Answered::Forbidden,
            Self::Invalid { .. } => Answered::Invalid,
            Self::Missing { .. } => Answered::Missing,
            Self::RateLimited { .. } => Answered::RateLimited,
            Self::ReadOnly { .. } => Answered::ReadOnly,
            Self::TooLarge { .. } => Answered::TooLarge,
            Self::Unavailable { .. } => Answered::Unavailable,
            Self::Unsupported { .. } => Answered::Unsupported,
        }
    }

    /// The caller's face of the error.
    #[must_use]
    pub fn public(&self) -> PublicError {
        match self {
            Self::Conflict { current, .. } => PublicError::new(
                ErrorCode::Conflict,
                format!("the item is at version {current} now; nothing was written"),
                "describe it again, decide whether the change still makes sense, and pass that version as if_version",
            ),
            Self::Forbidden { source_name, .. } => PublicError::new(
                ErrorCode::SourceUnavailable,
                format!("the source `{source_name}` refuses access to this"),
                "ask the owner to run `opward doctor`: the source's own permissions don't cover it",
            ),
            Self::Invalid { detail, .. } => PublicError::new(ErrorCode::Invalid, *detail, ""),
            Self::Missing { .. } => {
                PublicError::new(ErrorCode::NotFound, "there's no such secret", "list_secrets shows what there is")
            }
            Self::RateLimited { source_name, retry_after } => PublicError::new(
                ErrorCode::RateLimited,
                format!("the source `{source_name}` asks for fewer requests"),
                "wait, then try again",
            )
            .with_retry_after(retry_after.as_secs().max(1)),
            Self::ReadOnly { source_name, .. } => PublicError::new(
                ErrorCode::ReadOnly,
                format!("the source `{source_name}` can't be written to; nothing was changed"),
                "ask the owner to run `opward doctor`, which says why",
            ),
            Self::TooLarge { limit, .. } => PublicError::new(
                ErrorCode::TooLarge,
                format!("a value has at most {limit} bytes; nothing was written"),
                "",
            ),
            Self::Unavailable { source_name, remedy, .. } => PublicError::new(
                ErrorCode::SourceUnavailable,
                format!("the source `{source_name}` isn't available"),
                *remedy,
            ),
            Self::Unsupported { detail, .. } => PublicError::new(ErrorCode::Unsupported, *detail, ""),
        }
    }
}
