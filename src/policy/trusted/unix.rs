//! Owners and modes on the way to a file.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::StatVfsMountFlags;

use super::ReadError;

const GROUP_OR_OTHERS: u32 = 0o022;
const ANYTHING_FOR_OTHERS: u32 = 0o077;
const OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;
/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// `metadata` is that of the opened file.
pub(super) fn check(file: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    check_owner(file, file, metadata)?;
    if metadata.mode() & GROUP_OR_OTHERS != 0 {
        return Err(writable(file, file, "the file", metadata));
    }
    check_way(file)
}

/// Whether nobody but the owner can read an opened file.
pub(super) fn check_private(file: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    let mode = metadata.mode() & 0o777;
    if mode & ANYTHING_FOR_OTHERS != 0 {
        return Err(ReadError::Readable { file: file.to_owned(), mode });
    }
    Ok(())
}

/// Follows the path step by step, as the system does, and looks at each folder and link.
fn check_way(file: &Path) -> Result<(), ReadError> {
    let io = |error: io::Error| ReadError::Io { file: file.to_owned(), error };
    let mut ahead = steps(&std::path::absolute(file).map_err(io)?);
    let mut at = PathBuf::from("/");
    let mut links = 0_usize;
    while let Some(step) = ahead.pop_front() {
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&step);
        let metadata = std::fs::symlink_metadata(&next).map_err(io)?;
        if metadata.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                return Err(ReadError::Links { file: file.to_owned() });
            }
            check_owner(file, &next, &metadata)?;
            check_folder(file, &at, true)?;
            let target = std::fs::read_link(&next).map_err(io)?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            let mut target = steps(&target);
            target.append(&mut ahead);
            ahead = target;
        } else {
            check_folder(file, &at, ahead.is_empty())?;
            at = next;
        }
    }
    Ok(())
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().filter_map(step).collect()
}

/// `holds` says whether the folder holds the file or a link to it, and so could give it another content.
fn check_folder(file: &Path, folder: &Path, holds: bool) -> Result<(), ReadError> {
    let error = |error: io::Error| ReadError::Io { file: file.to_owned(), error };
    let metadata = std::fs::metadata(folder).map_err(error)?;
    // Group members may well be trusted with a home folder's parents, but not with the folder itself.
    let refused = if holds { GROUP_OR_OTHERS } else { OTHERS };
    if metadata.mode() & refused == 0 || metadata.mode() & STICKY != 0 || is_read_only(folder) {
        return if holds { check_holder(file, folder, &metadata) } else { Ok(()) };
    }
    Err(writable(file, folder, "a folder on the way to it", &metadata))
}

fn check_holder(file: &Path, folder: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    // In a sticky folder, only the owners of file and folder can replace the file; it's for everybody
    // to use, so it must be root's.
    if is_read_only(folder) { Ok(()) } else { check_owner(file, folder, metadata) }
}

fn check_owner(file: &Path, at: &Path, metadata: &Metadata) -> Result<(), ReadError> {
    let owner = metadata.uid();
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(ReadError::Foreign { file: file.to_owned(), at: at.to_owned(), owner })
}

/// On a read-only file system, such as a mounted Kubernetes volume, modes say nothing.
fn is_read_only(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn writable(file: &Path, at: &Path, what: &'static str, metadata: &Metadata) -> ReadError {
    let mode = metadata.mode() & 0o777;
    ReadError::Writable { file: file.to_owned(), at: at.to_owned(), what, mode }
}
