//! A value escaped for other languages: JSON, addresses, HTML, shells, and doubled quotes.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{Bytes, Forms, LOWER, UPPER, push_hex};

/// Which digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hex {
    Lower,
    Upper,
}

/// What stands for a byte: few bytes.
#[derive(Clone, Copy)]
pub(super) struct Escape {
    bytes: [u8; 8],
    len: usize,
}

/// The letters of Windows from 128 to 159. Five aren't any: some take the control characters for them.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

pub(super) fn escaped(value: &[u8], all: &mut Forms) {
    all_escaped(value, all);
    // Nothing escapes letters and digits but what escapes everything.
    if !value.iter().all(u8::is_ascii_alphanumeric) {
        line(value, all);
        json(value, all);
        addresses(value, all);
        html(value, all);
        shells(value, all);
        all.add(escape(value, |byte| {
            (byte == b'=' || !byte.is_ascii()).then(|| Escape::new(&[b"=", &Hex::Upper.pair(byte)]))
        }));
    }
    if !value.is_ascii()
        && let Ok(text) = std::str::from_utf8(value)
    {
        strange(text, all);
    }
}

/// Everything escaped, whether it needs to be or not.
fn all_escaped(value: &[u8], all: &mut Forms) {
    for hex in [Hex::Lower, Hex::Upper] {
        all.add(units(value, |_| None, |_| true, hex));
        all.add(percent(value, hex, |_| false));
        all.add(characters(value, |character, out| entity(character, Some(hex), out)));
    }
    all.add(characters(value, |character, out| entity(character, None, out)));
    all.add(escape(value, |byte| Some(numbered(byte, true))));
    all.add(escape(value, |byte| Some(numbered(byte, false))));
}

/// The commonest only, for each of many lines.
pub(super) fn line(value: &[u8], all: &mut Forms) {
    all.add(escape(value, |byte| json_short(byte).map(Escape::of)));
    all.add(percent(value, Hex::Upper, unreserved));
    all.add(entities(value, b"&<>\"'", &|byte| named(byte, b"&#39;")));
    all.add(escape(value, |byte| (byte == b'\'').then(|| Escape::of(b"'\\''"))));
}

pub(super) fn json(value: &[u8], all: &mut Forms) {
    let short = |byte| json_short(byte).map(Escape::of);
    let unit = |byte: u8, hex: Hex| Escape::new(&[b"\\u00", &hex.pair(byte)]);
    let slashed = |byte| if byte == b'/' { Some(Escape::of(b"\\/")) } else { short(byte) };
    all.add(escape(value, slashed));
    // Text in a JSON text in a JSON text.
    all.add(escape(&escape(value, short), short));
    for hex in [Hex::Lower, Hex::Upper] {
        all.add(escape(value, |byte| if b"<>&".contains(&byte) { Some(unit(byte, hex)) } else { short(byte) }));
        all.add(escape(value, |byte| if b"<>&'=".contains(&byte) { Some(unit(byte, hex)) } else { short(byte) }));
        all.add(escape(value, |byte| if b"<>&'\"+`".contains(&byte) { Some(unit(byte, hex)) } else { short(byte) }));
        all.add(escape(value, |byte| if byte.is_ascii_control() { Some(unit(byte, hex)) } else { short(byte) }));
        all.add(escape(value, |byte| (byte.is_ascii_control() || b"\"\\/".contains(&byte)).then(|| unit(byte, hex))));
        all.add(units(value, |_| None, |character| !character.is_ascii(), hex));
        all.add(units(value, short, |character| !character.is_ascii(), hex));
        all.add(units(value, slashed, |character| !character.is_ascii(), hex));
    }
}

fn json_short(byte: u8) -> Option<&'static [u8]> {
    Some(match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        8 => b"\\b",
        12 => b"\\f",
        _ => return None,
    })
}

