//! `opward doctor --attack`: opward attacks itself, on a throw-away vault, and says what held.
//!
//! - `world`: what's attacked.
//! - `agent`: who attacks with the tools alone: `tools`, `guard`, `commands`, `requests`.
//! - `inside`, with `probe`: a program that opward runs, and that tries to get out.
//! - `shell`, with `probe`: another program of the same user.
//! - `files`: files that others changed, and a log that can't be written.
//! - `traces`: what's left when all is over.
//!
//! Each attempt is judged by a pure function, which has to say of a bad observation that it's bad. What proves nothing,
//! because it couldn't be tried, counts as broken or is said to be no promise; it never counts as held.

mod agent;
mod canary;
mod commands;
mod files;
mod finding;
mod forms;
mod guard;
mod inside;
mod probe;
mod process;
mod requests;
mod shell;
mod tools;
mod traces;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Style};
use super::stage::unless_interrupted;
use crate::app::Setup;
use crate::app::run::end_by;
use finding::{Attacker, Finding, Verdict};
pub(super) use probe::as_a_probe;
use world::World;

/// Attacks, and prints what became of each promise.
pub(super) fn run(json: bool, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let findings = match super::block_on(unless_interrupted(all(setup)))? {
        Ok(findings) => findings?,
        Err(signal) => return Ok(end_by(signal)),
    };
    let took = begun.elapsed();
    let count = |wanted: fn(&Verdict) -> bool| findings.iter().filter(|finding| wanted(&finding.verdict)).count();
    let held = count(|verdict| *verdict == Verdict::Held);
    let cannot_hold = count(|verdict| matches!(verdict, Verdict::CannotHold { .. }));
    let broken = count(|verdict| matches!(verdict, Verdict::Broken { .. }));
    let attempts: usize = findings.iter().map(|finding| finding.attempts).sum();
    if json {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        output.line(json!({
            "findings": findings, "held": held, "cannot_hold": cannot_hold, "broken": broken, "attempts": attempts,
            "as_root": rustix::process::geteuid().is_root(), "milliseconds": milliseconds,
        }));
    } else {
        for attacker in Attacker::ALL {
            output.line(output.paint(Style::Strong, attacker.heading()));
            for finding in findings.iter().filter(|finding| finding.attacker == attacker) {
                print(finding, output);
            }
            output.line("");
        }
        output.line(format_args!(
            "{held} held, {cannot_hold} can't hold here, {broken} broken; {attempts} attempts in {:.1} s",
            took.as_secs_f64()
        ));
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn all(setup: &Setup) -> Result<Vec<Finding>, Failure> {
    let world = Arc::new(World::make(setup).await?);
    // A thread that attacks holds the world, and is given up where all is.
    let _thrown_away = world.home.thrown_away();
    // Each with a server of its own, all at the same time.
    let (tools, guard, rubbish, commands, requests, inside, shell, files) = tokio::join!(
        tools::attack(&world),
        guard::attack(&world),
        guard::rubbish(&world),
        commands::attack(&world),
        requests::attack(&world),
        inside::attack(&world),
        shell::attack(&world),
        files::attack(&world),
    );
    let mut findings = tools?;
    findings.extend([guard?, rubbish?]);
    for more in [commands, requests, inside, shell, files] {
        findings.extend(more?);
    }
    findings.extend(traces::attack(&world));
    Ok(findings)
}

fn print(finding: &Finding, output: Output) {
    let attempts = match finding.attempts {
        1 => String::new(),
        attempts => output.paint(Style::Dim, format!("  ({attempts} attempts)")),
    };
    match &finding.verdict {
        Verdict::Held => {
            output.line(format_args!("{} {}{attempts}", output.paint(Style::Good, "✓"), finding.promise));
        }
        Verdict::CannotHold { why, remedy } => {
            output.line(format_args!("{} not promised here: {}", output.paint(Style::Warn, "!"), finding.promise));
            output.line(format_args!("    {why}"));
            output.line(format_args!("    {} {remedy}", output.paint(Style::Dim, "→")));
        }
        Verdict::Broken { by } => {
            output.line(format_args!("{} BROKEN PROMISE: {}", output.paint(Style::Bad, "✗"), finding.promise));
            for by in by {
                output.line(format_args!("    {by}"));
            }
        }
    }
}
