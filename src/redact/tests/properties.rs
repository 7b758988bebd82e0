//! Whatever the values, the text and the pieces: nothing can be seen that should be hidden, and the pieces don't matter.

use super::super::{Mask, Redactor, forms};
use super::reference::Reference;
use super::{Numbers, in_pieces};

const WORDS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCXYZ0123456789";
const SYMBOLS: &[u8] = b"aB3!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const FEW: &[u8] = b"ab";
const LINES: &[u8] = b"abcdefgh012345  \n";
/// What may stand in the middle of a value without hiding it.
const NOISE: [&[u8]; 14] = [
    b"\n",
    b"\r\n",
    b"\r\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\x1b[31m",
    b"\x1b[0m",
    b"\x1b]0;title\x07",
    b"\x1b]8;;x\x1b\\",
    b"\x1b(B",
    b"x\x08",
    b"\x7f",
    b"\x1b[1;38;2;255;255;255m",
];
/// What may stand anywhere.
const ODD: [&[u8]; 27] = [
    b"\x1b",
    b"\x1b[",
    b"\x1b]",
    b"\x1b[31",
    b"\x08",
    b"\x08\x08",
    b"\\",
    b"\x07",
    b"m",
    b"\x18",
    b"\xff",
    b"\xe2\x9f",
    b"[hidden by ",
    b"]",
    b"\x1bP",
    b"  \n",
    b"%",
    b"&",
    b"%4",
    b"%41",
    b"\\u00",
    b"\\\n",
    b"\\ud83d",
    b"&#x",
    b"&amp;",
    b"\\1",
    b"\\&quot;",
];

/// Values, some within and some overlapping others.
fn values(numbers: &mut Numbers) -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = Vec::new();
    for _ in 0..=numbers.below(8) {
        let len = if numbers.below(40) == 0 { 8 + numbers.below(4089) } else { 8 + numbers.below(40) };
        let any: Vec<u8> = (0..=u8::MAX).collect();
        let alphabet = numbers.of(&[WORDS, WORDS, SYMBOLS, FEW, LINES, &any]);
        let mut value = numbers.bytes(alphabet, len);
        if let Some(other) = values.last()
            && numbers.below(3) == 0
        {
            let from = numbers.below(other.len());
            let part = other[from..from + numbers.below(other.len() - from + 1)].to_vec();
            if numbers.below(2) == 0 { value.extend(part) } else { value.splice(0..0, part).for_each(drop) }
        }
        values.push(value);
    }
    values
}

fn text(numbers: &mut Numbers, needles: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..numbers.below(7) {
        let needle = numbers.of(needles);
        match numbers.below(9) {
            0 => text.extend(needle),
            1 => text.extend(&needle[..numbers.below(needle.len())]),
            2 => text.extend(&needle[numbers.below(needle.len())..]),
            3 | 4 => {
                let every = 1 + numbers.below(needle.len());
                let one = numbers.of(&NOISE);
                for part in needle.chunks(every) {
                    text.extend(part);
                    text.extend(if numbers.below(4) == 0 { numbers.of(&NOISE) } else { one });
                }
            }
            5 => text.extend(numbers.of(&ODD)),
            6 => {
                let len = numbers.below(12);
                text.extend(numbers.bytes(LINES, len));
            }
            7 => text.extend(escaped(numbers, needle)),
            _ => text.extend(numbers.of(&NOISE)),
        }
    }
    text
}

/// Some of it written as other languages write what they escape, in ways that one encoder alone wouldn't mix.
fn escaped(numbers: &mut Numbers, needle: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let rare = 1 + numbers.below(6);
    for byte in needle {
        match numbers.below(8 * rare) {
            0 => text.extend(format!("%{byte:02x}").bytes()),
            1 => text.extend(format!("\\x{byte:02X}").bytes()),
            2 => text.extend(format!("\\{byte:03o}").bytes()),
            3 if byte.is_ascii() => text.extend(format!("&#{byte};").bytes()),
            4 if byte.is_ascii() => text.extend(format!("\\u00{byte:02x}").bytes()),
            5 if byte.is_ascii_punctuation() => text.extend([b'\\', *byte]),
            6 => {
                text.push(*byte);
                text.extend(numbers.of(&[&b"\\\n"[..], b"\\t", b"%0A", b" "]));
            }
            _ => text.push(*byte),
        }
    }
    text
}

