//! `[[source]]`: where values come from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::dirs::Dirs;
use crate::model::{Name, SourceName, fold};
use crate::policy::Problems;
use crate::policy::reader::{NOT_YET, Placed, Section, as_string, meant};

/// One configured source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SourceConfig {
    /// A KDBX file on this machine.
    Local(LocalConfig),
}

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

/// Which of a source's vaults exist as far as opward is concerned, whatever the policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultFilter {
    /// `None` is all of them.
    only: Option<Vec<Name>>,
    never: Vec<Name>,
}

const KEYS: [&str; 7] = ["name", "kind", "file", "key_file", "vaults", "blocked_vaults", "rename"];

impl SourceConfig {
    /// Its unique name.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        match self {
            Self::Local(local) => &local.name,
        }
    }
}

impl KeyFile {
    /// Where the key is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::IfThere(path) => path,
        }
    }
}

impl VaultFilter {
    /// Only these vaults, by name or id; `None` is all the source shows.
    #[must_use]
    pub fn only(&self) -> Option<&[Name]> {
        self.only.as_deref()
    }

    /// Never these, by name or id.
    #[must_use]
    pub fn never(&self) -> &[Name] {
        &self.never
    }
}

/// Reads one `[[source]]`; `names` are those read before.
pub(super) fn read(
    table: &DeTable<'_>,
    span: Range<usize>,
    names: &mut BTreeSet<String>,
    folder: &Path,
    dirs: &Dirs,
    problems: &mut Problems,
) -> Option<SourceConfig> {
    let kind = table.get("kind").and_then(|kind| Some((kind.get_ref().as_str()?, kind.span())));
    if let Some((kind @ ("op" | "connect"), span)) = kind {
        problems.add(span, format!("a source of kind `{kind}` is {NOT_YET}"), "only `local` is");
        return None;
    }
    let section = Section::open(table, span, "a source", &KEYS, problems);
    let name = read_name(&section, names, problems);
    let known = if section.value("kind").is_none() {
        section.missing("kind", "kind = \"local\" is a KDBX file on this machine", problems);
        None
    } else {
        section.string("kind", problems).filter(|kind| {
            let known = kind.value == "local";
            if !known {
                let message = format!("`{}` isn't a kind of source", kind.value);
                let help = Some(meant(kind.value, &["local", "op", "connect"]));
                problems.add_with_help(kind.span.clone(), message, "not known", help);
            }
            known
        })
    };
    let file = read_path(&section, "file", folder, problems).unwrap_or_else(|| dirs.data().join("vault.kdbx"));
    let key_file = match read_path(&section, "key_file", folder, problems) {
        Some(key_file) => KeyFile::Named(key_file),
        None => KeyFile::IfThere(file.with_extension("keyx")),
    };
    if key_file.path() == file {
        let span = section.key_span("key_file").unwrap_or_else(|| section.span());
        problems.add(span, "the vault and its key can't be the same file", "the same as `file`");
    }
    let vaults = read_filter(&section, problems);
    let rename = read_rename(&section, problems);
    known?;
    Some(SourceConfig::Local(LocalConfig { name: name?, file, key_file, vaults, rename }))
}

fn read_name(section: &Section<'_, '_>, names: &mut BTreeSet<String>, problems: &mut Problems) -> Option<SourceName> {
    if section.value("name").is_none() {
        section.missing("name", "a name of your own: name = \"home\"", problems);
        return None;
    }
    let name = section.string("name", problems)?;
    if !super::parse::is_plain(name.value) {
        problems.add(name.span, "a source's name has 1 to 64 letters, digits, `.`, `_` or `-`", "not a name");
        return None;
    }
    if !names.insert(name.value.to_lowercase()) {
        problems.add(name.span, format!("two sources have the name `{}`", name.value), "used before");
        return None;
    }
    Some(SourceName::new(name.value))
}

/// A path, taken from the configuration file's folder if it's relative.
pub(super) fn read_path(
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
    problems: &mut Problems,
) -> Option<PathBuf> {
    let path = section.string(key, problems)?;
    if path.value.is_empty() || path.value.contains('\0') {
        problems.add(path.span, format!("`{key}` isn't a path"), "here");
        return None;
    }
    Some(folder.join(path.value))
}

fn read_filter(section: &Section<'_, '_>, problems: &mut Problems) -> VaultFilter {
    let only = read_vaults(section, "vaults", problems);
    let never = read_vaults(section, "blocked_vaults", problems).unwrap_or_default();
    let blocked = |vault: &Name| never.iter().any(|blocked| fold(blocked.value.as_str()) == fold(vault.as_str()));
    for vault in only.iter().flatten().filter(|vault| blocked(&vault.value)) {
        let message = format!("the vault `{}` is both in `vaults` and in `blocked_vaults`", vault.value.as_str());
        problems.add(vault.span.clone(), message, "blocked");
    }
    let names = |vaults: Vec<Placed<Name>>| vaults.into_iter().map(|vault| vault.value).collect();
    VaultFilter { only: only.map(names), never: names(never) }
}

fn read_vaults(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<Vec<Placed<Name>>> {
    let texts = section.strings(key, problems)?;
    let mut names = Vec::with_capacity(texts.value.len());
    for text in texts.value {
        match Name::new(text.value) {
            Ok(value) => names.push(Placed { value, span: text.span }),
            Err(error) => problems.add(text.span, error.to_string(), "not a vault's name"),
        }
    }
    Some(names)
}

fn read_rename(section: &Section<'_, '_>, problems: &mut Problems) -> BTreeMap<Name, Name> {
    let Some(table) = section.free_table("rename", problems) else {
        return BTreeMap::new();
    };
    let mut renamed = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (from, value) in table.entries() {
        let Some(to) = as_string(value, from.value, problems) else {
            continue;
        };
        match (Name::new(from.value), Name::new(to.value)) {
            (Ok(from), Ok(name)) => {
                if !taken.insert(fold(name.as_str())) {
                    problems.add(to.span, format!("two vaults can't both be `{}`", to.value), "used before");
                }
                renamed.insert(from, name);
            }
            (Err(error), _) => problems.add(from.span, error.to_string(), "not a vault's name"),
            (_, Err(error)) => problems.add(to.span, error.to_string(), "not a vault's name"),
        }
    }
    renamed
}
