//! One change at a time in each vault.
//!
//! 1Password counts a vault's version up with every change, so two changes at once get in each
//! other's way even if they're to different items. Within this process they take turns; other
//! processes that share the state folder wait for a lock on a file in it.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout_at};

use super::budget::{make_private_folder, private_file};
use crate::custody::error::SourceError;
use crate::model::{SourceName, VaultId};

/// How long others are waited for: a few of their changes, each with its reading back.
const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// Who may write.
#[derive(Debug)]
pub(super) struct Locks {
    source: SourceName,
    folder: Option<PathBuf>,
    here: Mutex<HashMap<VaultId, Arc<tokio::sync::Mutex<()>>>>,
}

/// The sole right to change a vault, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _file: Option<File>,
    _here: OwnedMutexGuard<()>,
}

impl Locks {
    pub(super) fn new(source: SourceName, folder: Option<PathBuf>) -> Self {
        Self { source, folder, here: Mutex::default() }
    }

    /// Waits for the right to change a vault.
    pub(super) async fn take(&self, vault: &VaultId) -> Result<Turn, SourceError> {
        let patience = Instant::now() + PATIENCE;
        let here =
            Arc::clone(self.here.lock().unwrap_or_else(PoisonError::into_inner).entry(vault.clone()).or_default());
        let here = timeout_at(patience, here.lock_owned()).await.map_err(|_| self.busy())?;
        let file = match self.path(vault) {
            Some((folder, path)) => {
                let opened = tokio::task::spawn_blocking(move || {
                    make_private_folder(&folder)?;
                    private_file(&path)
                });
                let file = opened.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
                Some(self.lock(file.map_err(|error| self.broken(&error))?, patience).await?)
            }
            None => None,
        };
        Ok(Turn { _file: file, _here: here })
    }

    async fn lock(&self, file: File, patience: Instant) -> Result<File, SourceError> {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(self.busy()),
                Err(TryLockError::Error(error)) => return Err(self.broken(&error)),
            }
        }
    }

    /// The folder and the file in it.
    fn path(&self, vault: &VaultId) -> Option<(PathBuf, PathBuf)> {
        let folder = self.folder.clone()?;
        let path = folder.join(format!("{}.{}.lock", self.source, vault.as_str()));
        Some((folder, path))
    }

    fn busy(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.source.clone(),
            detail: "others have been changing this vault for a minute".to_owned(),
            remedy: "nothing was changed; try again, and if that doesn't help, ask the owner which opward process hangs",
        }
    }

    fn broken(&self, error: &io::Error) -> SourceError {
        SourceError::Unavailable {
            source_name: self.source.clone(),
            detail: format!("the vault can't be locked against other processes: {error}"),
            remedy: "nothing was changed; ask the owner to check that opward's state folder can be written to",
        }
    }
}
