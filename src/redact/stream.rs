//! A stream of output: held back where a value may have begun, given out where none has.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::decoded::Decoded;
use super::escapes::{Escapes, is_special};
use super::lane::{Found, Lane};
use super::table::Table;
use super::unescape;

/// How much is looked at in one go: it stays in the processor's own memory.
const BLOCK: usize = 8192;

/// How many bytes of what may be a value are shown if nothing comes after them.
const SHOWN_WHEN_IDLE: usize = 3;

/// One stream of output, hidden in piece by piece. It keeps no more than what may be the beginning of a value, at most
/// 32 times the longest form of the longest value, and 4 KiB.
pub struct Stream {
    table: Arc<Table>,
    /// What hasn't been given out; its first byte is number `base` of the stream.
    held: Zeroizing<Vec<u8>>,
    base: usize,
    /// The stream with escape sequences.
    plain: Lane,
    /// The stream without them, from the first on, until both look the same again.
    bare: Option<Bare>,
    /// The stream with what other languages escape undone, for as long as it looks different.
    decoded: Option<Decoded>,
    /// What's to be hidden and hasn't been given out, in order, without overlaps.
    spans: Vec<Span>,
    /// Where escape sequences are, in what's held.
    sequences: VecDeque<(usize, usize)>,
    count: u64,
}

struct Bare {
    lane: Lane,
    escapes: Escapes,
}

/// What's hidden by one marker: that of the form that begins first, and of those the longest.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    first: Found,
}

