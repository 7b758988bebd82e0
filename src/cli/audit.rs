//! `opward audit …`: is the log whole, and what's in it.

use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::log::{Decision, Filter, Kind, Record, Report, show, verify, visible};
use crate::app::{self, Setup};
use crate::model::{Action, ErrorCode, NamePattern, PathPattern};

/// The verbs.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check every record and the chain between them
    Verify(VerifyArgs),
    /// Show records
    Show(ShowArgs),
    /// Go on with a broken log as it is, by the digest that `verify` gives; that's recorded in it
    Accept(AcceptArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct AcceptArgs {
    /// The digest
    digest: String,
    /// The log, instead of the configured one
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The log, instead of the configured one
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The log, instead of the configured one
    file: Option<PathBuf>,
    /// Of principals whose names match
    #[arg(long, value_parser = NamePattern::parse)]
    principal: Option<NamePattern>,
    /// For one action
    #[arg(long, value_parser = action)]
    action: Option<Action>,
    /// About paths that a pattern covers
    #[arg(long, value_parser = PathPattern::parse)]
    path: Option<PathPattern>,
    /// Of one kind: start, intent, outcome, denied, policy, config, error
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// With one delivery, or one kind of them: command:NAME, trusted-code:NAME, http:NAME, command, trusted-code,
    /// http, run, run-unmasked
    #[arg(long)]
    delivery: Option<String>,
    /// About one request
    #[arg(long)]
    request: Option<String>,
    /// Written at this time or later, RFC 3339
    #[arg(long)]
    since: Option<Timestamp>,
    /// Written before this time, RFC 3339
    #[arg(long)]
    until: Option<Timestamp>,
    /// Only the last so many
    #[arg(long, short = 'n')]
    last: Option<usize>,
    /// Print each record as a line of JSON
    #[arg(long)]
    json: bool,
}

fn action(word: &str) -> Result<Action, String> {
    Action::from_word(word).ok_or_else(|| format!("one of {}", Action::ALL.map(Action::as_str).join(", ")))
}

fn kind(word: &str) -> Result<Kind, String> {
    Kind::from_word(word).ok_or_else(|| format!("one of {}", Kind::ALL.map(Kind::as_str).join(", ")))
}

pub(super) fn run(command: &Command, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    match command {
        Command::Verify(args) => verified(args, setup, output),
        Command::Show(args) => shown(args, setup, output),
        Command::Accept(args) => {
            app::accept_break(&file(args.file.as_ref(), setup)?, &args.digest)?;
            output.line(format!("{} the break is accepted and recorded", output.paint(Style::Good, "✓")));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn file(given: Option<&PathBuf>, setup: &Setup) -> Result<PathBuf, Failure> {
    match given {
        Some(file) => Ok(file.clone()),
        None => Ok(setup.audit_file()?),
    }
}

fn verified(args: &VerifyArgs, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let file = file(args.file.as_ref(), setup)?;
    let report = verify(&file).map_err(unreadable)?;
    if args.json {
        output.line(serde_json::to_string(&report).unwrap_or_default());
    } else {
        print(&report, output);
    }
    Ok(if report.is_intact() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report, output: Output) {
    let verdict = if report.is_intact() {
        output.paint(Style::Good, "✓ the chain is intact")
    } else {
        output.paint(Style::Bad, "✗ the chain is broken")
    };
    output.line(format!("{verdict}\n{}", report.to_string().trim_end()));
    if report.bad.is_some() {
        output.note(format!("To go on with it as it is, once you know why: opward audit accept {}", report.digest));
    }
}

fn shown(args: &ShowArgs, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let file = file(args.file.as_ref(), setup)?;
    let filter = Filter {
        principal: args.principal.clone(),
        action: args.action,
        path: args.path.clone(),
        since: args.since,
        until: args.until,
        kind: args.kind,
        delivery: args.delivery.clone(),
        request: args.request.clone(),
        last: args.last,
        ..Filter::default()
    };
    for record in show(&file, filter).map_err(unreadable)? {
        let record = record.map_err(|error| {
            Failure::new(
                ErrorCode::AuditUnavailable,
                error.to_string(),
                "`opward audit verify` says what's wrong with the log",
            )
        })?;
        if args.json {
            output.line(serde_json::to_string(&record).unwrap_or_default());
        } else {
            output.line(line(&record, output));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(record: &Record, output: Output) -> String {
    let mut words = vec![
        output.paint(Style::Dim, format!("{:>6} {:.19}Z", record.seq, record.time.to_string())),
        format!("{:<8}", record.kind.as_str()),
        format!("{:<12}", visible(&record.principal)),
    ];
    words.extend(record.action.map(|action| format!("{action:<8}")));
    words.extend(record.path.as_deref().map(|path| visible(path).into_owned()));
    words.extend(record.delivery.as_deref().map(|delivery| format!("by {}", visible(delivery))));
    words.extend(record.asked.as_ref().map(|asked| visible(asked.as_str()).into_owned()));
    if record.decision == Decision::Leak {
        words.push(output.paint(Style::Bad, Decision::Leak.as_str()));
    }
    words.extend(record.code.as_deref().map(|code| output.paint(Style::Warn, visible(code))));
    words.extend(record.result.map(|result| format!("→ {result}")));
    if !record.rules.is_empty() {
        words.push(output.paint(Style::Dim, format!("[{}]", visible(&record.rules.join(", ")))));
    }
    words.extend(record.sandbox.as_ref().map(|sandbox| output.paint(Style::Dim, format!("({sandbox})"))));
    words.extend(record.reason.as_deref().map(|reason| format!("“{}”", visible(reason))));
    words.join(" ")
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::AuditUnavailable, error.to_string(), "name the file, or set the log up with `opward init`")
}
