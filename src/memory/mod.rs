//! The unsafe island: locked pages, process hardening and the wiping allocator.
//!
//! All `unsafe` of the program is in this folder, so that it can be read in one sitting. The module
//! imports nothing of the crate, holds no policy, and reports what the system refused instead of
//! deciding what to make of it.
//!
//! What each part is for:
//!
//! - [`LockedKey`]: the one key under which cached values are sealed, in pages that are never
//!   swapped, dumped or inherited, and where the kernel has `memfd_secret`, not even readable
//!   through `/proc/self/mem`.
//! - [`harden`]: core dumps off, not readable by other processes of the same user; and, once it's
//!   known which programs will be started, no new privileges.
//! - [`keep_descriptors`]: nothing that was open when opward was started reaches a process that it starts.
//! - [`WipingAllocator`]: every freed block of the heap is wiped, which covers the copies that no
//!   wrapper type sees (parser scratch, grown buffers, answers of a source).
//! - [`trim`]: gives freed heap back after a large parse.

#![expect(unsafe_code, reason = "the one place for system calls on memory and the process")]

mod allocator;
mod descriptors;
mod harden;
mod locked;
mod pages;
mod payload;

use std::fmt;

pub use allocator::{WipingAllocator, trim};
pub use descriptors::keep_descriptors;
pub use harden::{Hardened, Hardening, Measure, Outcome, Privileges, Readers, harden, never_core_dumps};
pub use locked::{KEY_BYTES, KeyError, LockedKey};
pub use pages::Protection;
pub use payload::Payload;

/// Why the system refused a measure, in few enough cases to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// A limit of the process, such as `ulimit -l`, leaves no room.
    Limit,
    /// The call went through and had no effect.
    NoEffect,
    /// The process may not do this.
    Permission,
    /// Any other reason.
    System,
    /// This system has no such measure.
    Unsupported,
}

impl Refusal {
    /// The reason as one fixed word, for records and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::NoEffect => "no_effect",
            Self::Permission => "permission",
            Self::System => "system",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl From<rustix::io::Errno> for Refusal {
    fn from(errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;

        match errno {
            Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE => Self::Limit,
            Errno::PERM | Errno::ACCESS => Self::Permission,
            Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP => Self::Unsupported,
            _ => Self::System,
        }
    }
}

/// Runs an ignored test of this program in a child, and fails where it fails.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "some measures can't be undone, so a test of them needs its own process")]
fn in_a_process_of_its_own(test: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// Whether this process was started for one test, by the function above.
#[cfg(test)]
fn is_such_a_process() -> bool {
    std::env::args().any(|argument| argument == "--exact")
}
