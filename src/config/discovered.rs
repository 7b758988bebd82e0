//! What the environment says where nobody has written it down: sources, and an env bundle.

use std::collections::BTreeMap;

use super::dirs::Dirs;
use super::environment::{CONNECT_HOST, CONNECT_TOKEN, Environment, SERVICE_ACCOUNT_TOKEN};
use super::http::HttpConfig;
use super::parse::is_variable;
use super::source::{ConnectConfig, OpConfig, SourceConfig};
use super::{AuditConfig, CacheConfig, Config, Durability, EnvBundle, Origin};
use crate::model::{Reference, SourceName};

/// The bundle made of `OP_…_REF` variables.
pub const ENVIRONMENT_BUNDLE: &str = "environment";

/// Something about the environment its owner should know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// A variable that should hold a reference holds something else.
    #[error("{variable} holds no op:// reference to a field, so the bundle `{ENVIRONMENT_BUNDLE}` lacks it")]
    NotAReference {
        /// The variable; what it holds isn't shown.
        variable: String,
    },
    /// The configuration has a bundle of that name.
    #[error("the bundle `{ENVIRONMENT_BUNDLE}` is the configured one; {variables} `OP_…_REF` variable(s) aren't in it")]
    Overridden {
        /// How many variables there are.
        variables: usize,
    },
}

impl Config {
    /// The configuration that the environment amounts to, if it names a way to 1Password.
    pub(super) fn discover(environment: &Environment, dirs: &Dirs) -> Option<Self> {
        let has = |name| environment.text(name).is_some();
        let source = if has(CONNECT_HOST) && has(CONNECT_TOKEN) {
            SourceConfig::Connect(ConnectConfig::of_environment(SourceName::new("connect")))
        } else if has(SERVICE_ACCOUNT_TOKEN) {
            SourceConfig::Op(OpConfig::of_variable(SourceName::new("op"), SERVICE_ACCOUNT_TOKEN))
        } else {
            return None;
        };
        Some(Self {
            origin: Origin::Environment,
            policy: dirs.config().join("policy.toml"),
            sources: vec![source],
            cache: CacheConfig::default(),
            fields: BTreeMap::new(),
            env_bundles: BTreeMap::new(),
            audit: AuditConfig { file: dirs.state().join("audit.jsonl"), durability: Durability::default() },
            http: HttpConfig::default(),
            notes: Vec::new(),
        })
    }

    /// Adds the bundle made of `OP_…_REF` variables, unless one of that name is configured.
    pub(super) fn with_references(mut self, environment: &Environment) -> Self {
        let mut entries = Vec::new();
        let mut notes = Vec::new();
        for (variable, key) in environment.names().filter_map(|name| Some((name, referring(name)?))) {
            let text = environment.text(variable).unwrap_or_default();
            let reference = text.starts_with("op://").then(|| Reference::parse(text));
            match reference {
                Some(Ok(reference)) => entries.push((key.to_owned(), reference)),
                Some(Err(_)) | None => notes.push(Note::NotAReference { variable: variable.to_owned() }),
            }
        }
        if self.env_bundles.contains_key(ENVIRONMENT_BUNDLE) {
            if !entries.is_empty() {
                notes = vec![Note::Overridden { variables: entries.len() }];
            }
        } else if !entries.is_empty() {
            self.env_bundles.insert(ENVIRONMENT_BUNDLE.to_owned(), EnvBundle(entries));
        }
        self.notes.append(&mut notes);
        self
    }
}

/// The variable that `OP_…_REF` stands for.
fn referring(name: &str) -> Option<&str> {
    name.strip_prefix("OP_")?.strip_suffix("_REF").filter(|key| is_variable(key))
}
