//! Reads a whole log and says how far it can be trusted.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::entry::Kind;
use super::error::{ReadError, Trouble};
use super::hash::RecordHash;
use super::line::Head;
use super::lines::{End, Lines};
use super::record::Record;
use super::report::{AcceptedBreak, BadLine, Report, Unfinished};
use crate::model::Action;

/// The code of a record that says that the owner accepted a break.
pub(super) const BREAK_ACCEPTED: &str = "break_accepted";

/// How long to wait for a writer that's in the middle of a record.
const PATIENCE: Duration = Duration::from_secs(2);

/// Checks every line of a log.
///
/// A log in use is checked as far as it reached when this began.
///
/// # Errors
///
/// When the file can't be read. A bad line isn't an error but what the report says.
pub fn verify(file: &Path) -> Result<Report, ReadError> {
    let failed = |error: io::Error| ReadError { file: file.to_owned(), trouble: Trouble::of(&error) };
    let opened = File::open(file).map_err(failed)?;
    let length = settled_length(&opened).map_err(failed)?;
    verify_first(&opened, length).map_err(failed)
}

/// Checks the lines in the first `length` bytes of a file.
pub(super) fn verify_first(mut file: &File, length: u64) -> io::Result<Report> {
    file.rewind()?;
    verify_lines(BufReader::with_capacity(128 * 1024, file.take(length)))
}

pub(super) fn verify_lines(reader: impl BufRead) -> io::Result<Report> {
    let mut lines = Lines::new(reader);
    let mut walk = Walk::default();
    loop {
        // The digest of what precedes a line matters only where a break could be accepted.
        let before = walk.bad.is_some().then(|| lines.digest());
        match lines.advance()? {
            None => break,
            Some(End::Torn) => walk.torn = lines.length(),
            Some(End::Whole) => walk.line(lines.line(), lines.length(), before),
        }
    }
    Ok(walk.report(lines.digest()))
}

/// The file's length when no writer is in the middle of a record.
pub(super) fn settled_length(file: &File) -> io::Result<u64> {
    let since = Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => {
                let length = file.metadata().map(|metadata| metadata.len());
                return file.unlock().and(length);
            }
            Err(std::fs::TryLockError::WouldBlock) if since.elapsed() < PATIENCE => std::thread::yield_now(),
            // Some file systems have no locks. At worst, the last line is seen while it's written.
            Err(_) => return file.metadata().map(|metadata| metadata.len()),
        }
    }
}

/// What identifies the outcome of an intent: one request may ask for several secrets.
type Question = (String, Option<Action>, Option<String>);

/// Where the walk through the lines stands.
struct Walk {
    line: u64,
    records: u64,
    head: Head,
    bad: Option<BadLine>,
    torn: u64,
    accepted: Vec<AcceptedBreak>,
    open: HashMap<Question, Vec<(u64, Timestamp)>>,
    whole: u64,
    highest_seq: u64,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            line: 0,
            records: 0,
            head: Head::GENESIS,
            bad: None,
            torn: 0,
            accepted: Vec::new(),
            open: HashMap::new(),
            whole: 0,
            highest_seq: 0,
        }
    }
}

impl Walk {
    fn line(&mut self, line: &[u8], length: u64, before: Option<RecordHash>) {
        self.line += 1;
        self.whole += length;
        let record = Record::check(line);
        if let Ok(record) = &record {
            self.highest_seq = self.highest_seq.max(record.seq);
        }
        match (record, self.bad.take()) {
            (Ok(record), Some(bad)) if accepts(&record, before) => {
                self.accepted.push(AcceptedBreak { bad, by_line: self.line, time: record.time });
                self.take(record);
            }
            (_, Some(bad)) => self.bad = Some(bad),
            (Ok(record), None) => match record.follows(&self.head) {
                Ok(()) => self.take(record),
                Err(fault) => self.bad = Some(BadLine { line: self.line, fault }),
            },
            (Err(fault), None) => self.bad = Some(BadLine { line: self.line, fault }),
        }
    }

    fn take(&mut self, record: Record) {
        self.records += 1;
        self.head = record.head();
        let question = (record.request, record.action, record.path);
        if record.kind == Kind::Intent {
            self.open.entry(question).or_default().push((record.seq, record.time));
        } else if record.kind == Kind::Outcome
            && let Some(intents) = self.open.get_mut(&question)
        {
            intents.pop();
            if intents.is_empty() {
                self.open.remove(&question);
            }
        }
    }

    fn report(self, digest: RecordHash) -> Report {
        let mut unfinished: Vec<_> = self
            .open
            .into_iter()
            .flat_map(|((request, action, path), intents)| {
                intents.into_iter().map(move |(seq, time)| Unfinished {
                    seq,
                    time,
                    request: request.clone(),
                    action,
                    path: path.clone(),
                })
            })
            .collect();
        unfinished.sort_by_key(|intent| intent.seq);
        Report {
            records: self.records,
            last_seq: self.head.seq,
            last_hash: self.head.hash,
            bad: self.bad,
            torn: self.torn,
            accepted: self.accepted,
            unfinished,
            digest,
            whole: self.whole,
            highest_seq: self.highest_seq,
        }
    }
}

/// Whether a record accepts everything before it, exactly as it is.
fn accepts(record: &Record, before: Option<RecordHash>) -> bool {
    record.kind == Kind::Config && record.code.as_deref() == Some(BREAK_ACCEPTED) && Some(record.prev) == before
}
