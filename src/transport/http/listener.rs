//! The port: connections, and the requests that come on them.
//!
//! Nothing is believed and nothing waits for ever: the number of connections, the size of what's read, and the time
//! each step may take are bounded before anything is known of who is asking.
//!
//! | file | |
//! |---|---|
//! | `limits.rs` | how much, how many and how long |
//! | `accept.rs` | port → connections; full, short of files, told to stop |
//! | `connection.rs` | one connection, from the handshake to its end |
//! | `pulse.rs` | what a connection is doing, and until when it may |
//! | `metered.rs` | its bytes, seen going by |
//! | `watched.rs` | its requests, seen coming and going |
//! | `tls.rs` | the certificate shown, and its replacement |
//! | `figures.rs` | what the listener counts |

mod accept;
mod connection;
mod figures;
mod limits;
mod metered;
mod pulse;
mod tls;
mod watched;

pub use self::accept::accept;
pub use self::figures::{Connections, TimedOut};
pub use self::limits::Limits;
pub use self::tls::{Tls, TlsError, certificate_end};
pub use self::watched::PeerAddress;

#[cfg(test)]
mod tests;
