//! Signals: which are heard and passed on, and which were ignored before opward was started.

use std::future::poll_fn;
use std::task::Poll;

use rustix::process::{Signal, getpid, getppid, kill_current_process_group};
use tokio::signal::unix::{self, SignalKind};

use crate::runner::processes;

/// What people and supervisors send, and what terminals do.
const HEARD: [Signal; 9] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::TSTP,
    Signal::CONT,
    Signal::WINCH,
];

/// The signals that are heard from when this is made.
pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    /// Listens. What whoever started opward has it ignore stays ignored, here and in the program: so it survives the
    /// end of its terminal under `nohup`, and Ctrl-C in a script's background.
    pub(super) fn listen() -> Self {
        let ignored = ignored();
        let heard = HEARD.into_iter().filter(|signal| !is_in(ignored, *signal));
        let listening = heard.filter_map(|signal| {
            let heard = unix::signal(SignalKind::from_raw(signal.as_raw())).ok()?;
            Some((signal, heard))
        });
        Self(listening.collect())
    }

    /// The next one. A call that's dropped loses none.
    pub(super) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (signal, heard) in &mut self.0 {
                if matches!(heard.poll_recv(context), Poll::Ready(Some(()))) {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether a signal is one that a terminal sends to all in its foreground, for a key.
pub(super) fn is_of_a_key(signal: Signal) -> bool {
    signal == Signal::INT || signal == Signal::QUIT || signal == Signal::TSTP
}

/// Stops this process and those beside it, as the signal would have, and comes back when they go on.
pub(super) fn stop_all_of_us() -> bool {
    kill_current_process_group(Signal::STOP).is_ok()
}

/// Whether somebody would let this process go on. A system doesn't stop a group that nothing in its session looks
/// after: the process that started this one has to be in the same session, and in another group.
pub(super) fn is_looked_after() -> bool {
    let (Some(parent), Some(own)) = (getppid().and_then(processes::of), processes::of(getpid())) else { return false };
    parent.session == own.session && parent.group != own.group
}

/// The ignored signals, a bit each.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

fn is_in(mask: u64, signal: Signal) -> bool {
    u32::try_from(signal.as_raw() - 1).is_ok_and(|bit| mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_by_its_bits() {
        assert!(is_in(0b1, Signal::HUP) && !is_in(0b1, Signal::INT));
        assert!(is_in(1 << 14, Signal::TERM));
        #[cfg(target_os = "linux")]
        assert!(is_in(ignored(), Signal::PIPE), "every Rust program ignores it");
    }

    #[tokio::test]
    async fn a_signal_is_heard_once_for_each_time() {
        let mut signals = Signals::listen();
        for _ in 0..2 {
            rustix::process::kill_process(rustix::process::getpid(), Signal::USR2).unwrap();
            assert_eq!(signals.next().await, Signal::USR2);
        }
    }
}
