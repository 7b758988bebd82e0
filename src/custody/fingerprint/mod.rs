//! Recognising a value in a text without keeping it: for what comes in as an argument and shouldn't be known.
//!
//! - `pieces` — what of a value is looked for.
//! - `telling`, `chance` — which values can be told from ordinary text.
//! - `key`, `prints` — a piece is kept as 32 bits of a keyed hash of eight of its bytes, to find it by, and
//!   128 bits of a keyed MAC of all of it, to be sure. Neither says anything without the key of this process,
//!   which stays in its locked page; with it, no more than a guess can be checked.
//! - `readings` — a text is read in every way it could say something: as it stands, decoded, reversed. So there's
//!   one print for a piece, however many encodings there are.
//! - `gathered` — the prints of a source that's read item by item.
//! - `holders` — who has shown to have a value, or was shown it.
//!
//! This stops leaks and lazy thieves, not a determined one: see [`KNOWN_MISSES`].

mod chance;
mod gathered;
mod holders;
mod key;
mod pieces;
mod prints;
mod readings;
mod telling;

#[cfg(test)]
mod tests;

pub use gathered::Gathered;
pub use key::PrintKey;
pub use prints::{Prints, PrintsBuilder};
pub use readings::TooMuch;

pub(super) use holders::Holders;
pub(super) use prints::Mac;

use std::collections::HashMap;
use std::ops::Deref;

use self::key::OpenedKey;
use self::readings::Room;
use crate::model::{Field, FieldType, Item, Purpose};

/// So often is one piece told of in one reading. Whoever has a value that this one is part of so often has this one.
const MOST_TIMES: usize = 16;

/// What isn't found, whatever the value.
pub const KNOWN_MISSES: &[&str] = &[
    "shorter than 8 bytes, or one that reads like ordinary text: words, names, plain numbers, a phrase of fewer than six words",
    "compressed, or encrypted",
    "in another case, or with its letters exchanged (rot13)",
    "a part of it, or split: over two arguments, or within one by quotes and operators",
    "other characters between its letters: dashes, or ones that take no room",
    "in letters that only look the same, such as full-width ones",
    "as `\\u{6b}` or `\\153`, or as a list of the numbers of its bytes",
    "in UTF-16 within an encoding such as base64",
    "in an encoding that isn't among the forms, such as Base58 or Ascii85",
    "encoded three times",
];

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
///
/// # Errors
///
/// When there's more to read in them than can be looked through.
pub(super) fn search_all(
    sets: &[impl Deref<Target = Prints>],
    key: &PrintKey,
    texts: &[impl Deref<Target = str>],
    with_short: bool,
) -> Result<Vec<(usize, Found)>, TooMuch> {
    let opened = key.open();
    let mut room = Room::of_a_call();
    let mut all = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let found = search(sets, &opened, text.as_bytes(), with_short, &mut room)?;
        all.extend(found.into_iter().map(|found| (index, found)));
    }
    Ok(all)
}

/// Whether a text holds any of the values, or more than can be looked through.
#[must_use]
pub fn holds_any(prints: &Prints, key: &PrintKey, text: &str) -> bool {
    search_all(&[prints], key, &[text], true).map_or(true, |found| !found.is_empty())
}

fn search(
    sets: &[impl Deref<Target = Prints>],
    key: &OpenedKey,
    text: &[u8],
    with_short: bool,
    room: &mut Room,
) -> Result<Vec<Found>, TooMuch> {
    let mut found: Vec<Found> = Vec::new();
    let mut here: HashMap<Mac, Vec<usize>> = HashMap::new();
    let mut reading = 0;
    readings::each(text, room, &mut |bytes, is_squeezed| {
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
    })?;
    Ok(found)
}

/// Whether a value, or one within it, is looked for and short enough to be guessed.
#[must_use]
pub fn can_be_guessed(value: &str) -> bool {
    pieces::of(value.as_bytes()).iter().any(|piece| piece.bytes.len() < pieces::SHORT_BELOW)
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
