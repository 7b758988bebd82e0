//! Prints of values, and looking for them in a text: one pass, however many there are.

use std::fmt;
use std::ops::Range;

use super::key::{OpenedKey, PrintKey, WINDOW};
use super::pieces::{self, ALONE_BELOW, Piece, SHORT_BELOW};
use crate::model::{FieldId, Item, Place};

pub(super) const MAC_BYTES: usize = 16;

/// In a text whose blanks were left out, only pieces of this length mean anything: words run together there.
const SQUEEZED: usize = 16;

/// What makes sure of a piece: 128 bits that nobody without the key can compute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::custody) struct Mac(pub(super) [u8; MAC_BYTES]);

/// One piece of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Print {
    tag: u32,
    /// Where in the piece its window stands.
    window_at: u16,
    length: u16,
    mac: Mac,
    /// An index into the places.
    place: u32,
}

/// The prints of the values of a source. No value can be had from it.
#[derive(Default)]
pub struct Prints {
    sorted: Vec<Print>,
    places: Vec<Place>,
    /// One bit for each print, where its tag says: most windows of a text stop here.
    filter: Vec<u64>,
}

/// Prints that are being made.
pub struct PrintsBuilder<'key> {
    key: &'key PrintKey,
    opened: OpenedKey,
    made: Prints,
}

impl<'key> PrintsBuilder<'key> {
    /// None yet.
    #[must_use]
    pub fn new(key: &'key PrintKey) -> Self {
        Self { key, opened: key.open(), made: Prints::default() }
    }

    /// The key they're made with.
    #[must_use]
    pub fn key(&self) -> &'key PrintKey {
        self.key
    }

    /// Takes prints of those of an item's values that are secret.
    pub fn add<'v>(&mut self, item: &Item, values: impl Iterator<Item = (&'v FieldId, &'v [u8])>) {
        for (id, value) in values {
            let field = item.fields.known().iter().find(|field| field.id == *id);
            if let Some(field) = field.filter(|field| super::is_secret(item, field))
                && let Some(place) = item.target(field).place
            {
                self.add_value(place, value);
            }
        }
    }

    /// Takes prints of a value.
    pub fn add_value(&mut self, place: Place, value: &[u8]) {
        let pieces = pieces::of(value);
        let Ok(at) = u32::try_from(self.made.places.len()) else { return };
        if pieces.is_empty() {
            return;
        }
        self.made.places.push(place);
        self.made.sorted.extend(pieces.iter().filter_map(|piece| Print::of(piece, at, &self.opened)));
    }

    /// Takes over prints that were made with the same key.
    pub(super) fn add_made(&mut self, other: &Prints) {
        let Ok(offset) = u32::try_from(self.made.places.len()) else { return };
        self.made.places.extend(other.places.iter().cloned());
        let moved = other.sorted.iter().map(|print| Print { place: print.place.saturating_add(offset), ..*print });
        self.made.sorted.extend(moved);
    }

    /// All of them, ready for searching.
    #[must_use]
    pub fn finish(self) -> Prints {
        let Prints { mut sorted, mut places, .. } = self.made;
        sorted.sort_unstable();
        sorted.dedup();
        sorted.shrink_to_fit();
        places.shrink_to_fit();
        let words = sorted.len().saturating_mul(32).next_power_of_two() / 64;
        let mut made = Prints { sorted, places, filter: vec![0; words.max(1)] };
        for index in 0..made.sorted.len() {
            if let Some(tag) = made.sorted.get(index).map(|print| print.tag) {
                let (word, bit) = made.slot(tag);
                if let Some(word) = made.filter.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        made
    }
}

impl Print {
    fn of(piece: &Piece<'_>, place: u32, key: &OpenedKey) -> Option<Self> {
        let window = piece.bytes.get(piece.window_at..)?.first_chunk::<WINDOW>()?;
        Some(Self {
            tag: key.tag(*window),
            window_at: u16::try_from(piece.window_at).ok()?,
            length: u16::try_from(piece.bytes.len()).ok()?,
            mac: key.mac(piece.bytes)?,
            place,
        })
    }

    /// Where the piece would stand in a text of this length, if its window stands there.
    fn range(&self, window: usize, length: usize) -> Option<Range<usize>> {
        let start = window.checked_sub(usize::from(self.window_at))?;
        let end = start.checked_add(usize::from(self.length)).filter(|end| *end <= length)?;
        Some(start..end)
    }
}

impl Prints {
    /// Where the values are kept.
    pub(in crate::custody) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Whether there's nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many pieces are looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Looks for each of them: which it is, its place, and where it stands.
    pub(super) fn search(
        &self,
        key: &OpenedKey,
        text: &[u8],
        with_short: bool,
        is_squeezed: bool,
        mut found: impl FnMut(Mac, usize, Range<usize>),
    ) {
        if self.is_empty() {
            return;
        }
        for (at, window) in text.windows(WINDOW).enumerate() {
            let tag = window.first_chunk().map_or(0, |window| key.tag(*window));
            let (word, bit) = self.slot(tag);
            if self.filter.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let first = self.sorted.partition_point(|print| print.tag < tag);
            let candidates = self.sorted.get(first..).unwrap_or_default();
            // Those of one shape stand together, so that what's in the text is computed once for all of them.
            let mut computed: Option<(Range<usize>, Mac)> = None;
            for print in candidates.iter().take_while(|print| print.tag == tag) {
                let length = usize::from(print.length);
                if (length < SHORT_BELOW && !with_short) || (length < SQUEEZED && is_squeezed) {
                    continue;
                }
                let Some(range) = print.range(at, text.len()) else { continue };
                if length < ALONE_BELOW && !stands_alone(text, &range) {
                    continue;
                }
                let mac = match &computed {
                    Some((known, mac)) if *known == range => *mac,
                    _ => match text.get(range.clone()).and_then(|piece| key.mac(piece)) {
                        Some(mac) => mac,
                        None => continue,
                    },
                };
                computed = Some((range.clone(), mac));
                if mac == print.mac
                    && let Ok(place) = usize::try_from(print.place)
                {
                    found(mac, place, range);
                }
            }
        }
    }

    fn slot(&self, tag: u32) -> (usize, u64) {
        // Its upper bits sort the prints, so the lower ones are as good for this.
        let tag = usize::try_from(tag).unwrap_or(usize::MAX);
        ((tag / 64) & self.filter.len().saturating_sub(1), 1 << (tag % 64))
    }
}

/// Whether no letter or digit runs on beyond the ends of what stands there.
fn stands_alone(text: &[u8], range: &Range<usize>) -> bool {
    let is_word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let joined = |inside: Option<usize>, outside: Option<usize>| is_word(inside) && is_word(outside);
    !joined(Some(range.start), range.start.checked_sub(1)) && !joined(range.end.checked_sub(1), Some(range.end))
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac")
    }
}

impl fmt::Debug for Prints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prints")
    }
}

impl fmt::Debug for PrintsBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrintsBuilder")
    }
}
