//! The program itself, for when the attendant is gone, which would have ended it.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::timeout;

use super::watched::Watched;

/// How long a program that's told to end may take to.
const GRACE: Duration = Duration::from_secs(2);

/// A program, by its number.
pub(super) struct Grip {
    process: Pid,
    /// Whether it leads a group on a terminal of its own.
    on_a_terminal: bool,
    /// A file that's readable once it has ended: after that, the number may be another's.
    end: Option<Watched>,
}

impl Grip {
    pub(super) fn on(process: i32, on_a_terminal: bool) -> Option<Self> {
        let process = Pid::from_raw(process)?;
        Some(Self { process, on_a_terminal, end: end_of(process) })
    }

    /// Tells the program to end as the attendant would have, and makes it end if it doesn't.
    pub(super) async fn end(self) {
        if self.end.as_ref().is_some_and(Watched::is_readable) {
            return;
        }
        self.signal(if self.on_a_terminal { Signal::HUP } else { Signal::TERM });
        self.signal(Signal::CONT);
        if let Some(end) = &self.end
            && timeout(GRACE, end.readable()).await.is_err()
        {
            self.signal(Signal::KILL);
        }
    }

    fn signal(&self, signal: Signal) {
        let _ = if self.on_a_terminal {
            kill_process_group(self.process, signal)
        } else {
            kill_process(self.process, signal)
        };
    }
}

#[cfg(target_os = "linux")]
fn end_of(process: Pid) -> Option<Watched> {
    let file = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()?;
    Watched::new(file).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_process: Pid) -> Option<Watched> {
    None
}
