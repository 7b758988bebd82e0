//! What of this machine no command may reach: the warden's own files.

use std::path::{Path, PathBuf};

use crate::policy::{Command, Parameter};

/// The warden's own files, with all links in their paths followed.
#[derive(Debug, Default)]
pub struct OwnFiles(Vec<PathBuf>);

impl OwnFiles {
    /// Files, whether or not they're there yet.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        Self(files.into_iter().map(|file| followed(&file)).collect())
    }

    /// A folder that a command may reach and that one of these is in, if there's any.
    #[must_use]
    pub fn reached_by<'c>(&self, command: &'c Command) -> Option<&'c Path> {
        let below = command.params.values().filter_map(|parameter| match parameter {
            Parameter::Path { under } => Some(under),
            Parameter::Enum { .. } | Parameter::Regex { .. } | Parameter::Integer { .. } => None,
        });
        let mut folders = command.read.iter().chain(&command.write).chain(&command.cwd).chain(below);
        folders.find(|folder| self.lie_in(folder)).map(PathBuf::as_path)
    }

    fn lie_in(&self, folder: &Path) -> bool {
        let folder = followed(folder);
        self.0.iter().any(|own| own.starts_with(&folder))
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
}
