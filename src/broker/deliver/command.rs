//! Running a command that the policy names, with the values it names.

use std::ffi::OsString;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{Broker, Done};
use super::Opened;
use super::asked::of_command;
use super::capture::Capture;
use crate::audit::CameTo;
use crate::authz::{Call, Refusal};
use crate::memory::Payload;
use crate::model::{Action, ErrorCode, PublicError, Reference};
use crate::policy::{Bound, Class, Command, CommandOutput, SandboxWish};
use crate::runner::{self, Argument, Ended, Job, NotRun, Output, Sandbox, Slot};

/// What came of a command.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Ran {
    /// Its exit code; 128 and the signal's number if a signal ended it. Absent if it took too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What it printed, with values hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What it complained of, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// How often something was hidden.
    pub redactions: u64,
    /// Whether the middle of its output was left out.
    pub truncated: bool,
    /// Whether it was ended because it took too long.
    pub timed_out: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Why there's no output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

impl Broker {
    /// Runs a command of the policy.
    ///
    /// Dropping the future ends the command and all it started.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn run_command(
        &self,
        call: &Call,
        name: &str,
        params: &Map<String, Value>,
    ) -> Result<Done<Ran>, Refusal> {
        let Some(command) = call.command(name) else {
            return Err(call.deny_delivery().await);
        };
        let delivery = command.delivery();
        let (slots, references): (Vec<Slot>, Vec<&Reference>) = secrets_of(&command).unzip();
        let wanted = self.secrets(call, &delivery, &references).await?;
        let arguments = match command.bind(params) {
            Ok(bound) => bound.into_iter().map(argument).collect(),
            Err(error) => {
                let hint = "list_actions shows each command's parameters";
                let error = PublicError::new(ErrorCode::Invalid, error.to_string(), hint);
                return Err(call.fail(Action::Use, None, error).await);
            }
        };
        if let Some(folder) = self.0.own_files.reached_by(&command) {
            let folder = folder.display();
            tracing::error!(command = %command.name, %folder, "a command may reach opward's own files; it isn't run");
            return Err(call.fail(Action::Use, None, unusable()).await);
        }
        if let Some(why) = other_program(&command) {
            tracing::error!(command = %command.name, %why, "a command's program leads elsewhere; it isn't run");
            return Err(call.fail(Action::Use, None, unusable()).await);
        }
        let asked = self.asked(call, of_command(&command, params)).await;
        let opened = self.open_for(call, &delivery, asked.as_ref(), wanted).await?;
        // As many at a time as a machine bears; whoever waits longer than they want goes away.
        let Ok(_turn) = self.0.runs.acquire().await else { return Err(Refusal::internal()) };
        let job = job(&command, arguments, slots.into_iter().zip(opened.payloads()).collect());
        run(opened, job, &command).await
    }
}

/// What's wrong with what a command's path really leads to: its own name may be a link's.
fn other_program(command: &Command) -> Option<String> {
    match runner::real_name(&command.exe) {
        Ok(name) => command.refuses(&name),
        Err(error) => Some(error.to_string()),
    }
}

async fn run(opened: Opened, job: Job, command: &Command) -> Result<Done<Ran>, Refusal> {
    let redactor = opened.redactor("run_command").filter(|_| command.output == CommandOutput::Redact);
    let mut captures = redactor.map(|redactor| [Capture::new(&redactor), Capture::new(&redactor)]);
    let ended = runner::run(job, |from, piece| {
        let Some([out, err]) = &mut captures else { return };
        match from {
            Output::Out => out.take(piece),
            Output::Err => err.take(piece),
        }
    })
    .await;
    let ended = match ended {
        Ok(ended) => ended,
        Err(not_run) => {
            tracing::warn!(command = %command.name, %not_run, "a command couldn't be run");
            return Err(opened.refused(explained(&not_run)).await);
        }
    };
    let layers = ended.layers.clone();
    let body = Ran::of(&ended, captures, command.output);
    Ok(Done { body, settled: opened.done(came_to(&ended), Some(&layers)).await? })
}

