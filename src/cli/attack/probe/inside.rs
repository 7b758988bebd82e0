//! A confined program that tries to get out, and says how far it came.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, getppid, kill_process};
use serde::{Deserialize, Serialize};

use super::linger;
use crate::config::Environment;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// What was found and tried.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::cli::attack) struct Report {
    /// The names of its variables.
    pub(in crate::cli::attack) environment: Vec<String>,
    /// The numbers of its descriptors.
    pub(in crate::cli::attack) descriptors: Vec<u32>,
    /// How much was in its home.
    pub(in crate::cli::attack) in_home: usize,
    /// Whether it could leave a process behind.
    pub(in crate::cli::attack) left_behind: bool,
    /// Whether it could gain rights.
    pub(in crate::cli::attack) may_gain_rights: bool,
    pub(in crate::cli::attack) tried: Vec<Tried>,
}

/// One way out.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli::attack) struct Tried {
    pub(in crate::cli::attack) kind: Kind,
    pub(in crate::cli::attack) what: String,
    /// Whether it was open.
    pub(in crate::cli::attack) open: bool,
}

/// What a way leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli::attack) enum Kind {
    /// Memory, environment and descriptors of opward and its supervisor.
    Opward,
    /// Those of any other process.
    Process,
    /// What opward and its supervisor may have, and when they get the processor.
    Limits,
    /// Opward's files.
    Files,
    /// Files of others, to be changed.
    Writing,
    /// The network.
    Network,
    /// Services of this machine.
    Socket,
    /// Signals to processes that aren't its own.
    Signals,
}

impl Report {
    /// Notes whether a way was open. What it led to is let go of.
    pub(super) fn tries<T>(&mut self, kind: Kind, what: impl Into<String>, result: io::Result<T>) {
        self.tried.push(Tried { kind, what: what.into(), open: result.map(drop).is_ok() });
    }
}

/// Tries every way out. The words are opward's home, a port that's listened on, and this run's token.
pub(super) fn report(words: &[String]) -> Option<Report> {
    let [home, port, token] = words else { return None };
    let (home, port) = (Path::new(home), port.parse().ok()?);
    let environment = Environment::read();
    let mut report = Report {
        environment: environment.names().map(str::to_owned).collect(),
        descriptors: descriptors(),
        in_home: environment.value("HOME").and_then(|home| fs::read_dir(home).ok()).map_or(usize::MAX, Iterator::count),
        may_gain_rights: may_gain_rights(),
        ..Report::default()
    };
    let supervisor = getppid();
    let opward = supervisor.and_then(parent_of);
    for (who, pid) in [("the supervisor", supervisor), ("opward", opward)] {
        if let Some(pid) = pid {
            processes(&mut report, who, pid);
        }
    }
    others(&mut report, [supervisor, opward]);
    files(&mut report, home, token);
    network(&mut report, home, port);
    report.left_behind = linger::leave_behind(token);
    Some(report)
}

/// Its descriptors, without the one that's needed to look.
fn descriptors() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let numbers: Vec<u32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let is_there = |number: &u32| fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok();
    let mut numbers: Vec<u32> = numbers.into_iter().filter(is_there).collect();
    numbers.sort_unstable();
    numbers
}

#[cfg(target_os = "linux")]
fn may_gain_rights() -> bool {
    !rustix::thread::no_new_privs().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn may_gain_rights() -> bool {
    true
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name may have blanks and brackets in it; nothing behind it has.
    Pid::from_raw(stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?)
}

fn processes(report: &mut Report, who: &str, pid: Pid) {
    let number = pid.as_raw_nonzero();
    for file in ["mem", "environ", "maps", "auxv"] {
        let opened = fs::read(format!("/proc/{number}/{file}"));
        // Memory has nothing at its first address: what's read there is an error even if it may be read.
        let opened = if file == "mem" { File::open(format!("/proc/{number}/mem")).map(drop) } else { opened.map(drop) };
        report.tries(Kind::Opward, format!("{who}'s {file}"), opened);
    }
    report.tries(Kind::Opward, format!("{who}'s descriptors"), super::peek::descriptors_of(pid));
    report.tries(Kind::Opward, format!("{who}'s folder"), fs::read_dir(format!("/proc/{number}/cwd/")));
    #[cfg(target_os = "linux")]
    report.tries(Kind::Opward, format!("a copy of {who}'s descriptors"), super::peek::take_descriptor(pid));
    #[cfg(target_os = "linux")]
    super::change::changes(report, who, pid);
    // It wakes what sleeps and does nothing else.
    report.tries(Kind::Signals, format!("a signal to {who}"), kill_process(pid, Signal::CONT).map_err(io::Error::from));
}

/// Whatever else runs here.
fn others(report: &mut Report, known: [Option<Pid>; 2]) {
    let Ok(entries) = fs::read_dir("/proc") else { return };
    let numbers = entries.flatten().filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let others: Vec<Pid> = numbers.filter(|pid| *pid != getpid() && !known.contains(&Some(*pid))).collect();
    let readable = others.iter().any(|pid| {
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
        environment.is_ok_and(|bytes| !bytes.is_empty())
    });
    let result = if readable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) };
    report.tries(Kind::Process, "another program's environment", result);
}

fn files(report: &mut Report, home: &Path, token: &str) {
    for name in ["vault.kdbx", "vault.keyx", "policy.toml", "opward.toml", "audit.jsonl"] {
        report.tries(Kind::Files, format!("reading {name}"), File::open(home.join(name)));
        let change = OpenOptions::new().append(true).open(home.join(name));
        report.tries(Kind::Files, format!("changing {name}"), change);
    }
    report.tries(Kind::Files, "listing opward's folder", fs::read_dir(home));
    let moved = fs::rename(home.join("policy.toml"), home.join("policy.moved"));
    if moved.is_ok() {
        // What could be taken away is put back, for what comes after.
        let _ = fs::rename(home.join("policy.moved"), home.join("policy.toml"));
    }
    report.tries(Kind::Files, "taking the policy away", moved);
    for folder in [Path::new("/tmp"), Path::new("/var/tmp"), Path::new("/dev/shm"), home] {
        let file = folder.join(token);
        let written = File::create(&file).and_then(|mut file| file.write_all(b"x"));
        let _ = fs::remove_file(&file);
        report.tries(Kind::Writing, format!("writing to {}", folder.display()), written);
    }
}

fn network(report: &mut Report, home: &Path, port: u16) {
    let echo = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    report.tries(Kind::Network, "a connection", TcpStream::connect_timeout(&echo, PATIENCE));
    report.tries(Kind::Network, "listening", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    report.tries(Kind::Network, "a datagram", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)));
    report.tries(Kind::Socket, "a service's socket", UnixStream::connect(home.join("socket")));
}
