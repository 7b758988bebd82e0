//! A source of kind `local`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::VaultFilter;
use super::common::{self, read_path};
use crate::config::dirs::Dirs;
use crate::model::{Name, SourceName};
use crate::policy::Problems;
use crate::policy::reader::Section;

/// A source of kind `local`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalConfig {
    /// Its unique name.
    pub name: SourceName,
    /// The KDBX file: as given, relative to the configuration file; else `vault.kdbx` in the data folder.
    pub file: PathBuf,
    /// What opens it.
    pub key_file: KeyFile,
    /// Which of its vaults are seen.
    pub vaults: VaultFilter,
    /// Other names for its vaults, by the name stored in the file.
    pub rename: BTreeMap<Name, Name>,
}

/// Which file holds a vault's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// The configuration names it, so it must be there.
    Named(PathBuf),
    /// It isn't named: if this file, beside the vault and called like it, is there, it's the key;
    /// else a password is asked for.
    IfThere(PathBuf),
}

pub(super) const KEYS: [&str; 7] = ["name", "kind", "file", "key_file", "vaults", "blocked_vaults", "rename"];

impl KeyFile {
    /// Where the key is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::IfThere(path) => path,
        }
    }
}

pub(super) fn read(
    section: &Section<'_, '_>,
    name: Option<SourceName>,
    folder: &Path,
    dirs: &Dirs,
    problems: &mut Problems,
) -> Option<LocalConfig> {
    let file = read_path(section, "file", folder, problems).unwrap_or_else(|| dirs.data().join("vault.kdbx"));
    let key_file = match read_path(section, "key_file", folder, problems) {
        Some(key_file) => KeyFile::Named(key_file),
        None => KeyFile::IfThere(file.with_extension("keyx")),
    };
    if key_file.path() == file {
        let span = section.key_span("key_file").unwrap_or_else(|| section.span());
        problems.add(span, "the vault and its key can't be the same file", "the same as `file`");
    }
    let (vaults, rename) = common::read_vaults(section, problems);
    Some(LocalConfig { name: name?, file, key_file, vaults, rename })
}
