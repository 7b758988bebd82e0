//! What can go wrong with a vault file, and what a person can do about it.

use std::io;
use std::path::Path;

use crate::custody::error::SourceError;
use crate::custody::value::MAX_VALUE_BYTES;
use crate::model::{Answered, SourceName};

/// Why a vault file couldn't be read or changed. Whenever a write ends in one of these, the file is
/// byte for byte what it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Somebody changed the item since the version the caller knows.
    #[error("the item is at version {0}, not the one expected")]
    Conflict(u64),
    /// The file can't hold the value, name or tag as it is.
    #[error("{0}")]
    Invalid(&'static str),
    /// The vault, item or field isn't there (any more).
    #[error("no such vault, item or field")]
    Missing,
    /// The file can be read, and not written.
    #[error("{0}")]
    ReadOnly(String),
    /// The value is larger than any value may be.
    #[error("the value has more than {MAX_VALUE_BYTES} bytes")]
    TooLarge,
    /// The file can't be read, or not be written just now.
    #[error("{detail}")]
    Unavailable {
        /// What happened, for the operator.
        detail: String,
        /// What a person can do about it.
        remedy: &'static str,
    },
    /// A local vault has no such thing.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// What to do with a file whose contents can't be trusted.
const RESTORE: &str =
    "ask the owner to look at the vault file: the previous generation is kept beside it, as `<file>.bak`";

/// What to do where nothing better is known.
const DOCTOR: &str = "ask the owner to run `opward doctor`, which says why";

impl LocalError {
    /// The file is there and isn't a whole, healthy vault.
    pub(super) fn damaged(file: &Path, what: &str) -> Self {
        Self::Unavailable { detail: format!("{}: {what}", file.display()), remedy: RESTORE }
    }

    /// The file can't be used until a person does something.
    pub(super) fn unavailable(file: &Path, what: &str, remedy: &'static str) -> Self {
        Self::Unavailable { detail: format!("{}: {what}", file.display()), remedy }
    }

    /// The file can't be written to.
    pub(super) fn read_only(file: &Path, what: &str) -> Self {
        Self::ReadOnly(format!("{}: {what}", file.display()))
    }

    /// Reading a file failed.
    pub(super) fn reading(file: &Path, error: &io::Error) -> Self {
        let kind = error.kind();
        let remedy = if kind == io::ErrorKind::NotFound {
            "ask the owner to run `opward init`, which makes a vault"
        } else if kind == io::ErrorKind::PermissionDenied {
            "ask the owner to let this user read the vault file"
        } else {
            DOCTOR
        };
        Self::unavailable(file, &error.to_string(), remedy)
    }

    /// Writing in the vault's folder failed.
    pub(super) fn writing(file: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let kind = error.kind();
        if matches!(kind, PermissionDenied | ReadOnlyFilesystem) {
            Self::read_only(file, &error.to_string())
        } else if matches!(kind, StorageFull | QuotaExceeded | FileTooLarge) {
            Self::unavailable(file, &error.to_string(), "ask the owner to free some disk space, then try again")
        } else {
            Self::unavailable(file, &error.to_string(), DOCTOR)
        }
    }

    /// What a person can do about it, where there's more to say than what happened.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { remedy, .. } => Some(remedy),
            Self::Conflict(_)
            | Self::Invalid(_)
            | Self::Missing
            | Self::ReadOnly(_)
            | Self::TooLarge
            | Self::Unsupported(_) => None,
        }
    }

    /// What it's counted as.
    pub(super) const fn answered(&self) -> Answered {
        match self {
            Self::Conflict(_) => Answered::Conflict,
            Self::Invalid(_) => Answered::Invalid,
            Self::Missing => Answered::Missing,
            Self::ReadOnly(_) => Answered::ReadOnly,
            Self::TooLarge => Answered::TooLarge,
            Self::Unavailable { .. } => Answered::Unavailable,
            Self::Unsupported(_) => Answered::Unsupported,
        }
    }

    /// The same failure, with the source it happened in.
    pub(super) fn at(self, source: &SourceName) -> SourceError {
        let source_name = source.clone();
        match self {
            Self::Conflict(current) => SourceError::Conflict { source_name, current },
            Self::Invalid(detail) => SourceError::Invalid { source_name, detail },
            Self::Missing => SourceError::Missing { source_name },
            Self::ReadOnly(detail) => SourceError::ReadOnly { source_name, detail },
            Self::TooLarge => SourceError::TooLarge { source_name, limit: MAX_VALUE_BYTES },
            Self::Unavailable { detail, remedy } => SourceError::Unavailable { source_name, detail, remedy },
            Self::Unsupported(detail) => SourceError::Unsupported { source_name, detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_folder_are_told_apart() {
        let file = Path::new("/v/vault.kdbx");
        let full = LocalError::writing(file, &io::Error::from_raw_os_error(28));
        assert!(matches!(full, LocalError::Unavailable { remedy, .. } if remedy.contains("disk space")), "{full:?}");
        let denied = LocalError::writing(file, &io::Error::from_raw_os_error(13));
        assert!(matches!(denied, LocalError::ReadOnly(_)), "{denied:?}");
        let mounted_so = LocalError::writing(file, &io::Error::from_raw_os_error(30));
        assert!(matches!(mounted_so, LocalError::ReadOnly(_)), "{mounted_so:?}");
    }
}
