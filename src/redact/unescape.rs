//! What one escape stands for: `%2B`, `&#43;`, `&plus;`, `\x2b`, `\u002b`, `\053` and their like.

use zeroize::Zeroizing;

/// What a text begins with, read as an escape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// It isn't one.
    No,
    /// That depends on what follows.
    Begun,
    /// It's one, so many bytes long.
    Whole(usize, Meaning),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Byte(u8),
    Character(char),
}

/// The names HTML has for the characters from 160 on, in their order: some encoders use them for all of these.
const LATIN: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy",
    "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm",
    "raquo", "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig",
    "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve",
    "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute", "THORN",
    "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc",
    "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml",
    "divide", "oslash", "ugrave", "uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
];
/// The longest of them.
const LONGEST_NAME: usize = 6;

/// Whether an escape may begin with it.
pub(super) const fn begins(byte: u8) -> bool {
    matches!(byte, b'%' | b'&' | b'\\')
}

/// Reads what a text begins with. If `over` is set, nothing follows.
pub(super) fn read(text: &[u8], over: bool) -> Read {
    let read = match text {
        [b'%', rest @ ..] => percent(text, rest),
        [b'&', b'#', b'x' | b'X', digits @ ..] => reference(digits, 16, 3),
        [b'&', b'#', digits @ ..] => reference(digits, 10, 2),
        [b'&', name @ ..] => named(name),
        [b'\\', rest @ ..] => backslash(text, rest, over),
        _ => Read::No,
    };
    if over && read == Read::Begun { Read::No } else { read }
}

