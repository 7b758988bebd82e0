//! Who can write in a folder that a command takes files from.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

const GROUP_OR_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// How a folder stands to the user that this runs as, which is the user that an agent runs as more often than not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// That user can't change what's in it.
    Shut,
    /// That user can; or, if it's root, another user.
    Open,
    /// It can't be looked at; most likely it isn't there.
    Unseen,
}

impl Folder {
    /// Looks at a folder, and at those above it: who can write there can put another in its place.
    pub(super) fn at(folder: &Path) -> Self {
        let Ok(folder) = std::fs::canonicalize(folder) else { return Self::Unseen };
        for (above, step) in folder.ancestors().enumerate() {
            let Ok(metadata) = std::fs::metadata(step) else { return Self::Unseen };
            // In a sticky folder nobody but its owner replaces what's another's.
            let is_kept = above > 0 && metadata.uid() == 0 && metadata.mode() & STICKY != 0;
            if !is_kept && is_open(step, &metadata) {
                return Self::Open;
            }
        }
        Self::Shut
    }
}

fn is_open(folder: &Path, metadata: &Metadata) -> bool {
    let user = rustix::process::geteuid();
    if user.is_root() {
        // Whatever root itself does with it, others are meant.
        metadata.uid() != 0 || metadata.mode() & GROUP_OR_OTHERS != 0
    } else {
        // Its owner can give the right back that it took away.
        metadata.uid() == user.as_raw() || rustix::fs::accessat(CWD, folder, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_own_folder_is_open_whatever_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("migrations");
        assert_eq!(Folder::at(&folder), Folder::Unseen);
        std::fs::create_dir(&folder).unwrap();
        // Root's own folder is shut, also to root, unless others may write in it.
        let is_root = rustix::process::geteuid().is_root();
        let mine = if is_root { Folder::Shut } else { Folder::Open };
        for (mode, expected) in [(0o700, mine), (0o755, mine), (0o500, mine), (0o777, Folder::Open)] {
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Folder::at(&folder), expected, "{mode:o}");
        }
        // What can be replaced as a whole is as open as what it's in.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Folder::at(&folder), Folder::Open);
    }

    #[test]
    fn roots_folders_are_shut() {
        assert_eq!(Folder::at(Path::new("/usr/bin")), Folder::Shut);
    }
}
