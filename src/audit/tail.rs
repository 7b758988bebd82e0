//! The end of the file: which record is the last, and what was torn off behind it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::error::AuditError;
use super::line::{Head, MAX_LINE};
use super::record::Record;

/// What's read at most: a whole line must fit, after the rest of another and before a torn one.
const WINDOW: usize = 3 * (MAX_LINE + 1);

/// A place in the file where a line begins, and the record before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: u64,
    pub(super) head: Head,
}

/// What stands at the end.
#[derive(Debug)]
pub(super) struct Tail {
    /// After the last whole line.
    pub(super) mark: Mark,
    /// What follows it: the beginning of a record whose writer was stopped.
    pub(super) torn: Vec<u8>,
}

impl Tail {
    /// Reads what was appended since `known` and checks each record, if it isn't too much; else, and
    /// for a file not read before, the last line only. `None` when that isn't a record or doesn't follow.
    pub(super) fn read(file: &File, known: Option<Mark>, length: u64) -> Result<Option<Self>, AuditError> {
        let from = known.map_or(0, |mark| mark.at);
        let new = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; new.min(WINDOW)];
        let start = length.saturating_sub(as_u64(bytes.len()));
        file.read_exact_at(&mut bytes, start).map_err(AuditError::reading)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let torn = bytes.split_off(whole);
        let head = match known {
            None if start == 0 && bytes.is_empty() => Some(Head::GENESIS),
            Some(mark) if start == from => walk(&bytes, mark.head),
            None | Some(_) => last(&bytes),
        };
        Ok(head.map(|head| Self { mark: Mark { at: start + as_u64(whole), head }, torn }))
    }
}

/// Checks that each line is a record and follows from the one before it.
fn walk(lines: &[u8], head: Head) -> Option<Head> {
    lines.split_inclusive(|&byte| byte == b'\n').try_fold(head, |head, line| {
        let record = Record::check(line.strip_suffix(b"\n")?).ok()?;
        record.follows(&head).ok()?;
        Some(record.head())
    })
}

/// Checks that the last line is a record.
fn last(lines: &[u8]) -> Option<Head> {
    let line = lines.split_inclusive(|&byte| byte == b'\n').next_back()?;
    Record::check(line.strip_suffix(b"\n")?).ok().map(|record| record.head())
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
