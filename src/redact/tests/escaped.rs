//! What encoders escape that nobody has made a list of, and encoders after other encoders.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use unicode_normalization::UnicodeNormalization as _;

use super::{MARKER, hide, redactor};

const VALUES: [&str; 6] = [
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY=",
    "Gr\u{fc}\u{df}e-geheim-7f3a9c",
    "Tr0ub4dor!&3$xQ@*9",
    "pa\"ss\\word='<7f3a>",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dcXYZ",
    "\u{1f511}-canary%41-7f3a",
];

type Encode = fn(&str) -> String;

const ENCODERS: [(&str, Encode); 24] = [
    ("Go's html/template", |value| {
        let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        value.replace('+', "&#43;").replace('"', "&#34;").replace('\'', "&#39;")
    }),
    ("ASP.NET's", |value| {
        let plain = |character: char| character.is_ascii() && !"<>&\"'+`".contains(character);
        each(value, plain, |character| format!("&#x{:X};", u32::from(character)))
    }),
    ("Handlebars'", |value| {
        let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        value.replace('\'', "&#x27;").replace('`', "&#x60;").replace('=', "&#x3D;")
    }),
    ("PHP's", |value| {
        let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        value.replace('\u{fc}', "&uuml;").replace('\u{df}', "&szlig;")
    }),
    ("names for all signs", |value| {
        let value = value.replace('&', "&amp;").replace('=', "&equals;").replace('+', "&plus;").replace('/', "&sol;");
        value.replace('!', "&excl;").replace('$', "&dollar;").replace('@', "&commat;").replace('*', "&ast;")
    }),
    ("Go's for a path", |value| percent(value, "$&+=:@-_.~")),
    ("Go's for a password", |value| percent(value, "$&+,;=-_.~")),
    ("JavaScript's for an address", |value| percent(value, ";/?:@&=+$,#-_.!~*'()")),
    ("JavaScript's old one", |value| {
        let units = value.encode_utf16().map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"@*_+-./".contains(&byte) => char::from(byte).to_string(),
            Ok(byte) => format!("%{byte:02X}"),
            Err(_) => format!("%u{unit:04X}"),
        });
        units.collect()
    }),
    ("Java's for properties", |value| {
        let units = value.encode_utf16().map(|unit| match u8::try_from(unit) {
            Ok(byte) if b"=:#!\\".contains(&byte) => format!("\\{}", char::from(byte)),
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04X}"),
        });
        units.collect()
    }),
    ("nginx's", |value| {
        let bytes = value.bytes().map(|byte| match byte {
            b' '..0x7f if !b"\"\\".contains(&byte) => char::from(byte).to_string(),
            _ => format!("\\x{byte:02X}"),
        });
        bytes.collect()
    }),
    ("Python's for letters", |value| {
        let plain = |character: char| character.is_ascii() && character != '\\' && character != '\'';
        each(value, plain, |character| match u32::from(character) {
            code if code < 0x80 => format!("\\{character}"),
            code if code < 0x100 => format!("\\x{code:02x}"),
            code => format!("\\U{code:08x}"),
        })
    }),
    ("Rust's", |value| value.escape_unicode().to_string()),
    ("JSON in JSON, ASCII only", |value| json(&json(value))),
    ("JSON in JSON in HTML", |value| json(&json(value)).replace('&', "&amp;").replace('"', "&quot;")),
    ("JSON in JSON, safe in HTML", |value| {
        let safe = json(value).replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
        json(&safe.replace('=', "\\u003d").replace('\'', "\\u0027"))
    }),
    ("JSON in an address", |value| percent(&json(value), "-_.~")),
    ("an address in JSON in an address", |value| percent(&json(&percent(value, "-_.~/")), "-_.~")),
    ("quoted-printable", |value| {
        percent(value, "!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~").replace('%', "=").replace("=41", "%41")
    }),
    ("with dollar and percent signs doubled", |value| value.replace('$', "$$").replace('%', "%%")),
    (".NET's for bytes", |value| joined(value, "-", |byte| format!("{byte:02X}"))),
    ("C's for bytes", |value| joined(value, ", ", |byte| format!("0x{byte:02X}"))),
    ("C's, without commas", |value| joined(value, " ", |byte| format!("0x{byte:02x}"))),
    ("Go's for bytes", |value| joined(value, " ", |byte| byte.to_string())),
];

