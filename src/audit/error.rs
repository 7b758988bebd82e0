//! Why the log can't be written, in words for its owner and for the caller.

use std::io;
use std::path::PathBuf;

use super::hash::RecordHash;
use super::record::Fault;
use crate::model::{ErrorCode, PublicError};

/// Why a record wasn't written, or a log can't be opened. Whatever it is, nothing may be opened for
/// a request that isn't in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The system refused to open, read or write the file.
    #[error("{doing}: {trouble}")]
    Io {
        /// What was being done: "the audit log can't be written".
        doing: &'static str,
        /// What the system said.
        trouble: Trouble,
    },
    /// Others than its owner could read or change the file, or put another in its place.
    #[error("the audit log isn't private: {0}")]
    NotPrivate(&'static str),
    /// A record in the file doesn't follow from the one before it.
    #[error("the audit log is broken at line {line}: {fault}")]
    Broken {
        /// The first bad line, counted from 1.
        line: u64,
        /// What's wrong with it.
        fault: Fault,
        /// Names the file's content as it is. Accepting the break means accepting exactly this.
        digest: RecordHash,
    },
    /// The digest given to accept a break isn't that of the file as it is now.
    #[error("the audit log isn't the one that was accepted; its digest is {digest} now")]
    OtherBreak {
        /// Names the file's content as it is.
        digest: RecordHash,
    },
    /// Something that isn't opward wrote to the file while it was in use.
    #[error("something other than opward wrote to the audit log")]
    Foreign,
    /// The file lost records while it was in use.
    #[error("the audit log was cut short while in use")]
    Truncated,
    /// The file was deleted, or another one stands in its place.
    #[error("the audit log was moved or deleted while in use")]
    Moved,
    /// Another process keeps the file locked.
    #[error("another process keeps the audit log locked")]
    Busy,
    /// The machine's clock can't be read.
    #[error("the audit log can't be written: the clock can't be read")]
    Clock,
    /// The record has more bytes than a line may have.
    #[error("the audit record is too long: too many rules match this request")]
    TooLong,
    /// The thread that writes is gone or can't keep up.
    #[error("the audit log's writer has stopped")]
    Stopped,
}

/// What the system said about a file, in words that hold nothing but the kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The device failed.
    #[error("the device reports an input/output error")]
    Device,
    /// The file is as large as it may be.
    #[error("the file has the largest size allowed")]
    FileTooLarge,
    /// It's a symbolic link.
    #[error("it's a symbolic link")]
    Link,
    /// It isn't there.
    #[error("there's no such file")]
    Missing,
    /// The device is full.
    #[error("no space left on the device")]
    NoSpace,
    /// It's a folder, a device or a pipe.
    #[error("it isn't a regular file")]
    NotAFile,
    /// No permission.
    #[error("permission denied")]
    Permission,
    /// The quota is used up.
    #[error("the disk quota is used up")]
    Quota,
    /// The file system is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// Only a part was written.
    #[error("only a part of the record could be written")]
    Short,
    /// Anything else, in the standard library's word for its kind.
    #[error("{0}")]
    Other(io::ErrorKind),
}

impl Trouble {
    pub(super) fn of(error: &io::Error) -> Self {
        let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
        match errno {
            Some(rustix::io::Errno::IO) => Self::Device,
            Some(rustix::io::Errno::LOOP) => Self::Link,
            _ => Self::of_kind(error.kind()),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is named by the standard library's word")]
    fn of_kind(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::FileTooLarge => Self::FileTooLarge,
            io::ErrorKind::IsADirectory => Self::NotAFile,
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Permission,
            io::ErrorKind::QuotaExceeded => Self::Quota,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::StorageFull => Self::NoSpace,
            other => Self::Other(other),
        }
    }
}

impl AuditError {
    pub(super) fn opening(error: impl Into<io::Error>) -> Self {
        Self::Io { doing: "the audit log can't be opened", trouble: Trouble::of(&error.into()) }
    }

    pub(super) fn reading(error: impl Into<io::Error>) -> Self {
        Self::Io { doing: "the audit log can't be read", trouble: Trouble::of(&error.into()) }
    }

    pub(super) fn writing(error: impl Into<io::Error>) -> Self {
        Self::Io { doing: "the audit log can't be written", trouble: Trouble::of(&error.into()) }
    }

    pub(super) fn syncing(error: impl Into<io::Error>) -> Self {
        Self::Io { doing: "the audit log can't be brought to the disk", trouble: Trouble::of(&error.into()) }
    }

    /// Whether the same log may work later without being opened again.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Foreign | Self::Truncated | Self::Stopped)
    }

    /// What its owner can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io { trouble: Trouble::NoSpace | Trouble::Quota | Trouble::FileTooLarge, .. } => {
                "the owner frees space where the audit log is kept; then try again"
            }
            Self::Io {
                trouble: Trouble::Permission | Trouble::ReadOnly | Trouble::Link | Trouble::NotAFile, ..
            } => "the owner makes `audit.file` a file that opward may write to",
            Self::Io { .. } => "the owner checks the disk that the audit log is on; `opward doctor` says more",
            Self::NotPrivate(_) => {
                "the owner takes other users' rights to the audit log and its folder away (`chmod 600`, `chmod 700`)"
            }
            Self::Broken { .. } | Self::OtherBreak { .. } | Self::Foreign | Self::Truncated => {
                "the owner runs `opward audit verify` and decides what to do about the break"
            }
            Self::Moved => "the owner restarts the server, so that it opens the audit log anew",
            Self::Busy => "try again; if it stays so, the owner looks for a stopped opward process",
            Self::Clock => "the owner sets the machine's clock",
            Self::TooLong => "the owner narrows the rules so that fewer match one request",
            Self::Stopped => "the owner restarts the server",
        }
    }

    /// The caller's face of it.
    #[must_use]
    pub fn public(&self) -> PublicError {
        PublicError::new(ErrorCode::AuditUnavailable, self.to_string(), self.remedy())
    }
}

/// Why a log can't be read at all.
#[derive(Debug, thiserror::Error)]
#[error("can't read the audit log {}: {trouble}", file.display())]
pub struct ReadError {
    /// Which file.
    pub file: PathBuf,
    /// What the system said.
    pub trouble: Trouble,
}

impl From<ReadError> for AuditError {
    fn from(error: ReadError) -> Self {
        Self::Io { doing: "the audit log can't be read", trouble: error.trouble }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_caller_what_the_system_said_and_what_the_owner_can_do() {
        let error = AuditError::writing(io::Error::from_raw_os_error(28)).public();
        assert_eq!(error.code, ErrorCode::AuditUnavailable);
        assert_eq!(error.message, "the audit log can't be written: no space left on the device");
        assert!(error.hint.contains("frees space"), "{}", error.hint);
    }

    #[test]
    fn passes_on_the_kind_of_an_error_and_never_its_text() {
        let error = AuditError::writing(io::Error::other("hunter2"));
        assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"));
    }
}