/// A text with all of them undone.
pub(super) fn undone(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let (len, meaning) = match read(rest, true) {
            Read::Whole(len, meaning) => (len, meaning),
            Read::No | Read::Begun => (1, Meaning::Byte(*first)),
        };
        match meaning {
            Meaning::Byte(byte) => out.push(byte),
            Meaning::Character(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = rest.get(len..).unwrap_or(after);
    }
    out
}

fn percent(text: &[u8], rest: &[u8]) -> Read {
    match rest {
        [b'u', ..] => unit(text),
        [b'%', ..] => Read::Whole(2, Meaning::Byte(b'%')),
        _ => byte(rest, 1),
    }
}

fn backslash(text: &[u8], rest: &[u8], over: bool) -> Read {
    match rest {
        [] => Read::Begun,
        [b'x', digits @ ..] => byte(digits, 2),
        [b'u', b'{', digits @ ..] => braced(digits),
        [b'u', ..] => unit(text),
        [b'U', digits @ ..] => match number(digits, 16, 8) {
            Some((8, number)) => character(10, number),
            Some((len, _)) if len == digits.len() => Read::Begun,
            _ => Read::No,
        },
        [b'0'..=b'7', ..] => match number(rest, 8, 3) {
            Some((len, _)) if len < 3 && len == rest.len() && !over => Read::Begun,
            Some((len, number)) => {
                u8::try_from(number).map_or(Read::No, |byte| Read::Whole(1 + len, Meaning::Byte(byte)))
            }
            None => Read::No,
        },
        // JSON in HTML: the backslash and the name are for the same quote.
        [b'&', ..] => match read(rest, over) {
            Read::Whole(len, meaning) => Read::Whole(1 + len, meaning),
            Read::No => Read::Whole(2, Meaning::Byte(b'&')),
            Read::Begun => Read::Begun,
        },
        // A line end, a tab and the like: white space and what else doesn't count.
        [b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e' | b'E', ..] => Read::Whole(2, Meaning::Byte(0)),
        [sign, ..] if sign.is_ascii_punctuation() => Read::Whole(2, Meaning::Byte(*sign)),
        _ => Read::No,
    }
}

/// Two digits after `before` bytes.
fn byte(digits: &[u8], before: usize) -> Read {
    match number(digits, 16, 2) {
        Some((2, number)) => u8::try_from(number).map_or(Read::No, |byte| Read::Whole(before + 2, Meaning::Byte(byte))),
        Some((len, _)) if len == digits.len() => Read::Begun,
        _ => Read::No,
    }
}

/// Four digits after `\u` or `%u`; twice that, if they're half a character.
fn unit(text: &[u8]) -> Read {
    let Some((before, digits)) = text.split_at_checked(2) else { return Read::Begun };
    let (first, rest) = match number(digits, 16, 4) {
        Some((4, number)) => (number, digits.get(4..).unwrap_or_default()),
        Some((len, _)) if len == digits.len() => return Read::Begun,
        _ => return Read::No,
    };
    if !(0xd800..0xdc00).contains(&first) {
        return character(6, first);
    }
    if !rest.iter().zip(before).all(|(one, other)| one == other) {
        return Read::No;
    }
    let Some(digits) = rest.get(2..) else { return Read::Begun };
    match number(digits, 16, 4) {
        Some((4, second @ 0xdc00..0xe000)) => character(12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)),
        Some((len, _)) if len < 4 && len == digits.len() => Read::Begun,
        _ => Read::No,
    }
}

/// Digits and a brace, after three bytes.
fn braced(digits: &[u8]) -> Read {
    match number(digits, 16, 6) {
        Some((len, number)) => match digits.get(len) {
            Some(b'}') if len > 0 => character(len + 4, number),
            None => Read::Begun,
            Some(_) => Read::No,
        },
        None => Read::No,
    }
}

/// Digits and a semicolon, after `before` bytes.
fn reference(digits: &[u8], base: u32, before: usize) -> Read {
    match number(digits, base, 7) {
        Some((len, number)) => match digits.get(len) {
            Some(b';') if len > 0 => character(before + len + 1, number),
            None => Read::Begun,
            Some(_) => Read::No,
        },
        None => Read::No,
    }
}

fn named(text: &[u8]) -> Read {
    let len = text.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    match text.get(len) {
        None if len <= LONGEST_NAME => Read::Begun,
        Some(b';') => {
            text.get(..len).and_then(meant).map_or(Read::No, |meant| Read::Whole(len + 2, Meaning::Character(meant)))
        }
        _ => Read::No,
    }
}

fn meant(name: &[u8]) -> Option<char> {
    Some(match name {
        b"amp" | b"AMP" => '&',
        b"lt" | b"LT" => '<',
        b"gt" | b"GT" => '>',
        b"quot" | b"QUOT" => '"',
        b"apos" => '\'',
        b"excl" => '!',
        b"num" => '#',
        b"dollar" => '$',
        b"percnt" => '%',
        b"lpar" => '(',
        b"rpar" => ')',
        b"ast" => '*',
        b"plus" => '+',
        b"comma" => ',',
        b"period" => '.',
        b"sol" => '/',
        b"colon" => ':',
        b"semi" => ';',
        b"equals" => '=',
        b"quest" => '?',
        b"commat" => '@',
        b"lsqb" | b"lbrack" => '[',
        b"bsol" => '\\',
        b"rsqb" | b"rbrack" => ']',
        b"Hat" => '^',
        b"lowbar" => '_',
        b"grave" => '`',
        b"lcub" | b"lbrace" => '{',
        b"vert" | b"verbar" => '|',
        b"rcub" | b"rbrace" => '}',
        _ => {
            let place = LATIN.iter().position(|known| known.as_bytes() == name)?;
            return char::from_u32(160 + u32::try_from(place).ok()?);
        }
    })
}

fn character(len: usize, number: u32) -> Read {
    char::from_u32(number).map_or(Read::No, |character| Read::Whole(len, Meaning::Character(character)))
}

/// How many digits a text begins with, up to `most`, and the number they are.
fn number(text: &[u8], base: u32, most: usize) -> Option<(usize, u32)> {
    let mut found = (0, 0);
    for byte in text.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(base) else { break };
        found = (found.0 + 1, u32::checked_add(u32::checked_mul(found.1, base)?, digit)?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_byte_by_byte_and_nothing_else_is() {
        let cases: [(&str, char); 24] = [
            ("%2B", '+'),
            ("%2b", '+'),
            ("%%", '%'),
            ("%u20AC", '\u{20ac}'),
            ("&#43;", '+'),
            ("&#0000043;", '+'),
            ("&#x2B;", '+'),
            ("&#X2b;", '+'),
            ("&amp;", '&'),
            ("&equals;", '='),
            ("&szlig;", '\u{df}'),
            ("&yuml;", '\u{ff}'),
            ("&nbsp;", '\u{a0}'),
            ("&frac34;", '\u{be}'),
            ("\\x2b", '+'),
            ("\\u002B", '+'),
            ("\\ud83d\\uDD11", '\u{1f511}'),
            ("%ud83d%udd11", '\u{1f511}'),
            ("\\u{1F511}", '\u{1f511}'),
            ("\\U0001f511", '\u{1f511}'),
            ("\\053", '+'),
            ("\\\\", '\\'),
            ("\\/", '/'),
            ("\\n", '\0'),
        ];
        for (text, character) in cases {
            let text = text.as_bytes();
            for len in 1..text.len() {
                assert_eq!(read(&text[..len], false), Read::Begun, "{}", text[..len].escape_ascii());
                let cut = read(&text[..len], true);
                assert!(cut == Read::No || text.starts_with(b"\\05") || text == b"\\053", "{}", text.escape_ascii());
            }
            for after in [&b""[..], b"2", b";", b"}", b"\\", b"x"] {
                let whole = read(&[text, after].concat(), false);
                let Read::Whole(len, meaning) = whole else { panic!("{}: {whole:?}", text.escape_ascii()) };
                let meant = match meaning {
                    Meaning::Byte(byte) => char::from(byte),
                    Meaning::Character(character) => character,
                };
                assert_eq!((len, meant), (text.len(), character), "{}", text.escape_ascii());
            }
        }
        for text in
            ["%2x", "%x", "&;", "&abcdefg", "&copyy;", "&a=", "&#;", "&#x;", "&#12345678;", "\\xg", "\\d", "\\ "]
        {
            assert_eq!(read(text.as_bytes(), false), Read::No, "{text}");
        }
        for text in ["\\ud83dx", "\\ud83d\\n", "\\ud83d\\u0041", "\\u{}", "\\u{1234567}", "\\U00110000", "\\777", "+"] {
            assert_eq!(read(text.as_bytes(), false), Read::No, "{text}");
        }
        assert_eq!(read(b"\\&qu", false), Read::Begun);
        assert_eq!(read(b"\\&quot;x", false), Read::Whole(7, Meaning::Character('"')));
        assert_eq!(read(b"\\& ", false), Read::Whole(2, Meaning::Byte(b'&')));
        assert_eq!(read(b"\\0x", false), Read::Whole(2, Meaning::Byte(0)));
        assert_eq!(read(b"\\53", true), Read::Whole(3, Meaning::Byte(b'+')));
    }
}
