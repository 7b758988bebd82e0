//! `opward.toml`, the folders and the environment, read once at start.
//!
//! The configuration is found by `--config`, else `OPWARD_CONFIG`, else in the user's configuration
//! folder, and never in the working directory: a repository must not configure the warden.

mod dirs;
mod discovered;
mod environment;
mod http;
mod own_files;
mod parse;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use dirs::{Dirs, DirsError};
pub use discovered::{ENVIRONMENT_BUNDLE, Note};
pub use environment::{CONNECT_HOST, CONNECT_TOKEN, Environment, SERVICE_ACCOUNT_TOKEN};
pub use http::{
    AllowedHost, AllowedOrigin, Exposure, HttpConfig, HttpLimits, HttpUrl, IssuerConfig, IssuerUrl, KeysPlace,
    NotAHost, NotAnHttpUrl, NotAnOrigin, NotServed, TlsFiles, TokenConfig,
};
pub use parse::is_variable;
pub use source::{
    ConnectConfig, ConnectUrl, KeyFile, LocalConfig, NotAUrl, OpConfig, OpSignIn, RequestLimits, SourceConfig,
    TokenPlace, VaultFilter,
};

use crate::model::{Category, Name, Reference};
use crate::policy::{Diagnostics, ReadError, read_trusted};

/// The name of the configuration file.
pub const FILE_NAME: &str = "opward.toml";

/// The largest configuration file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This file.
    File(PathBuf),
    /// There's no file: the environment names a way to 1Password.
    Environment,
}

/// What `opward.toml` says, with defaults for what it doesn't.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where it's from.
    pub origin: Origin,
    /// The policy file. A relative path is taken from the configuration file's folder.
    pub policy: PathBuf,
    /// Where values come from; names are unique.
    pub sources: Vec<SourceConfig>,
    /// How long values are kept.
    pub cache: CacheConfig,
    /// More names for the field that's meant where none is named, by category, in order.
    pub fields: BTreeMap<Category, Vec<Name>>,
    /// Bundles for `get_env_bundle`, by name.
    pub env_bundles: BTreeMap<String, EnvBundle>,
    /// The audit log.
    pub audit: AuditConfig,
    /// What's served over HTTP.
    pub http: HttpConfig,
    /// What its owner should know about the environment.
    pub notes: Vec<Note>,
}

/// `[cache]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheConfig {
    /// How long a value serves; zero asks the source every time.
    pub ttl: Duration,
    /// How much longer it serves while the source is down; zero is never.
    pub stale_if_error: Duration,
    /// How many values are kept.
    pub max_items: usize,
}

/// `[env_bundle.NAME]`: variables and where their values are, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvBundle(Vec<(String, Reference)>);

/// `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditConfig {
    /// The log. A relative path is taken from the state folder.
    pub file: PathBuf,
    /// When a record counts as written.
    pub durability: Durability,
}

/// What a record must survive before it counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of this process.
    #[default]
    Write,
    /// The end of this machine.
    Fsync,
}

/// Why there's no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Nothing has been set up.
    #[error("opward isn't set up yet: there's no {}; run: opward init", file.display())]
    NotSetUp {
        /// Where the configuration would be.
        file: PathBuf,
    },
    /// A path from the environment that can't be used.
    #[error(transparent)]
    Dirs(#[from] DirsError),
    /// The file can't be read, or can't be trusted.
    #[error(transparent)]
    Read(ReadError),
    /// What it says isn't a configuration.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl Config {
    /// Finds and reads the configuration; `named` is what `--config` says.
    ///
    /// Where there's no file, a way to 1Password in the environment will do. Either way the
    /// environment's `OP_…_REF` variables make a bundle.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NotSetUp`] where there's no file at the usual place; else why it isn't trusted
    /// or everything that's wrong with it.
    pub fn load(named: Option<&Path>, environment: &Environment, dirs: &Dirs) -> Result<Self, ConfigError> {
        let (file, usual) = Self::locate(named, environment, dirs)?;
        match read_trusted(&file, MAX_BYTES) {
            Ok(text) => Ok(Self::parse(&text, &file, dirs)?.with_references(environment)),
            Err(ReadError::Missing { .. }) if usual => match Self::discover(environment, dirs) {
                Some(config) => Ok(config.with_references(environment)),
                None => Err(ConfigError::NotSetUp { file }),
            },
            Err(error) => Err(ConfigError::Read(error)),
        }
    }

    /// Reads a configuration's text; `file` is where it's from and relative paths start there.
    ///
    /// # Errors
    ///
    /// Everything that's wrong with it, with places.
    pub fn parse(text: &str, file: &Path, dirs: &Dirs) -> Result<Self, Diagnostics> {
        parse::parse(text, file, dirs)
    }

    /// The file to read, and whether it's the one at the usual place.
    fn locate(named: Option<&Path>, environment: &Environment, dirs: &Dirs) -> Result<(PathBuf, bool), DirsError> {
        match (named, &environment.config) {
            (Some(named), _) => Ok((std::path::absolute(named).unwrap_or_else(|_| named.to_owned()), false)),
            (None, Some(config)) => Ok((dirs::absolute("OPWARD_CONFIG", config)?, false)),
            (None, None) => Ok((dirs.config().join(FILE_NAME), true)),
        }
    }
}

impl Config {
    /// The folder for what the servers of one configuration share: where their log is, whichever
    /// environment each was started in.
    #[must_use]
    pub fn shared_folder(&self) -> &Path {
        self.audit.file.parent().unwrap_or(Path::new("/"))
    }

    /// Whether one of its sources is opened by the 1Password app.
    #[must_use]
    pub fn asks_the_app(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, SourceConfig::Op(op) if op.asks_the_app()))
    }
}

impl EnvBundle {
    /// The variables and where their values are.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &Reference)> {
        self.0.iter().map(|(key, reference)| (key.as_str(), reference))
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { ttl: Duration::from_mins(5), stale_if_error: Duration::from_hours(1), max_items: 10_000 }
    }
}

#[cfg(test)]
mod tests;