fn addresses(value: &[u8], all: &mut Forms) {
    for hex in [Hex::Lower, Hex::Upper] {
        let strict = percent(value, hex, unreserved);
        let strict_twice = percent(&strict, hex, unreserved);
        // A form writes a space as a plus, and doesn't trust the tilde.
        let spaced = |bytes: &[u8], safe: &dyn Fn(u8) -> bool| {
            let form = percent(bytes, hex, |byte| byte == b' ' || safe(byte));
            Zeroizing::new(form.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte }).collect::<Vec<_>>())
        };
        all.add(spaced(value, &unreserved));
        all.add(spaced(value, &|byte| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte)));
        all.add(percent(value, hex, |byte| byte.is_ascii_alphanumeric()));
        all.add(percent(value, hex, |byte| unreserved(byte) || byte == b'/'));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!'()*".contains(&byte)));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!$&'()*+,;=:@/".contains(&byte)));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!$&'()*+,;=:@/?#".contains(&byte)));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!$&'()*+,;=:".contains(&byte)));
        all.add(percent(value, hex, |byte| unreserved(byte) || b"!$&'()*+,;=".contains(&byte)));
        // What browsers and their like escape in a fragment, a query, a path, a piece of it, and in a name or password.
        for escaped in ["\"<>`", "\"#<>", "\"#<>'", "\"#<>?^`{}", "\"#<>?`{}", "\"#<>?`{}/%", "\"#<>?^`{}/:;=@[\\]|"] {
            all.add(percent(value, hex, |byte| byte.is_ascii_graphic() && !escaped.as_bytes().contains(&byte)));
        }
        all.add(strict_twice);
        all.add(strict);
    }
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn html(value: &[u8], all: &mut Forms) {
    let apostrophes: [&[u8]; 5] = [b"&#39;", b"&#x27;", b"&apos;", b"&#039;", b"'"];
    for apostrophe in apostrophes {
        all.add(entities(value, b"&<>\"'", &|byte| named(byte, apostrophe)));
    }
    all.add(entities(value, b"&<>", &|byte| named(byte, b"")));
    all.add(entities(value, b"&<>\"'", &|byte| {
        if byte == b'"' { Escape::of(b"&#34;") } else { named(byte, b"&#39;") }
    }));
    all.add(entities(value, b"&<>\"'/", &|byte| named(byte, b"&#x27;")));
    all.add(entities(value, b"&<>\"'/`=", &|byte| named(byte, b"&#39;")));
    let strange: [fn(char) -> bool; 3] = [
        |character| !character.is_ascii(),
        |character| !character.is_ascii() || "&<>\"'".contains(character),
        |character| !character.is_ascii_alphanumeric() && character != ' ',
    ];
    for hex in [None, Some(Hex::Lower), Some(Hex::Upper)] {
        for strange in strange {
            all.add(characters(value, |character, out| {
                if strange(character) {
                    entity(character, hex, out);
                } else {
                    push(character, out);
                }
            }));
        }
    }
}

/// A character as its number.
fn entity(character: char, hex: Option<Hex>, out: &mut Vec<u8>) {
    if let Some(hex) = hex {
        out.extend_from_slice(b"&#x");
        push_hex(character.into(), 1, hex.digits(), out);
    } else {
        out.extend_from_slice(b"&#");
        out.extend_from_slice(u32::from(character).to_string().as_bytes());
    }
    out.push(b';');
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn entities(value: &[u8], which: &[u8], entity: &dyn Fn(u8) -> Escape) -> Bytes {
    escape(value, |byte| which.contains(&byte).then(|| entity(byte)))
}

fn named(byte: u8, apostrophe: &[u8]) -> Escape {
    let entity: &[u8] = match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'/' => b"&#x2F;",
        b'`' => b"&#x60;",
        b'=' => b"&#x3D;",
        _ => apostrophe,
    };
    Escape::of(entity)
}

fn shells(value: &[u8], all: &mut Forms) {
    let slashed = |byte: u8| Escape::of(&[b'\\', byte]);
    all.add(escape(value, |byte| (byte == b'\'').then(|| Escape::of(b"'\"'\"'"))));
    for which in [&b"\\"[..], b"'\\", b"\"\\", b"\"'\\", b"\"\\$`", b"\"\\$`!"] {
        all.add(escape(value, |byte| which.contains(&byte).then(|| slashed(byte))));
    }
    let word = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    for safe in [&b"-_./:=@%+,"[..], b"-_./:@%+,", b"-_./:=@%+", b"-_./:@%+,~=", b"-_./", b"_", b""] {
        all.add(escape(value, |byte| (!word(byte) && !safe.contains(&byte)).then(|| slashed(byte))));
    }
    // What `$'…'` and programs that print bytes make of what isn't plain ASCII.
    for octal in [true, false] {
        for which in [&b"'\\"[..], b"\"\\", b"\\"] {
            all.add(escape(value, |byte| match byte {
                b'\n' | b'\r' | b'\t' => json_short(byte).map(Escape::of),
                0x20..0x7f => which.contains(&byte).then(|| slashed(byte)),
                _ => Some(numbered(byte, octal)),
            }));
        }
    }
    // A dollar sign, where one alone would begin a name.
    for quote in [b'\'', b'"', b'$'] {
        all.add(escape(value, |byte| (byte == quote).then(|| Escape::of(&[quote, quote]))));
    }
}

