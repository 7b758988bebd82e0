//! What commands and HTTP entries have in common: words, folders, references, times.

use std::path::PathBuf;
use std::time::Duration;

use super::super::super::diagnostics::Problems;
use super::super::super::parse::read_list;
use super::super::super::rate::{parse_duration, written};
use super::super::super::reader::{Placed, Section, meant};
use crate::model::{Reference, is_refused};

/// The longest description, in characters.
const MOST_DESCRIBED: usize = 300;

/// The longest path of a file or folder, in bytes.
const LONGEST_PATH: usize = 4096;

/// A word out of a few; `None` where the key isn't there or the word isn't known.
pub(super) fn word<T: Copy>(
    section: &Section<'_, '_>,
    key: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
    problems: &mut Problems,
) -> Option<T> {
    let Placed { value, span } = section.string(key, problems)?;
    let found = all.iter().copied().find(|one| as_str(*one) == value);
    if found.is_none() {
        let words: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        let help = Some(meant(value, &words));
        problems.add_with_help(span, format!("`{value}` isn't a word for `{key}`"), "not known", help);
    }
    found
}

/// A line for people and agents.
pub(super) fn description(section: &Section<'_, '_>, problems: &mut Problems) -> Option<String> {
    let Placed { value, span } = section.string("description", problems)?;
    let plain = !value.trim().is_empty() && !value.chars().any(|c| c != '\\' && is_refused(c));
    if !plain || value.chars().count() > MOST_DESCRIBED {
        let message = format!("a description is one line of 1 to {MOST_DESCRIBED} visible characters");
        problems.add(span, message, "here");
        return None;
    }
    Some(value.to_owned())
}

/// A duration within bounds.
pub(super) fn timeout(
    section: &Section<'_, '_>,
    usual: Duration,
    most: Duration,
    problems: &mut Problems,
) -> Option<Duration> {
    if section.value("timeout").is_none() {
        return Some(usual);
    }
    let Placed { value, span } = section.string("timeout", problems)?;
    match parse_duration(value) {
        Ok(time) if time.is_zero() || time > most => {
            problems.add(span, format!("`timeout` is more than zero and at most {}", written(most)), "out of bounds");
            None
        }
        Ok(time) => Some(time),
        Err(error) => {
            problems.add(span, error.to_string(), "not a duration");
            None
        }
    }
}

/// The name of a secret, by which rules will decide.
pub(super) fn reference(Placed { value, span }: Placed<&str>, problems: &mut Problems) -> Option<Reference> {
    let parsed = Reference::parse(value);
    parsed.map_err(|error| problems.add(span, error.to_string(), "not a secret's path")).ok()
}

/// An absolute path with one spelling.
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err("a path here is absolute: it begins with `/`".to_owned());
    };
    let names = || rest.split('/');
    if names().any(|name| name == "." || name == "..") {
        return Err("a path here has no `.` or `..` in it".to_owned());
    }
    if !rest.is_empty() && names().any(str::is_empty) {
        return Err("a path here has neither `//` nor a `/` at its end".to_owned());
    }
    if text.len() > LONGEST_PATH || text.chars().any(is_refused) {
        return Err(
            "a path here has at most 4096 bytes, and no control or invisible characters or backslash".to_owned()
        );
    }
    Ok(PathBuf::from(text))
}

/// An absolute path that isn't the root.
pub(super) fn below_root(text: &str) -> Result<PathBuf, String> {
    if text == "/" {
        return Err("`/` is everything: name the folder that's needed".to_owned());
    }
    absolute(text)
}

/// A folder's or a file's path.
pub(super) fn path(
    section: &Section<'_, '_>,
    key: &str,
    read: fn(&str) -> Result<PathBuf, String>,
    problems: &mut Problems,
) -> Option<PathBuf> {
    let Placed { value, span } = section.string(key, problems)?;
    read(value).map_err(|error| problems.add(span, error, "here")).ok()
}

/// A list of folders; empty where there's none.
pub(super) fn folders(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<Vec<PathBuf>> {
    if section.value(key).is_none() {
        return Some(Vec::new());
    }
    read_list(section, key, None, problems, |text| below_root(text).map_err(|error| (error, None)))
}
