//! `opward doctor`: what works, what's missing, and which promises hold on this machine.

use std::process::ExitCode;

use serde_json::json;

use super::attack;
use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::{self, Check, Health, Setup};

/// The arguments of `opward doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Attack a throw-away vault, as an agent that was talked into it and as another program of yours would, and say
    /// what held; nothing of your own is touched
    #[arg(long)]
    attack: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    if args.attack {
        return attack::run(args.json, setup, output);
    }
    let checks = super::block_on(app::inspect(setup))?;
    if args.json {
        output.line(json!({ "checks": checks }));
    } else {
        for check in &checks {
            print(check, output);
        }
    }
    let broken = checks.iter().any(|check| check.health == Health::Broken);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Shows one check, and what to do about it.
pub(super) fn print(check: &Check, output: Output) {
    let mark = match check.health {
        Health::Good => output.paint(Style::Good, "✓"),
        Health::Weak => output.paint(Style::Warn, "!"),
        Health::Broken => output.paint(Style::Bad, "✗"),
    };
    output.line(format!("{mark} {:<14} {}", check.name, check.finding));
    if let Some(remedy) = &check.remedy {
        output.line(format!("  {:<14} {} {remedy}", "", output.paint(Style::Dim, "→")));
    }
}
