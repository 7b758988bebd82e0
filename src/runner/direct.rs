//! A program without a sandbox: opward's own child.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use super::handed;
use super::home::Home;
use super::job::{BY_SIGNAL, Ended, Job, NotRun, Output, Slot};
use super::listen::Listener;
use super::prepared::Plan;
use crate::memory::keep_descriptors;

/// How long a program has to end when it's told to.
const GRACE: Duration = Duration::from_millis(500);

/// How long the system may take to bury a killed process.
const BURIAL: Duration = Duration::from_secs(2);

/// Everything a program started, as long as it doesn't leave the group. The group's leader hasn't been waited for,
/// so its number can't be another's yet.
struct Group(Option<Pid>);

/// Runs it.
pub(super) async fn run(job: Job, output: impl FnMut(Output, &[u8]) + Send) -> Result<Ended, NotRun> {
    let begun = Instant::now();
    let deadline = begun + job.timeout;
    let (plan, secrets) = Plan::of(job);
    // A program may lie on a slow disk, and may have to be hashed.
    let ready = tokio::task::spawn_blocking(move || {
        let prepared = plan.prepare()?;
        let home = Home::make(&plan.home).map_err(|error| NotRun::system("no home could be made", error))?;
        Ok((prepared, home))
    });
    let (prepared, home) = ready.await.map_err(|_| NotRun::System("opward is ending".to_owned()))??;
    let mut variables = Vec::new();
    let mut input = None;
    for (slot, value) in &secrets {
        match slot {
            Slot::Variable(name) => variables.push((name.as_str(), value)),
            Slot::StandardInput => input = Some(handed::to_read(value)?),
            Slot::Descriptor(number) => {
                return Err(NotRun::System(format!("descriptor {number} needs a supervisor")));
            }
        }
    }
    let mut command = Command::from(prepared.command(&home));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(input) = input {
        command.stdin(Stdio::from(input));
    }
    for (name, value) in variables {
        value.hand_over(|bytes| {
            use std::os::unix::ffi::OsStrExt as _;
            command.env(name, std::ffi::OsStr::from_bytes(bytes));
        });
    }
    // Done at opward's start, too; what a library has opened since would be handed on just the same.
    keep_descriptors();
    let mut child = command.spawn().map_err(|error| prepared.not_started(&error))?;
    drop((command, secrets, prepared));
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let mut listener = Listener::new(child.stdout.take(), child.stderr.take(), output);
    let in_time = listener.during(timeout_at(deadline, watch(&group))).await.is_ok();
    if !in_time {
        group.signal(Signal::TERM);
        let _ = listener.during(timeout(GRACE, watch(&group))).await;
    }
    let status = bury(&mut group, &mut child).await?;
    let heard_out = listener.rest().await;
    drop(home);
    let killed = std::os::unix::process::ExitStatusExt::signal(&status).is_some();
    let exit_code = code(status);
    let cut_off = !in_time || !heard_out || killed;
    let (timed_out, took) = (!in_time, begun.elapsed());
    Ok(Ended { exit_code, killed, timed_out, cut_off, took, layers: "none".to_owned() })
}

/// Waits until the leader has ended, without burying it.
async fn watch(group: &Group) {
    let Some(leader) = group.0 else { return };
    let Ok(mut deaths) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child()) else { return };
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if !matches!(waitid(WaitId::Pid(leader), options), Ok(None)) || deaths.recv().await.is_none() {
            return;
        }
    }
}

/// Ends what's left of the group, while its number is still its own, and buries the leader.
async fn bury(group: &mut Group, child: &mut Child) -> Result<std::process::ExitStatus, NotRun> {
    group.signal(Signal::KILL);
    group.0 = None;
    match timeout(BURIAL, child.wait()).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(error)) => Err(NotRun::system("the program's end couldn't be seen", error)),
        Err(_) => Err(NotRun::System("the program can't be ended: the system holds it".to_owned())),
    }
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// An exit code as shells have it.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal)).unwrap_or(-1)
}
