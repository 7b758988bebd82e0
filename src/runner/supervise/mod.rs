//! The supervisor: a process between opward and one program.

mod children;
pub(super) mod frame;
mod start;

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;

use self::children::Children;
use self::frame::Report;
use self::start::Started;
use super::confine::layers;
use super::home::Home;
use super::job::{NotRun, Slot};
use super::prepared::Plan;
#[cfg(target_os = "linux")]
use super::processes::are_listed;
use crate::memory::{Payload, never_core_dumps};

/// How long a program has to end when it's told to.
const GRACE: Duration = Duration::from_millis(500);

/// How long killed processes may take to be gone.
const BURIAL: Duration = Duration::from_secs(2);

/// How often what a running program left behind is buried.
const TICK: Duration = Duration::from_secs(1);

/// Files of the supervisor's own begin here, above those that a program can be given.
const OWN: i32 = 10;

/// Why a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// By itself.
    Itself,
    /// Its time is up.
    Time,
    /// Nobody waits for it any more.
    Unwanted,
}

/// Runs one job that's read from standard input, which has to be a socket to opward, and reports there.
///
/// It's the whole program: it has to be called before there are threads, and what calls it has to end with it.
#[must_use]
pub fn supervise() -> ExitCode {
    // Standard error is the program's.
    std::panic::set_hook(Box::new(|_| {}));
    let Ok(own) = rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), OWN) else { return ExitCode::from(2) };
    let mut opward = UnixStream::from(own);
    if !has_something(&opward) {
        // There's time: what's needed for a job is brought into memory.
        let _ = layers();
    }
    let Ok((plan, secrets)) = frame::receive(&mut opward) else { return ExitCode::from(2) };
    let report = run(&plan, secrets, &opward).unwrap_or_else(Report::Refused);
    // Nobody may be there to read it.
    let _ = frame::report(&mut opward, &report);
    ExitCode::SUCCESS
}

/// Whether a job is there already, or the end.
fn has_something(opward: &UnixStream) -> bool {
    let mut file = [PollFd::new(opward, PollFlags::IN)];
    poll(&mut file, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

fn run(plan: &Plan, secrets: Vec<(Slot, Payload)>, opward: &UnixStream) -> Result<Report, NotRun> {
    // Away from opward's terminal and its group. From here on every group but the supervisor's is the program's.
    rustix::process::setsid().map_err(|error| NotRun::system("the supervisor has no session of its own", error))?;
    if !never_core_dumps().is_ok_and(|held| held) {
        return Err(NotRun::System("core dumps couldn't be turned off for the program".to_owned()));
    }
    rustix::process::umask(Mode::from_raw_mode(0o077));
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| NotRun::system("the supervisor can't look after what a program leaves behind", error))?;
    #[cfg(target_os = "linux")]
    if !are_listed() {
        let why =
            "/proc doesn't show opward's own processes, so what a program starts couldn't be ended: mount it anew";
        return Err(NotRun::System(why.to_owned()));
    }
    let home = Home::make(&plan.home).map_err(|error| NotRun::system("no home could be made", error))?;
    let started = start::start(plan, secrets, &home)?;
    let begun = Instant::now();
    let Started { program, confined } = started;
    // Its outputs are the program's alone now: whoever reads them sees the end when that's there.
    let _ = let_go_of_outputs();
    let mut children = Children::of(program);
    let cause = wait(&mut children, opward, begun + plan.timeout);
    if cause != Cause::Itself {
        children.ask_to_end(GRACE);
    }
    let left = children.end(BURIAL);
    let left = !home.remove() || left;
    let (exit_code, killed) = (children.exit_code(), children.program_was_killed());
    Ok(Report::Ended { exit_code, killed, timed_out: cause == Cause::Time, layers: confined.layers(), left })
}

fn let_go_of_outputs() -> std::io::Result<()> {
    let nothing = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    Ok(rustix::stdio::dup2_stderr(&nothing)?)
}

/// Waits until the program has ended, its time is up, or the socket is closed.
fn wait(children: &mut Children, opward: &UnixStream, deadline: Instant) -> Cause {
    // Without a file for its end, looks are frequent.
    let end = children.end_of_program();
    loop {
        if !children.bury() || children.program_has_ended() {
            return Cause::Itself;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Cause::Time;
        }
        let tick = if end.is_some() { TICK } else { Duration::from_millis(10) };
        let mut files = vec![PollFd::new(opward, PollFlags::IN)];
        files.extend(end.as_ref().map(|end| PollFd::new(end, PollFlags::IN)));
        let looked = poll(&mut files, Timespec::try_from(left.min(tick)).ok().as_ref());
        // Opward sends nothing after the job: whatever comes, it's the end.
        let closed = files.first().is_some_and(|socket| !socket.revents().is_empty());
        if looked.is_ok() && closed {
            return Cause::Unwanted;
        }
    }
}