fn each(value: &str, plain: impl Fn(char) -> bool, write: impl Fn(char) -> String) -> String {
    value.chars().map(|character| if plain(character) { character.to_string() } else { write(character) }).collect()
}

fn percent(value: &str, safe: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn joined(value: &str, between: &str, write: impl Fn(u8) -> String) -> String {
    value.bytes().map(write).collect::<Vec<_>>().join(between)
}

/// As the inside of a JSON string of ASCII letters only.
fn json(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap();
    let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    inner
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect()
}

#[test]
fn what_any_encoder_escapes_is_hidden() {
    for value in VALUES {
        for (name, encode) in ENCODERS {
            let encoded = encode(value);
            for (before, after) in [("", ""), ("a=", "\n"), ("100% & \\ \"", "\" &amp; %41 \\n")] {
                let text = format!("{before}{encoded}{after}");
                let (out, count) = hide(&[value.as_bytes()], text.as_bytes());
                let expected = format!("{before}{MARKER}{after}");
                assert_eq!(String::from_utf8_lossy(&out), expected, "{name}, of {value} in {text}");
                assert_eq!(count, 1);
            }
        }
    }
}

#[test]
fn text_read_as_what_it_is_not_is_hidden() {
    let value = VALUES[1];
    let latin: Vec<u8> = value.chars().map(|character| u8::try_from(character).unwrap()).collect();
    let misread: String = value.bytes().map(char::from).collect();
    let texts: [&[u8]; 6] = [
        &latin,
        misread.as_bytes(),
        "Gr\u{c3}\u{bc}\u{c3}\u{178}e-geheim-7f3a9c".as_bytes(),
        &value.nfd().collect::<String>().into_bytes(),
        json(&misread).as_bytes(),
        json(&value.nfd().collect::<String>()).as_bytes(),
    ]
    .map(|text: &[u8]| -> &[u8] { Box::leak(text.to_vec().into_boxed_slice()) });
    for text in texts {
        assert_eq!(hide(&[value.as_bytes()], text), (MARKER.into(), 1), "{}", text.escape_ascii());
    }
    let apart = value.nfd().collect::<String>();
    assert_eq!(hide(&[apart.as_bytes()], value.as_bytes()), (MARKER.into(), 1));
}

#[test]
fn base64_of_two_bytes_a_letter_is_hidden_after_any_number_of_them() {
    for value in VALUES {
        for before in ["", "$", "$p", "$p='"] {
            let wide: Vec<u8> = format!("{before}{value}").encode_utf16().flat_map(u16::to_le_bytes).collect();
            let (out, count) = hide(&[value.as_bytes()], STANDARD.encode(wide).as_bytes());
            assert_eq!(count, 1, "{value} after {before}");
            let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
            assert!(left.len() <= before.len() * 3 + 4, "{left}");
        }
    }
}

#[test]
fn text_full_of_escapes_stays_as_it_is() {
    let text =
        "GET /a%2Fb?c=%E2%82%AC&amp;d&#43; \\\"x\\\" C:\\new\\table 100%% \\ud83d&nbsp\\u00 %4 &# \\\n".repeat(300);
    let values: Vec<&[u8]> = VALUES.iter().map(|value| value.as_bytes()).collect();
    assert_eq!(redactor(&values).apply(text.as_bytes()), (text.clone().into_bytes(), 0));
    assert_eq!(hide(&values, &text.as_bytes()[..3000]).1, 0);
}
