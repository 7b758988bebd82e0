//! One process: started, fed, listened to, and ended with all it started.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tokio::{select, try_join};
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

/// The most a process may answer.
const MOST_OUTPUT: usize = 16 * 1024 * 1024;

/// How much of its complaints is kept; the rest is read and forgotten.
const MOST_COMPLAINTS: usize = 64 * 1024;

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// How long a process has to end when it's told to.
const GRACE: Duration = Duration::from_millis(500);

/// How long is listened on after a process has ended, where what it started holds its output open.
const LINGER: Duration = Duration::from_millis(500);

/// How long the system may take to bury a killed process.
const BURIAL: Duration = Duration::from_secs(2);

/// A process to be started.
pub(super) struct Call {
    /// The program's absolute path.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Its whole environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// What it finds on its standard input, which is a pipe then; `None` for nothing at all.
    pub(super) input: Option<Zeroizing<Vec<u8>>>,
    /// How long it may take. As long again it may wait for its turn.
    pub(super) limit: Duration,
}

/// A process that ended by itself.
pub(super) struct Ended {
    /// Whether it says that all went well.
    pub(super) succeeded: bool,
    /// What it answered.
    pub(super) stdout: Zeroizing<Vec<u8>>,
    /// The beginning of what it complained of.
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

/// Why a process didn't end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It never began: others took too long.
    NoTurn,
    /// It never began: the system refused.
    NotStarted(io::ErrorKind),
    /// It took too long.
    TooSlow,
    /// It answered too much.
    TooMuch,
    /// Its output couldn't be read, or opward is ending.
    Interrupted,
}

/// Starts processes, a few at a time.
#[derive(Debug)]
pub(super) struct Processes {
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// A process on its way. Dropping it ends the process.
#[must_use = "a process that nobody waits for is ended"]
pub(super) struct Running(oneshot::Receiver<Result<Ended, Stopped>>);

/// Everything a process started, as long as it doesn't leave the group. The group's leader hasn't
/// been waited for, so its number can't be another's yet.
struct Group(Option<Pid>);

impl Processes {
    /// Makes a starter of so many processes at a time.
    pub(super) fn new(most: usize, tasks: TaskTracker) -> Self {
        Self { turns: Arc::new(Semaphore::new(most)), tasks }
    }

    /// Starts a process when it's its turn.
    pub(super) fn start(&self, call: Call) -> Running {
        self.watch(call, Some(Arc::clone(&self.turns)))
    }

    /// Starts a process even if there are many.
    pub(super) fn start_at_once(&self, call: Call) -> Running {
        self.watch(call, None)
    }

    /// Looks after a process in a task of its own, since ending one takes time and whoever waited for
    /// it may be gone.
    fn watch(&self, call: Call, turns: Option<Arc<Semaphore>>) -> Running {
        let (mut answer, asked) = oneshot::channel();
        self.tasks.spawn(async move {
            let turn = async {
                let Some(turns) = turns else { return Ok(None) };
                let turn = timeout(call.limit, turns.acquire_owned()).await.map_err(|_| Stopped::NoTurn)?;
                turn.map(Some).map_err(|_| Stopped::Interrupted)
            };
            let turn = select! {
                biased;
                () = answer.closed() => return,
                turn = turn => turn,
            };
            let ended = match &turn {
                Ok(_) => supervise(call, answer.closed()).await,
                Err(stopped) => Err(*stopped),
            };
            drop(turn);
            // Nobody may be waiting any more.
            drop(answer.send(ended));
        });
        Running(asked)
    }
}

impl Future for Running {
    type Output = Result<Ended, Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ended| ended.unwrap_or(Err(Stopped::Interrupted)))
    }
}

