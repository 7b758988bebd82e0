//! Reads a file only if nobody else could have written it.

#[cfg(unix)]
mod unix;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

/// Why a file of the owner's wasn't read. Every variant says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There's no such file.
    #[error("there's no file {}", file.display())]
    Missing {
        /// Which.
        file: PathBuf,
    },
    /// The system refuses.
    #[error("can't read {}: {error}", file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("{} isn't a regular file", file.display())]
    NotAFile {
        /// Which.
        file: PathBuf,
    },
    /// Somebody else could change what it says.
    #[error("{} isn't trusted: others can write {what} (mode {mode:03o}); run: chmod go-w {}", file.display(), at.display())]
    Writable {
        /// The file that was asked for.
        file: PathBuf,
        /// What others can write: the file, or a folder on the way to it.
        at: PathBuf,
        /// The same in words.
        what: &'static str,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error(
        "{} isn't trusted: {} belongs to user {owner}, neither you nor root; make it your own: chown $(id -u) {}",
        file.display(), at.display(), at.display()
    )]
    Foreign {
        /// The file that was asked for.
        file: PathBuf,
        /// What belongs to somebody else: the file, its folder, or a link to it.
        at: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// Somebody else could learn what it says.
    #[error("{} isn't private: others can read it (mode {mode:03o}); run: chmod 600 {}", file.display(), file.display())]
    Readable {
        /// Which.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A chain of links that doesn't end.
    #[error("{} is a link that leads nowhere", file.display())]
    Links {
        /// Which.
        file: PathBuf,
    },
    /// Larger than any such file needs to be.
    #[error("{} has more than {limit} bytes", file.display())]
    TooLarge {
        /// Which.
        file: PathBuf,
        /// The most it may have.
        limit: u64,
    },
    /// Not text.
    #[error("{} isn't UTF-8 text", file.display())]
    NotText {
        /// Which.
        file: PathBuf,
    },
}

/// What changes when a file may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Stamp(Option<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, inode, mode, owner, and the time of the last change to any of them.
    #[cfg(unix)]
    inode: (u64, u64, u32, u32, i64, i64),
}

impl Stamp {
    /// The stamp of a file, through links; one that can't be looked at has a stamp of its own.
    pub(crate) fn of(file: &Path) -> Self {
        Self(std::fs::metadata(file).ok().map(|metadata| Facts::from(&metadata)))
    }
}

impl From<&Metadata> for Facts {
    fn from(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (
                metadata.dev(),
                metadata.ino(),
                metadata.mode(),
                metadata.uid(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            ),
        }
    }
}

/// Reads a text file that only its owner, who is the caller or root, can change.
///
/// That means: others can write neither the file nor the folder it's in; a link on the way belongs
/// to the caller or root; and no folder on the way can be changed by everybody, unless it's sticky
/// (as `/tmp`) or on a read-only file system. On systems without Unix permissions nothing is checked.
pub(crate) fn read(file: &Path, limit: u64) -> Result<String, ReadError> {
    let bytes = read_bytes(file, limit, false)?;
    String::from_utf8(bytes).map_err(|_| ReadError::NotText { file: file.to_owned() })
}

/// Reads a text file as [`read`] does, if besides nobody but its owner can read it.
pub(crate) fn read_private(file: &Path, limit: u64) -> Result<Zeroizing<String>, ReadError> {
    let bytes = Zeroizing::new(read_bytes(file, limit, true)?);
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(ReadError::NotText { file: file.to_owned() }),
    }
}

fn read_bytes(file: &Path, limit: u64, private: bool) -> Result<Vec<u8>, ReadError> {
    let io = |error: io::Error| {
        let file = file.to_owned();
        if error.kind() == io::ErrorKind::NotFound {
            ReadError::Missing { file }
        } else {
            ReadError::Io { file, error }
        }
    };
    // Asked before opening, because opening a pipe would wait for its writer.
    if !std::fs::metadata(file).map_err(io)?.is_file() {
        return Err(ReadError::NotAFile { file: file.to_owned() });
    }
    let opened = File::open(file).map_err(io)?;
    let metadata = opened.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile { file: file.to_owned() });
    }
    #[cfg(unix)]
    unix::check(file, &metadata)?;
    #[cfg(unix)]
    if private {
        unix::check_private(file, &metadata)?;
    }
    #[cfg(not(unix))]
    let _ = private;
    // Sized once: a growing buffer would leave pieces of a secret behind.
    let expected = metadata.len().min(limit).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    opened.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(ReadError::TooLarge { file: file.to_owned(), limit });
    }
    Ok(bytes)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
