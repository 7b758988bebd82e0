//! A file or folder that a caller names below a folder that the policy names.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, fstat};

use super::job::NotRun;
use super::place::{self, Way};

/// Opens what's meant, and gives the text that names it.
///
/// A file of several names is refused: a hard link is a way out of a folder that no look at a path can see.
pub(super) fn open_under(root: &Path, relative: &str) -> Result<(OsString, OwnedFd), NotRun> {
    let named = root.join(relative);
    let refused = |text: String| NotRun::Parameter(text);
    if relative.split('/').any(|name| matches!(name, "" | "." | "..") || name.contains('\0')) {
        return Err(refused(format!("{relative:?} isn't a plain way below {}", root.display())));
    }
    let real = place::resolve(root, Way::WithoutLinks).map_err(refused)?;
    let folder = place::open_resolved(&real).map_err(refused)?;
    let opened = place::descend(folder, &named, relative.split('/').map(OsStr::new)).map_err(refused)?;
    let found = fstat(&opened).map_err(|error| NotRun::system(&named.display().to_string(), error))?;
    let kind = FileType::from_raw_mode(found.st_mode);
    if !matches!(kind, FileType::Directory | FileType::RegularFile) {
        return Err(refused(format!("{} is neither a file nor a folder", named.display())));
    }
    if kind == FileType::RegularFile && found.st_nlink != 1 {
        return Err(refused(format!(
            "{} has other names (hard links), so it may be a file from elsewhere; copy it to where it's needed",
            named.display()
        )));
    }
    Ok((named.into_os_string(), opened))
}

#[cfg(test)]
mod tests;
