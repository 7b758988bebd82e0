//! What's looked for: all forms of all values, sorted, and found by their first eight bytes.

use zeroize::Zeroizing;

use super::marker::Markers;
use super::{Mask, SHORTEST, can_be_hidden, counts, forms};

/// Odd, and without a pattern: the golden ratio's digits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A value may be spread over so many times its length, and this much more.
const STRETCH: usize = 32;
const SLACK: usize = 4096;

/// All forms of all values.
pub(super) struct Table {
    /// The forms, one after the other, without what doesn't count.
    text: Zeroizing<Vec<u8>>,
    /// Where each is, in the order of their bytes.
    needles: Vec<Needle>,
    /// Three bits of a word are set for the first eight bytes of each: most text is passed by looking here only.
    filter: Zeroizing<Vec<u64>>,
    filter_shift: u32,
    /// The first eight bytes of each, in order.
    heads: Zeroizing<Vec<u64>>,
    /// The same, to be found at once, and which needles begin so.
    slots: Zeroizing<Vec<Slot>>,
    slot_shift: u32,
    longest: usize,
    markers: Markers,
    covers_all: bool,
}

struct Needle {
    head: Zeroizing<u64>,
    at: usize,
    len: usize,
    mask: usize,
    /// The longest other that this one begins with.
    shorter: Option<usize>,
}

/// Needles that begin alike: those from `first` to `end`. No needle begins with zeroes, so they mean it's free.
#[derive(Clone, Copy, Default)]
struct Slot {
    head: u64,
    first: usize,
    end: usize,
}

/// A form that was found: how long it is, and whose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hit {
    pub(super) len: usize,
    pub(super) mask: usize,
}

/// What begins at a place.
pub(super) enum Look<'a> {
    Nothing,
    /// That depends on what follows.
    Undecided,
    /// These, the longest first.
    Hits(Hits<'a>),
}

pub(super) struct Hits<'a> {
    table: &'a Table,
    next: Option<usize>,
}

impl zeroize::DefaultIsZeroes for Slot {}

impl Table {
    pub(super) fn new<'a>(masks: impl IntoIterator<Item = Mask<'a>>) -> Self {
        let mut text = Zeroizing::new(Vec::new());
        let mut needles = Vec::new();
        let mut markers = Vec::new();
        let mut covers_all = true;
        for (mask, Mask { value, marker }) in masks.into_iter().enumerate() {
            markers.push(marker);
            covers_all &= can_be_hidden(value);
            for form in forms(value) {
                let at = text.len();
                text.extend(form.iter().copied().filter(|byte| counts(*byte)));
                let len = text.len() - at;
                match text.get(at..).and_then(head) {
                    Some(head) => needles.push(Needle { head: Zeroizing::new(head), at, len, mask, shorter: None }),
                    None => text.truncate(at),
                }
            }
        }
        let bytes = |needle: &Needle| text.get(needle.at..needle.at + needle.len).unwrap_or_default();
        needles.sort_unstable_by(|one, other| {
            one.head.cmp(&other.head).then_with(|| bytes(one).cmp(bytes(other))).then(one.mask.cmp(&other.mask))
        });
        needles.dedup_by(|later, earlier| bytes(later) == bytes(earlier));

        let mut enclosing: Vec<usize> = Vec::new();
        let mut shorter = Vec::with_capacity(needles.len());
        for (number, needle) in needles.iter().enumerate() {
            let begins_with = |of: &usize| needles.get(*of).is_some_and(|of| bytes(needle).starts_with(bytes(of)));
            while enclosing.pop_if(|last| !begins_with(last)).is_some() {}
            shorter.push(enclosing.last().copied());
            enclosing.push(number);
        }
        for (needle, shorter) in needles.iter_mut().zip(shorter) {
            needle.shorter = shorter;
        }

        let longest = needles.iter().map(|needle| needle.len).max().unwrap_or_default();
        let mut heads = Zeroizing::new(needles.iter().map(|needle| *needle.head).collect::<Vec<_>>());
        heads.dedup();
        let (slots, slot_shift) = slots(&needles, heads.len());
        let (filter, filter_shift) = filter(&heads);
        let (markers, safe) = Markers::choose(&markers, || needles.iter().map(bytes));
        let covers_all = covers_all && safe;
        Self { text, needles, filter, filter_shift, heads, slots, slot_shift, longest, markers, covers_all }
    }

    pub(super) fn covers_all(&self) -> bool {
        self.covers_all
    }

    /// What's put in place of a value.
    pub(super) fn marker(&self, mask: usize) -> &[u8] {
        self.markers.get(mask)
    }

    /// Over how many bytes of output a form may be spread.
    pub(super) fn reach(len: usize) -> usize {
        len.saturating_mul(STRETCH).saturating_add(SLACK)
    }

    /// The same for the longest.
    pub(super) fn farthest(&self) -> usize {
        Self::reach(self.longest)
    }

    /// Whether a form may begin with these eight bytes. It says no to nearly everything that doesn't.
    #[inline]
    pub(super) fn may_begin(&self, head: u64) -> bool {
        let spread = head.wrapping_mul(SPREAD);
        let word = usize::try_from(spread >> self.filter_shift).ok().and_then(|word| self.filter.get(word));
        let bits = bits(spread);
        word.is_some_and(|word| word & bits == bits)
    }

    /// Whether a form begins with these eight bytes.
    pub(super) fn does_begin(&self, head: u64) -> bool {
        self.beginning(head).is_some()
    }

    /// Which forms begin with these eight bytes.
    fn beginning(&self, head: u64) -> Option<(usize, usize)> {
        let start = usize::try_from(head.wrapping_mul(SPREAD) >> self.slot_shift).ok()?;
        let (before, from) = self.slots.split_at_checked(start)?;
        let run = from.iter().chain(before).take_while(|slot| slot.head != 0);
        run.into_iter().find(|slot| slot.head == head).map(|slot| (slot.first, slot.end))
    }

    /// What begins where `text` does, which is at least eight bytes long. If `last` is set, the last byte of it may
    /// still be taken back; if `over` is, nothing follows.
    pub(super) fn look(&self, text: &[u8], last: bool, over: bool) -> Look<'_> {
        let Some((first, end)) = head(text).and_then(|head| self.beginning(head)) else { return Look::Nothing };
        let alike = self.needles.get(first..end).unwrap_or_default();
        // The greatest that isn't greater than the text, and the one after it, begin most like it.
        let after = first + alike.partition_point(|needle| self.bytes(needle) <= text);
        let before = after.checked_sub(1).filter(|before| *before >= first);
        let sure = text.len() - usize::from(last);
        let open = |number: Option<usize>| {
            let needle = number.filter(|number| *number < end).and_then(|number| self.needles.get(number));
            needle.is_some_and(|needle| {
                needle.len > sure && text.get(..sure).is_some_and(|sure| self.bytes(needle).starts_with(sure))
            })
        };
        if !over && (open(before) || open(Some(after))) {
            return Look::Undecided;
        }
        let mut next = before;
        while let Some(needle) = next.and_then(|number| self.needles.get(number)) {
            if text.starts_with(self.bytes(needle)) {
                return Look::Hits(Hits { table: self, next });
            }
            next = needle.shorter;
        }
        Look::Nothing
    }

    /// Whether a form begins with `text`, which is at most eight bytes long.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        let Some(padding) = SHORTEST.checked_sub(text.len()).and_then(|bytes| u32::try_from(bytes * 8).ok()) else {
            return false;
        };
        let least =
            text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)).checked_shl(padding).unwrap_or_default();
        let first = self.heads.partition_point(|head| *head < least);
        self.heads.get(first).is_some_and(|head| head ^ least < 1_u64.checked_shl(padding).unwrap_or_default())
    }

    fn bytes(&self, needle: &Needle) -> &[u8] {
        self.text.get(needle.at..needle.at + needle.len).unwrap_or_default()
    }
}

