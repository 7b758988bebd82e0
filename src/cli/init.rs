//! `opward init`: a configuration, a starter policy and a vault, and how to plug it in.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::clients::Client;
use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::{self, NewVault, Setup};

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A KDBX file on this machine
    Local,
}

/// The arguments of `opward init`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where values come from
    #[arg(long, value_enum, default_value_t = Kind::Local)]
    source: Kind,
    /// Only show how to plug it into this client
    #[arg(long, value_enum)]
    client: Option<Client>,
    /// Protect the vault with a password you type, instead of a key file
    #[arg(long)]
    password: bool,
}

/// What stands where, once `init` is through.
struct Places {
    config: PathBuf,
    policy: PathBuf,
    vault: PathBuf,
    key: PathBuf,
    audit: PathBuf,
}

/// The commented policy a new user starts with.
const STARTER_POLICY: &str = include_str!("init/policy.toml");

pub(super) fn run(args: &Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    match args.source {
        Kind::Local => {}
    }
    let places = places(setup)?;
    configure(&places, args.password, output)?;
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("opward"));
    let config = (!setup.is_usual_place()).then_some(places.config.as_path());
    output.line("");
    match args.client {
        Some(client) => output.line(client.instructions(&program, config)),
        None => {
            for client in Client::value_variants() {
                output.line(client.instructions(&program, config));
                output.line("");
            }
        }
    }
    output.note("Next: opward secret put Staging/Stripe/credential   (asks for the value)");
    output.note("      opward doctor                                 (says whether all is well)");
    Ok(ExitCode::SUCCESS)
}

fn places(setup: &Setup) -> Result<Places, Failure> {
    let config = setup.config_file()?;
    let dirs = setup.dirs()?;
    let folder = config.parent().unwrap_or(Path::new("/")).to_owned();
    // A configuration named on the command line stays in one folder with what it names.
    let data = if setup.named().is_some() { folder.clone() } else { dirs.data().to_owned() };
    // A client starts the server in an environment of its own, and both must write to one log.
    let state = if setup.named().is_some() { folder.as_path() } else { dirs.state() };
    Ok(Places {
        policy: folder.join("policy.toml"),
        vault: data.join("vault.kdbx"),
        key: data.join("vault.keyx"),
        audit: state.join("audit.jsonl"),
        config,
    })
}

fn configure(places: &Places, password: bool, output: Output) -> Result<(), Failure> {
    let kept = |what: &str, file: &Path| {
        output.line(format!("{} kept {what} {}", output.paint(Style::Dim, "·"), file.display()));
    };
    let made = |what: &str, file: &Path| {
        output.line(format!("{} made {what} {}", output.paint(Style::Good, "✓"), file.display()));
    };
    if places.vault.exists() {
        kept("the vault         ", &places.vault);
    } else {
        folder(&places.vault)?;
        let with = if password { NewVault::Password } else { NewVault::KeyFile(places.key.clone()) };
        app::create_vault(&places.vault, &with)?;
        made("the vault         ", &places.vault);
        if !password {
            made("its key           ", &places.key);
        }
    }
    let config = config_text(places, password || !places.key.exists());
    for (what, file, text) in [
        ("the policy        ", &places.policy, STARTER_POLICY),
        ("the configuration ", &places.config, config.as_str()),
    ] {
        folder(file)?;
        if write_new(file, text)? { made(what, file) } else { kept(what, file) }
    }
    Ok(())
}

fn config_text(places: &Places, password: bool) -> String {
    let quoted = |path: &Path| serde_json::to_string(&path.display().to_string()).unwrap_or_default();
    let key = if password {
        "# key_file = …                        # without one, the vault's password is asked for".to_owned()
    } else {
        format!("key_file = {}", quoted(&places.key))
    };
    include_str!("init/opward.toml")
        .replace("@vault@", &quoted(&places.vault))
        .replace("@key@", &key)
        .replace("@audit@", &quoted(&places.audit))
}

fn folder(file: &Path) -> Result<(), Failure> {
    let Some(folder) = file.parent() else { return Ok(()) };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed("made", folder, &error))
}

/// Writes a file that isn't there yet; says whether it did.
fn write_new(file: &Path, text: &str) -> Result<bool, Failure> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(mut new) => {
            let written = new.write_all(text.as_bytes()).and_then(|()| new.sync_all());
            written.map(|()| true).map_err(|error| {
                let _ = fs::remove_file(file);
                failed("written", file, &error)
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed("made", file, &error)),
    }
}

fn failed(verb: &str, file: &Path, error: &io::Error) -> Failure {
    Failure::invalid(format!("{} can't be {verb}: {error}", file.display()), "nothing that was there was changed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Dirs};

    #[test]
    fn a_server_that_is_given_the_file_alone_finds_the_same_vault_and_log() {
        let at = |name: &str| Path::new("/home/o/my \"files\"").join(name);
        let places = Places {
            config: at("opward.toml"),
            policy: at("policy.toml"),
            vault: at("vault.kdbx"),
            key: at("vault.keyx"),
            audit: at("audit.jsonl"),
        };
        let elsewhere = Dirs::in_one(Path::new("/elsewhere"));
        for password in [false, true] {
            let config = Config::parse(&config_text(&places, password), &places.config, &elsewhere).unwrap();
            assert_eq!((config.policy, config.audit.file), (places.policy.clone(), places.audit.clone()));
            let crate::config::SourceConfig::Local(local) = config.sources.first().unwrap();
            assert_eq!(local.file, places.vault);
        }
    }
}
