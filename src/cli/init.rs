//! `opward init`: a configuration, a starter policy and a way to values, and how to plug it in.

mod files;
mod local;
mod onepassword;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::clients::Client;
use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::Setup;
use crate::config::ConnectUrl;
use files::{folder, write_new};

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A KDBX file on this machine
    Local,
    /// 1Password, through its op program
    Op,
    /// 1Password, through a Connect server
    Connect,
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
    /// local: protect the vault with a password you type, instead of a key file
    #[arg(long)]
    password: bool,
    /// op, connect: the token is in this file, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token_env", "app", "account"])]
    token_file: Option<PathBuf>,
    /// op, connect: the token is in this environment variable of the server
    #[arg(long, value_name = "NAME", value_parser = variable, conflicts_with_all = ["app", "account"])]
    token_env: Option<String>,
    /// op: sign in through the 1Password app
    #[arg(long)]
    app: bool,
    /// op: sign in through the 1Password app, to this account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// connect: where the server is, such as http://localhost:8080
    #[arg(long, value_parser = ConnectUrl::parse)]
    url: Option<ConnectUrl>,
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

fn variable(text: &str) -> Result<String, &'static str> {
    // A token given by mistake must not be echoed, so the text isn't in the error.
    if crate::config::is_variable(text) { Ok(text.to_owned()) } else { Err("not the name of a variable") }
}

impl Args {
    /// Whether the connection may be checked through the 1Password app.
    pub(super) fn asks_the_app(&self) -> bool {
        self.source == Kind::Op && self.token_file.is_none() && self.token_env.is_none()
    }

    /// Refuses what belongs to another kind of source.
    fn fit_together(&self) -> Result<(), Failure> {
        let misplaced = [
            (self.password && self.source != Kind::Local, "--password", "local"),
            ((self.app || self.account.is_some()) && self.source != Kind::Op, "--app and --account", "op"),
            (self.url.is_some() && self.source != Kind::Connect, "--url", "connect"),
            (self.token_file.is_some() && self.source == Kind::Local, "--token-file", "op or connect"),
            (self.token_env.is_some() && self.source == Kind::Local, "--token-env", "op or connect"),
        ];
        match misplaced.into_iter().find(|(is, ..)| *is) {
            Some((_, what, kind)) => {
                Err(Failure::invalid(format!("{what} is for --source {kind}"), "nothing was made"))
            }
            None => Ok(()),
        }
    }
}

pub(super) fn run(args: &Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    args.fit_together()?;
    let places = places(setup)?;
    let ended = match args.source {
        Kind::Local => local::make(&places, args.password, output).map(|()| ExitCode::SUCCESS),
        Kind::Op | Kind::Connect => onepassword::make(args, &places, setup, output),
    }?;
    plug_in(args.client, &places, setup, output);
    if args.source == Kind::Local {
        output.note("Next: opward secret put Staging/Stripe/credential   (asks for the value)");
    } else {
        output.note("Next: opward secret list                            (names, never values)");
    }
    output.note("      opward doctor                                 (says whether all is well)");
    Ok(ended)
}

fn plug_in(client: Option<Client>, places: &Places, setup: &Setup, output: Output) {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("opward"));
    let config = (!setup.is_usual_place()).then_some(places.config.as_path());
    output.line("");
    match client {
        Some(client) => output.line(client.instructions(&program, config)),
        None => {
            for client in Client::value_variants() {
                output.line(client.instructions(&program, config));
                output.line("");
            }
        }
    }
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

/// Says what was made, and what was there and stays.
fn told(made: bool, what: &str, file: &Path, output: Output) {
    let (mark, verb) =
        if made { (output.paint(Style::Good, "✓"), "made") } else { (output.paint(Style::Dim, "·"), "kept") };
    output.line(format!("{mark} {verb} {what:<18} {}", file.display()));
}

/// Writes the policy and the configuration, where there's none.
fn configure(places: &Places, source: &str, output: Output) -> Result<(), Failure> {
    let config = config_text(places, source);
    for (what, file, text) in
        [("the policy", &places.policy, STARTER_POLICY), ("the configuration", &places.config, config.as_str())]
    {
        folder(file)?;
        told(write_new(file, text)?, what, file, output);
    }
    Ok(())
}

fn config_text(places: &Places, source: &str) -> String {
    include_str!("init/opward.toml").replace("@source@", source).replace("@audit@", &quoted(&places.audit))
}

/// A path as TOML writes it.
fn quoted(path: &Path) -> String {
    serde_json::to_string(&path.display().to_string()).unwrap_or_default()
}
