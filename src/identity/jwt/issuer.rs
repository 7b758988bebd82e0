//! An issuer whose tokens are accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::jwks::KeyStore;
use crate::model::SigningAlgorithm;

/// An issuer, and what its tokens must be.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its name: the `iss` of its tokens, byte for byte.
    pub issuer: String,
    /// The only `aud` its tokens may have.
    pub audience: String,
    /// Where its keys are.
    pub keys: KeysFrom,
    /// What its tokens may be signed with.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The claim that names the principal.
    pub principal_claim: String,
    /// What the principal's name begins with, so that it's no other issuer's.
    pub principal_prefix: String,
    /// The longest time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// The scopes that its tokens must have, all of them.
    pub scopes: Vec<String>,
}

/// Where an issuer's public keys (RFC 7517) come from.
#[derive(Debug, Clone)]
pub enum KeysFrom {
    /// The issuer publishes them.
    Url(Url),
    /// A person put them here.
    File {
        /// Where.
        file: PathBuf,
        /// How it's read: whoever can change the file can be anybody, so it takes care.
        read: ReadKeys,
    },
}

/// Reads a file of at most so many bytes that only its owner can change, or says why not.
pub type ReadKeys = fn(&Path, u64) -> Result<String, String>;

/// An issuer in service: its settings were checked, and its keys are at hand.
#[derive(Debug)]
pub(in crate::identity) struct Trusted {
    pub(in crate::identity) settings: Issuer,
    pub(in crate::identity) keys: Arc<KeyStore>,
}
