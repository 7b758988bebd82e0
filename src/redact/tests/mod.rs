//! Hiding as a whole.

#![allow(clippy::format_collect, reason = "short texts, and plain to read")]

mod cut;
mod encodings;
mod escaped;
mod misses;
mod parts;
mod plumbing;
mod properties;
mod reference;

use super::*;

const MARKER: &str = "[hidden by opward: Production/Stripe/credential is valid; use it through run_command]";

fn redactor(values: &[&[u8]]) -> Redactor {
    Redactor::new(values.iter().map(|value| Mask { value, marker: MARKER }))
}

/// What comes of a text, in one piece; and the same must come of it byte by byte.
fn hide(values: &[&[u8]], text: &[u8]) -> (Vec<u8>, u64) {
    let redactor = redactor(values);
    let whole = redactor.apply(text);
    assert_eq!(in_pieces(&redactor, text, |_| 1), whole, "byte by byte: {}", text.escape_ascii());
    whole
}

fn in_pieces(redactor: &Redactor, mut text: &[u8], mut len: impl FnMut(usize) -> usize) -> (Vec<u8>, u64) {
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(len(text.len()).min(text.len()));
        stream.push(piece, &mut out);
        text = rest;
    }
    let count = stream.finish(&mut out);
    (out, count)
}

/// A source of numbers that are the same each time.
#[derive(Clone)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn bytes(&mut self, alphabet: &[u8], len: usize) -> Vec<u8> {
        (0..len).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

#[test]
fn a_value_is_replaced_by_its_marker_and_nothing_else_changes() {
    let (out, count) = hide(&[b"canary-7f3a9c51"], b"\x1b[1mtoken\x1b[0m = canary-7f3a9c51\r\nnext\0\n");
    assert_eq!(out, [b"\x1b[1mtoken\x1b[0m = ", MARKER.as_bytes(), b"\r\nnext\0\n"].concat());
    assert_eq!(count, 1);
}

#[test]
fn a_value_twice_in_a_row_gets_two_markers() {
    let (out, count) = hide(&[b"canary-7f3a9c51"], b"canary-7f3a9c51canary-7f3a9c51");
    assert_eq!((out, count), (MARKER.repeat(2).into_bytes(), 2));
}

#[test]
fn overlapping_and_nested_values_are_covered_by_the_marker_of_the_one_that_begins_first() {
    let mask = |value: &'static [u8], marker| Mask { value, marker };
    let redactor = Redactor::new([
        mask(b"inner-part", "[hidden inner]"),
        mask(b"canary-inner-part-tail", "[hidden outer]"),
        mask(b"tail-of-another", "[hidden other]"),
    ]);
    assert!(redactor.covers_all());
    let text = b"<canary-inner-part-tail-of-another> <inner-part>";
    let expected = (b"<[hidden outer]> <[hidden inner]>".to_vec(), 2);
    assert_eq!(redactor.apply(text), expected);
    assert_eq!(in_pieces(&redactor, text, |_| 1), expected);
}

#[test]
fn what_may_be_a_value_is_held_back_and_nothing_else_is() {
    let redactor = redactor(&[b"canary-7f3a9c51"]);
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    stream.push(b"Password: ", &mut out);
    assert_eq!(out, b"Password: ");
    stream.push(b"x = canary-7f", &mut out);
    assert_eq!(out, b"Password: x = ");
    stream.push(b"!", &mut out);
    stream.push(b" ", &mut out);
    assert_eq!(out, b"Password: x = canary-7f! ");
}

#[test]
fn values_that_are_too_short_are_left_and_told_of() {
    assert!(redactor(&[b"canary-7"]).covers_all());
    for short in [&b"canary7"[..], b"", b"a b c d e f g", b"\n\n\n\n\n\n\n\n\n\n"] {
        let redactor = redactor(&[b"canary-7f3a9c51", short]);
        assert!(!redactor.covers_all(), "{}", short.escape_ascii());
        assert_eq!(redactor.apply(short), (short.to_vec(), 0));
    }
    assert!(redactor(&[]).covers_all());
    assert_eq!(redactor(&[]).apply(b"as it is"), (b"as it is".to_vec(), 0));
}

