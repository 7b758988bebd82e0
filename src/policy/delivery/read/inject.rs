//! Reads where in a request the value goes.

use http::HeaderName;

use super::super::super::diagnostics::Problems;
use super::super::super::reader::{Placed, Section, list};
use super::super::http::Inject;
use super::words;
use crate::model::{HeaderRole, Reference};

/// The three places, each with the keys it has.
const PLACES: [(&str, &[&str]); 3] = [("header", &["header", "format"]), ("query", &["query"]), ("basic", &["basic"])];

const KEYS: [&str; 5] = ["header", "format", "query", "basic", "secret"];

/// The longest format, name or user, in bytes.
const LONGEST: usize = 256;

/// Reads the place and the secret.
pub(super) fn read(entry: &Section<'_, '_>, problems: &mut Problems) -> Option<(Inject, Reference)> {
    if entry.value("inject").is_none() {
        let help =
            "where the value goes: inject = { header = \"Authorization\", format = \"Bearer {}\", secret = \"…\" }";
        entry.missing("inject", help, problems);
        return None;
    }
    let section = entry.table("inject", "`inject`", &KEYS, problems)?;
    if section.value("secret").is_none() {
        section.missing("secret", "which value: secret = \"Production/Stripe/credential\"", problems);
    }
    let secret = section.string("secret", problems).and_then(|text| words::reference(text, problems));
    let given: Vec<(&str, &[&str])> = PLACES.into_iter().filter(|(word, _)| section.value(word).is_some()).collect();
    let (word, keys) = match given.as_slice() {
        [one] => *one,
        [] => {
            let help = "one of header with format, query and basic".to_owned();
            problems.add_with_help(section.span(), "`inject` doesn't say where the value goes", "here", Some(help));
            return None;
        }
        several => {
            let words: Vec<&str> = several.iter().map(|(word, _)| *word).collect();
            let message = format!("a value goes to one place, and `inject` has {}", list(&words));
            problems.add(section.span(), message, "here");
            return None;
        }
    };
    if let Some(span) = section.key_span("format").filter(|_| !keys.contains(&"format")) {
        problems.add(span, format!("`format` belongs to `header`, not to `{word}`"), "here");
    }
    let place = match word {
        "header" => header(&section, problems),
        "query" => query(&section, problems),
        _ => basic(&section, problems),
    };
    place.zip(secret)
}

fn header(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Inject> {
    let written = section.string("header", problems)?;
    let name = HeaderName::from_bytes(written.value.as_bytes()).ok();
    let name = match name {
        None => {
            problems.add(written.span, "this isn't a header's name", "here");
            None
        }
        Some(name) if !HeaderRole::of(&name).may_hold_a_value() => {
            let message = format!(
                "`{}` says where a request goes, where its parts end or what they are, so no value goes there",
                written.value
            );
            problems.add(written.span, message, "not this one");
            None
        }
        name => name,
    };
    if section.value("format").is_none() {
        section.missing("format", "what the header holds, with {} for the value: format = \"Bearer {}\"", problems);
    }
    let Placed { value, span } = section.string("format", problems)?;
    if !is_format(value) {
        let message = "a format has `{}` once, for the value, and otherwise visible ASCII characters and single blanks";
        problems.add(span, message, "not a format");
        return None;
    }
    Some(Inject::Header { name: name?, format: value.to_owned() })
}

fn is_format(text: &str) -> bool {
    let Some((before, after)) = text.split_once("{}") else { return false };
    let plain = |text: &str| text.bytes().all(|b| (b == b' ' || b.is_ascii_graphic()) && b != b'{' && b != b'}');
    plain(before) && plain(after) && text.trim() == text && !text.contains("  ") && text.len() <= LONGEST
}

fn query(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Inject> {
    let Placed { value, span } = section.string("query", problems)?;
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if value.is_empty() || value.len() > LONGEST || !value.bytes().all(part) {
        problems.add(span, "the name of a query's parameter has letters, digits, `-`, `.`, `_` or `~`", "here");
        return None;
    }
    Some(Inject::Query { name: value.to_owned() })
}

/// The user may be empty: some places take a token as the password of nobody.
fn basic(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Inject> {
    let Placed { value, span } = section.string("basic", problems)?;
    if value.len() > LONGEST || !value.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        problems.add(span, "a user's name has visible ASCII characters and no `:`", "here");
        return None;
    }
    Some(Inject::Basic { username: value.to_owned() })
}
