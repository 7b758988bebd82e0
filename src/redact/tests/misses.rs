//! What isn't found, and is said not to be: if one of these is found some day, the list must say so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::KNOWN_MISSES;
use super::{MARKER, hide};

const VALUE: &str = "canary-7f3a9c51-value";

/// The same as in the documentation, and what a program would print.
fn missed() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let (head, tail) = VALUE.split_at(VALUE.len() / 2);
    let rotated = |character: char| match character {
        'a'..='m' => char::from_u32(u32::from(character) + 13).unwrap(),
        'n'..='z' => char::from_u32(u32::from(character) - 13).unwrap(),
        _ => character,
    };
    let between = |text: &str| VALUE.chars().map(String::from).collect::<Vec<_>>().join(text);
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let twice: String = hex.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("compressed", vec![GZIP.to_vec()]),
        (
            "encrypted, or with its letters exchanged (rot13)",
            vec![
                VALUE.chars().map(rotated).collect::<String>().into(),
                VALUE.bytes().map(|byte| byte ^ 0x2a).collect(),
            ],
        ),
        ("in another case", vec![VALUE.to_uppercase().into()]),
        ("a part of it, such as one half", vec![head.into(), VALUE.trim_start_matches('c').into()]),
        (
            "a value in it by itself, such as a setting in a file, if no name of a secret (`key`, `password`, `token`) \
             stands before it, or beyond the first 64",
            vec![b"eu-central-1".into(), b"canary-065-7f3a".into()],
        ),
        (
            "what it stands for, such as the bytes of a key that it holds in base64",
            vec![URL_SAFE_NO_PAD.decode(VALUE.trim_end_matches('e')).unwrap()],
        ),
        // Two streams, each with a redactor's stream of its own.
        ("one half on standard output, the other on standard error", vec![head.into(), tail.into()]),
        ("other characters between its letters", vec![between("-").into(), between(" | ").into()]),
        (
            "escaped as no common encoder does it, with colours or backspaces between its letters",
            vec![
                VALUE.replacen('-', "&#45;\x1b[1m", 1).into(),
                VALUE.replacen('-', "\\x2d", 1).replace("value", "vx\x08alue").into(),
            ],
        ),
        (
            "encoded twice, unless the later encoding escapes single letters, as those for JSON, HTML and addresses do",
            vec![twice.into()],
        ),
        (
            "in an encoding that isn't among the forms, such as Base58, Ascii85 or uuencode",
            vec![
                b"77SdYXvPyzrNGYEXtTm26NgeRiMQQ".into(),
                b"@ps7`Ed95qAi!jU@l5tmG%#30AH".into(),
                b"58V%N87)Y+3=F,V$Y8S4Q+79A;'5E\n".into(),
            ],
        ),
        ("in quoted-printable text, over the end of a line", vec![format!("{head}=\r\n{tail}").into()]),
        (
            "in a hex dump of several lines, with offsets",
            vec![
                b"00000000: 6361 6e61 7279 2d37 6633 6139 6335 312d  canary-7f3a9c51-\n\
                  00000010: 7661 6c75 65                             value\n"
                    .into(),
            ],
        ),
        (
            "put together on the screen by moving the cursor, or by erasing more than one character at a time",
            vec![
                format!("{tail}\x1b[1G\x1b[{}@{head}\n", head.len()).into(),
                format!("{head}xx\x08\x08{tail}").into(),
                format!("{}{tail}\r{head}", ".".repeat(head.len())).into(),
            ],
        ),
        (
            "spread over more than 32 times its length and 4 KiB",
            vec![format!("{head}{}{tail}", " ".repeat(VALUE.len() * 32 + 4096)).into()],
        ),
        (
            "a hash or a length of it",
            vec![b"0f795fc6fc59026aec1f911a81192f2f1e0d84d02872780c92278ad0f2ee933b".into(), b"21".into()],
        ),
    ]
}

/// What gzip makes of the value.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0x4e, 0xcc, 0x4b, 0x2c, 0xaa, 0xd4, 0x35, 0x4f,
    0x33, 0x4e, 0xb4, 0x4c, 0x36, 0x35, 0xd4, 0x2d, 0x4b, 0xcc, 0x29, 0x4d, 0x05, 0x00, 0xb6, 0xa1, 0xd0, 0xe2, 0x15,
    0x00, 0x00, 0x00,
];

#[test]
fn known_misses_are_missed_and_all_of_them_are_known() {
    let missed = missed();
    assert_eq!(missed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), KNOWN_MISSES);
    // Settings, of which only the second is named as a secret, and so many more that not all are looked for.
    let mut settings = "region: eu-central-1\napi_token: canary-7f3a9c51-value\n".to_owned();
    settings.extend((1..70).map(|number| format!("S{number}=canary-{number:03}-7f3a\n")));
    let values = [VALUE.as_bytes(), settings.as_bytes()];
    for (name, texts) in missed {
        for text in texts {
            assert_eq!(hide(&values, &text), (text.clone(), 0), "{name} is found");
        }
    }
    assert_eq!(hide(&values, b"canary-063-7f3a").1, 1);
}

#[test]
fn what_borders_on_a_known_miss_is_found() {
    let (head, tail) = VALUE.split_at(10);
    let spread = |spaces: usize| format!("{head}{}{tail}", " ".repeat(spaces));
    let texts = [
        spread(VALUE.len() * 31 + 4096),
        VALUE.chars().map(|character| format!("{character}\n")).collect(),
        VALUE.chars().map(|character| format!("\x1b[38;2;255;128;0m{character}\x1b[0m")).collect(),
        format!("{head}x\x08{tail}"),
        VALUE.chars().map(|character| format!("{character}\x08{character}")).collect(),
        VALUE.chars().map(|character| format!("_\x08{character}")).collect(),
        "00000000: 6361 6e61 7279 2d37 6633 6139 6335 312d 7661 6c75 65\n".into(),
        VALUE.chars().rev().collect(),
        VALUE.replacen('-', "\\x2d\\\n", 1),
    ];
    for text in texts {
        let (out, count) = hide(&[VALUE.as_bytes()], text.as_bytes());
        assert_eq!(count, 1, "{text:?}");
        assert!(String::from_utf8(out).unwrap().contains(MARKER));
    }
}

#[test]
fn the_documentation_lists_what_is_missed() {
    let (_, list) = include_str!("../../../SECURITY.md").split_once("**Hiding is against accidents.**").unwrap();
    let listed: Vec<&str> = list
        .lines()
        .skip_while(|line| !line.starts_with("- "))
        .take_while(|line| line.starts_with("- "))
        .map(|line| line.trim_start_matches("- ").trim_end_matches([';', '.']))
        .collect();
    assert_eq!(listed, KNOWN_MISSES);
}
