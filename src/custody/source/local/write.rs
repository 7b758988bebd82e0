//! Changing a vault file so that nobody's edit is lost and no moment is without a whole file.
//!
//! A change is made on top of what's on disk, written to a new file beside it, read back from there,
//! and the two files change places in one step. What came out of that step is compared with what the
//! change was made on: had another program saved in between, the files change back and the change is
//! made again. Programs that know nothing of our lock are covered by that comparison.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keepass::Database;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use uuid::Uuid;

use super::compare::same;
use super::error::LocalError;
use super::file::{self, Sealed};
use super::stamp::Stamp;
use super::unlock::{Unlock, sync_folder};
use crate::model::Clock;

/// How long another writer of ours is waited for. A write takes milliseconds, or with a password a
/// few derivations of its key.
const PATIENCE: Duration = Duration::from_secs(15);

const PAUSE: Duration = Duration::from_millis(5);

/// The sole right to write a vault among opward's processes, given back when dropped.
pub(super) struct Turn {
    _lock: File,
    target: PathBuf,
}

impl Turn {
    /// Waits for the right to write, and removes what writers that died may have left.
    pub(super) fn take(file: &Path) -> Result<Self, LocalError> {
        // The file a link points to is the one that's replaced, so that the link stays.
        let target = fs::canonicalize(file).map_err(|error| LocalError::reading(file, &error))?;
        let metadata = fs::metadata(&target).map_err(|error| LocalError::reading(file, &error))?;
        if metadata.permissions().readonly() {
            return Err(LocalError::read_only(file, "the file is write-protected"));
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(beside(&target, ".lock")).map_err(|error| LocalError::writing(file, &error))?;
        let patience = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < patience => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(LocalError::unavailable(
                        file,
                        "another opward holds its lock",
                        "try again; if that doesn't help, ask the owner which opward process hangs",
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(LocalError::writing(file, &error)),
            }
        }
        sweep(&target);
        Ok(Self { _lock: lock, target })
    }

    /// Puts new contents in place of the file that had the `original` ones, and gives its stamp;
    /// `None` means that another program has changed the file meanwhile.
    pub(super) fn replace(
        &self,
        original: &[u8],
        db: &mut Database,
        unlock: &Unlock,
    ) -> Result<Option<Stamp>, LocalError> {
        let failed = |error: io::Error| LocalError::writing(&self.target, &error);
        let bytes = file::seal(&self.target, db, unlock.key()?)?;
        let permissions = fs::metadata(&self.target).map_err(failed)?.permissions();
        let new = Temporary::write(&self.target, &bytes).map_err(failed)?;
        verify(&new.0, &bytes, db, unlock)?;
        if permissions.mode() & 0o777 != 0o600 {
            fs::set_permissions(&new.0, permissions).map_err(failed)?;
        }
        if !swap(&new, &self.target, original, &bytes).map_err(failed)? {
            return Ok(None);
        }
        sync_folder(&self.target).map_err(failed)?;
        // Another program may have saved over ours right away: on what, only a new look can say.
        let there = Sealed::read(&self.target)?;
        Ok((there.bytes == bytes).then_some(there.stamp))
    }
}

/// Makes a new vault without any entry. It never replaces a file.
pub(super) fn create(file: &Path, unlock: &Unlock, clock: &Clock) -> Result<(), LocalError> {
    let failed = |error: io::Error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            LocalError::unavailable(file, "there's a file already", "ask the owner to choose another file")
        } else {
            LocalError::writing(file, &error)
        }
    };
    let mut db = file::empty(unlock, clock);
    let bytes = file::seal(file, &mut db, unlock.key()?)?;
    let new = Temporary::write(file, &bytes).map_err(failed)?;
    verify(&new.0, &bytes, &db, unlock)?;
    // Giving the file its name is one step, and fails if the name is taken.
    match renameat_with(CWD, &new.0, CWD, file, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::hard_link(&new.0, file).map_err(failed)?,
        other => other.map_err(|error| failed(error.into()))?,
    }
    drop(new);
    sync_folder(file).map_err(failed)
}

/// Opens what was written, from disk, and compares all of it with what was meant.
fn verify(new: &Path, bytes: &[u8], db: &Database, unlock: &Unlock) -> Result<(), LocalError> {
    let written = fs::read(new).map_err(|error| LocalError::writing(new, &error))?;
    let read = file::parse(new, &written, unlock.key()?, unlock)?;
    if written == bytes && same(&read, db) {
        Ok(())
    } else {
        let what = "what was written doesn't read back as it should, so the vault was left as it is";
        Err(LocalError::damaged(new, what))
    }
}

/// Lets the new file and the old one change places, and keeps the old one as the previous generation.
fn swap(new: &Temporary, target: &Path, original: &[u8], bytes: &[u8]) -> io::Result<bool> {
    if fs::read(target)? != original {
        return Ok(false);
    }
    let previous = beside(target, ".bak");
    match renameat_with(CWD, &new.0, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => {
            // Between the look above and the exchange another program may have saved.
            if fs::read(&new.0)? == original {
                fs::rename(&new.0, previous)?;
                return Ok(true);
            }
            renameat_with(CWD, &new.0, CWD, target, RenameFlags::EXCHANGE)?;
            if fs::read(&new.0)? != bytes {
                fs::rename(&new.0, beside(target, &format!(".rescued-{}", Uuid::now_v7())))?;
            }
            Ok(false)
        }
        // This file system can't exchange two names. The old file gets a second one first.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let second = Temporary(temporary_name(target));
            fs::hard_link(target, &second.0).or_else(|_| fs::copy(target, &second.0).map(|_| ()))?;
            fs::rename(&second.0, previous)?;
            fs::rename(&new.0, target)?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

/// A file that's removed unless it was given another name.
struct Temporary(PathBuf);

impl Temporary {
    fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let new = Self(temporary_name(target));
        let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new.0)?;
        open.write_all(bytes)?;
        open.sync_all()?;
        Ok(new)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It's usually gone by then, under its new name.
        let _ = fs::remove_file(&self.0);
    }
}

/// The target's name with something after it.
fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn temporary_name(target: &Path) -> PathBuf {
    beside(target, &format!("{TEMPORARY}{}", Uuid::now_v7()))
}

const TEMPORARY: &str = ".opward-new-";

/// Removes what writers left that died before their turn was over. Only the one whose turn it is
/// writes such files, so none of them is in use.
fn sweep(target: &Path) {
    let Some(folder) = target.parent() else { return };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let left = beside(target, TEMPORARY);
    let left = left.as_os_str().as_encoded_bytes();
    for entry in entries.flatten() {
        if entry.path().as_os_str().as_encoded_bytes().starts_with(left) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
