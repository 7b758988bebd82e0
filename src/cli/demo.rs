//! `opward demo`: the whole story on a throw-away vault, over the real protocol.

mod api;
mod home;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;

use super::clients::Client;
use super::failure::Failure;
use super::output::{Output, Style};
use super::stage::{Home, Service, unless_interrupted};
use crate::app::Setup;
use crate::app::log::verify;
use crate::app::run::end_by;
use crate::model::ErrorCode;

/// The arguments of `opward demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep everything in this folder, which must not exist yet, and say how to go on with it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) fn run(args: &Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    match super::block_on(unless_interrupted(play(args, setup, output)))? {
        Ok(played) => played.map(|()| ExitCode::SUCCESS),
        Err(signal) => Ok(end_by(signal)),
    }
}

async fn play(args: &Args, setup: &Setup, output: Output) -> Result<(), Failure> {
    let home = match &args.keep {
        Some(folder) => Home::keep(folder)?,
        None => Home::throw_away("demo")?,
    };
    output.line(format!(
        "{}  a vault, a policy and a real server, in {}\n",
        output.paint(Style::Strong, "opward demo"),
        home.folder().display()
    ));
    let api = Service::start(api::routes()).await?;
    home::furnish(&home, setup.hardening(), api.port()).await?;
    story::tell(&home, output).await?;
    prove(&home, output)?;
    if args.keep.is_some() {
        go_on(&home, output);
    }
    Ok(())
}

/// Checks that the log is whole, as anybody could.
fn prove(home: &Home, output: Output) -> Result<(), Failure> {
    let report =
        verify(&home.audit_file()).map_err(|error| Failure::new(ErrorCode::AuditUnavailable, error.to_string(), ""))?;
    if !report.is_intact() || !report.unfinished.is_empty() {
        return Err(Failure::new(ErrorCode::AuditUnavailable, report.to_string(), ""));
    }
    let mark = output.paint(Style::Good, "✓");
    output.line(format!("{mark} audit verify: {} records, the chain is intact, nothing left open", report.records));
    Ok(())
}

fn go_on(home: &Home, output: Output) {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("opward"));
    let folder = home.folder().display();
    output.line(format!("\nKept in {folder}. Plug it into a client:\n"));
    output.line(
        Client::ClaudeCode
            .instructions(&program, None)
            // `--env` takes every word up to the next option, so it can't stand right before the name.
            .replace("--scope user opward -- ", &format!("--env OPWARD_HOME={folder} --scope user opward-demo -- ")),
    );
    output.line(format!(
        "\nOpen the vault in KeePassXC: {folder}/vault.kdbx with the key file {folder}/vault.keyx and no password"
    ));
    output.line(format!("Look around:  OPWARD_HOME={folder} {} audit show", program.display()));
}
