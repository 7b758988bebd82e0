//! Why a request wasn't sent, or came to nothing.

/// Why a request wasn't sent, or came to nothing. It holds nothing of the value, nothing that the other side said, and no
/// address of a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// It can't be sent as it is: the caller's part, the policy's, or the value doesn't fit. Nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// The host is, or resolves to, an address that may not be reached. Nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// No connection to the host came about. Nothing was sent.
    #[error("{0}")]
    NoConnection(String),
    /// It took too long, broke off, or answered with something that isn't HTTP: the request may have been carried out.
    #[error("{0}")]
    Unreachable(String),
}

impl NotSent {
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }

    pub(super) fn unreachable(what: impl Into<String>) -> Self {
        Self::Unreachable(what.into())
    }
}
