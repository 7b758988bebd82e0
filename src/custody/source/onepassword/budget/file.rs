//! The count of requests as a file that several processes share.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Limits;
use super::ledger::Ledger;
use crate::model::SourceName;

/// Where the count of one source's requests is kept.
#[derive(Debug)]
pub(super) struct LedgerFile {
    folder: PathBuf,
    file: PathBuf,
    new: PathBuf,
    lock: PathBuf,
}

impl LedgerFile {
    /// The file of a source. Nothing is touched yet.
    pub(super) fn new(folder: &Path, source: &SourceName) -> Self {
        let file = |ending: &str| folder.join(format!("{source}.quota.{ending}"));
        Self { folder: folder.to_owned(), file: file("json"), new: file("new"), lock: file("lock") }
    }

    /// Reads the count, lets it be changed, and writes it, while all other processes wait.
    pub(super) fn change<T>(
        &self,
        limits: Option<&Limits>,
        now: i64,
        work: impl FnOnce(&mut Ledger) -> T,
    ) -> io::Result<T> {
        make_private_folder(&self.folder)?;
        // Each holds it for one small file's reading and writing, so there's no need for patience.
        let lock = private_file(&self.lock)?;
        lock.lock()?;
        let before = self.bytes()?;
        let mut ledger = self.understand(before.as_deref(), limits, now);
        let done = work(&mut ledger);
        let after = serde_json::to_vec(&ledger)?;
        if before.as_ref() != Some(&after) {
            // The old count or the new one, never half of one, whenever the process ends.
            private_file(&self.new).and_then(|mut file| {
                file.set_len(0)?;
                file.write_all(&after)
            })?;
            fs::rename(&self.new, &self.file)?;
        }
        Ok(done)
    }

    /// The count as it's written, to be shown.
    pub(super) fn look(&self, limits: Option<&Limits>, now: i64) -> Ledger {
        match self.bytes() {
            Ok(bytes) => self.understand(bytes.as_deref(), limits, now),
            Err(_) => Ledger::careful(limits, now),
        }
    }

    fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn understand(&self, bytes: Option<&[u8]>, limits: Option<&Limits>, now: i64) -> Ledger {
        let Some(bytes) = bytes else { return Ledger::default() };
        serde_json::from_slice(bytes).unwrap_or_else(|_| {
            tracing::warn!(file = %self.file.display(), "the count of requests can't be read: most of it is taken as spent");
            Ledger::careful(limits, now)
        })
    }
}

/// Makes a folder that only its owner sees into, if it isn't there.
pub(in crate::custody::source::onepassword) fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Opens a file that only its owner reads, and makes it if it isn't there.
pub(in crate::custody::source::onepassword) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}
