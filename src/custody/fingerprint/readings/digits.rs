//! Bytes written as digits: base64 and its form for URLs, base32, hexadecimal.
//!
//! Where a text's digits begin says nothing about where a value's do, so each run of digits is read from each of the
//! places at which a byte can begin.

use super::{Bytes, SHORTEST};

/// A way to write bytes with a few bits to each digit.
struct Digits {
    bits: u32,
    /// From how many places a run is to be read until the first comes round again.
    starts: usize,
    value: fn(u8) -> Option<u32>,
    /// What may stand between two digits.
    between: fn(u8) -> bool,
}

const WAYS: [Digits; 3] = [
    Digits { bits: 6, starts: 4, value: base64, between: |_| false },
    Digits { bits: 5, starts: 8, value: base32, between: |_| false },
    Digits { bits: 4, starts: 2, value: hexadecimal, between: |byte| matches!(byte, b':' | b'-' | b' ' | b',') },
];

/// Shows what all runs of digits say, for each way and each place to begin at.
///
/// # Errors
///
/// What showing them fails with.
pub(super) fn each<E>(text: &[u8], show: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    for way in &WAYS {
        for run in way.runs(text) {
            (0..way.starts).try_for_each(|start| show(&way.read(run.get(start..).unwrap_or_default())))?;
        }
    }
    Ok(())
}

impl Digits {
    /// The runs of digits that are long enough to say something.
    fn runs<'text>(&self, text: &'text [u8]) -> Vec<&'text [u8]> {
        let shortest = (SHORTEST * 8).div_ceil(usize::try_from(self.bits).unwrap_or(1));
        let mut runs = Vec::new();
        let (mut start, mut digits, mut since) = (0, 0, 0);
        for (at, byte) in text.iter().enumerate() {
            if (self.value)(*byte).is_some() {
                digits += 1;
                since = 0;
                continue;
            }
            since += 1;
            if digits > 0 && since == 1 && (self.between)(*byte) {
                continue;
            }
            if digits >= shortest {
                runs.extend(text.get(start..at));
            }
            (start, digits, since) = (at + 1, 0, 0);
        }
        if digits >= shortest {
            runs.extend(text.get(start..));
        }
        runs
    }

    fn read(&self, run: &[u8]) -> Bytes {
        let mut read = Bytes::new(Vec::with_capacity(run.len()));
        let (mut held, mut bits) = (0_u32, 0);
        for digit in run.iter().filter_map(|byte| (self.value)(*byte)) {
            held = (held << self.bits) | digit;
            bits += self.bits;
            if bits >= 8 {
                bits -= 8;
                let [.., byte] = (held >> bits).to_be_bytes();
                read.push(byte);
                held &= (1 << bits) - 1;
            }
        }
        read
    }
}

/// With `+/` or, as in URLs, with `-_`.
fn base64(byte: u8) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn base32(byte: u8) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a')),
        b'2'..=b'7' => Some(u32::from(byte - b'2') + 26),
        _ => None,
    }
}

fn hexadecimal(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}
