//! The log's file: opened so that nobody else can have a hand in it, and never followed elsewhere.

use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::Path;

use rustix::fs::{self as unix, AtFlags, FileType, Mode, OFlags, Stat};

use super::error::{AuditError, Trouble};

/// How many torn pieces are kept before the owner has to look at them.
const MAX_TORN: u32 = 10_000;

/// The open file, and the folder and name it was opened by.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) file: File,
    folder: OwnedFd,
    name: OsString,
    device: unix::Dev,
    inode: u64,
}

impl LogFile {
    /// Opens the file, making it (0600) and its folder (0700) when they aren't there.
    pub(super) fn open(path: &Path) -> Result<Self, AuditError> {
        let folder_path = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or(not_a_file())?.to_owned();
        DirBuilder::new().recursive(true).mode(0o700).create(folder_path).map_err(AuditError::opening)?;
        let folder = unix::open(folder_path, OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY, Mode::empty())
            .map_err(AuditError::opening)?;
        check_folder(&unix::fstat(&folder).map_err(AuditError::opening)?)?;
        // Without O_NONBLOCK, a pipe put in its place would hold us up.
        let flags = OFlags::RDWR
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC
            | OFlags::NONBLOCK
            | OFlags::NOCTTY;
        let opened = unix::openat(&folder, &name, flags, Mode::RUSR | Mode::WUSR).map_err(AuditError::opening)?;
        let stat = unix::fstat(&opened).map_err(AuditError::opening)?;
        check_file(&stat)?;
        let (device, inode) = identity(&stat);
        Ok(Self { file: File::from(opened), folder, name, device, inode })
    }

    /// The file's length, after seeing that it still has a name somewhere.
    pub(super) fn length(&self) -> Result<u64, AuditError> {
        let stat = unix::fstat(&self.file).map_err(AuditError::reading)?;
        if stat.st_nlink == 0 {
            return Err(AuditError::Moved);
        }
        Ok(u64::try_from(stat.st_size).unwrap_or_default())
    }

    /// Checks that its own name still leads to it.
    pub(super) fn check_place(&self) -> Result<(), AuditError> {
        match unix::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if identity(&stat) == (self.device, self.inode) => Ok(()),
            Ok(_) | Err(rustix::io::Errno::NOENT) => Err(AuditError::Moved),
            Err(error) => Err(AuditError::reading(error)),
        }
    }

    /// Writes a whole group of lines, or nothing: what a failed write left behind is cut off again.
    pub(super) fn append(&self, lines: &[u8], end: u64) -> Result<(), AuditError> {
        let failed = match rustix::io::retry_on_intr(|| rustix::io::write(&self.file, lines)) {
            Ok(written) if written == lines.len() => return Ok(()),
            // The rest tells why, and is cut off with the first part if it should succeed in parts.
            Ok(written) => match (&self.file).write_all(lines.get(written..).unwrap_or_default()) {
                Ok(()) => return Ok(()),
                Err(error) => AuditError::writing(error),
            },
            Err(error) => AuditError::writing(error),
        };
        // Should this fail too, the piece is found to be torn by whoever appends next.
        if let Err(error) = unix::ftruncate(&self.file, end) {
            tracing::warn!(kind = %io::Error::from(error).kind(), "a piece of a record stays at the audit log's end");
        }
        Err(failed)
    }

    /// Reads a piece of the file.
    pub(super) fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, AuditError> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, at).map_err(AuditError::reading)?;
        Ok(bytes)
    }

    /// Moves what follows the last whole line into a file of its own, and cuts it off the log.
    pub(super) fn set_aside(&self, torn: &[u8], end: u64) -> Result<(), AuditError> {
        let mut aside = self.create_torn()?;
        aside.write_all(torn).and_then(|()| aside.sync_data()).map_err(AuditError::writing)?;
        unix::ftruncate(&self.file, end).map_err(AuditError::writing)
    }

    fn create_torn(&self) -> Result<File, AuditError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for number in 1..=MAX_TORN {
            let mut name = self.name.clone();
            name.push(format!(".torn-{number}"));
            match unix::openat(&self.folder, &name, flags, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok(File::from(file)),
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(AuditError::writing(error)),
            }
        }
        Err(AuditError::writing(io::Error::from(io::ErrorKind::AlreadyExists)))
    }

    /// Brings the folder's entry for the file to the disk.
    pub(super) fn sync_folder(&self) -> Result<(), AuditError> {
        unix::fsync(&self.folder).map_err(AuditError::syncing)
    }
}

fn identity(stat: &Stat) -> (unix::Dev, u64) {
    (stat.st_dev, stat.st_ino)
}

fn check_file(stat: &Stat) -> Result<(), AuditError> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(not_a_file());
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(AuditError::NotPrivate("it belongs to another user"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(AuditError::NotPrivate("other users may read or write it"));
    }
    Ok(())
}

fn check_folder(stat: &Stat) -> Result<(), AuditError> {
    // In a folder with the sticky bit, only a file's owner can rename or delete it.
    if stat.st_mode & 0o002 != 0 && stat.st_mode & 0o1000 == 0 {
        return Err(AuditError::NotPrivate("everybody may put another file in its place"));
    }
    Ok(())
}

fn not_a_file() -> AuditError {
    AuditError::Io { doing: "the audit log can't be opened", trouble: Trouble::NotAFile }
}
