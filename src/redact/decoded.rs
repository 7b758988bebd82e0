//! A view of a stream with the escapes of other languages undone: `%2B`, `&#43;`, `\u002b` and their like.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::counts;
use super::lane::{Found, Lane};
use super::stream::whole;
use super::unescape::{Meaning, Read, begins, read};

/// The view, from the first place on where it differs from the stream.
pub(super) struct Decoded {
    lane: Lane,
    /// What may become an escape, and where that was.
    begun: Zeroizing<Vec<u8>>,
    places: VecDeque<usize>,
    /// Where escapes were: what they stand for is where they begin.
    escapes: VecDeque<(usize, usize)>,
}

impl Decoded {
    /// Goes on from what was seen before the first of them.
    pub(super) fn new(lane: Lane) -> Self {
        Self { lane, begun: Zeroizing::default(), places: VecDeque::new(), escapes: VecDeque::new() }
    }

    /// Takes bytes in that stood there in the stream, and looks through most of them.
    pub(super) fn extend(&mut self, bytes: &[u8], at: usize, found: &mut Vec<Found>) {
        let mut seen = Vec::new();
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            let place = at + bytes.len() - rest.len();
            if self.begun.is_empty() && !begins(*byte) {
                let end = rest.iter().position(|byte| begins(*byte)).unwrap_or(rest.len());
                let (text, escape) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                self.lane.extend(text, place, &mut seen);
                rest = escape;
                continue;
            }
            rest = after;
            if counts(*byte) {
                self.begun.push(*byte);
                self.places.push_back(place);
                self.undo(false, &mut seen);
            } else if byte.is_ascii_whitespace() && self.begun.as_slice() == b"\\" {
                // One of the shell's, before a blank or where a line goes on.
                self.begun.clear();
                self.places.clear();
            }
        }
        self.add(seen, found);
    }

    /// Looks for what begins in it, up to `now` in the stream.
    pub(super) fn search(&mut self, now: usize, over: bool, found: &mut Vec<Found>) {
        let mut seen = Vec::new();
        if over {
            self.undo(true, &mut seen);
        }
        self.lane.firm();
        self.lane.search(now, over, &mut seen);
        self.add(seen, found);
        let first = self.undecided().unwrap_or(now);
        while self.escapes.pop_front_if(|(_, end)| *end <= first).is_some() {}
    }

    /// Where in the stream a form may begin that isn't there yet.
    pub(super) fn undecided(&self) -> Option<usize> {
        self.lane.undecided().into_iter().chain(self.places.front().copied()).min()
    }

    /// Whether both would see the same in what follows.
    pub(super) fn agrees_with(&self, lane: &Lane) -> bool {
        self.begun.is_empty() && self.lane.agrees_with(lane)
    }

    #[cfg(test)]
    pub(super) fn keeps(&self) -> usize {
        self.lane.keeps() + self.begun.len() + self.escapes.len()
    }

    /// Passes on what's certain of what was begun.
    fn undo(&mut self, over: bool, seen: &mut Vec<Found>) {
        while let (Some(first), Some(place)) = (self.begun.first().copied(), self.places.front().copied()) {
            let len = match if begins(first) { read(&self.begun, over) } else { Read::No } {
                Read::Begun => return,
                Read::No => {
                    self.lane.extend(&[first], place, seen);
                    1
                }
                Read::Whole(len, meaning) => {
                    match meaning {
                        Meaning::Byte(byte) => self.lane.extend(&[byte], place, seen),
                        Meaning::Character(character) => {
                            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                                self.lane.extend(&[byte], place, seen);
                            }
                        }
                    }
                    let last = self.places.get(len - 1).copied().unwrap_or(place);
                    self.escapes.push_back((place, last + 1));
                    len
                }
            };
            self.begun.drain(..len);
            self.places.drain(..len);
        }
    }

    /// What ends with an escape ends where that does.
    fn add(&self, seen: Vec<Found>, found: &mut Vec<Found>) {
        found.extend(seen.into_iter().map(|found| Found { end: whole(&self.escapes, found.end).1, ..found }));
    }
}
