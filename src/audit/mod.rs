//! The audit log: what was asked, decided and done, written down before it takes effect.
//!
//! One file, one JSON object a line, each holding the SHA-256 of the one before it. A request that's
//! allowed is recorded first, and only the [`Intent`] that gives opens anything; what became of it
//! is recorded after, and the [`Receipt`] of that is what an answer is built with. Several processes
//! may append to one file: each append holds the file's lock and learns first what the others wrote.
//!
//! What the chain can prove: that no record before the last one was changed, moved, put in or taken
//! out. What it can't: that its last records weren't cut off, or all of it written anew by somebody
//! who may write the file. That takes an anchor kept elsewhere.

mod appender;
mod asked;
mod entry;
mod error;
mod exposure;
mod figures;
mod file;
mod group;
mod hash;
mod intent;
mod json;
mod line;
mod lines;
mod log;
mod record;
mod report;
mod sandbox;
mod show;
mod tail;
mod time;
mod verify;
mod words;

pub use asked::{AskedWords, AskedWordsError, CameTo, CameToError};
pub use entry::{Decision, Entry, Event, Kind, Outcome, Subject};
pub use error::{AuditError, ReadError, Trouble};
pub use exposure::{Exposure, How, Ledger, Present};
pub use figures::Figures;
pub use hash::{RecordHash, RecordHashError};
pub use intent::{Intent, Receipt};
pub use log::{AuditLog, Durability};
pub use record::{Fault, Record};
pub use report::{AcceptedBreak, BadLine, Report, Unfinished, visible};
pub use sandbox::{SandboxWords, SandboxWordsError};
pub use show::{Filter, Records, ShowError, show};
pub use verify::verify;

#[cfg(test)]
mod tests;
