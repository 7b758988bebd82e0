//! `[[source]]`: where values come from.

mod common;
mod connect;
mod local;
mod op;
mod token;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

pub use common::RequestLimits;
pub(in crate::config) use common::read_path;
pub use connect::{ConnectConfig, ConnectUrl, NotAUrl};
pub use local::{KeyFile, LocalConfig};
pub use op::{OpConfig, OpSignIn};
pub use token::TokenPlace;

use super::dirs::Dirs;
use crate::model::{Name, SourceName, is_plain_name};
use crate::policy::Problems;
use crate::policy::reader::{Section, meant};

/// One configured source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SourceConfig {
    /// A KDBX file on this machine.
    Local(LocalConfig),
    /// 1Password, through its `op` program.
    Op(OpConfig),
    /// 1Password, through a Connect server.
    Connect(ConnectConfig),
}

/// Which of a source's vaults exist as far as opward is concerned, whatever the policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultFilter {
    /// `None` is all of them.
    only: Option<Vec<Name>>,
    never: Vec<Name>,
}

/// A word for `kind`.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Local,
    Op,
    Connect,
}

/// Every key that a source of some kind has.
fn all_keys() -> Vec<&'static str> {
    let mut keys = [&local::KEYS[..], &op::KEYS, &connect::KEYS].concat();
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(*key));
    keys
}

impl Kind {
    const WORDS: [&'static str; 3] = ["local", "op", "connect"];

    fn from_word(word: &str) -> Option<Self> {
        match word {
            "local" => Some(Self::Local),
            "op" => Some(Self::Op),
            "connect" => Some(Self::Connect),
            _ => None,
        }
    }

    /// What errors call such a source.
    const fn called(self) -> &'static str {
        match self {
            Self::Local => "a source of kind `local`",
            Self::Op => "a source of kind `op`",
            Self::Connect => "a source of kind `connect`",
        }
    }

    /// The keys it has.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Local => &local::KEYS,
            Self::Op => &op::KEYS,
            Self::Connect => &connect::KEYS,
        }
    }
}

impl SourceConfig {
    /// Its unique name.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        match self {
            Self::Local(local) => &local.name,
            Self::Op(op) => &op.name,
            Self::Connect(connect) => &connect.name,
        }
    }

    /// The variable that holds what it signs in with, if one does.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        let token = match self {
            Self::Local(_) => return None,
            Self::Op(op) => match &op.sign_in {
                OpSignIn::App { .. } => return None,
                OpSignIn::Session { variable, .. } => return Some(variable),
                OpSignIn::ServiceAccount { token } => token,
            },
            Self::Connect(connect) => &connect.token,
        };
        match token {
            TokenPlace::File(_) => None,
            TokenPlace::Variable(variable) => Some(variable),
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
    if token::stands_in(table, problems) {
        return None;
    }
    let kind = table.get("kind").and_then(|kind| Kind::from_word(kind.get_ref().as_str()?));
    let section = match kind {
        Some(kind) => Section::open(table, span, kind.called(), kind.keys(), problems),
        None => Section::open(table, span, "a source", &all_keys(), problems),
    };
    let name = read_name(&section, names, problems);
    match kind {
        Some(Kind::Local) => local::read(&section, name, folder, dirs, problems).map(SourceConfig::Local),
        Some(Kind::Op) => op::read(&section, name, folder, problems).map(SourceConfig::Op),
        Some(Kind::Connect) => connect::read(&section, name, folder, problems).map(SourceConfig::Connect),
        None => {
            no_kind(&section, problems);
            common::read_vaults(&section, problems);
            None
        }
    }
}

fn no_kind(section: &Section<'_, '_>, problems: &mut Problems) {
    if section.value("kind").is_none() {
        let help =
            "\"local\" is a KDBX file on this machine, \"op\" 1Password's program, \"connect\" its Connect server";
        section.missing("kind", help, problems);
    } else if let Some(kind) = section.string("kind", problems) {
        let message = format!("`{}` isn't a kind of source", kind.value);
        problems.add_with_help(kind.span, message, "not known", Some(meant(kind.value, &Kind::WORDS)));
    }
}

fn read_name(section: &Section<'_, '_>, names: &mut BTreeSet<String>, problems: &mut Problems) -> Option<SourceName> {
    if section.value("name").is_none() {
        section.missing("name", "a name of your own: name = \"home\"", problems);
        return None;
    }
    let name = section.string("name", problems)?;
    if !is_plain_name(name.value) {
        problems.add(name.span, "a source's name has 1 to 64 letters, digits, `.`, `_` or `-`", "not a name");
        return None;
    }
    if !names.insert(name.value.to_lowercase()) {
        problems.add(name.span, format!("two sources have the name `{}`", name.value), "used before");
        return None;
    }
    Some(SourceName::new(name.value))
}
