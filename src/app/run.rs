//! A person's own command, run with the values that its variables name.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::run_variables::{Variable, Variables};
use super::setup::{Setup, SetupError};
use super::{App, own_name};
use crate::audit::CameTo;
use crate::broker::{ForProgram, NotGiven, Records};
use crate::config::SourceConfig;
use crate::memory::Payload;
use crate::model::{ErrorCode, Output, PublicError, Reason};
use crate::redact::Stream;
use crate::runner::terminal::{self, Hide, Program};

pub use crate::runner::terminal::{Broken, End, NotFound, end_by};

/// What's said when a command isn't run.
pub(super) const NOT_RUN: &str = "nothing was run";

/// A command, as the person gives it.
#[derive(Debug)]
pub struct Command {
    /// Files of variables, the later before the earlier.
    pub env_files: Vec<PathBuf>,
    /// What becomes of its output.
    pub output: Output,
    /// Why it needs the values.
    pub reason: Option<String>,
    /// Its name.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// As it would have ended without us.
    pub end: End,
    /// Why what it printed couldn't be written, if it couldn't.
    pub unwritten: Option<io::Error>,
    /// Why that couldn't be recorded, if it couldn't.
    pub unrecorded: Option<PublicError>,
}

/// Why a command wasn't run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotRun {
    /// There's no such program.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// Values can't be had without a configuration, and it can't be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A value can't be had.
    #[error("{0}")]
    Refused(PublicError),
    /// It wasn't started, or nothing is known of its end.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What comes out of the policy and the vaults for a command.
struct Filled {
    values: Vec<Payload>,
    /// What hides them, and what's still to be recorded; nothing, where no value is used.
    used: Option<(Option<(Hidden, Hidden)>, Records)>,
}

/// Hides values in one stream.
struct Hidden(Option<Stream>);

impl Hide for Hidden {
    fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if let Some(stream) = &mut self.0 {
            stream.push(piece, out);
        }
    }

    fn idle(&mut self, out: &mut Vec<u8>) {
        if let Some(stream) = &mut self.0 {
            stream.idle(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(stream) = self.0.take() {
            stream.finish(out);
        }
    }
}

impl Command {
    /// Runs it to its end, with the values that its variables name; with none of them if one can't be had. Where they
    /// name none, nothing is asked of anybody.
    ///
    /// # Errors
    ///
    /// When it isn't run, or how it ended can't be known.
    pub async fn run(self, setup: &Setup) -> Result<Ran, NotRun> {
        let environment = setup.environment();
        let configured = setup.config().ok();
        let signs_in = configured.iter().flat_map(|config| config.sources.iter().filter_map(SourceConfig::variable));
        let without: Vec<String> = environment.withheld().chain(signs_in).map(str::to_owned).collect();
        let variables = Variables::read(&self.env_files, environment, &without).map_err(NotRun::Refused)?;
        let path = terminal::find(&self.name, environment.value("PATH"))?;
        let Filled { values, used } = self.filled(&variables, setup).await?;
        let names = variables.names().map(str::to_owned);
        let program = Program {
            path,
            name: self.name,
            arguments: self.arguments,
            without,
            variables: names.zip(values).collect(),
        };
        let (hide, records) = match used {
            Some((hide, records)) => (hide, Some(records)),
            None => (None, None),
        };
        let ended = terminal::run(program, hide).await;
        let recorded = match (records, &ended) {
            (None, _) => Ok(()),
            (Some(records), Ok(ran)) => records.ended(came_to(ran.end)).await,
            (Some(records), Err(broken)) => records.failed(code(*broken)).await,
        };
        let terminal::Ran { end, unwritten } = ended?;
        Ok(Ran { end, unwritten, unrecorded: recorded.err() })
    }

    /// Fills the variables in.
    async fn filled(&self, variables: &Variables, setup: &Setup) -> Result<Filled, NotRun> {
        let asking: Vec<&Variable> = variables.all().filter(|variable| variable.asks()).collect();
        let mut given = Vec::new().into_iter();
        let mut used = None;
        if !asking.is_empty() {
            let reason = self.reason.as_deref().map(Reason::parse).transpose();
            let reason = reason.map_err(|error| {
                NotRun::Refused(PublicError::new(ErrorCode::Invalid, format!("--reason: {error}"), NOT_RUN))
            })?;
            let app = App::for_person(setup).await?;
            let templates: Vec<_> = asking.iter().map(|variable| variable.template()).collect();
            let call = app.session.call(own_name(), reason);
            let answer = app.wired.broker.for_program(&call, &templates, self.output, &self.name).await;
            // What's kept of values and vaults goes before the command comes: it may run for days.
            app.close().await;
            let ForProgram { variables, redactor, records } = answer.map_err(|why| refused(why, &asking))?;
            let hidden = || Hidden(Some(redactor.stream()));
            let hide = (self.output == Output::Masked).then(|| (hidden(), hidden()));
            (given, used) = (variables.into_iter(), Some((hide, records)));
        }
        let values = variables
            .all()
            .map(|variable| if variable.asks() { given.next() } else { variable.template().fill(|_| None) });
        let values = values.collect::<Option<Vec<_>>>().ok_or_else(SetupError::internal)?;
        Ok(Filled { values, used })
    }
}

fn came_to(end: End) -> CameTo {
    match end {
        End::Exited(code) => CameTo::Exit(code.into()),
        End::Killed(_) => CameTo::Killed,
    }
}

/// What a run that failed is recorded as. With these of a program that didn't start, no value counts as exposed.
const fn code(broken: Broken) -> ErrorCode {
    match broken {
        Broken::NoInterpreter => ErrorCode::NotFound,
        Broken::NotAProgram | Broken::NotStarted(_) => ErrorCode::Invalid,
        Broken::System(_) | Broken::Lost => ErrorCode::Internal,
    }
}

/// Says of each variable why it can't be had.
fn refused(why: NotGiven, asking: &[&Variable]) -> NotRun {
    let problems = match why {
        NotGiven::Nothing(error) => return NotRun::Refused(error),
        NotGiven::Some(problems) => problems,
    };
    let of = problems.iter().filter_map(|(number, error)| Some((*asking.get(*number)?, error)));
    let lines: Vec<String> = of
        .map(|(variable, error)| {
            let rule = error.rule.as_ref().map(|rule| format!(" (rule `{rule}`)")).unwrap_or_default();
            format!("\n  {variable}: {}: {}{rule}", error.code, error.message)
        })
        .collect();
    // A refusal is what a script must be able to tell from everything else.
    let denied = problems.iter().find(|(_, error)| error.code == ErrorCode::Denied);
    let first = denied.or(problems.first()).map(|(_, error)| error);
    let (code, hint) = first.map_or((ErrorCode::Internal, ""), |error| (error.code, error.hint.as_ref()));
    let message = format!("{} of {} variables can't be filled{}", lines.len(), asking.len(), lines.concat());
    let hint = if hint.is_empty() { NOT_RUN.to_owned() } else { format!("{NOT_RUN}; {hint}") };
    NotRun::Refused(PublicError::new(code, message, hint))
}
