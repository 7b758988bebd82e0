//! Texts in which some characters are written in another way.

use super::Bytes;

/// Undoes `%41`. `None` if there's nothing of the kind.
pub(super) fn percent(text: &[u8]) -> Option<Bytes> {
    undo(text, b'%', |rest| {
        let [_, high, low] = *rest.first_chunk()?;
        Some((Char::Byte(hex(&[high, low])?.to_be_bytes()[3]), 3))
    })
}

/// Undoes what forms do to blanks, and `%41`.
pub(super) fn form(text: &[u8]) -> Option<Bytes> {
    let spaced = undo(text, b'+', |_| Some((Char::Byte(b' '), 1)))?;
    Some(percent(&spaced).unwrap_or(spaced))
}

/// Undoes `\n`, `\"`, `\u0041` and `\x41`, as in JSON and most languages.
pub(super) fn backslash(text: &[u8]) -> Option<Bytes> {
    undo(text, b'\\', escaped)
}

/// Undoes the quotation marks in a shell's quotes.
pub(super) fn shell(text: &[u8]) -> Option<Bytes> {
    undo(text, b'\'', |rest| {
        let is_quoted = rest.starts_with(b"'\\''").then_some(4).or(rest.starts_with(b"'\"'\"'").then_some(5));
        Some((Char::Byte(b'\''), is_quoted?))
    })
}

/// Undoes `&amp;` and `&#65;`.
pub(super) fn html(text: &[u8]) -> Option<Bytes> {
    undo(text, b'&', |rest| {
        let end = rest.iter().take(12).position(|byte| *byte == b';')?;
        let name = rest.get(1..end)?;
        let code = match name {
            b"amp" => u32::from(b'&'),
            b"lt" => u32::from(b'<'),
            b"gt" => u32::from(b'>'),
            b"quot" => u32::from(b'"'),
            b"apos" => u32::from(b'\''),
            [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
            [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
            _ => return None,
        };
        Some((Char::Code(code), end + 1))
    })
}

/// What an escape stands for.
enum Char {
    Byte(u8),
    Code(u32),
}

/// Undoes each escape that begins with a byte; what isn't one stays. `None` if there's none.
fn undo(text: &[u8], begin: u8, escape: impl Fn(&[u8]) -> Option<(Char, usize)>) -> Option<Bytes> {
    if !text.contains(&begin) {
        return None;
    }
    let mut undone = Bytes::new(Vec::with_capacity(text.len()));
    let (mut rest, mut any) = (text, false);
    while let Some((first, more)) = rest.split_first() {
        let meant = if *first == begin { escape(rest) } else { None };
        rest = match meant {
            None => {
                undone.push(*first);
                more
            }
            Some((char, length)) => {
                any = true;
                match char {
                    Char::Byte(byte) => undone.push(byte),
                    Char::Code(code) => {
                        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                        undone.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                rest.get(length..).unwrap_or_default()
            }
        };
    }
    any.then_some(undone)
}

/// What begins with a backslash.
fn escaped(rest: &[u8]) -> Option<(Char, usize)> {
    let byte = |byte| Some((Char::Byte(byte), 2));
    match rest.get(1)? {
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'b' => byte(8),
        b'f' => byte(12),
        b'x' => Some((Char::Byte(hex(rest.get(2..4)?)?.to_be_bytes()[3]), 4)),
        b'u' => unicode(rest),
        other if other.is_ascii_punctuation() || *other == b' ' => byte(*other),
        _ => None,
    }
}

/// `\u0041`, or two of them that make one character.
fn unicode(rest: &[u8]) -> Option<(Char, usize)> {
    let first = hex(rest.get(2..6)?)?;
    let second = rest.get(6..12).and_then(|next| next.strip_prefix(b"\\u")).and_then(hex);
    match (first, second) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
            Some((Char::Code(0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00)), 12))
        }
        _ => Some((Char::Code(first), 6)),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let value = |code: u32, byte: &u8| Some((code << 4) | char::from(*byte).to_digit(16)?);
    (1..=6).contains(&digits.len()).then(|| digits.iter().try_fold(0, value)).flatten()
}
