//! What the listener counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a client took too long for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimedOut {
    /// The TLS handshake.
    Handshake,
    /// The first byte of its first request.
    FirstByte,
    /// The rest of a request's head.
    Head,
    /// The next request. That's no fault: it's how most connections end.
    Idle,
    /// Taking its answer.
    Write,
    /// Finishing its request once the listener was told to stop.
    Drain,
}

impl TimedOut {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Handshake, Self::FirstByte, Self::Head, Self::Idle, Self::Write, Self::Drain];
}

/// The figures of a listener: plain numbers, read whenever somebody asks.
#[derive(Debug, Default)]
pub struct Connections {
    open: AtomicU64,
    accepted: AtomicU64,
    refused_full: AtomicU64,
    tls_failed: AtomicU64,
    malformed: AtomicU64,
    accept_failed: AtomicU64,
    handshake: AtomicU64,
    first_byte: AtomicU64,
    head: AtomicU64,
    idle: AtomicU64,
    write: AtomicU64,
    drain: AtomicU64,
}

impl Connections {
    /// Connections now open, those in their handshake included.
    pub fn open(&self) -> u64 {
        read(&self.open)
    }

    /// Connections served so far, or being served.
    pub fn accepted(&self) -> u64 {
        read(&self.accepted)
    }

    /// Connections closed at once because there were too many.
    pub fn refused_full(&self) -> u64 {
        read(&self.refused_full)
    }

    /// Handshakes that failed; those that took too long aren't among them.
    pub fn tls_failed(&self) -> u64 {
        read(&self.tls_failed)
    }

    /// Connections closed because what came over them wasn't HTTP/1.1, or its head was too large.
    pub fn malformed(&self) -> u64 {
        read(&self.malformed)
    }

    /// How often the system couldn't hand over a connection, for want of files or memory.
    pub fn accept_failed(&self) -> u64 {
        read(&self.accept_failed)
    }

    /// Connections closed because something took too long.
    pub fn timed_out(&self, at: TimedOut) -> u64 {
        read(self.counter(at))
    }

    /// Counts a connection for as long as what's returned lives.
    pub(super) fn opened(self: &Arc<Self>) -> Open {
        add(&self.accepted);
        add(&self.open);
        Open(Arc::clone(self))
    }

    pub(super) fn add_refused(&self) {
        add(&self.refused_full);
    }

    pub(super) fn add_tls_failed(&self) {
        add(&self.tls_failed);
    }

    pub(super) fn add_malformed(&self) {
        add(&self.malformed);
    }

    pub(super) fn add_accept_failed(&self) {
        add(&self.accept_failed);
    }

    pub(super) fn add_timed_out(&self, at: TimedOut) {
        add(self.counter(at));
    }

    fn counter(&self, at: TimedOut) -> &AtomicU64 {
        match at {
            TimedOut::Handshake => &self.handshake,
            TimedOut::FirstByte => &self.first_byte,
            TimedOut::Head => &self.head,
            TimedOut::Idle => &self.idle,
            TimedOut::Write => &self.write,
            TimedOut::Drain => &self.drain,
        }
    }
}

/// An open connection, in the figures.
#[derive(Debug)]
pub(super) struct Open(Arc<Connections>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