fn hold(seed: u64, cases: usize) {
    let mut numbers = Numbers(seed);
    let mut hidden = 0;
    let mut done = 0;
    while done < cases {
        let values = values(&mut numbers);
        let marker =
            numbers.of(&["[hidden by opward: A/B/c is valid; use it through run_command]", "hidden value", "x"]);
        let masks: Vec<Mask<'_>> = values.iter().map(|value| Mask { value, marker }).collect();
        let redactor = Redactor::new(masks.iter().copied());
        let reference = Reference::new(&masks);
        let (covers_all, neutral) = (redactor.covers_all(), reference.neutral());
        let forms: Vec<_> = values.iter().flat_map(|value| forms(value)).filter(|form| !form.is_empty()).collect();
        let mut needles: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        needles.extend((0..16).map(|_| forms[numbers.below(forms.len())].as_slice()));
        needles.retain(|needle| needle.len() < 64 || numbers.below(20) == 0);
        needles.push(b"else");
        for _ in 0..400 {
            let text = text(&mut numbers, &needles);
            let whole = redactor.apply(&text);
            let most = if numbers.below(3) == 0 { 1 } else { 24 };
            let pieces = in_pieces(&redactor, &text, |_| 1 + numbers.below(most));
            let shown = || format!("seed {seed}, values {values:?}, text {:?}", text.escape_ascii().to_string());
            assert_eq!(pieces, whole, "pieces: {}", shown());
            let slowly = reference.apply(&text, |mask| redactor.table.marker(mask).to_vec());
            assert_eq!(whole, slowly, "the slow way: {}", shown());
            assert!(!covers_all || !reference.sees(&whole.0), "{} shows it: {}", whole.0.escape_ascii(), shown());
            // A backspace after a marker takes a byte of it, and so does what's left of a sequence before it.
            let heeded = text.iter().any(|byte| matches!(byte, 8 | 0x1b));
            if let Some(neutral) = neutral.as_ref().filter(|_| heeded) {
                let (out, _) = if whole.1 == 0 { whole.clone() } else { reference.apply(&text, |_| neutral.clone()) };
                assert!(!reference.sees_without_sequences(&out), "{} shows it: {}", out.escape_ascii(), shown());
            }
            hidden += whole.1;
            done += 1;
        }
    }
    assert!(hidden > u64::try_from(cases).unwrap(), "values must have been there: {hidden}");
}

#[test]
fn nothing_is_seen_and_pieces_do_not_matter_in_a_hundred_thousand_cases() {
    std::thread::scope(|scope| {
        for seed in 1..=2 {
            scope.spawn(move || hold(seed, 50_000));
        }
    });
}

#[test]
#[ignore = "takes minutes"]
fn nothing_is_seen_and_pieces_do_not_matter_in_a_million_cases() {
    std::thread::scope(|scope| {
        for seed in 101..=104 {
            scope.spawn(move || hold(seed, 250_000));
        }
    });
}

/// Words such as programs print, so many bytes of them, with numbers, colours and base64 among them.
fn ordinary(redactor: &Redactor, len: usize) -> u64 {
    let mut numbers = Numbers(99);
    let words: Vec<Vec<u8>> = (0..4000)
        .map(|_| {
            let len = 1 + numbers.below(10);
            numbers.bytes(WORDS, len)
        })
        .collect();
    let mut stream = redactor.stream();
    let (mut seen, mut given) = (0, 0);
    let mut out = Vec::new();
    while seen < len {
        let mut line = Vec::new();
        for _ in 0..200 {
            match numbers.below(20) {
                0 => line.extend(format!("{:016x}", numbers.next()).bytes()),
                1 => line.extend(b"\x1b[32mok\x1b[0m"),
                2 => line.extend_from_slice(
                    &numbers.bytes(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 64),
                ),
                _ => line.extend(&words[numbers.below(words.len())]),
            }
            line.push(if numbers.below(12) == 0 { b'\n' } else { b' ' });
        }
        seen += line.len();
        out.clear();
        stream.push(&line, &mut out);
        given += out.len();
    }
    out.clear();
    let count = stream.finish(&mut out);
    assert_eq!(given + out.len(), if count == 0 { seen } else { given + out.len() });
    count
}

fn many_values() -> Redactor {
    let mut numbers = Numbers(5);
    let values: Vec<Vec<u8>> = (0..100).map(|number| numbers.bytes(SYMBOLS, 12 + number % 30)).collect();
    Redactor::new(values.iter().map(|value| Mask { value, marker: super::MARKER }))
}

#[test]
fn nothing_is_hidden_in_ordinary_text() {
    assert_eq!(ordinary(&many_values(), 500_000), 0);
}

#[test]
#[ignore = "takes a minute"]
fn nothing_is_hidden_in_a_lot_of_ordinary_text() {
    assert_eq!(ordinary(&many_values(), 50_000_000), 0);
}
