//! Why a Connect source can't be set up.

/// Settings that can't work, whatever the server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectSetupError {
    /// The address isn't one.
    #[error("the Connect server's `url` {0}")]
    Url(&'static str),
    /// The token isn't one. It isn't shown.
    #[error("the Connect server's token {0}")]
    Token(&'static str),
    /// The machine's list of certificate authorities can't be used.
    #[error(
        "this machine has no list of certificate authorities to check the Connect server's certificate against: install its package `ca-certificates`, or set SSL_CERT_FILE"
    )]
    Certificates,
}
