//! The policy in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Policy;
use super::file::LoadError;
use super::trusted::Stamp;
use crate::model::{PolicyHash, Standing};

/// The policy in force. Readers get a whole policy, the old or the new one, and never wait for a load.
#[derive(Debug)]
pub struct PolicyStore {
    file: PathBuf,
    current: RwLock<Policy>,
    loaded: Mutex<Loaded>,
}

/// What's known of the file since it was last read.
#[derive(Debug, Default)]
struct Loaded {
    stamp: Stamp,
    error: Option<Arc<LoadError>>,
}

/// What came of reading the file again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReloadEvent {
    /// A policy took the place of the one before.
    Loaded {
        /// Its hash.
        hash: PolicyHash,
    },
    /// The file was refused; the policy before stays in force.
    Rejected {
        /// Why.
        error: Arc<LoadError>,
        /// The policy that stays.
        kept: PolicyHash,
    },
}

impl PolicyStore {
    /// Reads the file. If that fails everything is denied, [`PolicyStore::last_error`] says why, and
    /// [`watch`](super::watch()) takes the file as soon as it's good.
    #[must_use]
    pub fn open(file: PathBuf) -> Self {
        let store = Self { file, current: RwLock::new(Policy::nothing()), loaded: Mutex::default() };
        store.reload();
        store
    }

    /// Keeps a policy that comes from no file.
    #[must_use]
    pub fn fixed(policy: Policy) -> Self {
        Self { file: PathBuf::new(), current: RwLock::new(policy), loaded: Mutex::default() }
    }

    /// The policy in force.
    #[must_use]
    pub fn current(&self) -> Policy {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the file isn't in force as it is now; `None` if it is.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<LoadError>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).error.clone()
    }

    /// Whether there's a policy, and whether it's the one in the file.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let is_loaded = self.current.read().unwrap_or_else(PoisonError::into_inner).is_loaded();
        match (is_loaded, self.last_error()) {
            (false, _) => Standing::Down,
            (true, Some(_)) => Standing::Degraded,
            (true, None) => Standing::Ok,
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads the file now: builds the new policy, then swaps. A bad file keeps the old one.
    pub fn reload(&self) -> ReloadEvent {
        // Taken before reading: a write in between makes the stamp differ at the next look.
        let stamp = Stamp::of(&self.file);
        let outcome = Policy::load(&self.file);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.stamp = stamp;
        match outcome {
            Ok(policy) => {
                let hash = policy.hash();
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = policy;
                loaded.error = None;
                ReloadEvent::Loaded { hash }
            }
            Err(error) => {
                let error = Arc::new(error);
                loaded.error = Some(Arc::clone(&error));
                ReloadEvent::Rejected { error, kept: self.current().hash() }
            }
        }
    }

    /// The file's stamp when it was last read.
    pub(super) fn stamp(&self) -> Stamp {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).stamp.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_as_well_as_its_file() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("policy.toml");
        let store = PolicyStore::open(file.clone());
        assert_eq!(store.standing(), Standing::Down);
        std::fs::write(&file, "version = 1\n").unwrap();
        store.reload();
        assert_eq!((store.standing(), store.last_error().map(|_| ())), (Standing::Ok, None));
        std::fs::write(&file, "version = ").unwrap();
        store.reload();
        assert_eq!(store.standing(), Standing::Degraded);
    }
}
