//! Sends one HTTP request, rebuilt from typed parts, to a place that a policy names.
//!
//! The value goes into its one [`Slot`]. Nothing else of the request is substituted, so that a caller can't have the
//! value written where it could read it back. A host's addresses are looked at before one is dialled, and what's dialled
//! is what was looked at. Redirects aren't followed, proxies aren't used, nothing is sent twice.
//!
//! The value's copies: the buffers made here are wiped when they're dropped. The client keeps the header or the address
//! until the answer has been read, and a connection's write buffer until the connection is closed, at the latest when
//! it's been idle for 15 seconds; what they free, the process's allocator wipes.

mod address;
mod answer;
mod body;
mod decode;
mod error;
mod headers;
mod overrides;
mod path;
mod placeholder;
mod query;
mod request;
mod resolve;
mod sender;
mod slot;

pub use answer::Answer;
pub use body::Withheld;
pub use error::NotSent;
pub use path::PlainPath;
pub use request::Outgoing;
pub use sender::Sender;
pub use slot::Slot;

#[cfg(test)]
mod tests;
