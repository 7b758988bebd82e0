//! What a path really leads to, and who could change that.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, open, openat};

const GROUP_OR_OTHERS: u32 = 0o022;
/// Anything at all that a group or others may do.
const OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;
/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// Where the system has links of its own, such as `/var/run` and `/home`.
const SYSTEMS: [&str; 2] = ["/", "/var"];

/// A handle that names something without opening it: neither a pipe nor a device notices.
#[cfg(target_os = "linux")]
const HANDLE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const HANDLE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What has to be true of the way to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nobody but root and the caller can make it lead elsewhere.
    OnlyOurs,
    /// It has no links but the system's own, such as `/var/run`. Its folders may be anybody's, so that whoever can
    /// change them could otherwise make it lead elsewhere.
    WithoutLinks,
}

/// Follows an absolute path step by step, as the system does, and gives the same place without a link in its path.
pub(super) fn resolve(path: &Path, way: Way) -> Result<PathBuf, String> {
    if !path.is_absolute() {
        return Err(format!("{} isn't an absolute path", path.display()));
    }
    let mut ahead = steps(path);
    let mut at = PathBuf::from("/");
    let mut links = 0_usize;
    while let Some(step) = ahead.pop_front() {
        if step == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&step);
        let found = std::fs::symlink_metadata(&next).map_err(|error| not_there(path, &next, &error))?;
        if way == Way::OnlyOurs {
            check_folder(path, &at)?;
        }
        if !found.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(format!("{} is a link that leads nowhere", path.display()));
        }
        check_link(path, &at, &next, &found, way)?;
        let target = std::fs::read_link(&next).map_err(|error| not_there(path, &next, &error))?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        let mut target = steps(&target);
        target.append(&mut ahead);
        ahead = target;
    }
    Ok(at)
}

/// Opens a resolved path, which has no link in it: one that has come up since is refused.
pub(super) fn open_resolved(path: &Path) -> Result<OwnedFd, String> {
    let root = open("/", HANDLE | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let root = root.map_err(|error| not_there(path, Path::new("/"), &error.into()))?;
    descend(root, path, steps(path).iter().map(OsString::as_os_str))
}

/// Goes down from an opened folder by plain names, each without following a link, and opens what's at the end.
///
/// It works where a container's filter refuses `openat2`, and means the same: each name is looked up in the very
/// folder that was opened before it, so that nothing can lead out.
pub(super) fn descend<'a>(
    mut at: OwnedFd,
    named: &Path,
    names: impl Iterator<Item = &'a OsStr>,
) -> Result<OwnedFd, String> {
    for name in names {
        let flags = HANDLE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = openat(at.as_fd(), name, flags, Mode::empty());
        let next = next.map_err(|error| not_there(named, Path::new(name), &error.into()))?;
        let kind = fstat(&next).map(|found| FileType::from_raw_mode(found.st_mode));
        if kind.map_err(|error| not_there(named, Path::new(name), &error.into()))? == FileType::Symlink {
            return Err(format!(
                "{} is reached through a link, {}; name the real place",
                named.display(),
                name.display()
            ));
        }
        at = next;
    }
    Ok(at)
}

/// The path under which a process finds a descriptor of its own.
#[cfg(target_os = "linux")]
pub(super) fn of_descriptor(descriptor: &OwnedFd) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

/// Whether something is there, and a folder that belongs to this user alone.
pub(super) fn is_private_folder(path: &Path) -> bool {
    let stat = rustix::fs::statat(CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|found| {
        FileType::from_raw_mode(found.st_mode) == FileType::Directory
            && found.st_uid == rustix::process::geteuid().as_raw()
            && found.st_mode & OTHERS == 0
    })
}

/// Whether something belongs to root or to the caller.
pub(super) fn is_ours(owner: u32) -> bool {
    owner == ROOT || owner == rustix::process::geteuid().as_raw()
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().filter_map(step).collect()
}

fn check_folder(path: &Path, folder: &Path) -> Result<(), String> {
    let found = std::fs::metadata(folder).map_err(|error| not_there(path, folder, &error))?;
    if !is_ours(found.uid()) {
        return Err(foreign(path, folder, found.uid()));
    }
    // In a sticky folder only an entry's owner can replace it, and that is looked at next.
    if found.mode() & GROUP_OR_OTHERS != 0 && found.mode() & STICKY == 0 {
        return Err(writable(path, folder, found.mode()));
    }
    Ok(())
}

fn check_link(path: &Path, folder: &Path, link: &Path, found: &Metadata, way: Way) -> Result<(), String> {
    let folder = folder.as_os_str();
    match way {
        Way::OnlyOurs if is_ours(found.uid()) => Ok(()),
        Way::OnlyOurs => Err(foreign(path, link, found.uid())),
        Way::WithoutLinks if found.uid() == ROOT && SYSTEMS.iter().any(|systems| folder == *systems) => Ok(()),
        Way::WithoutLinks => {
            Err(format!("{} is reached through a link, {}; name the real place", path.display(), link.display()))
        }
    }
}

fn not_there(path: &Path, at: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return format!("{} isn't there", path.display());
    }
    format!("{} can't be reached: {}: {error}", path.display(), at.display())
}

pub(super) fn foreign(path: &Path, at: &Path, owner: u32) -> String {
    format!("{} isn't trusted: {} belongs to user {owner}, neither you nor root", path.display(), at.display())
}

pub(super) fn writable(path: &Path, at: &Path, mode: u32) -> String {
    let (path, at, mode) = (path.display(), at.display(), mode & 0o777);
    format!("{path} isn't trusted: others can write {at} (mode {mode:03o}); run: chmod go-w {at}")
}

#[cfg(test)]
mod tests;
