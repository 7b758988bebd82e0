//! A value as letters and digits: hexadecimal, base64, base32, lists of numbers; and reversed.

use zeroize::Zeroizing;

use super::text::Hex;
use super::{Bytes, Forms};

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE32_LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

pub(super) fn encoded(value: &[u8], all: &mut Forms) {
    for hex in [Hex::Lower, Hex::Upper] {
        all.add(between(value, b"", |byte, out| out.extend_from_slice(&hex.pair(byte))));
        for separator in [b":", b"-"] {
            all.add(between(value, separator, |byte, out| out.extend_from_slice(&hex.pair(byte))));
        }
        // What's between them may be blank.
        for separator in [&b","[..], b""] {
            all.add(between(value, separator, |byte, out| {
                out.extend_from_slice(b"0x");
                out.extend_from_slice(&hex.pair(byte));
            }));
        }
    }
    for separator in [&b","[..], b""] {
        all.add(between(value, separator, |byte, out| out.extend(byte.to_string().bytes())));
    }
    for lead in 0..3 {
        for alphabet in [STANDARD, URL_SAFE] {
            base64(value, lead, alphabet, all);
        }
    }
    for lead in 0..5 {
        for alphabet in [BASE32, BASE32_LOWER] {
            let (core, rest) = digits(value, lead, 5, alphabet);
            all.add(joined(&core, &[rest]));
            all.add(core);
        }
    }
    reversed(value, all);
    wide(value, all);
}

/// The commonest only, without what the last bits of it begin, for what differs from a value in its line ends.
pub(super) fn encoded_briefly(value: &[u8], all: &mut Forms) {
    for hex in [Hex::Lower, Hex::Upper] {
        all.add(between(value, b"", |byte, out| out.extend_from_slice(&hex.pair(byte))));
    }
    for lead in 0..3 {
        for alphabet in [STANDARD, URL_SAFE] {
            all.add(digits(value, lead, 6, alphabet).0);
        }
    }
}

/// Base64 of two bytes a letter, as PowerShell takes its commands.
fn wide(value: &[u8], all: &mut Forms) {
    if let Ok(text) = std::str::from_utf8(value) {
        let wide = Zeroizing::new(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
        for lead in 0..3 {
            all.add(digits(&wide, lead, 6, STANDARD).0);
        }
    }
}

/// What base64 makes of a value that stands after `lead` other bytes: followed by more, or by the end, padded or not.
fn base64(value: &[u8], lead: usize, alphabet: &[u8; 64], all: &mut Forms) {
    let (core, rest) = digits(value, lead, 6, alphabet);
    let padding = match (lead + value.len()) % 3 {
        0 => "",
        1 => "==",
        _ => "=",
    };
    let last = joined(&core, &[rest]);
    let padded = joined(&last, &[padding.bytes().collect()]);
    all.add(padded);
    all.add(last);
    all.add(core);
}

/// The digits, of so many bits each, that a value alone determines, and the one its last bits begin, if no more follow.
fn digits(value: &[u8], lead: usize, bits: usize, alphabet: &[u8]) -> (Bytes, Vec<u8>) {
    let digit = |window: u32| alphabet.get(usize::try_from(window).unwrap_or_default()).copied();
    let mask = (1_u32 << bits) - 1;
    // A digit that shares bits with what's before the value is anybody's guess.
    let mut skip = (bits - lead * 8 % bits) % bits;
    let mut core = Zeroizing::new(Vec::with_capacity(value.len() * 8 / bits + 1));
    let (mut held, mut count) = (0_u32, 0);
    for byte in value {
        held = held << 8 | u32::from(*byte);
        count += 8;
        let skipped = skip.min(count);
        count -= skipped;
        skip -= skipped;
        while count >= bits {
            count -= bits;
            core.extend(digit(held >> count & mask));
        }
        held &= (1 << count) - 1;
    }
    let rest = if count == 0 { None } else { digit(held << (bits - count) & mask) };
    (core, rest.into_iter().collect())
}

fn reversed(value: &[u8], all: &mut Forms) {
    all.add(Zeroizing::new(value.iter().rev().copied().collect()));
    if let Ok(text) = std::str::from_utf8(value)
        && !text.is_ascii()
    {
        let text = Zeroizing::new(text.chars().rev().collect::<String>());
        all.add(Zeroizing::new(text.bytes().collect()));
    }
}

fn between(value: &[u8], separator: &[u8], write: impl Fn(u8, &mut Vec<u8>)) -> Bytes {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() * (4 + separator.len())));
    for (number, byte) in value.iter().enumerate() {
        if number > 0 {
            out.extend(separator);
        }
        write(*byte, &mut out);
    }
    out
}

fn joined(head: &[u8], tails: &[Vec<u8>]) -> Bytes {
    let mut out = Zeroizing::new(Vec::with_capacity(head.len() + 3));
    out.extend(head);
    out.extend(tails.iter().flatten());
    out
}
