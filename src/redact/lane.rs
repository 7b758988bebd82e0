//! One view of a stream: what counts of it, where that came from, and how far it has been looked through.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::counts;
use super::table::{Look, Table};

/// How long the last byte waits for a backspace.
const PATIENCE: usize = 256;

/// Where something may begin, so much is looked at closely.
const CHUNK: usize = 512;

/// A view of a stream, from the first place on where a form may still begin.
#[derive(Clone)]
pub(super) struct Lane {
    table: Arc<Table>,
    text: Zeroizing<Vec<u8>>,
    /// Where in the stream each byte of the text was.
    origin: Vec<usize>,
    /// Whether a backspace would take the last byte back.
    loose: bool,
}

/// A form that was found, from where to where in the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) mask: usize,
}

impl Lane {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self { table, text: Zeroizing::default(), origin: Vec::new(), loose: false }
    }

    /// Takes bytes in that stood there in the stream, and looks through most of them.
    pub(super) fn extend(&mut self, bytes: &[u8], at: usize, found: &mut Vec<Found>) {
        for (at, bytes) in (at..).step_by(CHUNK).zip(bytes.chunks(CHUNK)) {
            if !self.skim(bytes, at) {
                for (place, byte) in (at..).zip(bytes) {
                    self.take(*byte, place);
                }
                self.search(at + bytes.len(), false, found);
            }
        }
    }

    /// Takes in only the end of the bytes, if no form begins before that. Nearly all text is passed by here.
    fn skim(&mut self, bytes: &[u8], at: usize) -> bool {
        if self.text.len() > 8 {
            return false;
        }
        let mut head = self.text.iter().fold(0, |head, byte| head << 8 | u64::from(*byte));
        if self.table.may_begin(head) && self.table.does_begin(head) {
            return false;
        }
        for byte in bytes {
            head = if counts(*byte) { head << 8 | u64::from(*byte) } else { head };
            if self.table.may_begin(head) && self.table.does_begin(head) {
                return false;
            }
        }
        // Eight bytes may still be part of something, if the last of them may be taken back.
        let mut left = 8;
        let from = bytes.iter().rposition(|byte| {
            left -= usize::from(counts(*byte));
            left == 0
        });
        for (place, byte) in (at..).zip(bytes).skip(from.unwrap_or_default()) {
            self.take(*byte, place);
        }
        let decided = self.text.len().saturating_sub(8);
        self.text.drain(..decided);
        self.origin.drain(..decided);
        true
    }

    #[inline]
    pub(super) fn take(&mut self, byte: u8, at: usize) {
        if counts(byte) {
            self.text.push(byte);
            self.origin.push(at);
            self.loose = true;
        } else if byte.is_ascii_whitespace() {
            self.loose = false;
        }
    }

    /// Takes the last byte back, as a backspace at that place does. What it completed was there, so it's found.
    pub(super) fn take_back(&mut self, at: usize, found: &mut Vec<Found>) {
        if self.loose && self.origin.last().is_some_and(|last| at - last < PATIENCE) {
            self.search(at, false, found);
            let all = self.text.len();
            self.loose = false;
            let mut completed = Vec::new();
            self.decided(at, true, &mut completed);
            let end = self.origin.last().map(|last| last + 1);
            found.extend(completed.into_iter().filter(|found| Some(found.end) == end));
            self.text.truncate(all.saturating_sub(1));
            self.origin.truncate(all.saturating_sub(1));
        }
        self.loose = false;
    }

    /// Says that the last byte won't be taken back.
    pub(super) fn firm(&mut self) {
        self.loose = false;
    }

    /// Looks for what begins in the text, up to `now` in the stream, and forgets what's decided. What's left begins
    /// where a form may begin.
    pub(super) fn search(&mut self, now: usize, over: bool, found: &mut Vec<Found>) {
        let decided = self.decided(now, over, found);
        if decided >= self.text.len() {
            self.text.clear();
            self.origin.clear();
        } else {
            self.text.drain(..decided);
            self.origin.drain(..decided);
        }
    }

    /// Where in the stream a form may begin that isn't there yet.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.origin.first().copied()
    }

    #[cfg(test)]
    pub(super) fn keeps(&self) -> usize {
        self.origin.len()
    }

    /// Whether both would see the same in what follows.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        self.origin == other.origin
    }

    /// How much of the text needn't be looked at again.
    fn decided(&self, now: usize, over: bool, found: &mut Vec<Found>) -> usize {
        let loose = self.loose && !over && self.origin.last().is_some_and(|last| now - last < PATIENCE);
        // Too far back for anything that begins there to end within reach.
        let lost = |start: &usize| !loose && now - start >= self.table.farthest();
        let mut head = 0;
        for (end, byte) in self.text.iter().enumerate() {
            head = head << 8 | u64::from(*byte);
            if !self.table.may_begin(head) {
                continue;
            }
            // The text has no zeroes and no form begins with one, so that a form can't seem to begin before it.
            let Some((start, text)) = (end + 1).checked_sub(8).and_then(|at| Some((at, self.text.get(at..)?))) else {
                continue;
            };
            let Some(origin) = self.origin.get(start) else { continue };
            match self.table.look(text, loose, over || lost(origin)) {
                Look::Nothing => {}
                Look::Undecided => return start,
                Look::Hits(hits) => {
                    let spans = hits.filter_map(|hit| Some((hit, self.origin.get(start + hit.len - 1)? + 1)));
                    let near = |len, stop: usize| stop - origin <= Table::reach(len);
                    if let Some((hit, stop)) = spans.into_iter().find(|(hit, stop)| near(hit.len, *stop)) {
                        found.push(Found { start: *origin, end: stop, mask: hit.mask });
                    }
                }
            }
        }
        if over {
            return self.text.len();
        }
        let first = self.text.len().saturating_sub(7 + usize::from(loose));
        for (start, origin) in self.origin.iter().enumerate().skip(first) {
            let text = self.text.get(start..).unwrap_or_default();
            let sure = text.split_last().map(|(_, sure)| sure).filter(|sure| loose && !sure.is_empty());
            if !lost(origin) && (self.table.begins(text) || sure.is_some_and(|sure| self.table.begins(sure))) {
                return start;
            }
        }
        self.text.len()
    }
}
