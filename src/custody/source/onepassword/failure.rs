//! Why 1Password didn't do what it was asked, by what follows from it.

use std::time::Duration;

use crate::custody::error::SourceError;
use crate::model::{Answered, SourceName};

/// A failed request.
///
/// `detail` says what happened in our own words, for the operator; it never carries a value or any
/// of 1Password's text, which echoes names. `remedy` is for the person who can do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::custody::source) enum Failure {
    /// Somebody else was changing the item.
    #[error("conflict")]
    Conflict,
    /// 1Password knows us and refuses.
    #[error("refused: {detail}")]
    Forbidden {
        /// What happened.
        detail: String,
    },
    /// There's no such vault or item, or it isn't granted: the two look alike.
    #[error("not found")]
    Missing,
    /// Too many requests.
    #[error("rate limited")]
    RateLimited {
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The item can't be kept as it is.
    #[error("rejected: {detail}")]
    Rejected {
        /// What's wrong with it; shown to the caller.
        detail: &'static str,
    },
    /// The item is larger than 1Password keeps.
    #[error("too large")]
    TooLarge,
    /// There was no usable answer, so a change may have been made all the same.
    #[error("no usable answer: {detail}")]
    Unclear {
        /// What happened.
        detail: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Nothing was asked: it can't be reached, started or signed in to.
    #[error("can't be asked: {detail}")]
    Unreachable {
        /// What happened.
        detail: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// This can't be done so.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
}

/// How long to wait where 1Password said that there were too many requests, and not when to come back.
pub(in crate::custody::source) const WAIT_WHEN_NOT_TOLD: Duration = Duration::from_mins(5);

impl Failure {
    /// What it's counted as.
    pub(in crate::custody::source) const fn answered(&self) -> Answered {
        match self {
            Self::Conflict => Answered::Conflict,
            Self::Forbidden { .. } => Answered::Forbidden,
            Self::Missing => Answered::Missing,
            Self::RateLimited { .. } => Answered::RateLimited,
            Self::Rejected { .. } => Answered::Invalid,
            Self::TooLarge => Answered::TooLarge,
            Self::Unclear { .. } | Self::Unreachable { .. } => Answered::Unavailable,
            Self::Unsupported(_) => Answered::Unsupported,
        }
    }

    /// The failure of a read or a list, as custody knows it.
    pub(in crate::custody::source) fn at(self, source_name: &SourceName) -> SourceError {
        let source_name = source_name.clone();
        match self {
            // Nothing was to be changed, so a conflict is the server's own affair.
            Self::Conflict => SourceError::Unavailable {
                source_name,
                detail: "it answered a read with a conflict".to_owned(),
                remedy: "try again in a moment",
            },
            Self::Forbidden { detail } => SourceError::Forbidden { source_name, detail },
            Self::Missing => SourceError::Missing { source_name },
            Self::RateLimited { retry_after } => {
                SourceError::RateLimited { source_name, retry_after: retry_after.unwrap_or(WAIT_WHEN_NOT_TOLD) }
            }
            Self::Rejected { detail } => SourceError::Invalid { source_name, detail },
            Self::TooLarge => SourceError::TooLarge { source_name, limit: crate::custody::value::MAX_VALUE_BYTES },
            Self::Unclear { detail, remedy } | Self::Unreachable { detail, remedy } => {
                SourceError::Unavailable { source_name, detail, remedy }
            }
            Self::Unsupported(detail) => SourceError::Unsupported { source_name, detail },
        }
    }
}
