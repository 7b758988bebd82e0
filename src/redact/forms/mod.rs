//! The forms a value is printed in: as it is, escaped for other languages, and as letters and digits.

mod binary;
mod parts;
mod text;

use zeroize::Zeroizing;

use crate::redact::unescape;

/// Bytes that are a value, or give one away.
type Bytes = Zeroizing<Vec<u8>>;

/// All forms of a value that are looked for, the value itself first, none of them twice. An empty one has none.
pub fn forms(value: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> + use<> {
    let mut all = Forms(Vec::new());
    let mut lines = parts::lines(value);
    whole(value, &mut all);
    for part in parts::leaves(value) {
        whole(&part, &mut all);
        lines.extend(parts::lines(&part));
    }
    for line in lines {
        text::line(&line, &mut all);
        all.add(line);
    }
    all.distinct().into_iter()
}

/// The forms of something that's printed by itself.
fn whole(value: &[u8], all: &mut Forms) {
    if value.is_empty() {
        return;
    }
    all.add(Zeroizing::new(value.to_vec()));
    // Programs take the line end off that's at the end of what they read. With it, other letters come only of what
    // encodes several bytes at once.
    let trimmed = value.trim_ascii();
    // So it's seen where escapes are undone, if it has something in it that looks like one.
    let undone = unescape::undone(trimmed);
    if undone.as_slice() != trimmed {
        text::json(&undone, all);
        all.add(undone);
    }
    text::escaped(trimmed, all);
    binary::encoded(trimmed, all);
    if trimmed.len() < value.len() {
        binary::encoded_briefly(value, all);
    }
    if let Some(other) = other_ends(trimmed) {
        binary::encoded_briefly(&other, all);
    }
}

/// With line ends of two bytes if it has those of one, and the other way around: pastes and editors change them.
fn other_ends(value: &[u8]) -> Option<Bytes> {
    let lines = value.split(|byte| *byte == b'\n').count() - 1;
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() + lines));
    let mut pairs = 0;
    for (place, byte) in value.iter().enumerate() {
        if *byte == b'\r' && value.get(place + 1) == Some(&b'\n') {
            pairs += 1;
        } else {
            out.push(*byte);
        }
    }
    if pairs == 0 {
        out.clear();
        for byte in value {
            out.extend((*byte == b'\n').then_some(b'\r'));
            out.push(*byte);
        }
    }
    (lines > 0).then_some(out)
}

/// What's been made so far.
struct Forms(Vec<Bytes>);

impl Forms {
    fn add(&mut self, form: Bytes) {
        // Most ways of escaping leave most values as they are.
        if !form.is_empty() && self.0.last() != Some(&form) && self.0.first() != Some(&form) {
            self.0.push(form);
        }
    }

    /// Without those that came out the same, in the order they were made.
    fn distinct(self) -> Vec<Bytes> {
        let mut order: Vec<(usize, Bytes)> = self.0.into_iter().enumerate().collect();
        order.sort_by(|(a, one), (b, other)| one.len().cmp(&other.len()).then_with(|| one.cmp(other)).then(a.cmp(b)));
        order.dedup_by(|(_, later), (_, earlier)| later == earlier);
        order.sort_by_key(|(number, _)| *number);
        order.into_iter().map(|(_, form)| form).collect()
    }
}

/// Writes a number in hexadecimal digits, at least `width` of them.
fn push_hex(number: u32, width: u32, digits: &[u8; 16], out: &mut Vec<u8>) {
    let needed = (u32::BITS - number.leading_zeros()).div_ceil(4);
    for place in (0..needed.max(width)).rev() {
        let digit = usize::try_from(number >> (4 * place) & 15).unwrap_or_default();
        out.extend(digits.get(digit));
    }
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";
