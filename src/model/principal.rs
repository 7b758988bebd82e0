//! Who asks.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The longest name of a principal, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// A principal's name: letters, digits and `. _ - @ : +`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct PrincipalName(Arc<str>);

/// Why a text can't name a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a principal's name has 1 to {MAX_NAME_BYTES} letters, digits or `. _ - @ : +`")]
pub struct PrincipalNameError(());

impl PrincipalName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When a character isn't allowed, or the text is empty or too long.
    pub fn parse(text: &str) -> Result<Self, PrincipalNameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b':' | b'+');
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.bytes().all(allowed) {
            return Err(PrincipalNameError(()));
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a request reached the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The command line.
    Cli,
    /// Streamable HTTP.
    Http,
    /// A local socket.
    Socket,
    /// A client's standard streams.
    Stdio,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 4] = [Self::Cli, Self::Http, Self::Socket, Self::Stdio];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Http => "http",
            Self::Socket => "socket",
            Self::Stdio => "stdio",
        }
    }
}

/// Who asks and how they got here, as facts a policy can speak about.
///
/// Being one of these proves nothing: it's `identity::Authenticated`, which only `identity` makes,
/// that says the facts were established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The proven name.
    pub name: PrincipalName,
    /// How the request came.
    pub transport: Transport,
    /// The peer's address, where there is one.
    pub source_ip: Option<IpAddr>,
    /// The verified claims of a token.
    pub claims: Arc<BTreeMap<String, String>>,
}