/// Sees one process to its end, whichever that is. When this returns, the process is gone.
async fn supervise(mut call: Call, abandoned: impl Future<Output = ()>) -> Result<Ended, Stopped> {
    let not_started = |error: io::Error| Stopped::NotStarted(error.kind());
    // From before the start, so that no end is missed.
    let mut children = unix::signal(SignalKind::child()).map_err(not_started)?;
    let input = call.input.take();
    // The group first: it's ended before its leader is waited for, also where this is dropped half-way.
    let (mut group, mut child) = spawn(&call, input.is_some()).map_err(not_started)?;
    let limit = call.limit;
    // From here on only the process itself has the credential.
    drop(call);

    let (mut stdout, mut stderr) = (Zeroizing::new(Vec::new()), Zeroizing::new(Vec::new()));
    let (answers, complaints, feed) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
    let ended = {
        let streams = async {
            let all =
                try_join!(collect(answers, &mut stdout), collect_some(complaints, &mut stderr), feed_in(feed, input));
            all.map(drop)
        };
        select! {
            biased;
            () = abandoned => Err(Stopped::Interrupted),
            ended = both(streams, end_of(group.0, &mut children)) => ended,
            () = sleep(limit) => Err(Stopped::TooSlow),
        }
    };
    if ended.is_err() {
        group.signal(Signal::TERM);
        let _ = timeout(GRACE, end_of(group.0, &mut children)).await;
    }
    group.end();
    let status = timeout(BURIAL, child.wait()).await;
    ended?;
    let status = status.map_err(|_| Stopped::Interrupted)?.map_err(|_| Stopped::Interrupted)?;
    Ok(Ended { succeeded: status.success(), stdout, stderr })
}

fn spawn(call: &Call, fed: bool) -> io::Result<(Group, Child)> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts op")]
    let mut command = Command::new(&call.program);
    command.args(&call.arguments).env_clear().envs(call.environment.iter().map(|(name, value)| (name, value)));
    // Nothing of ours is kept busy, and nothing is found by being near.
    command.current_dir("/").process_group(0).kill_on_drop(true);
    command.stdin(if fed { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    Ok((Group(leader), child))
}

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // There's nobody left to tell, or it's told.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Ends whatever is left of it.
    fn end(&mut self) {
        self.signal(Signal::KILL);
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for a process to have ended, and for what it printed.
async fn both(
    streams: impl Future<Output = Result<(), Stopped>>,
    end: impl Future<Output = ()>,
) -> Result<(), Stopped> {
    let (mut streams, mut end) = (pin!(streams), pin!(end));
    select! {
        done = &mut streams => {
            done?;
            end.await;
            Ok(())
        }
        () = &mut end => {
            // Whoever else has its output is no part of the answer.
            timeout(LINGER, streams).await.unwrap_or(Ok(()))
        }
    }
}

/// Waits until a process has ended, and leaves it unburied: as long as it is, its number and its
/// group's can't become another's.
async fn end_of(process: Option<Pid>, children: &mut unix::Signal) {
    let Some(process) = process else { return };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while let Ok(None) | Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(process), options) {
        if children.recv().await.is_none() {
            // The runtime is ending, and takes us with it.
            std::future::pending::<()>().await;
        }
    }
}

/// Reads a whole answer. The buffers it outgrows are wiped by the allocator.
async fn collect(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Stopped> {
    let Some(mut stream) = stream else { return Ok(()) };
    loop {
        into.reserve(CHUNK);
        if stream.read_buf(into).await.map_err(|_| Stopped::Interrupted)? == 0 {
            return Ok(());
        }
        if into.len() > MOST_OUTPUT {
            return Err(Stopped::TooMuch);
        }
    }
}

/// Reads the beginning of something, and past the rest of it.
async fn collect_some(stream: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), Stopped> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK));
    loop {
        chunk.clear();
        if stream.read_buf(&mut *chunk).await.map_err(|_| Stopped::Interrupted)? == 0 {
            return Ok(());
        }
        let room = MOST_COMPLAINTS.saturating_sub(into.len());
        into.extend(chunk.iter().take(room));
    }
}

/// Sends what's to be sent. A process that doesn't want it says itself why.
async fn feed_in(stream: Option<ChildStdin>, input: Option<Zeroizing<Vec<u8>>>) -> Result<(), Stopped> {
    if let (Some(mut stream), Some(input)) = (stream, input) {
        let _ = stream.write_all(&input).await;
    }
    Ok(())
}
