//! Tokens that were verified and still count.
//!
//! A signature costs tens of microseconds and stays as good as it was, as long as its key is still the
//! issuer's. Only verified tokens get in here, under their digest: whoever can't make one can't push
//! others out, and a token's text is kept nowhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::time::Life;
use crate::model::PrincipalName;
use crate::model::TokenDigest;

/// The most tokens that are remembered.
const MOST: usize = 10_000;

/// How many parts share the work, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// The most tokens of one generation in one part.
const MOST_OF_A_GENERATION: usize = MOST / SHARDS / 2;

/// What a token proved, and for how long it goes on doing so.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) name: PrincipalName,
    pub(super) claims: Arc<BTreeMap<String, String>>,
    pub(super) life: Life,
    /// Which of the issuers.
    pub(super) issuer: usize,
    /// Which of the issuer's key sets it was verified with.
    pub(super) generation: u64,
}

/// All that's remembered.
#[derive(Debug, Default)]
pub(super) struct Cache([Mutex<Shard>; SHARDS]);

/// Two generations: what's used moves to the young one; when that's full, it becomes the old one, and
/// what wasn't used since the last time is forgotten.
#[derive(Debug, Default)]
struct Shard {
    young: HashMap<TokenDigest, Verified>,
    old: HashMap<TokenDigest, Verified>,
}

impl Cache {
    /// What's known of a token.
    pub(super) fn find(&self, digest: &TokenDigest) -> Option<Verified> {
        self.shard(digest, |shard| {
            if let Some(known) = shard.young.get(digest) {
                return Some(known.clone());
            }
            let known = shard.old.remove(digest)?;
            shard.put(*digest, known.clone());
            Some(known)
        })
    }

    /// Remembers a token.
    pub(super) fn put(&self, digest: TokenDigest, verified: Verified) {
        self.shard(&digest, |shard| {
            shard.old.remove(&digest);
            shard.put(digest, verified);
            Some(())
        });
    }

    /// Forgets a token that no longer counts.
    pub(super) fn forget(&self, digest: &TokenDigest) {
        self.shard(digest, |shard| {
            shard.young.remove(digest);
            shard.old.remove(digest);
            Some(())
        });
    }

    fn shard<T>(&self, digest: &TokenDigest, look: impl FnOnce(&mut Shard) -> Option<T>) -> Option<T> {
        let shard = self.0.get(usize::from(digest.as_bytes()[0]) % SHARDS)?;
        look(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shard {
    fn put(&mut self, digest: TokenDigest, verified: Verified) {
        if self.young.len() >= MOST_OF_A_GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::static_token::digest_of;

    fn verified() -> Verified {
        Verified {
            name: PrincipalName::parse("one").unwrap(),
            claims: Arc::default(),
            life: Life { from: 0, until: 1 },
            issuer: 0,
            generation: 1,
        }
    }

    fn size(cache: &Cache) -> usize {
        let size = |shard: &Mutex<Shard>| shard.lock().map(|shard| shard.young.len() + shard.old.len()).unwrap();
        cache.0.iter().map(size).sum()
    }

    #[test]
    fn never_holds_more_than_it_may_and_keeps_what_is_used() {
        let cache = Cache::default();
        let used = digest_of("used");
        cache.put(used, verified());
        for token in 0..30_000 {
            cache.put(digest_of(&token.to_string()), verified());
            assert!(cache.find(&used).is_some(), "{token}");
        }
        assert!(size(&cache) <= MOST, "{}", size(&cache));
        assert!(size(&cache) >= MOST / 3, "{}", size(&cache));
        assert!(cache.find(&digest_of("0")).is_none());
        assert!(cache.find(&digest_of("29999")).is_some());
    }

    #[test]
    fn forgets_what_it_is_told_to() {
        let cache = Cache::default();
        let digest = digest_of("one");
        cache.put(digest, verified());
        cache.forget(&digest);
        assert!(cache.find(&digest).is_none());
        assert_eq!(size(&cache), 0);
    }
}