#[test]
fn a_marker_that_a_value_has_a_part_in_is_not_used() {
    let cases: [(&[u8], &str); 6] = [
        (b"Production/Stripe/credential", "inside"),
        (b"some-canary[", "before"),
        (b"canary-canary[hid", "before, longer"),
        (b"]canary-canary", "after"),
        (b"run_command]canary", "after, longer"),
        (b"x[hidden by opward: Production/Stripe/credential is valid; use it through run_command]x", "around"),
    ];
    for (value, how) in cases {
        let redactor = redactor(&[b"canary-7f3a9c51", value]);
        assert!(redactor.covers_all());
        let (out, count) = redactor.apply(b"canary-7f3a9c51");
        assert_eq!(count, 1);
        assert!(!out.starts_with(b"[hidden by opward: P"), "{how}: {}", out.escape_ascii());
        let text = [&value[..value.len() - 1], b"canary-7f3a9c51", &value[1..]].concat();
        let (out, _) = redactor.apply(&text);
        let dense = |bytes: &[u8]| bytes.iter().copied().filter(|byte| counts(*byte)).collect::<Vec<_>>();
        let value = dense(value);
        assert!(!dense(&out).windows(value.len()).any(|window| window == value), "{how}: {}", out.escape_ascii());
    }
}

#[test]
fn if_no_marker_is_safe_not_all_is_covered() {
    let values: Vec<Vec<u8>> = (0..=u8::MAX)
        .map(|byte| [&[byte][..], b"[hidden by opward]\xe2\x9f\xa6[hidden by opward]\xe2\x9f\xa7", &[byte]].concat())
        .collect();
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    assert!(!redactor(&values).covers_all());
}

#[test]
fn memory_does_not_grow_with_output() {
    let redactor = redactor(&[b"canary-7f3a9c51", b"aaaaaaaaaaaaaaaa"]);
    let endless: [&[u8]; 13] = [
        b"aaaaaaaaaaaaaaaa",
        b"canary",
        b"c                         ",
        b"c\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x1b\x1b\x1b",
        b"\x1b]0;title title title ",
        b"canary-7f3a9\x1b[31m\x1b[32m\x08\x08",
        b"%63",
        b"%",
        b"&amp",
        b"&#00000",
        b"\\\n",
        b"canary%2D7f3a9c51",
    ];
    for piece in endless {
        let mut stream = redactor.stream();
        let mut most = 0;
        for _ in 0..2000 {
            let mut out = Vec::new();
            stream.push(&piece.repeat(16), &mut out);
            most = most.max(stream.keeps());
        }
        assert!(most < 200_000, "{} kept for {}", most, piece.escape_ascii());
    }
}

#[test]
fn long_values_are_hidden_in_any_pieces() {
    let mut numbers = Numbers(7);
    let value = numbers.bytes(b"abcdefghijklmnopqrstuvwxyz0123456789", 64 * 1024);
    let redactor = redactor(&[&value]);
    let text = [b"before ", &value[..60_000], b" between ", &value, b" after"].concat();
    let expected = [b"before ", &value[..60_000], b" between ", MARKER.as_bytes(), b" after"].concat();
    assert_eq!(redactor.apply(&text), (expected.clone(), 1));
    assert_eq!(in_pieces(&redactor, &text, |_| 1000), (expected, 1));
}

#[test]
fn nothing_is_said_about_values() {
    let redactor = redactor(&[b"canary-7f3a9c51"]);
    let mut stream = redactor.stream();
    stream.push(b"canary-7f", &mut Vec::new());
    let mask = Mask { value: b"canary-7f3a9c51", marker: "marker" };
    let said = format!("{redactor:?} {stream:?} {mask:?}");
    assert!(!said.contains("canary") && !said.contains("99, 97"), "{said}");
}

#[test]
fn what_waits_alone_is_shown_and_its_rest_is_hidden() {
    let redactor = Redactor::new([Mask { value: b"s3cr3t-value", marker: "[hidden]" }]);
    let mut stream = redactor.stream();
    let mut out = Vec::new();
    for piece in [&b"$ s"[..], b"3"] {
        stream.push(piece, &mut out);
        stream.idle(&mut out);
    }
    assert_eq!(out, b"$ s3", "what's typed is seen");
    stream.push(b"cr3", &mut out);
    stream.idle(&mut out);
    assert_eq!(out, b"$ s3", "more than that isn't");
    stream.push(b"t-value ok", &mut out);
    assert_eq!(stream.finish(&mut out), 1);
    assert_eq!(String::from_utf8_lossy(&out), "$ s3[hidden] ok");

    for prompt in ["host% ", "a & ", "C:\\"] {
        let mut stream = redactor.stream();
        out.clear();
        stream.push(prompt.as_bytes(), &mut out);
        stream.idle(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), prompt);
        stream.push(b"s3cr3t\\x2dvalue", &mut out);
        assert_eq!(stream.finish(&mut out), 1);
        assert_eq!(String::from_utf8_lossy(&out), format!("{prompt}[hidden]"));
    }
}
