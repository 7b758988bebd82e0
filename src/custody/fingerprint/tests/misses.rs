//! What isn't found, and is said not to be: if one of these is found some day, the list must say so.

use super::*;

const VALUE: &str = "k4nary-7f3a9c51-V4lue";

/// A value, and texts that would pass it on.
type PassedOn = (&'static str, Vec<String>);

/// The same as in the documentation, with what's missed.
fn missed() -> Vec<(&'static str, Vec<PassedOn>)> {
    let of = |texts: Vec<String>| vec![(VALUE, texts)];
    let (head, tail) = VALUE.split_at(VALUE.len() / 2);
    let between = |text: &str| VALUE.chars().map(String::from).collect::<Vec<_>>().join(text);
    let each = |write: &dyn Fn(u8) -> String, text: &str| VALUE.bytes().map(write).collect::<Vec<_>>().join(text);
    let rotated = |byte: u8| match byte {
        b'a'..=b'z' => char::from((byte - b'a' + 13) % 26 + b'a'),
        b'A'..=b'Z' => char::from((byte - b'A' + 13) % 26 + b'A'),
        _ => char::from(byte),
    };
    let utf16: Vec<u8> = VALUE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let same = |value: &'static str| (value, vec![value.to_owned()]);
    vec![
        (
            KNOWN_MISSES[0],
            ["P4ss!wd", "production", "acme-uploads-staging", "12345678", "correct horse battery staple", "Summer2024"]
                .map(same)
                .into(),
        ),
        (
            KNOWN_MISSES[1],
            of(vec![STANDARD.encode(GZIP), STANDARD.encode(VALUE.bytes().map(|byte| byte ^ 0x2a).collect::<Vec<_>>())]),
        ),
        (KNOWN_MISSES[2], of(vec![VALUE.to_uppercase(), VALUE.to_lowercase(), VALUE.bytes().map(rotated).collect()])),
        (
            KNOWN_MISSES[3],
            of(vec![head.into(), tail.into(), format!("'{head}''{tail}'"), format!("\"{head}\" + \"{tail}\"")]),
        ),
        (KNOWN_MISSES[4], of(vec![between("-"), between("\u{200b}"), between(" | ")])),
        (
            KNOWN_MISSES[5],
            of(vec![VALUE.chars().map(|char| char::from_u32(u32::from(char) + 0xfee0).unwrap()).collect()]),
        ),
        (
            KNOWN_MISSES[6],
            of(vec![
                each(&|byte| format!("\\u{{{byte:x}}}"), ""),
                each(&|byte| format!("\\{byte:03o}"), ""),
                each(&|byte| byte.to_string(), ", "),
            ]),
        ),
        (KNOWN_MISSES[7], of(vec![STANDARD.encode(utf16)])),
        (KNOWN_MISSES[8], of(vec!["5Gb6J8WNNQfmXdMHzHLMhdXS5oHPH".into(), "BSrT.8ZhHs@SPR8N!X<Fh1S".into()])),
        (KNOWN_MISSES[9], of(vec![STANDARD.encode(STANDARD.encode(STANDARD.encode(VALUE)))])),
    ]
}

/// What gzip makes of the value.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x36, 0xc9, 0x4b, 0x2c, 0xaa, 0xd4, 0x35, 0x4f,
    0x33, 0x4e, 0xb4, 0x4c, 0x36, 0x35, 0xd4, 0x0d, 0x33, 0xc9, 0x29, 0x4d, 0x05, 0x00, 0x78, 0xa3, 0x84, 0x04, 0x15,
    0x00, 0x00, 0x00,
];

#[test]
fn known_misses_are_missed_and_all_of_them_are_known() {
    let missed = missed();
    assert_eq!(missed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), KNOWN_MISSES);
    let key = key();
    assert!(!numbers(&prints(&key, &[VALUE]), &key, VALUE.as_bytes()).is_empty());
    for (name, (value, texts)) in missed.into_iter().flat_map(|(name, all)| all.into_iter().map(move |one| (name, one)))
    {
        // Each argument is looked through by itself.
        for text in texts {
            assert!(numbers(&prints(&key, &[value]), &key, text.as_bytes()).is_empty(), "{name}: {text} is found");
        }
    }
}

#[test]
fn the_documentation_lists_what_is_missed() {
    let (_, list) = include_str!("../../../../SECURITY.md").split_once("**Arguments are searched, too.**").unwrap();
    let listed: Vec<&str> = list
        .lines()
        .skip_while(|line| !line.starts_with("- "))
        .take_while(|line| line.starts_with("- "))
        .map(|line| line.trim_start_matches("- ").trim_end_matches([';', '.']))
        .collect();
    assert_eq!(listed, KNOWN_MISSES);
}
