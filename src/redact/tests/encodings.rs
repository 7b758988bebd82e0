//! Each encoding, by other means than those that made the forms, wherever it stands and however it's wrapped.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::super::forms;
use super::{MARKER, hide};

/// With something in it that every language escapes.
const VALUE: &str = "pa's\"w&o<r>d/\\ +=~7f3a\u{e9}";
const TOKEN: &str = "canary-7f3a9c51-value";
const BUNDLE: &str = "line one of it\nsecond'line\"of it\nthe third: <line>\n";

type Encode = fn(&str) -> String;

const ENCODINGS: [(&str, Encode); 22] = [
    ("raw", |value| value.into()),
    ("JSON", |value| inner(&serde_json::to_string(value).unwrap())),
    ("JSON in JSON", |value| inner(&serde_json::to_string(&inner(&serde_json::to_string(value).unwrap())).unwrap())),
    ("JSON with slashes escaped", |value| inner(&serde_json::to_string(value).unwrap()).replace('/', "\\/")),
    ("\\u", |value| value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
    ("\\U", |value| value.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()),
    ("form", |value| url::form_urlencoded::byte_serialize(value.as_bytes()).collect()),
    ("form, lower case", |value| lower(&url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>())),
    ("path", |value| {
        let mut url = url::Url::parse("x://h/").unwrap();
        url.path_segments_mut().unwrap().push(value);
        url.path().strip_prefix('/').unwrap().into()
    }),
    ("percent", |value| value.bytes().map(|byte| format!("%{byte:02X}")).collect()),
    ("HTML", |value| html(value, "&#39;")),
    ("HTML, hexadecimal", |value| html(value, "&#x27;")),
    ("XML", |value| html(value, "&apos;")),
    ("character numbers", |value| value.chars().map(|character| format!("&#{};", u32::from(character))).collect()),
    ("shell", |value| value.replace('\'', "'\\''")),
    ("shell, by Python", |value| value.replace('\'', "'\"'\"'")),
    ("double quotes", |value| {
        let escaped = |character| if "\"\\$`".contains(character) { vec!['\\', character] } else { vec![character] };
        value.chars().flat_map(escaped).collect()
    }),
    ("hex", |value| value.bytes().map(|byte| format!("{byte:02x}")).collect()),
    ("HEX", |value| value.bytes().map(|byte| format!("{byte:02X}")).collect()),
    ("hex with colons", |value| value.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
    ("list of numbers", |value| format!("{:?}", value.as_bytes()).trim_matches(['[', ']']).into()),
    ("reversed", |value| value.chars().rev().collect()),
];

fn inner(quoted: &str) -> String {
    quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap().into()
}

fn lower(text: &str) -> String {
    let mut digits = 0;
    text.chars()
        .map(|character| {
            let lower = if digits > 0 { character.to_ascii_lowercase() } else { character };
            digits = if character == '%' { 2 } else { digits - i32::from(digits > 0) };
            lower
        })
        .collect()
}

fn html(value: &str, apostrophe: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    value.replace('"', "&quot;").replace('\'', apostrophe)
}

fn wrapped(text: &str, columns: usize, end: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(columns).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join(end)
}

#[test]
fn each_encoding_is_hidden_wherever_it_stands_and_however_it_is_wrapped() {
    for value in [VALUE, TOKEN, BUNDLE.trim_end()] {
        // There are no line ends in a path: they're dropped.
        for (name, encode) in ENCODINGS.into_iter().filter(|(name, _)| *name != "path" || value != BUNDLE.trim_end()) {
            let encoded = encode(value);
            for (before, after) in [("", ""), ("a ", ""), ("key=\"", "\",\n"), ("", "!\n"), ("\u{e9}{", "}")] {
                for (columns, end) in
                    [(1000, ""), (1, "\n"), (3, "\r\n"), (64, "\r\r\n"), (76, "\n    "), (20, "\x1b[K\n")]
                {
                    let text = format!("{before}{}{after}", wrapped(&encoded, columns, end));
                    let (out, count) = hide(&[value.as_bytes()], text.as_bytes());
                    let expected = format!("{before}{MARKER}{after}");
                    assert_eq!(String::from_utf8_lossy(&out), expected, "{name} of {value:?} in {text:?}");
                    assert_eq!(count, 1);
                }
            }
        }
    }
}

#[test]
fn base64_is_hidden_after_any_number_of_bytes_before_any_and_wrapped() {
    for value in [VALUE, TOKEN, "8letters"] {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            for (before, after) in
                [("", ""), ("u", ""), ("us", ""), ("use", ":x"), ("user:", ""), ("user", "\n"), ("ab", "c")]
            {
                let encoded = engine.encode([before, value, after].concat());
                for (columns, end) in [(1000, ""), (64, "\n"), (76, "\r\n"), (16, "\n  ")] {
                    let (out, count) = hide(&[value.as_bytes()], wrapped(&encoded, columns, end).as_bytes());
                    assert_eq!(count, 1, "{before:?} {after:?} {encoded}");
                    // What's left is what the bytes beside it share a digit with.
                    let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
                    let least = (before.len() + after.len()) * 4 / 3 + 4;
                    assert!(
                        left.split_whitespace().map(str::len).sum::<usize>() <= least,
                        "{left:?} is left of {encoded}"
                    );
                }
            }
        }
    }
}

#[test]
fn base64_by_itself_leaves_nothing() {
    for value in ["8letters", "9 letterss", "ten letters", TOKEN, VALUE] {
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(value);
            let query: String = url::form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
            for text in [encoded.replace('/', "\\/"), encoded, query] {
                assert_eq!(hide(&[value.as_bytes()], text.as_bytes()), (MARKER.into(), 1), "{text}");
            }
        }
    }
}

