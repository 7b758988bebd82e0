//! What checking a log gives, and how it's told.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use super::error::AuditError;
use super::hash::RecordHash;
use super::json::is_invisible;
use super::record::Fault;
use super::time;
use crate::model::Action;

/// How many unfinished requests are named one by one.
const NAMED: usize = 20;

/// What a chain alone can't show.
const LIMIT: &str = "this can't show records cut off behind the last one, or a log written anew as a whole: \
                     compare its hash with one kept elsewhere";

/// What a log's lines show.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// How many records follow from each other: all lines before the first bad one, less those
    /// inside accepted breaks.
    pub records: u64,
    /// The number of the last of them; 0 if there's none.
    pub last_seq: u64,
    /// The hash of that record. Kept elsewhere, it's an anchor: a log that no longer has this record
    /// was cut off or written anew.
    pub last_hash: RecordHash,
    /// The first bad line.
    pub bad: Option<BadLine>,
    /// Bytes after the last whole line.
    pub torn: u64,
    /// Breaks that the log's owner has accepted.
    pub accepted: Vec<AcceptedBreak>,
    /// Requests that were let through and whose outcome isn't recorded: they're still going on, or
    /// their process was stopped.
    pub unfinished: Vec<Unfinished>,
    /// SHA-256 over all bytes of the file: what accepting a break refers to.
    pub digest: RecordHash,
    /// Bytes up to the end of the last whole line.
    #[serde(skip)]
    pub(super) whole: u64,
    /// The highest number any readable record has.
    #[serde(skip)]
    pub(super) highest_seq: u64,
}

/// A line that isn't the record it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BadLine {
    /// Which line, counted from 1.
    pub line: u64,
    /// What's wrong with it.
    #[serde(flatten)]
    pub fault: Fault,
}

/// A break that the log's owner has accepted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AcceptedBreak {
    /// The first bad line.
    #[serde(flatten)]
    pub bad: BadLine,
    /// The line that says so, from which on the chain is whole again.
    pub by_line: u64,
    /// When it was accepted.
    #[serde(with = "time")]
    pub time: Timestamp,
}

/// A request that was let through and whose outcome isn't recorded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unfinished {
    /// The number of its intent.
    pub seq: u64,
    /// When that was recorded.
    #[serde(with = "time")]
    pub time: Timestamp,
    /// The request's name.
    pub request: String,
    /// What was asked for.
    pub action: Option<Action>,
    /// What it was asked of.
    pub path: Option<String>,
}

impl Report {
    /// Whether every line is a record that follows from the one before it, or lies in a break that
    /// was accepted.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.bad.is_none() && self.torn == 0
    }

    /// The break, as an error.
    pub(super) fn broken(&self) -> Option<AuditError> {
        let bad = self.bad.as_ref()?;
        Some(AuditError::Broken { line: bad.line, fault: bad.fault.clone(), digest: self.digest })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bad) = &self.bad {
            writeln!(f, "line {}: {}", bad.line, bad.fault)?;
        }
        if self.torn > 0 {
            let bytes = plural(self.torn, "byte");
            writeln!(
                f,
                "after the last whole line: {bytes} of a record that was cut off; the next start sets them aside"
            )?;
        }
        if self.is_intact() && self.records == 0 {
            return writeln!(f, "the log is empty");
        }
        self.vouch(f)?;
        for accepted in &self.accepted {
            let (line, fault, by) = (accepted.bad.line, &accepted.bad.fault, accepted.by_line);
            let time = String::from_utf8_lossy(&time::text(accepted.time)).into_owned();
            writeln!(f, "accepted by the owner on {time} (line {by}): line {line}: {fault}")?;
        }
        self.unknown(f)
    }
}

impl Report {
    fn vouch(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (last, hash) = (self.last_seq, self.last_hash);
        match (self.records, self.bad.is_some()) {
            (0, _) => writeln!(f, "there's no intact record before it"),
            // The line and the record before it disagree; nothing here can tell which of them is right.
            (count, true) => {
                let count = plural(count, "record");
                writeln!(f, "before it: {count} that follow from each other; the last is {last}, hash {hash}")?;
                writeln!(f, "from it on, nothing can be vouched for")
            }
            (count, false) => {
                let count = plural(count, "record");
                writeln!(f, "{count}, each following from the one before it; the last is {last}, hash {hash}")?;
                writeln!(f, "{LIMIT}")
            }
        }
    }

    fn unknown(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        let count = plural(u64::try_from(self.unfinished.len()).unwrap_or(u64::MAX), "request");
        writeln!(f, "{count} let through without a recorded outcome; what became of it is unknown:")?;
        for intent in self.unfinished.iter().take(NAMED) {
            let action = intent.action.map(Action::as_str).unwrap_or_default();
            let path = visible(intent.path.as_deref().unwrap_or_default());
            let (seq, request) = (intent.seq, visible(&intent.request));
            writeln!(f, "  record {seq}: {action} {path} (request {request})")?;
        }
        match self.unfinished.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A text from a record as it may be shown on a terminal: what would be invisible there, or act on
/// it, is replaced by U+FFFD.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |character: char| character.is_control() || is_invisible(character);
    if text.contains(hidden) { Cow::Owned(text.replace(hidden, "\u{fffd}")) } else { Cow::Borrowed(text) }
}
