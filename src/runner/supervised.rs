//! Opward's side of a run with a supervisor.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::time::{Instant, timeout};

use super::job::{BY_SIGNAL, Ended, Job, NotRun, Output};
use super::listen::Listener;
use super::prepared::Plan;
use super::processes::end_session;
use super::spare::{self, Process};
use super::supervise::frame::{self, Report};

/// How much longer than a job's own time is waited for a supervisor, which needs some to end everything.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the processes of a lost program may take to be gone.
const BURIAL: Duration = Duration::from_secs(2);

/// Runs a program to its end, and hands over each piece of its output as it comes. Dropping the future ends the
/// program and all it started.
///
/// # Errors
///
/// When it wasn't run, or not to its end.
pub async fn run(job: Job, output: impl FnMut(Output, &[u8]) + Send) -> Result<Ended, NotRun> {
    let begun = Instant::now();
    let (plan, secrets) = Plan::of(job);
    let refused = |error: std::io::Error| NotRun::system("no supervisor could be started", error);
    let frame = frame::job(&plan, &secrets).map_err(refused)?;
    drop(secrets);
    let supervisor = spare::take().map_err(refused)?;
    let process = supervisor.process;
    let mut socket = UnixStream::from_std(supervisor.socket).map_err(refused)?;
    let out = ChildStdout::from_std(supervisor.out).map_err(refused)?;
    let err = ChildStderr::from_std(supervisor.err).map_err(refused)?;
    let mut listener = Listener::new(Some(out), Some(err), output);
    let conversation = async {
        // A supervisor that can't be told ends without a word, which is seen below.
        let _ = socket.write_all(&frame).await;
        drop(frame);
        let line = BufReader::new(&mut socket).lines().next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    };
    let last = listener.during(timeout(plan.timeout + PATIENCE, conversation)).await.ok().flatten();
    let heard_out = listener.rest().await;
    let Some(last) = last else {
        clean_up(plan, process).await;
        return Err(NotRun::Lost);
    };
    match last {
        Report::Ended { exit_code, killed, timed_out, layers, left } => {
            if left {
                tracing::warn!("a program left something that couldn't be ended or removed");
            }
            let layers = if left { format!("{layers} left") } else { layers };
            // A shell says so of what it ran.
            let cut_off = timed_out || !heard_out || exit_code > BY_SIGNAL;
            Ok(Ended { exit_code, killed, timed_out, cut_off, took: begun.elapsed(), layers })
        }
        Report::Refused(why) => Err(why),
    }
}

/// Ends what can be found of a program whose supervisor is gone: all that didn't leave its session.
async fn clean_up(plan: Plan, mut process: Process) {
    process.kill();
    let cleaned = tokio::task::spawn_blocking(move || {
        // Not buried yet, so its session's number can't be another's.
        if let Some(session) = process.number() {
            let until = std::time::Instant::now() + BURIAL;
            while end_session(session) && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        drop(process);
        plan.home.remove();
    });
    let _ = cleaned.await;
}