fn numbered(byte: u8, octal: bool) -> Escape {
    if octal {
        Escape::new(&[b"\\", &[6, 3, 0].map(|shift| b'0' + (byte >> shift & 7))])
    } else {
        Escape::new(&[b"\\x", &Hex::Lower.pair(byte)])
    }
}

/// What text becomes of which not all is ASCII: read as something else, put together in another way.
fn strange(text: &str, all: &mut Forms) {
    // Two bytes a letter. Text with none but ASCII letters is found without this, since NULs don't count.
    all.add(Zeroizing::new(text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    all.add(Zeroizing::new(text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
    // One byte a letter: Latin 1 is where Unicode begins.
    if let Ok(latin) = text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>() {
        all.add(Zeroizing::new(latin));
    }
    // Its bytes taken for such letters, and for those Windows has.
    for read in [char::from, windows] {
        all.add(Zeroizing::new(text.bytes().map(read).collect::<String>().into_bytes()));
    }
    all.add(Zeroizing::new(text.nfc().collect::<String>().into_bytes()));
    all.add(Zeroizing::new(text.nfd().collect::<String>().into_bytes()));
}

/// The letter that a byte is on Windows: where Latin 1 has control characters, some signs.
fn windows(byte: u8) -> char {
    let sign = byte.checked_sub(0x80).and_then(|place| WINDOWS.get(usize::from(place)));
    sign.copied().unwrap_or(char::from(byte))
}

/// The bytes, some of them replaced.
pub(super) fn escape(value: &[u8], replaced: impl Fn(u8) -> Option<Escape>) -> Bytes {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() + value.len() / 4 + 8));
    for byte in value {
        match replaced(*byte) {
            Some(escape) => out.extend_from_slice(escape.bytes()),
            None => out.push(*byte),
        }
    }
    out
}

/// The bytes, all but the safe ones as `%` and two digits.
pub(super) fn percent(value: &[u8], hex: Hex, safe: impl Fn(u8) -> bool) -> Bytes {
    escape(value, |byte| (!safe(byte)).then(|| Escape::new(&[b"%", &hex.pair(byte)])))
}

/// The characters of a text; of what isn't one, nothing.
fn characters(value: &[u8], write: impl Fn(char, &mut Vec<u8>)) -> Bytes {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() * 2));
    for character in std::str::from_utf8(value).unwrap_or_default().chars() {
        write(character, &mut out);
    }
    out
}

/// The characters of a text, those that are asked for as `\u` and four digits.
fn units(value: &[u8], ascii: impl Fn(u8) -> Option<Escape>, strange: impl Fn(char) -> bool, hex: Hex) -> Bytes {
    characters(value, |character, out| {
        if strange(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_unit((*unit).into(), hex, out);
            }
        } else {
            match u8::try_from(character).ok().and_then(&ascii) {
                Some(escape) => out.extend_from_slice(escape.bytes()),
                None => push(character, out),
            }
        }
    })
}

fn push_unit(unit: u32, hex: Hex, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    push_hex(unit, 4, hex.digits(), out);
}

impl Escape {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::new(&[bytes])
    }

    /// Of several slices, one after the other.
    pub(super) fn new(parts: &[&[u8]]) -> Self {
        let mut bytes = [0; 8];
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(parts.iter().copied().flatten()) {
            *to = *from;
            len += 1;
        }
        Self { bytes, len }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Hex {
    pub(super) fn pair(self, byte: u8) -> [u8; 2] {
        [byte >> 4, byte & 15].map(|digit| self.digits().get(usize::from(digit)).copied().unwrap_or_default())
    }

    fn digits(self) -> &'static [u8; 16] {
        match self {
            Self::Lower => LOWER,
            Self::Upper => UPPER,
        }
    }
}
