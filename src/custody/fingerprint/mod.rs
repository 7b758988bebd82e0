//! Recognising a value in a text without keeping it: for what comes in as an argument and shouldn't be known.
//!
//! - `pieces` — what of a value is looked for, and which values can't be told from ordinary text.
//! - `key`, `prints` — a piece is kept as 32 bits of a keyed hash of eight of its bytes, to find it by, and
//!   128 bits of a keyed MAC of all of it, to be sure. Neither says anything without the key of this process,
//!   which stays in its locked page; with it, no more than a guess can be checked.
//! - `readings` — a text is read in every way it could say something: as it stands, decoded, reversed. So there's
//!   one print for a piece, however many encodings there are.
//! - `gathered` — the prints of a source that's read item by item.
//! - `holders` — who has shown to have a value, or was shown it.
//!
//! What's not found: a value that's encrypted, compressed or rewritten by the caller, one that's spread over
//! several arguments, and less than a whole piece. This stops leaks and lazy thieves, not a determined one.

mod gathered;
mod holders;
mod key;
mod pieces;
mod prints;
mod readings;

#[cfg(test)]
mod tests;

pub use gathered::Gathered;
pub use key::PrintKey;
pub use prints::{Prints, PrintsBuilder};

pub(super) use holders::Holders;
pub(super) use prints::Mac;

use std::collections::HashMap;

use self::key::OpenedKey;
use crate::model::{Field, FieldType, Item, Purpose};

/// So often is one piece told of in one reading. Whoever has a value that this one is part of so often has this one.
const MOST_TIMES: usize = 16;

/// A value that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The MAC of the piece of it that does.
    pub(super) mac: Mac,
    /// Its places: indices into [`Prints::places`], for each of the sets that were searched, by its index.
    pub(super) places: Vec<(usize, usize)>,
    /// In which reading of the text, by number.
    pub(super) reading: usize,
    /// From where to where there.
    pub(super) range: std::ops::Range<usize>,
    /// What stands there, for comparing it with names.
    pub(super) text: zeroize::Zeroizing<Vec<u8>>,
}

/// Looks for all values of several sets in texts; tells of each in which text it is. Short ones are looked for only if
/// that's wanted.
pub(super) fn search_all(sets: &[&Prints], key: &PrintKey, texts: &[&str], with_short: bool) -> Vec<(usize, Found)> {
    let opened = key.open();
    let one = |(index, text): (usize, &&str)| {
        search(sets, &opened, text.as_bytes(), with_short).into_iter().map(move |found| (index, found))
    };
    texts.iter().enumerate().flat_map(one).collect()
}

/// Whether a text holds any of the values.
#[must_use]
pub fn holds_any(prints: &Prints, key: &PrintKey, text: &str) -> bool {
    !search_all(&[prints], key, &[text], true).is_empty()
}

fn search(sets: &[&Prints], key: &OpenedKey, text: &[u8], with_short: bool) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut here: HashMap<Mac, Vec<usize>> = HashMap::new();
    let mut reading = 0;
    readings::each(text, &mut |bytes, is_squeezed| {
        here.clear();
        for (set, prints) in sets.iter().enumerate() {
            prints.search(key, bytes, with_short, is_squeezed, |mac, place, range| {
                let same = here.entry(mac).or_default();
                let known = same.iter().copied().find(|at| found.get(*at).is_some_and(|found| found.range == range));
                if let Some(known) = known.and_then(|at| found.get_mut(at)) {
                    known.places.push((set, place));
                } else if same.len() < MOST_TIMES {
                    same.push(found.len());
                    let text = bytes.get(range.clone()).unwrap_or_default().to_vec().into();
                    found.push(Found { mac, places: vec![(set, place)], reading, range, text });
                }
            });
        }
        reading += 1;
    });
    found
}

/// The pieces of a value as their MACs, by which its holders are remembered.
pub(super) fn macs(key: &PrintKey, value: &[u8]) -> Vec<Mac> {
    let pieces = pieces::of(value);
    if pieces.is_empty() {
        return Vec::new();
    }
    let opened = key.open();
    pieces.into_iter().filter_map(|piece| opened.mac(piece.bytes)).collect()
}

/// Whether a field's value is one to look for. What anybody may see where the item is shown isn't: user names,
/// addresses and the like stand in ordinary texts all the time. Notes are, where they're what the item is for.
#[must_use]
pub fn is_secret(item: &Item, field: &Field) -> bool {
    let is_default = || item.marked_field().is_some_and(|marked| marked.id == field.id);
    match field.purpose {
        Some(Purpose::Username) => field.concealed(),
        Some(Purpose::Notes) => field.concealed() || !item.fields.known().iter().any(Field::concealed),
        Some(Purpose::Password) => true,
        None => field.concealed() || (field.kind == FieldType::String && is_default()),
    }
}

impl Found {
    /// Whether another one stands within it.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.reading == other.reading && self.range.start <= other.range.start && other.range.end <= self.range.end
    }
}
