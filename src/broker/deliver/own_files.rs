//! What of this machine no command may reach: the warden's own files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::policy::{Command, Parameter, SandboxWish};
use crate::runner::{package_of, readable_by_all};

/// What others than a file's owner and its group may read.
const FOR_EVERYBODY: u32 = 0o004;

/// The warden's own files, with all links in their paths followed.
#[derive(Debug, Default)]
pub struct OwnFiles {
    files: Vec<PathBuf>,
    /// One of the folders that every confined command may read, if something private is in one.
    exposed: Option<PathBuf>,
}

impl OwnFiles {
    /// Files, whether or not they're there yet.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut own = Self { files: files.into_iter().map(|file| followed(&file)).collect(), exposed: None };
        own.exposed = readable_by_all().into_iter().find(|folder| own.private_in(folder));
        own
    }

    /// A folder that a command may reach and that one of these is in, if there's any.
    #[must_use]
    pub fn reached_by(&self, command: &Command) -> Option<PathBuf> {
        let below = command.params.values().filter_map(|parameter| match parameter {
            Parameter::Path { under } => Some(under),
            Parameter::Enum { .. } | Parameter::Regex { .. } | Parameter::Integer { .. } => None,
        });
        let mut folders = command.read.iter().chain(&command.write).chain(&command.cwd).chain(below);
        let named = folders.find(|folder| self.lie_in(folder)).cloned();
        // Without a sandbox everything is open anyway, and the policy says so.
        let confined = command.sandbox != SandboxWish::Off;
        named
            .or_else(|| self.exposed.clone().filter(|_| confined))
            .or_else(|| package_of(&followed(&command.exe)).filter(|package| confined && self.private_in(package)))
    }

    fn lie_in(&self, folder: &Path) -> bool {
        self.within(folder).next().is_some()
    }

    /// Whether there's one that isn't everybody's to read, as a certificate among the system's is.
    fn private_in(&self, folder: &Path) -> bool {
        let open = |file: &PathBuf| fs::metadata(file).is_ok_and(|found| found.mode() & FOR_EVERYBODY != 0);
        self.within(folder).any(|file| !open(file))
    }

    fn within(&self, folder: &Path) -> impl Iterator<Item = &PathBuf> {
        let folder = followed(folder);
        self.files.iter().filter(move |own| own.starts_with(&folder))
    }
}

/// A path with its links followed, as far as it's there.
fn followed(path: &Path) -> PathBuf {
    let mut rest = PathBuf::new();
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
        if let Some(name) = ancestor.file_name() {
            rest = if rest.as_os_str().is_empty() { PathBuf::from(name) } else { Path::new(name).join(rest) };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_above_an_own_file_is_told_whatever_links_lead_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(&home, folder.path().join("link")).unwrap();
        let own = OwnFiles::new([home.join("vault.kdbx"), home.join("not/there/yet.jsonl")]);
        for above in ["", "home", "link", "home/not", "link/not/there"] {
            assert!(own.lie_in(&folder.path().join(above)), "{above:?}");
        }
        std::fs::create_dir(home.join("scripts")).unwrap();
        for beside in ["home/scripts", "home/vault", "elsewhere", "home/not/here"] {
            assert!(!own.lie_in(&folder.path().join(beside)), "{beside:?}");
        }
        assert!(own.lie_in(Path::new("/")));
    }

    #[test]
    fn what_lies_where_every_command_may_read_is_told_unless_it_is_for_everybody() {
        use std::os::unix::fs::PermissionsExt as _;

        let own = |file: &str| OwnFiles::new([PathBuf::from(file)]).exposed;
        assert_eq!(own("/usr/local/share/opward/vault.kdbx"), Some(PathBuf::from("/usr")));
        assert_eq!(own("/bin/../usr/share/opward.key"), Some(PathBuf::from("/usr")));
        assert_eq!([own("/srv/vault.kdbx"), own("/opt/opward/vault.kdbx"), own("/etc/opward/key")], [None, None, None]);
        // A program, as a certificate, is no secret.
        assert_eq!(own("/usr/bin/env"), None);
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "").unwrap();
        let own = OwnFiles::new([key.clone()]);
        for (mode, private) in [(0o600, true), (0o640, true), (0o644, false)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(own.private_in(folder.path()), private, "{mode:o}");
        }
    }
}
