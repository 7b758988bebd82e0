//! The exposure ledger: which value reached whose context, and when.
//!
//! It keeps no file of its own. It reads the audit log, only as far as that has grown since the last question, and
//! holds what it has learned. What counts as an exposure:
//!
//! - A read whose outcome has no code. One with a code, or without an outcome, gave no value: a value is handed out
//!   only once its outcome is recorded. A one-time code counts as a read of the field that holds its seed.
//! - A use by a delivery that exposes (`trusted-code:…`, `run`, `run-unmasked`), from its intent on. The program may
//!   have had the value whatever came after, so no outcome, `abandoned` and a failure after the program was started
//!   count as well. Only a failure before that takes it back: one with a code that can't come later, and without
//!   words for what confined a program.
//!
//! A write, rotation or deletion whose outcome has no code changes the value: what was exposed before is no longer
//! in force. What's changed past opward isn't seen, and errs on the side of telling too much. An item that's renamed
//! at its source begins anew under its new path, and leaves what was exposed under the old one.
//!
//! Whether the log's records follow from each other is for [`super::verify`] to say.

mod follow;
mod glimpse;
mod known;
mod tally;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use self::follow::Follower;
use self::tally::Tally;
use super::error::{ReadError, Trouble};
use crate::model::{PrincipalName, RuleId, SecretPath};

/// How many bytes are read before others get their turn: some ten thousand records.
const SLICE: u64 = 8 * 1024 * 1024;

/// The ledger over one log. Cloning it is cheap; all clones share what was learned.
///
/// Its questions read a file, so they're for threads that may wait; the first one of a long log takes the longest. It
/// remembers some 32,000 secrets and ways they were given to somebody, each with the last rules and 64 at most that it's
/// owed to, and 8,000 requests under way; of what's more, it forgets what was heard of the longest ago.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    learned: Mutex<Learned>,
}

#[derive(Debug, Default)]
struct Learned {
    follower: Follower,
    tally: Tally,
}

/// How a value reached somebody's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was read.
    Read,
    /// A program got it that runs what the caller may have written.
    TrustedCode,
    /// A program got it that the caller chose.
    Run,
}

/// That a value was given to one principal in one way, however often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The secret's canonical path, as it was spelled last.
    pub path: SecretPath,
    /// To whom.
    pub principal: String,
    /// How.
    pub how: How,
    /// The delivery, as records write it; `None` for a read.
    pub delivery: Option<String>,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// The rules that allowed it the last time.
    pub rules: Vec<RuleId>,
    /// When the value was changed after the last time, so that what was given is no longer in force.
    pub changed_since: Option<Timestamp>,
    /// What was given of the value that's in force.
    pub present: Option<Present>,
}

/// That the value in force was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// How often.
    pub count: u64,
    /// Each rule that allowed it, with the first time it did.
    pub owed: Vec<(RuleId, Timestamp)>,
}

impl Ledger {
    /// A ledger over a log. Nothing is read yet, and the log needn't be there yet.
    #[must_use]
    pub fn open(file: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { file: file.into(), learned: Mutex::default() }))
    }

    /// Reads a part of what the log has that wasn't read yet, and says whether that was all of it.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub fn advance(&self) -> Result<bool, ReadError> {
        let mut learned = self.0.learned.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(&mut learned, SLICE)
    }

    /// What was exposed of some secrets, in their order; for each by principal and delivery.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub fn of(&self, paths: &[SecretPath]) -> Result<Vec<Vec<Exposure>>, ReadError> {
        self.ask(|tally| paths.iter().map(|path| tally.of(path)).collect())
    }

    /// Everything that was exposed, and last at this time or later, by path, principal and delivery.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub fn since(&self, since: Option<Timestamp>) -> Result<Vec<Exposure>, ReadError> {
        self.ask(|tally| tally.since(since))
    }

    /// Whether a principal was given the value that's in force: it was exposed to it by a request that began after
    /// the last recorded change, or the principal itself wrote it, and nobody else at the same time. Who rotates a
    /// value isn't taken to know it, for it may have been made here.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub fn knows(&self, principal: &PrincipalName, path: &SecretPath) -> Result<bool, ReadError> {
        self.ask(|tally| tally.knows(principal.as_str(), path))
    }

    /// How many lines could have told of an exposure and couldn't be read.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub fn unreadable(&self) -> Result<u64, ReadError> {
        self.ask(Tally::unreadable)
    }

    fn ask<T>(&self, question: impl FnOnce(&Tally) -> T) -> Result<T, ReadError> {
        let mut learned = self.0.learned.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(&mut learned, u64::MAX)?;
        Ok(question(&learned.tally))
    }

    fn read(&self, learned: &mut Learned, most: u64) -> Result<bool, ReadError> {
        let Learned { follower, tally } = learned;
        follower
            .advance(&self.0.file, tally, most)
            .map_err(|error| ReadError { file: self.0.file.clone(), trouble: Trouble::of(&error) })
    }
}

impl How {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::TrustedCode => "trusted-code",
            Self::Run => "run",
        }
    }

    /// What a delivery means, as records write it. One that's not known here is taken for the worst.
    fn of(delivery: Option<&str>) -> Self {
        match delivery {
            None => Self::Read,
            Some("run" | "run-unmasked") => Self::Run,
            Some(_) => Self::TrustedCode,
        }
    }
}

#[cfg(test)]
mod tests;
