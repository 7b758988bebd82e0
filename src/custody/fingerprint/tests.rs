//! What's found is what's there: against a search that has the values in plain sight.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::memory::LockedKey;
use crate::model::{FieldId, ItemId, Place, SourceName, VaultId};

mod misses;

fn key() -> PrintKey {
    PrintKey::new(Arc::new(LockedKey::generate().unwrap()))
}

fn place(number: usize) -> Place {
    Place {
        source: SourceName::new("home"),
        vault: VaultId::new("v"),
        item: ItemId::new(&number.to_string()),
        field: FieldId::new("password"),
    }
}

fn prints(key: &PrintKey, values: &[impl AsRef<[u8]>]) -> Prints {
    let mut builder = PrintsBuilder::new(key);
    values.iter().enumerate().for_each(|(number, value)| builder.add_value(place(number), value.as_ref()));
    builder.finish()
}

fn numbers(prints: &Prints, key: &PrintKey, text: &[u8]) -> BTreeSet<usize> {
    let found = search(&[prints], &key.open(), text, true, &mut Room::of_a_call()).unwrap();
    let places = found.iter().flat_map(|found| &found.places);
    places.map(|(_, place)| prints.places()[*place].item.as_str().parse().unwrap()).collect()
}

/// The same with the values in plain sight: whether any reading of a text holds a piece.
fn plainly(values: &[impl AsRef<[u8]>], text: &[u8]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let shown = readings::each(text, &mut Room::of_a_call(), &mut |read, is_squeezed| {
        for (number, value) in values.iter().enumerate() {
            let stands = pieces::of(value.as_ref()).iter().any(|piece| {
                let length = piece.bytes.len();
                let word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
                read.windows(length).enumerate().any(|(at, window)| {
                    let before = at.checked_sub(1).and_then(|at| read.get(at));
                    let joined =
                        (word(before) && word(window.first())) || (word(read.get(at + length)) && word(window.last()));
                    window == piece.bytes && (length >= 12 || !joined) && (length >= 16 || !is_squeezed)
                })
            });
            if stands {
                found.insert(number);
            }
        }
    });
    shown.unwrap();
    found
}

fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

fn base32(bytes: &[u8]) -> String {
    let bits = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
    let digits = bits.as_bytes().chunks(5).map(|chunk| {
        let value = chunk.iter().fold(0, |value, bit| value * 2 + usize::from(bit - b'0')) << (5 - chunk.len());
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value])
    });
    digits.collect()
}

fn percent(bytes: &[u8]) -> String {
    let one =
        |byte: &u8| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(one).collect()
}

/// Each way to write a value that's found, after something else where that moves it.
fn written(value: &str, before: &str, way: usize) -> String {
    let bytes = value.as_bytes();
    let joined = format!("{before}{value}");
    match way {
        0 => value.to_owned(),
        1 => STANDARD.encode(&joined),
        2 => URL_SAFE_NO_PAD.encode(&joined),
        3 => STANDARD_NO_PAD.encode(format!("{joined}{before}")),
        4 => hex(bytes, ""),
        5 => hex(bytes, ":").to_uppercase(),
        6 => percent(bytes),
        7 => bytes.iter().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat(),
        8 => value.chars().rev().collect(),
        9 => serde_json::to_string(value).unwrap(),
        10 => value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat(),
        11 => value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;"),
        12 => format!("'{}'", value.replace('\'', "'\\''")),
        13 => base32(joined.as_bytes()),
        14 => base32(bytes).to_lowercase(),
        15 => STANDARD.encode(STANDARD.encode(value)),
        16 => percent(STANDARD.encode(value).as_bytes()),
        17 => {
            STANDARD.encode(&joined).as_bytes().chunks(7).map(|line| String::from_utf8_lossy(line) + "\r\n").collect()
        }
        18 => STANDARD.encode(&joined).chars().rev().collect(),
        19 => value.replace('%', "%25").replace('+', "%2B").replace(' ', "+"),
        20 => URL_SAFE.encode(hex(bytes, "")),
        21 => serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap(),
        _ => hex(bytes, " "),
    }
}

const WAYS: usize = 23;

fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{8,80}", "[A-Za-z0-9+/]{8,64}", "[a-zA-Z0-9àéλ🔑&<>\"' ]{8,40}"]
}

