//! A program that looks at another from outside, with no more rights than any program of the same user.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// The most of a process's memory that's looked through.
const MOST_MEMORY: usize = 256 << 20;

/// How much of it is read at once.
const PIECE: usize = 1 << 20;

/// What to look at.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli::attack) struct Task {
    /// A value to look for.
    pub(in crate::cli::attack) needle: String,
    pub(in crate::cli::attack) processes: Vec<Process>,
}

/// A process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli::attack) struct Process {
    pub(in crate::cli::attack) name: String,
    pub(in crate::cli::attack) number: i32,
}

/// What one look came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::cli::attack) struct Looked {
    /// Whose.
    pub(in crate::cli::attack) name: String,
    /// What of it.
    pub(in crate::cli::attack) part: String,
    /// Whether it could be seen.
    pub(in crate::cli::attack) open: bool,
    /// Whether the value was in it.
    pub(in crate::cli::attack) found: bool,
}

/// Looks at everything it's told to, by a task in JSON; nothing comes of anything else.
pub(super) fn peek(task: &str) -> Option<Vec<Looked>> {
    let task: Task = serde_json::from_str(task).ok()?;
    let needle = task.needle.as_bytes();
    let mut all = Vec::new();
    for Process { name, number } in &task.processes {
        let mut looked = |part: &str, seen: io::Result<bool>| {
            let (open, found) = (seen.is_ok(), seen.unwrap_or(false));
            all.push(Looked { name: name.clone(), part: part.to_owned(), open, found });
        };
        let file = |file: &str| format!("/proc/{number}/{file}");
        for part in ["environ", "auxv", "cmdline"] {
            looked(part, fs::read(file(part)).map(|bytes| holds(&bytes, needle)));
        }
        let maps = fs::read_to_string(file("maps"));
        let seen = File::open(file("mem")).map(|mem| maps.as_ref().is_ok_and(|maps| in_memory(&mem, maps, needle)));
        looked("maps", maps.map(|_| false));
        looked("mem", seen);
        let pid = Pid::from_raw(*number).ok_or(io::Error::from(io::ErrorKind::NotFound));
        let seen = pid.as_ref().map_err(|error| error.kind().into()).and_then(|pid| descriptors_of(*pid));
        looked("descriptors", seen.map(|()| fs::read(file("fd/3")).is_ok_and(|bytes| holds(&bytes, needle))));
        #[cfg(target_os = "linux")]
        looked("copied descriptors", pid.and_then(take_descriptor).map(|()| false));
    }
    Some(all)
}

/// Sees what another process has open. That it has something open is no secret: its owner may count.
pub(super) fn descriptors_of(pid: Pid) -> io::Result<()> {
    let entries = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?;
    let mut links = entries.flatten().map(|entry| fs::read_link(entry.path()).map(drop));
    links.find(Result::is_ok).unwrap_or_else(|| Err(io::ErrorKind::PermissionDenied.into()))
}

/// Copies a descriptor out of another process: what the system lets only those do who may trace it.
#[cfg(target_os = "linux")]
pub(super) fn take_descriptor(pid: Pid) -> io::Result<()> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let mut copies = (0..16).map(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()));
    if copies.any(|copy| copy.is_ok()) { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn in_memory(mem: &File, maps: &str, needle: &[u8]) -> bool {
    let mut left = MOST_MEMORY;
    let mut piece = vec![0_u8; PIECE];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let Some((from, until)) = line.split(' ').next().and_then(|range| range.split_once('-')) else { continue };
        let (Ok(mut at), Ok(until)) = (u64::from_str_radix(from, 16), u64::from_str_radix(until, 16)) else { continue };
        while at < until && left > 0 {
            let wanted = usize::try_from(until - at).unwrap_or(PIECE).min(PIECE).min(left);
            let Some(room) = piece.get_mut(..wanted) else { break };
            let Ok(read) = mem.read_at(room, at) else { break };
            if read == 0 {
                break;
            }
            if room.get(..read).is_some_and(|bytes| holds(bytes, needle)) {
                return true;
            }
            left -= read;
            // Whatever lies across two pieces is in the next one whole.
            let step = if read > needle.len() { read - needle.len() } else { read };
            at += u64::try_from(if at + u64::try_from(read).unwrap_or(0) >= until { read } else { step })
                .unwrap_or(u64::MAX);
        }
    }
    false
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn sees_what_is_there_to_be_seen() {
        let needle = format!("k4n4ry-{:032x}", rand::random::<u128>());
        let mem = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        assert!(in_memory(&mem, &maps, needle.as_bytes()), "a value in its own memory");
        assert!(holds(b"a needle here", b"needle") && !holds(b"", b"needle") && !holds(b"x", b""));
    }
}
