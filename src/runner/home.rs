//! A private, empty folder for one run: a program's home, and where it puts what's temporary.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::place::is_private_folder;

/// How deep a tree is made removable. Nothing deeper can be reached by a path anyway.
const DEEPEST: usize = 1_000;

/// The folder's name, which whoever starts the run chooses, so that it can be removed whoever ends first.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct HomeName(String);

/// The folder. It's removed with all that's in it when this is dropped.
#[derive(Debug)]
pub(super) struct Home(PathBuf);

impl HomeName {
    /// Takes a name that nobody can guess.
    pub(super) fn new() -> Self {
        Self(format!(".opward-{:032x}", rand::random::<u128>()))
    }

    /// Removes the folder of this name, wherever it was made.
    pub(super) fn remove(&self) {
        for base in bases() {
            let folder = base.join(&self.0);
            if is_private_folder(&folder) {
                drop(Home(folder));
            }
        }
    }
}

impl Home {
    /// Makes the folder: in memory if the system has a place for that, so that nothing temporary reaches a disk.
    pub(super) fn make(name: &HomeName) -> io::Result<Self> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for base in bases() {
            let folder = base.join(&name.0);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self(folder)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it now; says whether nothing of it is left.
    pub(super) fn remove(self) -> bool {
        let path = self.0.clone();
        drop(self);
        matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.0).is_err() {
            // A program may have taken its own rights from folders.
            open_up(&self.0, DEEPEST);
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The user's own folder in memory, everybody's, and the one on disk.
fn bases() -> impl Iterator<Item = PathBuf> {
    let own = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    let own = Some(own).filter(|folder| is_private_folder(folder));
    let everybodys = if cfg!(target_os = "linux") { ["/dev/shm", "/tmp"].as_slice() } else { &["/private/tmp"] };
    own.into_iter().chain(everybodys.iter().map(PathBuf::from))
}

fn open_up(folder: &Path, deeper: usize) {
    let Some(deeper) = deeper.checked_sub(1) else { return };
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        // Says of a link that it's a link.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path(), deeper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_private_empty_and_removed_whatever_was_done_to_it() {
        let name = HomeName::new();
        let home = Home::make(&name).unwrap();
        let path = home.path().to_owned();
        assert!(is_private_folder(&path));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::create_dir_all(path.join("a/b/c")).unwrap();
        fs::write(path.join("a/b/file"), "left").unwrap();
        fs::set_permissions(path.join("a/b"), Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(path.join("a"), Permissions::from_mode(0o000)).unwrap();
        drop(home);
        assert!(!path.exists());
    }

    #[test]
    fn a_link_in_a_home_is_removed_and_not_followed() {
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("kept"), "kept").unwrap();
        let home = Home::make(&HomeName::new()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), home.path().join("link")).unwrap();
        drop(home);
        assert_eq!(fs::read_to_string(elsewhere.path().join("kept")).unwrap(), "kept");
    }

    #[test]
    fn a_home_says_whether_it_is_gone() {
        let home = Home::make(&HomeName::new()).unwrap();
        fs::write(home.path().join("file"), "left").unwrap();
        assert!(home.remove());
        let gone = tempfile::NamedTempFile::new().unwrap();
        // A file in a home's place isn't removed as one.
        assert!(!Home(gone.path().to_owned()).remove());
    }

    #[test]
    fn whoever_knows_its_name_can_remove_it() {
        let name = HomeName::new();
        let home = Home::make(&name).unwrap();
        let path = home.path().to_owned();
        std::mem::forget(home);
        name.remove();
        assert!(!path.exists());
    }
}
