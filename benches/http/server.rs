//! A server as a process of its own, and what the system says of it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Result;

/// How long a server may take to end once it's told to.
const ENDING: Duration = Duration::from_secs(45);

/// How many lines a server may print before the one that has its address.
const LINES: usize = 20;

/// A server that was started. Dropped, it's killed.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where its standard error goes.
    pub(crate) log: PathBuf,
    /// Kept open: a server may not like to lose it.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a program and waits until it says its address; pinned to a core, if one is given.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        home: Option<&Path>,
        log: PathBuf,
        core: Option<usize>,
    ) -> Result<Self> {
        let mut command = command(program, home);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = pinned(core, || command.spawn())??;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut address = None;
        for _ in 0..LINES {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                break;
            }
            address = line.split_whitespace().find_map(read_address);
            if address.is_some() {
                break;
            }
        }
        let Some(address) = address else {
            // By its handle: nobody else's process ends.
            let _ = child.kill();
            let status = child.wait()?;
            let log = fs::read_to_string(&log)?;
            return Err(format!("{} said no address ({status}): {log}", program.display()).into());
        };
        Ok(Self { child, address, log, _stdout: stdout })
    }

    /// The processor time of all its threads, those that ended included.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        process_time(&self.child.id().to_string())
    }

    /// How much of its memory is resident, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the server is gone")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Tells it to end, and waits until it has; says whether it ended well and in time.
    pub(crate) fn end(mut self) -> Result<bool> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let told = Instant::now();
        while told.elapsed() < ENDING {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already can't be killed; that's as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processor time of everything on this machine together.
pub(crate) fn machine_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or("an unknown form of stat")?;
    // User, nice, system; then idle and waiting, which is nobody's; then interrupts, and what the host took.
    let spent = |(at, _): &(usize, &str)| !matches!(at, 3 | 4);
    let counts = line.split_whitespace().enumerate().take(8).filter(spent);
    Ok(ticks(counts.map(|(_, count)| count.parse::<u64>()).sum::<std::result::Result<u64, _>>()?))
}

/// The processor time of this process.
pub(crate) fn own_time() -> Result<Duration> {
    process_time("self")
}

/// User and system time of all of a process's threads, those that ended included.
fn process_time(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name is in brackets and may hold anything; the two are the 12th and 13th after it.
    let (_, after) = stat.rsplit_once(')').ok_or("an unknown form of stat")?;
    let counts = after.split_whitespace().skip(11).take(2);
    Ok(ticks(counts.map(str::parse::<u64>).sum::<std::result::Result<u64, _>>()?))
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1))
}

/// A command that finds opward's home, and nothing else of whoever runs this.
pub(crate) fn command(program: &Path, home: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    for name in ["OPWARD_CONFIG", "OPWARD_LOG", "OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN"] {
        command.env_remove(name);
    }
    if let Some(home) = home {
        command.env("OPWARD_HOME", home);
    }
    command
}

/// Does something on one core; what it starts stays there, this thread doesn't.
fn pinned<T>(core: Option<usize>, work: impl FnOnce() -> T) -> Result<T> {
    let Some(core) = core else { return Ok(work()) };
    let before = sched_getaffinity(None)?;
    pin(core)?;
    let done = work();
    sched_setaffinity(None, &before)?;
    Ok(done)
}

/// Keeps this thread on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Lets this process, and those it starts, open as many files as the system allows.
pub(crate) fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

fn read_address(word: &str) -> Option<SocketAddr> {
    let word = word.strip_prefix("http://").unwrap_or(word);
    word.split('/').next()?.parse().ok()
}
