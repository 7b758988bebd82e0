//! What a connection is doing, and until when it may.
//!
//! hyper has one timer of its own for this, and it's too coarse: it starts when hyper begins to wait for a head, and runs
//! until the head is whole. On a kept connection that's the pause between two requests *and* the head after it, so it
//! can't be both a minute for the one and ten seconds for the other. It also says nothing of clients that don't read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::figures::TimedOut;
use super::limits::Limits;

/// Shared by those who see a connection's bytes and requests go by, and by the one who looks at the time.
#[derive(Debug)]
pub(super) struct Pulse {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    doing: Doing,
    /// Since when nothing of what's to be written was taken.
    blocked: Option<Instant>,
    /// When something was last taken.
    wrote: Instant,
    /// Whether the client's last words are of no interest.
    curt: bool,
    /// Whether a head was the end of it.
    malformed: bool,
}

/// Each with its beginning.
#[derive(Debug, Clone, Copy)]
enum Doing {
    /// Nothing was heard yet.
    Opening(Instant),
    /// A request's head has begun.
    Head(Instant),
    /// A request is being served; its own deadlines hold.
    Request,
    /// The last answer is complete.
    Idle(Instant),
    /// All is said, and the client may still read.
    Closing(Instant),
}

/// Why a connection is at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// The client took too long.
    Client(TimedOut),
    /// It had its time to close.
    Closing,
}

impl Pulse {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let state = State { doing: Doing::Opening(now), blocked: None, wrote: now, curt: false, malformed: false };
        Self { limits, state: Mutex::new(state) }
    }

    /// The handshake is over, and the first request may come.
    pub(super) fn opens(&self) {
        self.state().doing = Doing::Opening(Instant::now());
    }

    /// Bytes came in.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        // While a request is served, they're its body, or the beginning of one that isn't looked at yet.
        if let Doing::Opening(_) | Doing::Idle(_) = state.doing {
            state.doing = Doing::Head(Instant::now());
        }
    }

    /// Bytes went out.
    pub(super) fn wrote(&self) {
        let mut state = self.state();
        state.blocked = None;
        state.wrote = Instant::now();
    }

    /// Bytes could not go out.
    pub(super) fn blocked(&self) {
        self.state().blocked.get_or_insert_with(Instant::now);
    }

    /// A head is complete.
    pub(super) fn request_begins(&self) {
        self.state().doing = Doing::Request;
    }

    /// An answer is complete, though perhaps not written yet.
    pub(super) fn request_ends(&self) {
        self.state().doing = Doing::Idle(Instant::now());
    }

    /// Nothing more will be written.
    pub(super) fn closing(&self) {
        let mut state = self.state();
        state.blocked = None;
        if !matches!(state.doing, Doing::Closing(_)) {
            // Nothing else ends a connection in the middle of one: a late client's is dropped as it is.
            state.malformed = matches!(state.doing, Doing::Head(_));
            state.doing = Doing::Closing(Instant::now());
        }
    }

    /// The listener stops: a client that has nothing under way isn't waited for.
    pub(super) fn stopping(&self) {
        let mut state = self.state();
        state.curt = matches!(state.doing, Doing::Opening(_) | Doing::Idle(_));
    }

    /// Whether the end of a connection waits for the client's.
    pub(super) fn lingers(&self) -> bool {
        !self.state().curt
    }

    /// Whether the connection is closed for what came as a head.
    pub(super) fn is_malformed(&self) -> bool {
        self.state().malformed
    }

    /// Whether something waits to be written.
    pub(super) fn is_blocked(&self) -> bool {
        self.state().blocked.is_some()
    }

    /// When the connection ends if nothing happens, and why; `None` while it may go on.
    pub(super) fn due(&self) -> Option<(Instant, Overdue)> {
        let State { doing, blocked, wrote, .. } = *self.state();
        let limits = &self.limits;
        if let Some(since) = blocked {
            return Some((since + limits.write, Overdue::Client(TimedOut::Write)));
        }
        // A large answer may be on its way long after it was complete here.
        match doing {
            Doing::Opening(since) => Some((since + limits.first_byte, Overdue::Client(TimedOut::FirstByte))),
            Doing::Head(since) => Some((since.max(wrote) + limits.head, Overdue::Client(TimedOut::Head))),
            Doing::Request => None,
            Doing::Idle(since) => Some((since.max(wrote) + limits.idle, Overdue::Client(TimedOut::Idle))),
            Doing::Closing(since) => Some((since + limits.linger, Overdue::Closing)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, so none is ever half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
