//! Supervisors: started when they're needed, and one before.
//!
//! To start a program of opward's size takes longer than everything a supervisor does for a short job. So after a job
//! the next supervisor is started, and waits. It knows nothing until it gets its job; there's one at most, and it ends
//! with opward.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::Pid;

use super::SUPERVISE;

/// What's started in this program's place.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The one that waits.
static SPARE: Mutex<Option<Supervisor>> = Mutex::new(None);

/// A supervisor without a job.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) process: Process,
    pub(super) socket: UnixStream,
    pub(super) out: ChildStdout,
    pub(super) err: ChildStderr,
}

/// A supervisor's process. When this is dropped it's buried as soon as it has ended, which it does by itself once its
/// socket is closed.
#[derive(Debug)]
pub(super) struct Process(Option<Child>);

/// Names the program that's started as the supervisor, where this one isn't opward itself: in tests and benchmarks.
/// Only the first call counts.
#[doc(hidden)]
pub fn supervised_by(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// Starts a supervisor that waits for the next job, if there's none yet.
///
/// For a server that's about to run programs: otherwise only the first job waits for it. It blocks for about a
/// millisecond, and it's no error if it can't be done.
pub fn make_ready() {
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.is_none() {
        *spare = start().ok();
    }
}

/// Gives the supervisor that waits, or a new one.
pub(super) fn take() -> io::Result<Supervisor> {
    let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut spare) = spare
        && spare.process.lives()
    {
        return Ok(spare);
    }
    start()
}

/// Starts this same program once more, whatever lies at its path by now.
#[expect(clippy::disallowed_methods, reason = "the runner is what starts programs")]
fn start() -> io::Result<Supervisor> {
    use std::os::unix::process::CommandExt as _;

    let (socket, theirs) = UnixStream::pair()?;
    socket.set_nonblocking(true)?;
    let program = match PROGRAM.get() {
        Some(program) => program.clone(),
        None if cfg!(target_os = "linux") => PathBuf::from("/proc/self/exe"),
        None => std::env::current_exe()?,
    };
    // The command is dropped at once: the supervisor alone holds the other end of the socket.
    let mut child = Command::new(program)
        .arg0("opward")
        .arg(SUPERVISE)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let outputs = (child.stdout.take(), child.stderr.take());
    let process = Process(Some(child));
    let (Some(out), Some(err)) = outputs else { return Err(io::Error::other("it has no output")) };
    Ok(Supervisor { process, socket, out, err })
}

impl Process {
    /// Ends it at once. What it watched over, it no longer does.
    pub(super) fn kill(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
        }
    }

    /// Its number, and that of its session.
    pub(super) fn number(&self) -> Option<Pid> {
        self.0.as_ref().map(Pid::from_child)
    }

    fn lives(&mut self) -> bool {
        self.0.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        // It's only waiting for what's bounded: a supervisor ends within seconds of its job, or of its socket.
        let bury = move || {
            let _ = child.wait();
            make_ready();
        };
        let _ = std::thread::Builder::new().name("supervisors".to_owned()).stack_size(256 * 1024).spawn(bury);
    }
}