#[test]
fn base32_is_hidden_after_any_number_of_bytes() {
    // From another implementation, after none to four bytes `-`.
    let encoded = [
        "MNQW4YLSPEWTOZRTME4WGNJRFV3GC3DVMU======",
        "FVRWC3TBOJ4S2N3GGNQTSYZVGEWXMYLMOVSQ====",
        "FUWWGYLOMFZHSLJXMYZWCOLDGUYS25TBNR2WK===",
        "FUWS2Y3BNZQXE6JNG5TDGYJZMM2TCLLWMFWHKZI=",
        "FUWS2LLDMFXGC4TZFU3WMM3BHFRTKMJNOZQWY5LF",
    ];
    for (lead, text) in encoded.iter().enumerate() {
        for text in [(*text).to_owned(), text.to_lowercase()] {
            let (out, count) = hide(&[TOKEN.as_bytes()], text.as_bytes());
            assert_eq!(count, 1, "{text}");
            let left = String::from_utf8(out).unwrap().replacen(MARKER, "", 1);
            assert!(left.trim_end_matches('=').len() <= lead * 2, "{left} is left of {text}");
        }
    }
}

#[test]
fn a_line_of_a_value_is_hidden_by_itself_and_a_heading_is_not() {
    let key =
        b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\r\nBAQEFAASCBKcwgg\nshort\n-----END PRIVATE KEY-----\n";
    let hidden = |text: &[u8]| hide(&[key], text).1;
    assert_eq!(hidden(b"> MIIEvQIBADANBgkqhkiG9w0"), 1);
    assert_eq!(hidden(b"+ BAQEFAASCBKcwgg\n+ short\n"), 1);
    assert_eq!(hidden(b"-----BEGIN PRIVATE KEY-----\nanother\n-----END PRIVATE KEY-----\n"), 0);
    let indented = String::from_utf8_lossy(key).replace('\n', "\r\r\n      ");
    assert_eq!(
        hide(&[key], format!("key: |\n      {indented}end").as_bytes()),
        (format!("key: |\n      {MARKER}\r\r\n      end").into_bytes(), 1)
    );
}

#[test]
fn forms_begin_with_the_value_and_none_comes_twice() {
    assert_eq!(forms(b"").count(), 0);
    for value in [VALUE, TOKEN, BUNDLE, BUNDLE.trim_end(), " x\n"] {
        let forms: Vec<_> = forms(value.as_bytes()).collect();
        assert_eq!(forms[0].as_slice(), value.as_bytes());
        for (number, form) in forms.iter().enumerate() {
            assert!(!form.is_empty() && !forms[..number].contains(form), "{}", form.escape_ascii());
        }
    }
}