impl Iterator for Hits<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        let needle = self.table.needles.get(self.next?)?;
        // All that a form begins with begin where it does.
        self.next = needle.shorter;
        Some(Hit { len: needle.len, mask: needle.mask })
    }
}

/// The first eight bytes as a number.
fn head(text: &[u8]) -> Option<u64> {
    text.first_chunk().map(|head| u64::from_be_bytes(*head))
}

fn slots(needles: &[Needle], heads: usize) -> (Zeroizing<Vec<Slot>>, u32) {
    let size = (heads * 2).next_power_of_two().max(2);
    let shift = 64 - size.ilog2();
    let mut slots = Zeroizing::new(vec![Slot::default(); size]);
    let mut first = 0;
    for alike in needles.chunk_by(|one, other| one.head == other.head) {
        let end = first + alike.len();
        let head = alike.first().map_or(0, |needle| *needle.head);
        let start = usize::try_from(head.wrapping_mul(SPREAD) >> shift).unwrap_or_default();
        let (before, from) = slots.split_at_mut(start);
        if let Some(slot) = from.iter_mut().chain(before).find(|slot| slot.head == 0) {
            *slot = Slot { head, first, end };
        }
        first = end;
    }
    (slots, shift)
}

fn filter(heads: &[u64]) -> (Zeroizing<Vec<u64>>, u32) {
    // Sixteen bits for each: small enough to stay in the processor's own memory.
    let words = (heads.len() / 4).next_power_of_two().clamp(16, 1 << 16);
    let shift = 64 - words.ilog2();
    let mut filter = Zeroizing::new(vec![0; words]);
    for head in heads {
        let spread = head.wrapping_mul(SPREAD);
        if let Some(word) = usize::try_from(spread >> shift).ok().and_then(|word| filter.get_mut(word)) {
            *word |= bits(spread);
        }
    }
    (filter, shift)
}

/// The bits of a word that stand for it, out of those that didn't choose the word.
fn bits(spread: u64) -> u64 {
    1 << (spread >> 24 & 63) | 1 << (spread >> 30 & 63) | 1 << (spread >> 36 & 63)
}
