//! `opward run`: a command of one's own, with values in its environment.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::failure::Failure;
use super::output::{Output, Style};
use crate::app::Setup;
use crate::app::run::{Command, End, NotFound, NotRun, end_by};
use crate::model::{self, ErrorCode};

/// The signal that one gets who prints to nobody.
const PIPE: i32 = rustix::process::Signal::PIPE.as_raw();

/// What a shell makes of that.
const PIPED: u8 = 128 + 13;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A .env file whose values may be op:// references, or texts with {{ op://… }} in them; may be given
    /// several times, and a later one counts for more
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// Show the command's output as it is, if a rule allows that
    #[arg(long)]
    no_masking: bool,
    /// Why it needs the values; recorded
    #[arg(long)]
    reason: Option<String>,
    /// The command, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: Args, setup: &Setup, output: Output) -> Result<ExitCode, Failure> {
    let masking = if args.no_masking { model::Output::Unmasked } else { model::Output::Masked };
    let mut words = args.command.into_iter();
    let name = words.next().unwrap_or_default();
    let called = name.to_string_lossy().escape_debug().to_string();
    let command =
        Command { env_files: args.env_files, output: masking, reason: args.reason, name, arguments: words.collect() };
    match super::block_on(command.run(setup))? {
        Ok(ran) => {
            if let Some(error) = ran.unrecorded {
                let mark = output.paint_note(Style::Warn, "warning:");
                output.note(format!("{mark} the command ended, and that couldn't be recorded: {}", error.message));
            }
            if let Some(error) = &ran.unwritten {
                let mark = output.paint_note(Style::Warn, "warning:");
                output.note(format!("{mark} not all that the command printed could be written: {error}"));
            }
            Ok(match ran.end {
                // By itself it would have been told of that. It was told of our pipe, and that late, if at all.
                End::Exited(0 | PIPED) | End::Killed(PIPE) if ran.unwritten.is_some() => ExitCode::FAILURE,
                End::Exited(code) => ExitCode::from(code),
                End::Killed(signal) => end_by(signal),
            })
        }
        Err(NotRun::Setup(error)) => Err(error.into()),
        Err(NotRun::Refused(error)) => Err(error.into()),
        Err(NotRun::NotFound(error)) => {
            let code = if error == NotFound::Nowhere { ErrorCode::NotFound } else { ErrorCode::Invalid };
            let failure = Failure::new(code, format!("{called}: {error}"), "nothing was run");
            let _status_of_other_commands = failure.report(output);
            Ok(ExitCode::from(error.status()))
        }
        Err(NotRun::Broken(error)) => {
            let _status_of_other_commands =
                Failure::new(ErrorCode::Internal, format!("{called}: {error}"), "").report(output);
            Ok(ExitCode::from(error.status()))
        }
    }
}
