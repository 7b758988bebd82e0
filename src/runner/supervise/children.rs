//! Everything a program started, wherever it went.
//!
//! A process whose parent ends becomes the supervisor's child, so everything below it is reached sooner or later:
//! end all children, and theirs take their place.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, getpgid, getpgrp, getpid, kill_process,
    kill_process_group, wait, waitid,
};

use crate::runner::processes;

/// How long is waited between two looks while everything ends.
const BETWEEN: Duration = Duration::from_millis(1);

/// All processes below this one.
#[derive(Debug)]
pub(super) struct Children {
    program: Pid,
    ended: Option<WaitStatus>,
}

impl Children {
    pub(super) fn of(program: Pid) -> Self {
        Self { program, ended: None }
    }

    /// A file that's readable once the program has ended.
    #[cfg(target_os = "linux")]
    pub(super) fn end_of_program(&self) -> Option<OwnedFd> {
        rustix::process::pidfd_open(self.program, rustix::process::PidfdFlags::empty()).ok()
    }

    /// A file that's readable once the program has ended.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn end_of_program(&self) -> Option<OwnedFd> {
        None
    }

    /// Buries what has ended; says whether anything is left.
    pub(super) fn bury(&mut self) -> bool {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if self.ended.is_none() && matches!(waitid(WaitId::Pid(self.program), ended), Ok(Some(_))) {
            // What it left in its group ends before it's buried: afterwards the number can be another's.
            let _ = kill_process_group(self.program, Signal::KILL);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if pid == self.program {
                        self.ended = Some(status);
                    }
                }
                Ok(None) | Err(Errno::INTR) => return true,
                Err(_) => return false,
            }
        }
    }

    pub(super) fn program_has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The program's exit code, as shells have it.
    pub(super) fn exit_code(&self) -> i32 {
        let Some(status) = self.ended else { return 128 + Signal::KILL.as_raw() };
        status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(-1)
    }

    /// Whether a signal ended the program.
    pub(super) fn program_was_killed(&self) -> bool {
        self.ended.is_none_or(WaitStatus::signaled)
    }

    /// Asks everything to end, and waits a little for it.
    pub(super) fn ask_to_end(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        let until = Instant::now() + grace;
        while self.bury() && Instant::now() < until {
            sleep(BETWEEN);
        }
    }

    /// Ends everything, and says whether something couldn't be.
    pub(super) fn end(&mut self, within: Duration) -> bool {
        let until = Instant::now() + within;
        while self.bury() {
            if Instant::now() > until {
                return true;
            }
            self.signal(Signal::KILL);
            sleep(BETWEEN);
        }
        false
    }

    /// Sends a signal to everything there is.
    ///
    /// A group gets it in one go, so that nothing in it can be quicker by starting others. Only this process buries
    /// its own children, and it doesn't meanwhile, so their numbers are still theirs.
    fn signal(&self, signal: Signal) {
        if self.ended.is_none() {
            let _ = kill_process_group(self.program, signal);
        }
        let own = getpgrp();
        let all = below(getpid());
        let groups: HashSet<Pid> = all.iter().filter_map(|pid| getpgid(Some(*pid)).ok()).collect();
        for group in groups.into_iter().filter(|group| *group != own) {
            let _ = kill_process_group(group, signal);
        }
        for pid in all {
            let _ = kill_process(pid, signal);
        }
    }
}

/// All processes below one.
fn below(top: Pid) -> HashSet<Pid> {
    let listed = Path::new("/proc/thread-self/children").exists();
    // Not every kernel lists them.
    let everybody = if listed { Vec::new() } else { processes::all() };
    let mut found = HashSet::new();
    let mut ahead = vec![top];
    while let Some(parent) = ahead.pop() {
        let children = if listed {
            children_of(parent)
        } else {
            everybody.iter().filter(|process| process.parent == Some(parent)).map(|process| process.pid).collect()
        };
        ahead.extend(children.into_iter().filter(|child| found.insert(*child)));
    }
    found
}

/// The children of a process's threads.
fn children_of(parent: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    for thread in processes::threads(parent) {
        let Ok(children) = fs::read_to_string(format!("/proc/{parent}/task/{thread}/children")) else { continue };
        found.extend(children.split_ascii_whitespace().filter_map(processes::number));
    }
    found
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "a test needs a child to find")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_is_found_by_either_way_of_looking() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        assert!(below(getpid()).contains(&pid));
        assert!(processes::all().iter().any(|process| process.pid == pid && process.parent == Some(getpid())));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!below(getpid()).contains(&pid));
    }
}
