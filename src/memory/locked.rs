//! A key that never leaves its page except into a cipher.

use std::fmt;

use rand::TryRng;
use rand::rngs::SysRng;

use super::Refusal;
use super::pages::{Page, Protection};

/// The length of a key.
pub const KEY_BYTES: usize = 32;

/// 32 random bytes in a page of their own, wiped on drop.
///
/// Fresh for each process, never written anywhere and never shown: there's no way to make one from
/// known bytes, and none to copy one.
pub struct LockedKey(Page);

/// Why there's no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gave no memory.
    #[error("no memory for the cache's key: {0}")]
    Memory(Refusal),
    /// The system gave no randomness.
    #[error("no randomness for the cache's key")]
    Randomness,
}

impl LockedKey {
    /// Draws a key from the system's randomness, straight into its page.
    pub fn generate() -> Result<Self, KeyError> {
        let mut page = Page::new().map_err(KeyError::Memory)?;
        let bytes = page.bytes_mut().first_chunk_mut::<KEY_BYTES>().ok_or(KeyError::Memory(Refusal::System))?;
        SysRng.try_fill_bytes(bytes).map_err(|_| KeyError::Randomness)?;
        Ok(Self(page))
    }

    /// Lends the key to a cipher.
    pub fn with<T>(&self, work: impl FnOnce(&[u8]) -> T) -> T {
        work(self.0.bytes().get(..KEY_BYTES).unwrap_or_default())
    }

    /// How well the key is kept from being seen.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.0.protection()
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_another_one() {
        let (one, two) = (LockedKey::generate().unwrap(), LockedKey::generate().unwrap());
        one.with(|one| {
            assert_eq!(one.len(), KEY_BYTES);
            assert!(one.iter().any(|byte| *byte != 0));
            two.with(|two| assert!(one != two));
        });
    }

    #[test]
    fn a_key_says_nothing_about_itself() {
        assert_eq!(format!("{:?}", LockedKey::generate().unwrap()), "LockedKey");
    }
}