proptest! {
    #[test]
    fn a_value_is_found_however_it_is_written(
        value in value(), before in "[a-z0-9]{0,9}", around in "[ .;(=]", way in 0..WAYS,
    ) {
        let value = value.trim().to_owned();
        let key = key();
        let prints = prints(&key, &[&value]);
        prop_assume!(!prints.is_empty());
        // What a shorter one is joined with in an encoding, it's joined with once that's undone.
        let before = if value.len() < 12 { "" } else { &before };
        let text = format!("{around}{}{around}", written(&value, before, way));
        prop_assert!(!numbers(&prints, &key, text.as_bytes()).is_empty(), "way {} of {:?} in {:?}", way, value, text);
    }

    #[test]
    fn what_is_found_is_what_is_there(
        values in prop::collection::vec(prop_oneof!["[ab1%]{8,12}", "[ab1X]{8,20}", "[a-cX0-9=]{12,30}"], 1..12),
        mut parts in prop::collection::vec("[ab1X%= ]{0,12}", 0..8),
        which in prop::collection::vec((any::<prop::sample::Index>(), 0..WAYS), 0..4),
    ) {
        for (index, way) in &which {
            parts.push(written(&values[index.index(values.len())], "a", *way));
        }
        let text = parts.concat();
        let key = key();
        prop_assert_eq!(
            numbers(&prints(&key, &values), &key, text.as_bytes()),
            plainly(&values, text.as_bytes()),
            "{:?} in {:?}", values, text
        );
    }

    #[test]
    fn any_bytes_can_be_read(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let key = key();
        numbers(&prints(&key, &["hunter2-hunt3r2"]), &key, &text);
    }
}

#[test]
fn one_line_of_a_key_is_enough_and_wrapping_hides_none() {
    let lines: Vec<String> = (0..6_u8)
        .map(|line| STANDARD.encode([line.wrapping_mul(37) ^ 0x5a; 3].repeat(16)))
        .map(|line| line.replace("WlpaWlpa", "Wq3kZ7pa"))
        .collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let key = key();
    let prints = prints(&key, &[&pem]);
    assert!(!prints.is_empty());
    let joined = lines.concat();
    for text in [
        pem.clone(),
        pem.replace('\n', "\\n"),
        joined.clone(),
        serde_json::to_string(&pem).unwrap(),
        STANDARD.encode(&pem),
    ] {
        assert_eq!(numbers(&prints, &key, text.as_bytes()).len(), 1, "{text}");
    }
    let rewrapped: String = joined.as_bytes().chunks(20).map(|line| String::from_utf8_lossy(line) + "\n").collect();
    assert_eq!(numbers(&prints, &key, rewrapped.as_bytes()).len(), 1);
    assert!(numbers(&prints, &key, b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n").is_empty());
}

#[test]
fn what_can_be_guessed_is_looked_for_only_if_wanted() {
    let key = key();
    let prints = prints(&key, &["Passw0rd", "a-l0ng-value-4711"]);
    let found = |text: &str, with_short| {
        !search(&[&prints], &key.open(), text.as_bytes(), with_short, &mut Room::of_a_call()).unwrap().is_empty()
    };
    assert!(found("is it Passw0rd?", true) && !found("is it Passw0rd?", false));
    assert!(!found("is it Passw0rd1?", true));
    assert!(found("xxa-l0ng-value-4711xx", false));
}

#[test]
fn another_key_finds_nothing_and_prints_hold_no_value() {
    let (one, other) = (key(), key());
    let prints = prints(&one, &["a-l0ng-value-4711"]);
    assert_eq!(search(&[&prints], &one.open(), b"a-l0ng-value-4711", true, &mut Room::of_a_call()).unwrap().len(), 1);
    assert!(search(&[&prints], &other.open(), b"a-l0ng-value-4711", true, &mut Room::of_a_call()).unwrap().is_empty());
    assert_eq!(format!("{prints:?} {one:?}"), "Prints PrintKey");
}

#[test]
fn a_value_at_several_places_is_found_at_each() {
    let key = key();
    let (one, two) = (prints(&key, &["a-l0ng-value-4711", "a-l0ng-value-4711"]), prints(&key, &["a-l0ng-value-4711"]));
    let found = search(&[&one, &two], &key.open(), b"a-l0ng-value-4711", true, &mut Room::of_a_call()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].places, [(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn a_text_full_of_one_value_is_told_of_in_few_words() {
    let key = key();
    let prints = prints(&key, &["a-l0ng-value-4711"]);
    let found =
        search(&[&prints], &key.open(), "a-l0ng-value-4711 ".repeat(3_000).as_bytes(), true, &mut Room::of_a_call())
            .unwrap();
    assert_eq!(found.iter().filter(|found| found.reading == 0).count(), MOST_TIMES);
}

/// What's made to be read in as many ways as there are doesn't keep anybody busy for long.
#[test]
fn what_is_read_of_one_call_is_bounded() {
    let key = key();
    let prints = prints(&key, &["a-l0ng-value-4711"]);
    let look = |text: &str| search_all(&[&prints], &key, &[text], true).map(|found| found.len());
    assert_eq!(look(&"%41+\\x41&amp;'\\''4142 ".repeat(45_000)).unwrap_err(), TooMuch);
    // As long as a message can be, as it's usually written.
    let text = "The deployment of checkout-service reads \"Production/Stripe/credential\" at 10:42, 100% of it.\n";
    assert_eq!(look(&text.repeat(10_000)), Ok(0));
    let file = STANDARD
        .encode((0..700_000_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect::<Vec<_>>());
    assert_eq!(look(&file), Ok(0));
}
