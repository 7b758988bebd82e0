//! Picks records out of a log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Take};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::entry::{Decision, Kind};
use super::error::{ReadError, Trouble};
use super::lines::{End, Lines};
use super::record::{Fault, Record};
use super::report::BadLine;
use super::verify::settled_length;
use crate::model::{Action, FieldSelector, Name, NamePattern, PathPattern, Reference};

/// Which records to show; what's `None` doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of principals whose names match.
    pub principal: Option<NamePattern>,
    /// For one action.
    pub action: Option<Action>,
    /// About paths that the pattern covers.
    pub path: Option<PathPattern>,
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// Of one kind.
    pub kind: Option<Kind>,
    /// With one decision.
    pub decision: Option<Decision>,
    /// With one delivery, as records write it, or with any of a kind: `command:migrate`, `command`.
    pub delivery: Option<String>,
    /// About one request.
    pub request: Option<String>,
    /// Only the last so many of those.
    pub last: Option<usize>,
}

impl Filter {
    /// Whether a record is one of those asked for.
    #[must_use]
    pub fn covers(&self, record: &Record) -> bool {
        self.principal.as_ref().is_none_or(|pattern| pattern.matches(&record.principal))
            && self.action.is_none_or(|action| record.action == Some(action))
            && self.path.as_ref().is_none_or(|pattern| covers(pattern, record.path.as_deref()))
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && self.kind.is_none_or(|kind| record.kind == kind)
            && self.decision.is_none_or(|decision| record.decision == decision)
            && self.delivery.as_ref().is_none_or(|wanted| delivers(record.delivery.as_deref(), wanted))
            && self.request.as_ref().is_none_or(|request| record.request == *request)
    }
}

/// Whether a record's delivery is the one that's wanted, or one of the kind.
fn delivers(delivery: Option<&str>, wanted: &str) -> bool {
    delivery
        .is_some_and(|delivery| delivery == wanted || delivery.split_once(':').is_some_and(|(kind, _)| kind == wanted))
}

fn covers(pattern: &PathPattern, path: Option<&str>) -> bool {
    let Some(reference) = path.and_then(|path| Reference::parse(path).ok()) else {
        return false;
    };
    pattern.covers(&matching(&reference))
}

/// A record's path in the form patterns are matched against.
fn matching(reference: &Reference) -> String {
    let (section, field) = match &reference.field {
        FieldSelector::Default => (None, None),
        FieldSelector::Field(field) => (None, Some(field)),
        FieldSelector::InSection(section, field) => (Some(section), Some(field)),
    };
    let names = [Some(&reference.vault), Some(&reference.item), section, field];
    names.into_iter().flatten().map(Name::matching).collect::<Vec<_>>().join("/")
}

/// The records of a log that a filter covers, in their order.
///
/// Whether records follow from each other is for [`super::verify`] to say.
pub struct Records {
    lines: Lines<BufReader<Take<File>>>,
    filter: Filter,
    line: u64,
    /// The last ones, once they're known, where only those are wanted.
    last: Option<std::vec::IntoIter<Result<Record, ShowError>>>,
    file: PathBuf,
}

/// Why a record can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The line isn't a record.
    #[error("line {}: {}", .0.line, .0.fault)]
    Bad(BadLine),
    /// The file can't be read any further.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Opens a log to pick records out of it.
///
/// # Errors
///
/// When the file can't be read.
pub fn show(file: &Path, filter: Filter) -> Result<Records, ReadError> {
    let failed = |error: io::Error| ReadError { file: file.to_owned(), trouble: Trouble::of(&error) };
    let opened = File::open(file).map_err(failed)?;
    let length = settled_length(&opened).map_err(failed)?;
    let lines = Lines::new(BufReader::with_capacity(128 * 1024, opened.take(length)));
    Ok(Records { lines, filter, line: 0, last: None, file: file.to_owned() })
}

impl Records {
    /// The next one that's covered, whatever number is wanted.
    fn advance(&mut self) -> Option<Result<Record, ShowError>> {
        loop {
            let end = match self.lines.advance() {
                Ok(end) => end?,
                Err(error) => {
                    let trouble = Trouble::of(&error);
                    return Some(Err(ReadError { file: self.file.clone(), trouble }.into()));
                }
            };
            self.line += 1;
            let record = match end {
                End::Whole => Record::check(self.lines.line()),
                End::Torn => Err(Fault::Torn),
            };
            match record {
                Ok(record) if self.filter.covers(&record) => return Some(Ok(record)),
                Ok(_) => {}
                Err(fault) => return Some(Err(ShowError::Bad(BadLine { line: self.line, fault }))),
            }
        }
    }

    /// Reads to the end and keeps the last `wanted` records. Bad lines among them are kept too.
    fn collect_last(&mut self, wanted: usize) -> std::vec::IntoIter<Result<Record, ShowError>> {
        let mut kept = VecDeque::new();
        let mut records = 0;
        while let Some(next) = self.advance() {
            let stop = matches!(next, Err(ShowError::Read(_)));
            records += usize::from(next.is_ok());
            kept.push_back(next);
            while records > wanted || kept.len() > wanted.saturating_mul(2).saturating_add(1) {
                records -= usize::from(kept.pop_front().is_some_and(|first| first.is_ok()));
            }
            if stop {
                break;
            }
        }
        Vec::from(kept).into_iter()
    }
}

impl Iterator for Records {
    type Item = Result<Record, ShowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(wanted) = self.filter.last else {
            return self.advance();
        };
        if self.last.is_none() {
            self.last = Some(self.collect_last(wanted));
        }
        self.last.as_mut()?.next()
    }
}
