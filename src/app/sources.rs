//! From `[[source]]` to opened sources, and from nothing to a new vault.

mod onepassword;
pub(super) mod token;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use tokio_util::task::TaskTracker;

use self::onepassword::Surroundings;
use super::setup::SetupError;
use crate::config::{Config, Environment, KeyFile, LocalConfig, SourceConfig, VaultFilter};
use crate::custody::source::{LocalError, LocalSettings, LocalSource, Source, Unlock};
use crate::custody::{SecretValue, SourceView};
use crate::model::{Clock, ErrorCode, Name, PublicError};

/// What opens a vault that's about to be made.
#[derive(Debug)]
pub enum NewVault {
    /// A key file, made if it isn't there.
    KeyFile(PathBuf),
    /// A password a person types twice.
    Password,
}

/// Takes note of the configured sources. Nothing is opened, but tokens are read, and a password is
/// asked for. A source whose token can't be used is down, and the others aren't.
pub(super) fn open(
    config: &Config,
    environment: &Environment,
    clock: &Clock,
    tasks: &TaskTracker,
) -> Result<Vec<(Source, SourceView)>, SetupError> {
    let state = Some(config.shared_folder().to_owned());
    let around = Surroundings { environment, cache: config.cache, state, clock, tasks };
    config.sources.iter().map(|source| open_one(source, &around)).collect()
}

fn open_one(configured: &SourceConfig, around: &Surroundings<'_>) -> Result<(Source, SourceView), SetupError> {
    Ok(match configured {
        SourceConfig::Local(local) => {
            let settings = LocalSettings { name: local.name.clone(), file: local.file.clone(), unlock: unlock(local)? };
            let source = Source::Local(LocalSource::new(settings, around.clock.clone()));
            (source, view(&local.vaults, &local.rename))
        }
        SourceConfig::Op(op) => {
            let view = view(&op.vaults, &op.rename);
            (onepassword::op(op, view.clone(), around), view)
        }
        SourceConfig::Connect(connect) => {
            let view = view(&connect.vaults, &connect.rename);
            (onepassword::connect(connect, view.clone(), around), view)
        }
    })
}

fn view(vaults: &VaultFilter, rename: &BTreeMap<Name, Name>) -> SourceView {
    SourceView {
        vaults: vaults.only().map(<[_]>::to_vec),
        blocked_vaults: vaults.never().to_vec(),
        rename: rename.iter().map(|(from, to)| (from.clone(), to.clone())).collect(),
    }
}

fn unlock(local: &LocalConfig) -> Result<Unlock, SetupError> {
    match &local.key_file {
        KeyFile::Named(file) => Ok(Unlock::KeyFile(file.clone())),
        KeyFile::IfThere(file) if file.exists() => Ok(Unlock::KeyFile(file.clone())),
        KeyFile::IfThere(_) => Ok(Unlock::Password(ask(&format!("password for {}: ", local.file.display()))?)),
    }
}

/// Asks at the terminal, which isn't one of the standard streams.
fn ask(prompt: &str) -> Result<SecretValue, SetupError> {
    if !std::io::stderr().is_terminal() && !std::io::stdin().is_terminal() {
        return Err(SetupError::Other(PublicError::new(
            ErrorCode::SourceUnavailable,
            "the vault has no key file, and there's no terminal to ask for its password at",
            "ask your human to set `key_file` for the source, or to start the server in a terminal",
        )));
    }
    rpassword::prompt_password(prompt).map(SecretValue::new).map_err(|_| {
        SetupError::Other(PublicError::new(
            ErrorCode::SourceUnavailable,
            "the vault's password couldn't be asked for",
            "start opward in a terminal, or set `key_file` for the source",
        ))
    })
}

/// Makes a vault. It never replaces a file.
///
/// # Errors
///
/// Whatever keeps the vault or its key file from being made, in the owner's words.
pub fn create_vault(file: &Path, with: &NewVault) -> Result<(), PublicError> {
    let unlock = match with {
        NewVault::KeyFile(key) => {
            if !key.exists() {
                LocalSource::create_key_file(key).map_err(|error| failed(&error))?;
            }
            Unlock::KeyFile(key.clone())
        }
        NewVault::Password => Unlock::Password(ask_twice(file)?),
    };
    LocalSource::create(file, &unlock, &Clock::system()).map_err(|error| failed(&error))
}

fn ask_twice(file: &Path) -> Result<SecretValue, PublicError> {
    let prompt = |text: String| {
        rpassword::prompt_password(text).map(zeroize::Zeroizing::new).map_err(|_| {
            PublicError::new(
                ErrorCode::Invalid,
                "there's no terminal to ask for a password at",
                "run this in a terminal",
            )
        })
    };
    let first = prompt(format!("new password for {}: ", file.display()))?;
    if first.chars().count() < 8 {
        let hint = "a vault's file can be copied and guessed at without end: take six random words or more";
        return Err(PublicError::new(ErrorCode::Invalid, "the password has fewer than 8 characters", hint));
    }
    if *prompt("the same again: ".to_owned())? != *first {
        return Err(PublicError::new(ErrorCode::Invalid, "the two passwords differ", "nothing was made; try again"));
    }
    Ok(SecretValue::new(first.as_str().to_owned()))
}

/// The owner's face of a vault's error: it's their file, so they see its name.
fn failed(error: &LocalError) -> PublicError {
    PublicError::new(ErrorCode::SourceUnavailable, error.to_string(), error.remedy().unwrap_or_default())
}
