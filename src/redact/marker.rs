//! What's put in place of values, chosen so that no value has a part in it: next to other text, or where another
//! value contains it, a marker must not complete what it hides.

use std::collections::HashSet;
use std::iter;

use super::{SHORTEST, counts};

/// The markers of the values, in their order.
pub(super) struct Markers {
    markers: Vec<Vec<u8>>,
}

const GENERAL: &str = "[hidden by opward]";

impl Markers {
    /// Takes the markers as they are if they're safe beside these needles, and others if they aren't; and says whether
    /// any were.
    pub(super) fn choose<'a, I: Iterator<Item = &'a [u8]>>(given: &[&str], needles: impl Fn() -> I) -> (Self, bool) {
        let wrapped = |text: &str| format!("\u{27e6}{text}\u{27e7}");
        let all = |text: String| vec![text; given.len()];
        let texts = [
            given.iter().map(|text| (*text).to_owned()).collect(),
            given.iter().map(|text| wrapped(text)).collect(),
            all(GENERAL.to_owned()),
            all(wrapped(GENERAL)),
        ];
        for texts in texts {
            let markers: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
            if !clash(&markers, needles()) {
                return (Self { markers }, true);
            }
        }
        // What occurs in no needle at all can't help one; and it mustn't begin a title after a lonely ESC.
        let mut used = [false; 256];
        for byte in needles().flatten() {
            if let Some(used) = used.get_mut(usize::from(*byte)) {
                *used = true;
            }
        }
        let free = (0..=u8::MAX).zip(used).find(|(byte, used)| counts(*byte) && !used && !b"[]PX^_".contains(byte));
        let markers = match free {
            Some((byte, _)) => vec![vec![byte; 3]; given.len()],
            None => vec![GENERAL.into(); given.len()],
        };
        (Self { markers }, free.is_some())
    }

    pub(super) fn get(&self, mask: usize) -> &[u8] {
        self.markers.get(mask).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Whether a needle might be seen where a marker is, or where one meets other text. It says yes too often, never no.
fn clash<'a>(markers: &[Vec<u8>], needles: impl Iterator<Item = &'a [u8]>) -> bool {
    let broken = |byte: &u8| !counts(*byte) && *byte != b' ';
    if markers.iter().flatten().any(broken) {
        return true;
    }
    let seen: Vec<Vec<u8>> =
        markers.iter().map(|marker| marker.iter().copied().filter(|byte| counts(*byte)).collect()).collect();
    if seen.iter().any(|marker| marker.len() < SHORTEST) {
        return true;
    }
    let firsts: [Vec<&[u8]>; SHORTEST] = ends(|len| seen.iter().filter_map(|marker| marker.get(..len)).collect());
    let lasts: [Vec<&[u8]>; SHORTEST] =
        ends(|len| seen.iter().filter_map(|marker| marker.get(marker.len().checked_sub(len)?..)).collect());
    let inside: HashSet<&[u8]> = seen.iter().flat_map(|marker| marker.windows(SHORTEST)).collect();
    let Some(heads) = firsts.last() else { return true };
    let initials: HashSet<u8> = heads.iter().filter_map(|head| head.first().copied()).collect();

    let meets = |needle: &[u8]| {
        let before = (1..).zip(&firsts).any(|(len, firsts)| {
            let last = needle.len().checked_sub(len).and_then(|from| needle.get(from..));
            last.is_some_and(|last| firsts.binary_search(&last).is_ok())
        });
        let after = (1..)
            .zip(&lasts)
            .any(|(len, lasts)| needle.get(..len).is_some_and(|first| lasts.binary_search(&first).is_ok()));
        let longer = || {
            let last = needle.len().checked_sub(SHORTEST).and_then(|from| needle.get(from..));
            iter::chain(needle.get(..SHORTEST), last).any(|end| inside.contains(end))
        };
        let around = || {
            initials.iter().any(|initial| needle.contains(initial))
                && needle.windows(SHORTEST).any(|window| heads.binary_search(&window).is_ok())
        };
        before || after || longer() || around()
    };
    let mut needles = needles;
    needles.any(meets)
}

/// What the ends of so many bytes are, for each number up to eight, in order.
fn ends<'a>(of: impl Fn(usize) -> Vec<&'a [u8]>) -> [Vec<&'a [u8]>; SHORTEST] {
    std::array::from_fn(|number| {
        let mut ends = of(number + 1);
        ends.sort_unstable();
        ends.dedup();
        ends
    })
}
