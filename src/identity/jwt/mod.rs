//! Access tokens of an issuer: signed JWTs (RFC 7519, RFC 9068), judged strictly.
//!
//! Of the library only the signature's verification is used. What a token *is*, how it's written and
//! what its claims must be is decided here: the library's own validation ignores claims of a wrong
//! type, lists of audiences, extensions it was told to understand, and keys named twice.

mod algorithm;
mod base64url;
mod claims;
mod compact;
mod fetch;
mod header;
mod issuer;
mod json;
mod jwks;
mod key;
mod keys;
mod keys_file;
mod place;

use std::sync::Arc;

pub(super) use fetch::{Patience, client, may_be_asked};
pub(super) use issuer::Trusted;
pub use issuer::{Issuer, KeysFrom, ReadKeys};
pub(super) use jwks::KeyStore;
pub use keys::KeySetError;
pub(super) use keys_file::KeysFile;
pub use place::LoadError;
pub(super) use place::Place;

use self::claims::Claims;
use self::compact::Compact;
use self::header::Header;
use self::keys::{KeySet, NoKey};
use super::cache::Verified;
use super::rejection::{Rejection, Why};
use super::time::Times;

/// Judges a token.
///
/// Nothing that it says counts before its signature is verified, but which key that's to be done with.
pub(super) async fn verify(token: &str, issuers: &[Trusted], times: &Times) -> Result<Verified, Rejection> {
    let compact = Compact::parse(token).map_err(Rejection::Invalid)?;
    let header = Header::parse(&compact.header).map_err(Rejection::Invalid)?;
    let claims = Claims::parse(&compact.payload).map_err(Rejection::Invalid)?;
    let named = |(_, issuer): &(usize, &Trusted)| claims.issuer() == Some(issuer.settings.issuer.as_str());
    let (index, issuer) = issuers.iter().enumerate().find(named).ok_or(Rejection::Invalid(Why::Issuer))?;
    if !issuer.settings.algorithms.contains(&header.algorithm) {
        return Err(Rejection::Invalid(Why::Algorithm));
    }
    let keys = verified_with(&compact, &header, issuer).await?;
    // Asked for only now: the keys may have been long in coming.
    let now = times.now().ok_or(Rejection::Invalid(Why::Clock))?;
    let claimed = claims.judge(&issuer.settings, header.kind, now)?;
    Ok(Verified {
        name: claimed.name,
        claims: Arc::new(claimed.claims),
        life: claimed.life,
        issuer: index,
        generation: keys.generation(),
    })
}

/// Verifies the signature, and says with which of the issuer's key sets.
async fn verified_with(compact: &Compact<'_>, header: &Header, issuer: &Trusted) -> Result<Arc<KeySet>, Rejection> {
    let mut keys = issuer.keys.current().await.ok_or(Rejection::Unavailable)?;
    let kid = header.kid.as_deref();
    let key = match keys.find(kid, header.algorithm) {
        // It may be newer than what's known.
        Err(NoKey::Unknown) if kid.is_some() => {
            keys = issuer.keys.newer_than(&keys).await.ok_or(Rejection::Unavailable)?;
            keys.find(kid, header.algorithm)
        }
        found => found,
    };
    let verified = key.map_err(|none| Rejection::Invalid(none.into()))?.verifies(header.algorithm, compact);
    if verified { Ok(keys) } else { Err(Rejection::Invalid(Why::Signature)) }
}

impl From<NoKey> for Why {
    fn from(none: NoKey) -> Self {
        match none {
            NoKey::Unknown | NoKey::Several => Self::Key,
            NoKey::Unfit => Self::Algorithm,
        }
    }
}
