//! How bytes come in and go out. A transport knows the protocol's framing and nothing of secrets.
//!
//! | module | |
//! |---|---|
//! | `message.rs`, `strict.rs` | bytes → message, or why not |
//! | `guarded.rs` | a handler that answers even when it panics |
//! | [`stdio`] | lines on a pair of byte streams |
//! | [`http`] | requests on a port |

mod guarded;
pub mod http;
mod message;
pub mod stdio;
mod strict;
