//! Why a request ends without what it asked for, and the proof that this was recorded.

use super::permit::Settled;
use crate::audit::AuditError;
use crate::model::{ErrorCode, PublicError};

/// A request that ends in an error the caller may see.
#[derive(Debug)]
pub struct Refusal(Box<Inner>);

#[derive(Debug)]
struct Inner {
    error: PublicError,
    record: Record,
}

/// How the refusal stands in the audit log.
#[derive(Debug)]
enum Record {
    Settled(Settled),
    /// The log itself is what failed, or a task died with the record open, so there's nothing to hold.
    Unwritable,
}

impl Refusal {
    /// A refusal, if it was recorded; else that it couldn't be takes its place.
    pub(super) fn of(error: PublicError, recorded: Result<Settled, AuditError>) -> Self {
        match recorded {
            Ok(settled) => Self(Box::new(Inner { error, record: Record::Settled(settled) })),
            Err(unwritable) => unwritable.into(),
        }
    }

    /// The same refusal, told in other words.
    #[must_use]
    pub fn told_as(mut self, error: PublicError) -> Self {
        if matches!(self.0.record, Record::Settled(_)) {
            self.0.error = error;
        }
        self
    }

    /// What the caller is told.
    #[must_use]
    pub fn error(&self) -> &PublicError {
        &self.0.error
    }

    /// A fault of this program while a record was open; the record ends as abandoned.
    #[must_use]
    pub fn internal() -> Self {
        let error = PublicError::new(
            ErrorCode::Internal,
            "something went wrong inside opward; whether the change was made is unknown",
            "describe the secret to see its version; tell the owner, whose log has more",
        );
        Self(Box::new(Inner { error, record: Record::Unwritable }))
    }

    /// What the caller is told, by value.
    #[must_use]
    pub fn into_error(self) -> PublicError {
        self.0.error
    }

    /// The proof that it was recorded, for an answer in which it's one part of several.
    ///
    /// # Errors
    ///
    /// The refusal itself, when it couldn't be recorded: then there is no answer.
    pub fn into_settled(self) -> Result<Settled, Self> {
        let Inner { error, record } = *self.0;
        match record {
            Record::Settled(settled) => Ok(settled),
            Record::Unwritable => Err(Self(Box::new(Inner { error, record: Record::Unwritable }))),
        }
    }
}

impl From<AuditError> for Refusal {
    fn from(error: AuditError) -> Self {
        Self(Box::new(Inner { error: error.public(), record: Record::Unwritable }))
    }
}
