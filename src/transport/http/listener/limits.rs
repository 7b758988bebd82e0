//! How much, how many and how long.

use std::time::Duration;

/// What a listener allows those who connect to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; one more is closed as soon as it's there.
    pub connections: usize,
    /// From the connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the connection, or the end of its handshake, to the first byte of a request.
    pub first_byte: Duration,
    /// From the first byte of a request's head to its last.
    pub head: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub idle: Duration,
    /// For a client that takes nothing of what's written for it.
    pub write: Duration,
    /// For a client to read the last answer and close, once nothing more is said.
    pub linger: Duration,
    /// For requests under way, once the listener is told to stop.
    pub drain: Duration,
    /// The bytes of a request's head; also how much of a body is read ahead. At least 8192.
    pub head_bytes: usize,
}

impl Limits {
    /// What's usual.
    pub const DEFAULT: Self = Self {
        connections: 10_000,
        handshake: Duration::from_secs(10),
        first_byte: Duration::from_secs(5),
        head: Duration::from_secs(10),
        idle: Duration::from_mins(1),
        write: Duration::from_secs(30),
        linger: Duration::from_secs(1),
        drain: Duration::from_secs(30),
        // A bearer of 8 KiB, and plenty beside it.
        head_bytes: 32 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
