//! A token's header.

use super::json::{self, NotText};
use crate::identity::rejection::Why;
use crate::model::SigningAlgorithm;

/// The longest key id, in bytes.
pub(super) const MAX_KID_BYTES: usize = 256;

/// What a header may say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) kid: Option<String>,
    pub(super) kind: Kind,
}

/// What kind of token the header says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An access token, and nothing else (RFC 9068).
    AccessToken,
    /// Some JWT. Most issuers say no more.
    Jwt,
}

/// The members a header may have. `x5t` and `x5t#S256` name a certificate; issuers send them beside
/// `kid`, and nothing here follows them. Any other member would say that the token is to be understood
/// in a way that's not understood here, or bring its own key along.
const ALLOWED: [&str; 5] = ["alg", "kid", "typ", "x5t", "x5t#S256"];

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Why> {
        let header = json::object(bytes).ok_or(Why::Header)?;
        if header.keys().any(|key| !ALLOWED.contains(&key.as_str())) {
            return Err(Why::HeaderMember);
        }
        for key in ALLOWED {
            json::text(&header, key)?;
        }
        let algorithm = json::text(&header, "alg")?.ok_or(Why::Header)?;
        let algorithm = SigningAlgorithm::parse(algorithm).ok_or(Why::Algorithm)?;
        let kind = match json::text(&header, "typ")? {
            Some("at+jwt" | "application/at+jwt") => Kind::AccessToken,
            Some("JWT") => Kind::Jwt,
            Some(_) | None => return Err(Why::Type),
        };
        let kid = json::text(&header, "kid")?;
        if kid.is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_BYTES) {
            return Err(Why::Header);
        }
        Ok(Self { algorithm, kid: kid.map(str::to_owned), kind })
    }
}

impl From<NotText> for Why {
    /// As what a header's member of a wrong type is refused.
    fn from(_: NotText) -> Self {
        Self::Header
    }
}
