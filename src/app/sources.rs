//! From `[[source]]` to opened sources, and from nothing to a new vault.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use super::setup::SetupError;
use crate::config::{KeyFile, LocalConfig, SourceConfig};
use crate::custody::source::{LocalError, LocalSettings, LocalSource, Source, Unlock};
use crate::custody::{SecretValue, SourceView};
use crate::model::{Clock, ErrorCode, PublicError};

/// What opens a vault that's about to be made.
#[derive(Debug)]
pub enum NewVault {
    /// A key file, made if it isn't there.
    KeyFile(PathBuf),
    /// A password a person types twice.
    Password,
}

/// Takes note of the configured sources. Nothing is opened, but a password is asked for.
pub(super) fn open(configured: &[SourceConfig], clock: &Clock) -> Result<Vec<(Source, SourceView)>, SetupError> {
    configured.iter().map(|source| open_one(source, clock)).collect()
}

fn open_one(configured: &SourceConfig, clock: &Clock) -> Result<(Source, SourceView), SetupError> {
    match configured {
        SourceConfig::Local(local) => {
            let settings = LocalSettings { name: local.name.clone(), file: local.file.clone(), unlock: unlock(local)? };
            let view = SourceView {
                vaults: local.vaults.only().map(<[_]>::to_vec),
                blocked_vaults: local.vaults.never().to_vec(),
                rename: local.rename.iter().map(|(from, to)| (from.clone(), to.clone())).collect(),
            };
            Ok((Source::Local(LocalSource::new(settings, clock.clone())), view))
        }
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