fn came_to(ended: &Ended) -> CameTo {
    match ended {
        Ended { timed_out: true, .. } => CameTo::TimedOut,
        Ended { killed: true, .. } => CameTo::Killed,
        Ended { exit_code, .. } => CameTo::Exit(*exit_code),
    }
}

impl Ran {
    fn of(ended: &Ended, captures: Option<[Capture; 2]>, output: CommandOutput) -> Self {
        let [out, err] = match captures {
            Some(captures) => captures.map(|capture| Some(capture.end(ended.cut_off))),
            None => [None, None],
        };
        let note = match output {
            CommandOutput::Redact if out.is_some() => None,
            CommandOutput::Redact => Some("a value is too short to be hidden in the output, so there's none"),
            CommandOutput::ExitCode | CommandOutput::None => Some("the owner keeps this command's output from you"),
        };
        let both = || out.iter().chain(&err);
        Self {
            exit_code: (!ended.timed_out && output != CommandOutput::None).then_some(ended.exit_code),
            redactions: both().map(|captured| captured.redactions).sum(),
            truncated: both().any(|captured| captured.truncated),
            timed_out: ended.timed_out,
            duration_ms: u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX),
            note,
            stdout: out.map(|captured| captured.text),
            stderr: err.map(|captured| captured.text),
        }
    }
}

/// The values that a command is given, and where it finds them.
fn secrets_of(command: &Command) -> impl Iterator<Item = (Slot, &Reference)> {
    let variables = command.env.iter().map(|(name, reference)| (Slot::Variable(name.clone()), reference));
    let input = command.stdin.iter().map(|reference| (Slot::StandardInput, reference));
    let files = command.fd.iter().map(|(number, reference)| (Slot::Descriptor(*number), reference));
    variables.chain(input).chain(files)
}

fn argument(bound: Bound) -> Argument {
    match bound {
        Bound::Text(text) => Argument::Text(OsString::from(text)),
        Bound::Under { root, relative, before, after } => Argument::Under { root, relative, before, after },
    }
}

fn job(command: &Command, arguments: Vec<Argument>, secrets: Vec<(Slot, Payload)>) -> Job {
    Job {
        exe: command.exe.clone(),
        pinned: command.sha256,
        may_be_script: command.class == Class::TrustedCode,
        arguments,
        variables: command.vars.iter().map(|(name, value)| (name.clone(), OsString::from(value))).collect(),
        secrets,
        directory: command.cwd.clone(),
        may_read: command.read.clone(),
        may_write: command.write.clone(),
        network: command.network,
        timeout: command.timeout,
        sandbox: match command.sandbox {
            SandboxWish::Require => Sandbox::Require,
            SandboxWish::Prefer => Sandbox::Prefer,
            SandboxWish::Off => Sandbox::Off,
        },
    }
}

/// What the caller is told. The operator's log has the rest: how a machine is set up is none of an agent's business.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else keeps a program from running is the owner's to see")]
fn explained(not_run: &NotRun) -> PublicError {
    match not_run {
        NotRun::Parameter(why) => {
            PublicError::new(ErrorCode::Invalid, why.clone(), "list_actions shows each command's parameters")
        }
        NotRun::Sandbox(_) => PublicError::new(
            ErrorCode::Unsupported,
            "the command may only run confined, and this machine can't confine it",
            "ask the owner to run `opward doctor`",
        ),
        // It may have begun.
        NotRun::Lost | NotRun::System(_) => PublicError::new(
            ErrorCode::Internal,
            "something kept the command from being seen to its end",
            "it may have done its work all the same; ask the owner to look at opward's log",
        ),
        _ => unusable(),
    }
}

fn unusable() -> PublicError {
    PublicError::new(
        ErrorCode::Unsupported,
        "the command can't be run on this machine",
        "ask the owner to look at opward's log and `opward doctor`",
    )
}
