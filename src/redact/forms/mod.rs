//! The forms a value is printed in: as it is, escaped for other languages, and as letters and digits.

mod binary;
mod parts;
mod text;

use zeroize::Zeroizing;

/// Bytes that are a value, or give one away.
type Bytes = Zeroizing<Vec<u8>>;

/// All forms of a value that are looked for, the value itself first, none of them twice. An empty one has none.
pub fn forms(value: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> + use<> {
    let mut all = Forms(Vec::new());
    whole(value, &mut all);
    for part in parts::leaves(value) {
        whole(&part, &mut all);
    }
    for line in parts::lines(value) {
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
    text::escaped(value, all);
    binary::encoded(value, all);
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
