//! The ways in which a program writes a value, made here anew so that what hides them isn't compared with itself.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What's hidden in any output.
pub(super) const HIDDEN: [&str; 15] = [
    "as it is",
    "reversed",
    "base64",
    "base64, one byte in",
    "base64, two bytes in",
    "base64 for addresses",
    "base64 in lines",
    "hex",
    "HEX",
    "hex with colons",
    "percent-encoded",
    "in JSON",
    "in HTML",
    "a line for each character",
    "coloured letter by letter",
];

/// What isn't, and can't be: there's no end of ways to write a value.
pub(super) const MISSED: [&str; 5] = [
    "one half, then the other",
    "compressed",
    "a dash between all letters",
    "with its letters exchanged",
    "base64 twice",
];

/// Writes a value in one of these ways; nothing, if there's no such way.
pub(super) fn write(form: &str, value: &[u8]) -> String {
    let text = || String::from_utf8_lossy(value).into_owned();
    match form {
        "as it is" => text(),
        "reversed" => text().chars().rev().collect(),
        "base64" => inner_base64(value, 0),
        "base64, one byte in" => inner_base64(value, 1),
        "base64, two bytes in" => inner_base64(value, 2),
        "base64 for addresses" => URL_SAFE.encode(value).trim_end_matches('=').to_owned(),
        "base64 in lines" => in_lines(&STANDARD.encode(value), 16),
        "hex" => hex(value),
        "HEX" => hex(value).to_uppercase(),
        "hex with colons" => value.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        "percent-encoded" => percent(value),
        "in JSON" => serde_json::to_string(&text()).unwrap_or_default().trim_matches('"').to_owned(),
        "in HTML" => text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        "a line for each character" => in_lines(&text(), 1),
        "coloured letter by letter" => text().chars().fold(String::new(), |mut all, c| {
            let _ = write!(all, "\u{1b}[31m{c}");
            all
        }),
        "one half, then the other" => {
            let text = text();
            let (first, second) = text.split_at(text.len() / 2);
            format!("{first} and then {second}")
        }
        "compressed" => hex(&compressed(value)),
        "a dash between all letters" => text().chars().map(String::from).collect::<Vec<_>>().join("-"),
        "with its letters exchanged" => text().chars().map(exchanged).collect(),
        "base64 twice" => STANDARD.encode(STANDARD.encode(value)),
        _ => String::new(),
    }
}

/// A text without what's seen of none: white space and what a terminal takes for colours.
pub(super) fn packed(text: &str) -> String {
    text.replace("\u{1b}[31m", "").chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

/// What stays the same in base64 whatever stands before a value, of so many bytes, and behind it.
fn inner_base64(value: &[u8], before: usize) -> String {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(value);
    let encoded = STANDARD.encode(&bytes);
    let shared = if before == 0 { 0 } else { before + 1 };
    let whole = encoded.trim_end_matches('=');
    let last = usize::from(whole.len() != encoded.len());
    whole.chars().take(whole.len() - last).skip(shared).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "{byte:02x}");
        all
    })
}

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: &u8| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(one).collect()
}

fn in_lines(text: &str, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(width).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
}

fn exchanged(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        other => other,
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // It's written to memory.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_written_and_no_two_are_the_same() {
        let all: Vec<String> =
            HIDDEN.iter().chain(&MISSED).map(|form| write(form, b"k4n/\"&<of-forms-~~~???>>>")).collect();
        for (at, text) in all.iter().enumerate() {
            assert!(!text.is_empty() && !all[..at].contains(text), "{text}");
        }
        assert_eq!(write("no such form", b"x"), "");
    }

    #[test]
    fn what_stands_in_base64_is_found_whatever_is_around_it() {
        let value = b"0123456789abcdef\xf0+/";
        for before in 0..6_usize {
            for after in 0..4 {
                let bytes = [vec![b'<'; before], value.to_vec(), vec![b'>'; after]].concat();
                let whole = STANDARD.encode(bytes);
                assert!(whole.contains(&inner_base64(value, before % 3)), "{before} {after}");
            }
        }
    }
}
