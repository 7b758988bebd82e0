//! An issuer's keys from a file.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::issuer::ReadKeys;

use super::keys::MAX_BYTES;
use super::place::{LoadError, Loaded};

/// A file, and how it's read.
#[derive(Debug, Clone)]
pub(in crate::identity) struct KeysFile {
    pub(in crate::identity) file: PathBuf,
    pub(in crate::identity) read: ReadKeys,
}

/// What changes when a file may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and the time of the last change to any of it.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl KeysFile {
    /// Reads the file, unless it's as it was.
    pub(super) fn load(&self, known: Option<&Stamp>) -> Result<Loaded, LoadError> {
        // Taken before reading: a change in between is seen the next time.
        let stamp = Stamp::of(&self.file);
        if stamp.is_some() && stamp.as_ref() == known {
            return Ok(Loaded::Same);
        }
        let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let text = (self.read)(&self.file, limit).map_err(LoadError::File)?;
        Ok(Loaded::New { bytes: text.into_bytes(), stamp })
    }
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        std::fs::metadata(file).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
