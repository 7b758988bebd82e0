//! `opward exposure`: which values reached whom, and what's to be rotated for it.

use std::process::ExitCode;

use jiff::Timestamp;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::{self, ExposureFilter, ExposureRow, Exposures, Setup, Since};
use crate::model::PathPattern;

/// The arguments of `opward exposure`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Given at this time or later: 7d, 24h, 2026-11-21 or an RFC 3339 time; days begin in UTC
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    since: Option<Since>,
    /// Of secrets that a pattern covers
    #[arg(long, value_name = "PATTERN", value_parser = PathPattern::parse)]
    path: Option<PathPattern>,
    /// Only values that should have been rotated by now
    #[arg(long)]
    overdue: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let filter = ExposureFilter { since: args.since, path: args.path.clone(), overdue: args.overdue };
    let found = super::block_on(app::exposures(setup, &filter))??;
    if args.json {
        output.line(serde_json::to_string(&found).unwrap_or_default());
    } else if found.exposures.is_empty() {
        output.line(nothing(args));
    } else {
        let head = ["PATH", "WHO", "HOW", "FIRST", "LAST", "TIMES", "ROTATE BY"];
        let rows = std::iter::once(head.map(str::to_owned).to_vec());
        output.table(&rows.chain(found.exposures.iter().map(|row| cells(row, output))).collect::<Vec<_>>());
    }
    remarks(&found, output);
    Ok(ExitCode::SUCCESS)
}

fn nothing(args: &Args) -> &'static str {
    match (args.overdue, args.since.is_some() || args.path.is_some()) {
        (true, _) => "no rotation is overdue",
        (false, true) => "no such value was given to anybody, as far as the audit log goes back",
        (false, false) => "no value was given to anybody, as far as the audit log goes back",
    }
}

fn cells(row: &ExposureRow, output: Output) -> Vec<String> {
    let due = match (row.rotate_by, row.changed_since) {
        (Some(by), _) if row.overdue => format!("{}  {}", time(by), output.paint(Style::Bad, "OVERDUE")),
        (Some(_), _) if row.gone => "no longer there".to_owned(),
        (Some(by), _) => time(by),
        (None, Some(changed)) => output.paint(Style::Good, format!("changed {}", time(changed))),
        (None, None) => "–".to_owned(),
    };
    let (first, last) = (time(row.first), time(row.last));
    vec![row.path.clone(), row.principal.clone(), row.how.clone(), first, last, row.times.to_string(), due]
}

/// To the minute, which is all a person looks for.
fn time(time: Timestamp) -> String {
    format!("{}Z", time.strftime("%Y-%m-%d %H:%M"))
}

fn remarks(found: &Exposures, output: Output) {
    if let Some(why) = &found.policy_unreadable {
        output.note(format!("What's to be rotated isn't known: {why}"));
    }
    if found.unreadable_lines > 0 {
        let lines = found.unreadable_lines;
        output.note(format!("{lines} line(s) of the log can't be read: `opward audit verify` says which"));
    }
}