impl Stream {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self {
            plain: Lane::new(Arc::clone(&table)),
            table,
            held: Zeroizing::default(),
            base: 0,
            bare: None,
            decoded: None,
            spans: Vec::new(),
            sequences: VecDeque::new(),
            count: 0,
        }
    }

    /// Takes a piece in, and appends to `out` what can no longer be part of a value.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for block in piece.chunks(BLOCK) {
            let at = self.base + self.held.len();
            self.held.extend_from_slice(block);
            let special = if self.bare.is_some() { Some(0) } else { block.iter().position(|byte| is_special(*byte)) };
            let mut found = Vec::new();
            if self.decoded.is_none() && block.iter().any(|byte| unescape::begins(*byte)) {
                self.decoded = Some(Decoded::new(self.plain.clone()));
            }
            if let Some(decoded) = &mut self.decoded {
                decoded.extend(block, at, &mut found);
            }
            match special.and_then(|special| Some((special, block.split_at_checked(special)?))) {
                None => self.plain.extend(block, at, &mut found),
                Some((special, (before, after))) => {
                    if self.bare.is_none() {
                        self.plain.extend(before, at, &mut found);
                        // What's decided by now is the same with and without sequences.
                        self.plain.search(at + special, false, &mut found);
                        self.bare = Some(Bare { lane: self.plain.clone(), escapes: Escapes::default() });
                    }
                    self.plain.extend(after, at + special, &mut found);
                    if let Some(bare) = &mut self.bare {
                        bare.extend(after, at + special, &mut self.sequences, &mut found);
                    }
                }
            }
            self.settle(found, false, out);
        }
    }

    /// Gives out a few bytes that may be the beginning of a value, since nothing came after them for a while: what a
    /// person types, or a prompt. Should it become a value, its rest is hidden.
    pub fn idle(&mut self, out: &mut Vec<u8>) {
        let now = self.base + self.held.len();
        let first = self.undecided().unwrap_or(now);
        let in_sequence = self.bare.as_ref().is_some_and(|bare| bare.escapes.open().is_some());
        if self.spans.is_empty() && !in_sequence && now - first <= SHOWN_WHEN_IDLE {
            out.extend_from_slice(&self.held);
            self.held.clear();
            self.base = now;
        }
    }

    /// Ends a stream that's there to its end: appends the rest, and tells how often something was hidden.
    pub fn finish(mut self, out: &mut Vec<u8>) -> u64 {
        let end = self.base + self.held.len();
        if let Some(open) = self.bare.as_ref().and_then(|bare| bare.escapes.open()) {
            self.sequences.push_back((open, end));
        }
        self.settle(Vec::new(), true, out);
        self.count
    }

    /// Ends a stream that was cut off, and tells how often something was hidden. What may have been the beginning of a
    /// value isn't given out: whoever chooses where it's cut would have all of the value but its last byte.
    #[must_use]
    pub fn cut(self) -> u64 {
        self.count
    }

    /// How much it keeps.
    #[cfg(test)]
    pub(super) fn keeps(&self) -> usize {
        let bare = self.bare.as_ref().map_or(0, |bare| bare.lane.keeps());
        let lanes = self.plain.keeps() + bare + self.decoded.as_ref().map_or(0, Decoded::keeps);
        self.held.len() + lanes + self.spans.len() + self.sequences.len()
    }

    /// Looks through what came in, and gives out what's decided.
    fn settle(&mut self, mut found: Vec<Found>, over: bool, out: &mut Vec<u8>) {
        let now = self.base + self.held.len();
        self.plain.search(now, over, &mut found);
        let mut open = None;
        if let Some(bare) = &mut self.bare {
            bare.lane.search(now, over, &mut found);
            open = bare.escapes.open().filter(|_| !over);
        }
        if let Some(decoded) = &mut self.decoded {
            decoded.search(now, over, &mut found);
        }
        let frontier = self.undecided().into_iter().chain(open).min().unwrap_or(now).max(self.base);
        // A sequence is given out whole, or not at all.
        let frontier = whole(&self.sequences, frontier).0.max(self.base);
        self.hide(found);
        self.give(frontier, out);
        while self.sequences.pop_front_if(|(_, end)| *end <= self.base).is_some() {}
        self.decoded = self.decoded.take().filter(|decoded| !decoded.agrees_with(&self.plain));
        if self.bare.as_ref().is_some_and(|bare| open.is_none() && bare.lane.agrees_with(&self.plain))
            && let Some(bare) = self.bare.take()
        {
            self.plain = bare.lane;
        }
    }

    /// Where a form may begin that isn't there yet, in any view.
    fn undecided(&self) -> Option<usize> {
        let bare = self.bare.as_ref().and_then(|bare| bare.lane.undecided());
        let decoded = self.decoded.as_ref().and_then(Decoded::undecided);
        [self.plain.undecided(), bare, decoded].into_iter().flatten().min()
    }

    /// Adds to what's to be hidden.
    fn hide(&mut self, found: Vec<Found>) {
        if found.is_empty() && self.spans.is_empty() {
            return;
        }
        let mut all = mem::take(&mut self.spans);
        all.extend(found.into_iter().map(|first| Span { start: first.start, end: first.end, first }));
        for span in &mut all {
            // A sequence that's cut in two would take what follows the marker for its other half.
            span.start = whole(&self.sequences, span.start).0;
            span.end = whole(&self.sequences, span.end).1;
        }
        all.sort_by_key(|span| span.start);
        for span in all {
            match self.spans.last_mut() {
                Some(last) if span.start < last.end => {
                    last.end = last.end.max(span.end);
                    last.first = last.first.leading(span.first);
                }
                _ => self.spans.push(span),
            }
        }
    }

    /// Gives out all up to there, with markers for what's hidden.
    fn give(&mut self, frontier: usize, out: &mut Vec<u8>) {
        let mut settled = 0;
        let mut given = self.base;
        let held = |from: usize, to: usize| self.held.get(from - self.base..to - self.base).unwrap_or_default();
        for span in self.spans.iter().take_while(|span| span.start < frontier) {
            out.extend_from_slice(held(given, span.start.max(given)));
            given = span.end.min(frontier);
            if span.end > frontier {
                break;
            }
            out.extend_from_slice(self.table.marker(span.first.mask));
            settled += 1;
            self.count += 1;
        }
        if self.spans.get(settled).is_none_or(|span| span.start >= frontier) {
            out.extend_from_slice(held(given, frontier));
            given = frontier;
        }
        self.spans.drain(..settled);
        self.held.drain(..given - self.base);
        self.base = given;
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Bare {
    fn extend(&mut self, bytes: &[u8], at: usize, sequences: &mut VecDeque<(usize, usize)>, found: &mut Vec<Found>) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let place = at + bytes.len() - rest.len();
            if self.escapes.open().is_none() && !is_special(*byte) {
                let end = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
                let (text, special) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                self.lane.extend(text, place, found);
                rest = special;
                continue;
            }
            rest = after;
            if !self.escapes.take(*byte, place, sequences) {
                continue;
            }
            if is_special(*byte) {
                self.lane.take_back(place, found);
            } else {
                self.lane.take(*byte, place);
            }
        }
    }
}

impl Found {
    /// The one that begins first; of those, the longer one; of those, the one that was asked for first.
    fn leading(self, other: Self) -> Self {
        let order = |found: &Self| (found.start, usize::MAX - found.end, found.mask);
        if order(&other) < order(&self) { other } else { self }
    }
}

/// Where the sequence begins and ends that a place is in the middle of; the place itself, if it's in none.
pub(super) fn whole(sequences: &VecDeque<(usize, usize)>, place: usize) -> (usize, usize) {
    let next = sequences.partition_point(|(_, end)| *end <= place);
    sequences.get(next).filter(|(start, _)| *start < place).copied().unwrap_or((place, place))
}
