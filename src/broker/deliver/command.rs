//! Running a command that the policy names, with the values it names.

use std::ffi::OsString;
use std::sync::Arc;

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
    /// Why there's no output, or why it ended as it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// How a program ends that's ended for a system call: 128 and SIGSYS.
const BAD_CALL: i32 = 159;

/// What's said of a program that nothing confined.
const UNCONFINED: &str = "none";

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
        if let Some(why) = self.unfit(&command).await {
            tracing::error!(command = %command.name, %why, "a command isn't run");
            return Err(call.fail(Action::Use, None, unusable()).await);
        }
        // As many at a time as a machine bears. Nothing is counted or opened before it's this call's turn.
        let _turn = match self.0.turns.take(call.principal()).await {
            Ok(turn) => turn,
            Err(busy) => return Err(call.fail(Action::Use, None, busy).await),
        };
        let asked = self.asked(call, of_command(&command, params)).await;
        let opened = self.open_for(call, &delivery, asked.as_ref(), wanted).await?;
        let job = job(&command, arguments, slots.into_iter().zip(opened.payloads()).collect());
        run(opened, job, &command).await
    }

    /// Why a command can't be run as it stands: what it may reach, or what its path really leads to.
    async fn unfit(&self, command: &Arc<Command>) -> Option<String> {
        let (broker, command) = (self.clone(), Arc::clone(command));
        // Paths may lead to slow disks.
        let looked = tokio::task::spawn_blocking(move || {
            if let Some(folder) = broker.0.own_files.reached_by(&command) {
                return Some(format!("it may reach opward's own files, in {}", folder.display()));
            }
            // The path's own name may be a link's.
            match runner::real_name(&command.exe) {
                Ok(name) => command.refuses(&name),
                Err(error) => Some(error.to_string()),
            }
        });
        looked.await.unwrap_or_else(|_| Some("opward is ending".to_owned()))
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
            // What's more likely than a program that ends itself so: it was ended for a call that no program may make.
            _ if output != CommandOutput::None && ended.exit_code == BAD_CALL && ended.layers != UNCONFINED => Some(
                "it made a system call of another kind than this machine's own, as 32-bit programs do; the sandbox ends those",
            ),
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
        NotRun::System(_) => PublicError::new(
            ErrorCode::Internal,
            "the system refused what the command needs, so it wasn't started",
            "ask the owner to look at opward's log",
        ),
        // It may have begun.
        NotRun::Lost => PublicError::new(
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_never_began_is_not_said_to_have_done_its_work() {
        let told = |not_run: NotRun| format!("{:?}", explained(&not_run));
        for never in [
            NotRun::Place("x".to_owned()),
            NotRun::System("x".to_owned()),
            NotRun::Program("x".to_owned()),
            NotRun::Sandbox("x".to_owned()),
        ] {
            assert!(!told(never.clone()).contains("all the same"), "{never:?}");
        }
        assert!(told(NotRun::Lost).contains("all the same"));
        assert_eq!(explained(&NotRun::Place("x".to_owned())), unusable());
    }

    #[test]
    fn a_program_that_the_sandbox_ended_is_said_to_be_ended_so() {
        let ended = |exit_code, layers: &str| Ended {
            exit_code,
            timed_out: false,
            took: Duration::ZERO,
            layers: layers.to_owned(),
            killed: false,
            cut_off: false,
        };
        let note = |ended, output| Ran::of(&ended, None, output).note.unwrap_or_default();
        assert!(note(ended(159, "seccomp"), CommandOutput::Redact).contains("32-bit"));
        assert!(note(ended(159, "seccomp"), CommandOutput::ExitCode).contains("32-bit"));
        assert!(!note(ended(159, "seccomp"), CommandOutput::None).contains("32-bit"), "its end isn't shown");
        assert!(!note(ended(159, "none"), CommandOutput::Redact).contains("32-bit"));
        assert!(!note(ended(0, "seccomp"), CommandOutput::Redact).contains("32-bit"));
    }
}
