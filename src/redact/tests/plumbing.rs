//! What's between a program and its reader: whatever a reader strips, no value appears.

use super::super::forms;
use super::{MARKER, Numbers, hide, redactor};

const VALUE: &[u8] = b"canary-7f3a9c51-value";

type Strip = fn(&[u8]) -> Vec<u8>;

/// Ways readers strip what comes to them.
const READERS: [(&str, Strip); 7] = [
    ("as it is", <[u8]>::to_vec),
    ("without NULs", |text| without(text, |byte| byte == 0)),
    ("without control characters", |text| without(text, |byte| byte.is_ascii_control())),
    ("without white space", |text| without(text, |byte| byte.is_ascii_whitespace() || byte == 0)),
    ("without colours", without_sequences),
    ("without colours, NULs and carriage returns", |text| {
        without(&without_sequences(text), |byte| byte == 0 || byte == b'\r')
    }),
    ("as text", |text| String::from_utf8_lossy(text).into_owned().into_bytes()),
];

fn without(text: &[u8], strip: impl Fn(u8) -> bool) -> Vec<u8> {
    text.iter().copied().filter(|byte| !strip(*byte)).collect()
}

/// As the usual pattern for it has it: what isn't whole is left.
fn without_sequences(text: &[u8]) -> Vec<u8> {
    let sequences = regex::bytes::Regex::new(
        r"(?-u)\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])",
    );
    sequences.unwrap().replace_all(text, &b""[..]).into_owned()
}

#[test]
fn no_reader_sees_a_value_that_something_was_put_into() {
    let things: [&[u8]; 14] = [
        b"\0",
        b"\r",
        b"\n",
        b"\r\r\n",
        b"\t",
        b"\x1b[0m",
        b"\x1b[38;5;208m",
        b"\x1b]0;title\x07",
        b"\x1b(B",
        b"\x07",
        b"\x1b]8;;https://example.com\x1b\\",
        b"\x1b7",
        b"\x1b[0m\0\x1b[1m",
        b"\x08",
    ];
    let forms: Vec<_> = forms(VALUE).collect();
    let redactor = redactor(&[VALUE]);
    for form in &forms {
        for thing in things {
            for every in [1, 3, 10] {
                let spread = form.chunks(every).collect::<Vec<_>>().join(thing);
                let text = [b"\x1b[33m", thing, &spread, thing, b"\x1b[0m\n"].concat();
                let (out, count) = redactor.apply(&text);
                // A backspace takes the letter before it back, so that nothing is left to see for who heeds it.
                assert!(count >= 1, "{} with {}", form.escape_ascii(), thing.escape_ascii());
                for (reader, strip) in READERS {
                    let seen = strip(&out);
                    for form in &forms {
                        let shows = seen.windows(form.len()).any(|window| window == form.as_slice());
                        assert!(!shows, "{reader}: {} in {}", form.escape_ascii(), seen.escape_ascii());
                    }
                }
            }
        }
    }
}

#[test]
fn text_of_two_bytes_a_letter_is_hidden() {
    for value in ["canary-7f3a9c51", "gr\u{fc}\u{df}e-an-alle", "\u{1f511}\u{1f511}\u{1f511}"] {
        let little: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = value.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [little, big] {
            let (out, count) = hide(&[value.as_bytes()], &text);
            assert_eq!(count, 1, "{value}");
            assert_eq!(String::from_utf8(out).unwrap().trim_matches(char::is_control), MARKER);
        }
    }
}

#[test]
fn a_sequence_is_never_cut() {
    // Parts of sequences that are part of a value, or hold one.
    let cases: [(&[u8], &[u8], &str); 4] = [
        (b"31mcanary-7f3a", b"<\x1b[31mcanary-7f3a>", "<M>"),
        (b"canary-7f3a[0", b"<canary-7f3a\x1b[0m>", "<M>"),
        (b"canary-7f3a9c51", b"<\x1b]0;canary-7f3a9c51\x07>", "<M>"),
        (b"canary-7f3a9c51", b"<\x1b[31mcanary-7f3a9c51\x1b[0m>", "<\x1b[31mM\x1b[0m>"),
    ];
    for (value, text, expected) in cases {
        assert_eq!(
            hide(&[value], text).0.escape_ascii().to_string(),
            expected.replace('M', MARKER).as_bytes().escape_ascii().to_string()
        );
    }
}

#[test]
fn a_title_that_never_ends_hides_nothing() {
    for begun in [&b"\x1b]0;"[..], b"\x1bP", b"\x1b[", b"\x1b", b"\x1b]0;x\x1b", b"\x1b[31;"] {
        for between in [0, 10, 300, 5000] {
            let text = [begun, &b" ".repeat(between), VALUE, b"\n"].concat();
            let (out, count) = hide(&[VALUE], &text);
            assert_eq!(count, 1, "{}", text.escape_ascii());
            assert!(!out.windows(VALUE.len()).any(|window| window == VALUE));
        }
    }
}

#[test]
fn what_is_not_hidden_stays_as_it_was_byte_by_byte() {
    let mut numbers = Numbers(3);
    let any: Vec<u8> = (0..=u8::MAX).chain([0x1b; 40]).chain(*b"[[]];;mm00").collect();
    for _ in 0..200 {
        let len = numbers.below(600);
        let text = numbers.bytes(&any, len);
        assert_eq!(hide(&[VALUE], &text), (text, 0));
    }
}
