//! `opward token new`: bearers for the server over HTTP.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::NewBearer;
use crate::model::{Clock, PrincipalName};

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token, print it once, and print what the configuration keeps of it
    New(NewArgs),
}

/// The arguments of `opward token new`.
#[derive(Debug, clap::Args)]
pub(super) struct NewArgs {
    /// The name by which policies know whoever shows the token
    #[arg(long, value_name = "NAME", value_parser = PrincipalName::parse)]
    principal: PrincipalName,
    /// When it ends: a time such as 2027-01-31T00:00:00Z, or a duration such as 90d
    #[arg(long, value_name = "TIME|DURATION")]
    expires: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command, output: Output) -> Result<ExitCode, Failure> {
    let Command::New(args) = command;
    let made = NewBearer::make(args.principal, args.expires.as_deref(), &Clock::system())?;
    let kept = made.config();
    if args.json {
        let expires = kept.expires.map(|time| format!("{time:.0}"));
        output.line(json!({
            "token": made.reveal(),
            "principal": kept.principal,
            "sha256": kept.sha256.to_string(),
            "expires": expires,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let note = |text: &str| output.note(output.paint_note(Style::Dim, text));
    note("The token, for its one client. It's shown this once and kept nowhere:");
    output.line(made.reveal());
    note("What opward.toml keeps of it; paste this there and start the server again:");
    output.line(kept);
    Ok(ExitCode::SUCCESS)
}
