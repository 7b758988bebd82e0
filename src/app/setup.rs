//! What a command finds on this machine: its configuration, folders and protections.

use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError, Dirs, Environment};
use crate::memory::{Hardened, Hardening, Privileges};
use crate::model::{ErrorCode, PublicError};

/// Where a run of the program starts from.
#[derive(Debug)]
pub struct Setup {
    named: Option<PathBuf>,
    environment: Environment,
    hardening: Hardening,
}

/// What a command may have to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// What a configured source needs.
    WhatIsConfigured,
    /// 1Password's program with its app, although it isn't configured yet.
    TheApp,
    /// A person's own command, which may gain privileges, as `sudo` does.
    AnyCommand,
}

/// Why the program can't be wired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration isn't there or can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Anything else, in the caller's words.
    #[error("{0}")]
    Other(PublicError),
}

impl Setup {
    /// Notes what the command line and the environment say, and looks into the configuration for
    /// what this process has to be able to start: whatever that isn't, it gives up for good. So it
    /// has to come before a thread is started.
    #[must_use]
    pub fn begin(named: Option<PathBuf>, environment: Environment, hardened: Hardened, starts: Starts) -> Self {
        let found = Dirs::find(&environment).ok().map(|dirs| Config::load(named.as_deref(), &environment, &dirs));
        let configured = matches!(found, Some(Ok(config)) if config.asks_the_app());
        let privileges = match starts {
            Starts::AnyCommand => Privileges::OfAPerson,
            Starts::TheApp => Privileges::OfPrograms,
            Starts::WhatIsConfigured if configured => Privileges::OfPrograms,
            Starts::WhatIsConfigured => Privileges::Inherited,
        };
        Self { named, environment, hardening: hardened.finish(privileges) }
    }

    /// Another place in a process that's begun.
    #[must_use]
    pub fn elsewhere(environment: Environment, hardening: Hardening) -> Self {
        Self { named: None, environment, hardening }
    }

    /// What the environment says.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The configuration file the command line names.
    #[must_use]
    pub fn named(&self) -> Option<&Path> {
        self.named.as_deref()
    }

    /// The protections of this process.
    pub fn hardening(&self) -> Hardening {
        self.hardening
    }

    /// The folders for configuration, data and state.
    ///
    /// # Errors
    ///
    /// When the environment names no usable folder.
    pub fn dirs(&self) -> Result<Dirs, SetupError> {
        Ok(Dirs::find(&self.environment).map_err(ConfigError::Dirs)?)
    }

    /// The configuration.
    ///
    /// # Errors
    ///
    /// When there's none, or everything that's wrong with it.
    pub fn config(&self) -> Result<Config, SetupError> {
        Ok(Config::load(self.named(), &self.environment, &self.dirs()?)?)
    }

    /// The configured audit log.
    ///
    /// # Errors
    ///
    /// As [`Setup::config`].
    pub fn audit_file(&self) -> Result<PathBuf, SetupError> {
        Ok(self.config()?.audit.file)
    }

    /// The configuration file that `init` would write.
    ///
    /// # Errors
    ///
    /// As [`Setup::dirs`].
    pub fn config_file(&self) -> Result<PathBuf, SetupError> {
        let named = self.named.clone().or_else(|| self.environment.config.clone());
        Ok(match named {
            Some(file) => std::path::absolute(&file).unwrap_or(file),
            None => self.dirs()?.config().join(crate::config::FILE_NAME),
        })
    }

    /// Whether the configuration file is where it's looked for without being named.
    #[must_use]
    pub fn is_usual_place(&self) -> bool {
        self.named.is_none() && self.environment.config.is_none() && self.environment.home.is_none()
    }
}

impl SetupError {
    pub(super) fn internal() -> Self {
        Self::Other(PublicError::new(ErrorCode::Internal, "the system gave no randomness or memory", ""))
    }

    /// What a client is told. The configuration itself is its owner's business.
    #[must_use]
    pub fn public(&self) -> PublicError {
        let unavailable = |message: &'static str, hint| PublicError::new(ErrorCode::SourceUnavailable, message, hint);
        match self {
            Self::Config(ConfigError::NotSetUp { .. }) => {
                unavailable("opward isn't set up yet", "ask your human to run `opward init`")
            }
            Self::Config(_) => {
                unavailable("opward's configuration can't be used", "ask your human to run `opward doctor`")
            }
            Self::Other(error) => error.clone(),
        }
    }
}
