//! The keys an issuer lists at one time.

use aws_lc_rs::digest;
use serde_json::Value;

use super::json;
use super::key::Key;
use crate::model::SigningAlgorithm;

/// The most bytes a list of keys may have.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The most keys it may have.
const MAX_KEYS: usize = 64;

/// An issuer's keys, as it listed them at one time. A later list takes the place of the whole.
#[derive(Debug)]
pub(in crate::identity) struct KeySet {
    keys: Vec<Key>,
    /// Tells whether a later list says the same.
    digest: digest::Digest,
    generation: u64,
}

/// Why there's no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// None is listed by that name.
    Unknown,
    /// The one that's listed is for other algorithms.
    Unfit,
    /// More than one could be meant.
    Several,
}

/// A list that can't be believed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// More bytes than a list of keys needs.
    #[error("it has more than {} KiB", MAX_BYTES >> 10)]
    TooLong,
    /// Not a JWK set.
    #[error("it isn't a JWK set: a JSON object with a list `keys`, in which no name stands twice")]
    NotASet,
    /// More keys than an issuer needs.
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
}

impl KeySet {
    /// Reads a JWK set. Keys that can't be used here, as those for encryption, are passed over.
    pub(super) fn parse(bytes: &[u8], generation: u64) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_BYTES {
            return Err(KeySetError::TooLong);
        }
        let set = json::object(bytes).ok_or(KeySetError::NotASet)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotASet)?;
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let listed: Option<Vec<_>> = listed.iter().map(Value::as_object).collect();
        let keys = listed.ok_or(KeySetError::NotASet)?.into_iter().filter_map(Key::parse).collect();
        Ok(Self { keys, digest: digest::digest(&digest::SHA256, bytes), generation })
    }

    /// The key for a token, if it's clear which one that is.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Result<&Key, NoKey> {
        let named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        if !self.keys.iter().any(|key| named(&key)) {
            return Err(NoKey::Unknown);
        }
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(NoKey::Several),
            (None, _) => Err(NoKey::Unfit),
        }
    }

    /// How many keys can be used.
    pub(in crate::identity) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Which of the issuer's lists this is.
    pub(in crate::identity) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether two lists are the same text.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.digest.as_ref() == other.digest.as_ref()
    }
}

#[cfg(test)]
mod tests;
