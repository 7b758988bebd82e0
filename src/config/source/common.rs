//! What sources of every kind can say, and values that several kinds share.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::VaultFilter;
use crate::model::{Name, fold};
use crate::policy::reader::{Placed, Section, as_string};
use crate::policy::{Problems, parse_duration};

/// How many requests a source may make; `None` is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RequestLimits {
    /// Those that read, in an hour.
    pub reads_per_hour: Option<NonZeroU32>,
    /// Those that write, in an hour.
    pub writes_per_hour: Option<NonZeroU32>,
    /// All together, in a day.
    pub requests_per_day: Option<NonZeroU32>,
}

/// The shortest and the longest time one request may be given.
const TIMEOUTS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// A path, taken from the configuration file's folder if it's relative.
pub(in crate::config) fn read_path(
    section: &Section<'_, '_>,
    key: &str,
    folder: &Path,
    problems: &mut Problems,
) -> Option<PathBuf> {
    let path = section.string(key, problems)?;
    if path.value.is_empty() || path.value.contains('\0') {
        problems.add(path.span, format!("`{key}` isn't a path"), "here");
        return None;
    }
    Some(folder.join(path.value))
}

/// How long one request may take.
pub(super) fn read_timeout(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Duration> {
    let text = section.string("timeout", problems)?;
    match parse_duration(text.value) {
        Ok(timeout) if (TIMEOUTS.0..=TIMEOUTS.1).contains(&timeout) => Some(timeout),
        Ok(_) => {
            problems.add(text.span, "`timeout` is between 1s and 10m", "out of range");
            None
        }
        Err(error) => {
            problems.add(text.span, error.to_string(), "not a duration");
            None
        }
    }
}

/// `limits = { … }`.
pub(super) fn read_limits(section: &Section<'_, '_>, problems: &mut Problems) -> Option<RequestLimits> {
    const KEYS: [&str; 3] = ["reads_per_hour", "writes_per_hour", "requests_per_day"];
    let table = section.table("limits", "`limits`", &KEYS, problems)?;
    let mut count = |key: &str| {
        let number = table.integer(key, problems)?;
        let count = u32::try_from(number.value).ok().and_then(NonZeroU32::new);
        if count.is_none() {
            problems.add(number.span, format!("`{key}` is a number of requests from 1 up"), "out of range");
        }
        count
    };
    Some(RequestLimits {
        reads_per_hour: count("reads_per_hour"),
        writes_per_hour: count("writes_per_hour"),
        requests_per_day: count("requests_per_day"),
    })
}

/// Which vaults are seen, and what they're called.
pub(super) fn read_vaults(section: &Section<'_, '_>, problems: &mut Problems) -> (VaultFilter, BTreeMap<Name, Name>) {
    (read_filter(section, problems), read_rename(section, problems))
}

fn read_filter(section: &Section<'_, '_>, problems: &mut Problems) -> VaultFilter {
    let only = read_names(section, "vaults", problems);
    let never = read_names(section, "blocked_vaults", problems).unwrap_or_default();
    let blocked = |vault: &Name| never.iter().any(|blocked| fold(blocked.value.as_str()) == fold(vault.as_str()));
    for vault in only.iter().flatten().filter(|vault| blocked(&vault.value)) {
        let message = format!("the vault `{}` is both in `vaults` and in `blocked_vaults`", vault.value.as_str());
        problems.add(vault.span.clone(), message, "blocked");
    }
    let names = |vaults: Vec<Placed<Name>>| vaults.into_iter().map(|vault| vault.value).collect();
    VaultFilter { only: only.map(names), never: names(never) }
}

fn read_names(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<Vec<Placed<Name>>> {
    let texts = section.strings(key, problems)?;
    let mut names = Vec::with_capacity(texts.value.len());
    for text in texts.value {
        match Name::new(text.value) {
            Ok(value) => names.push(Placed { value, span: text.span }),
            Err(error) => problems.add(text.span, error.to_string(), "not a vault's name"),
        }
    }
    Some(names)
}

fn read_rename(section: &Section<'_, '_>, problems: &mut Problems) -> BTreeMap<Name, Name> {
    let Some(table) = section.free_table("rename", problems) else {
        return BTreeMap::new();
    };
    let mut renamed = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (from, value) in table.entries() {
        let Some(to) = as_string(value, from.value, problems) else {
            continue;
        };
        match (Name::new(from.value), Name::new(to.value)) {
            (Ok(from), Ok(name)) => {
                if !taken.insert(fold(name.as_str())) {
                    problems.add(to.span, format!("two vaults can't both be `{}`", to.value), "used before");
                }
                renamed.insert(from, name);
            }
            (Err(error), _) => problems.add(from.span, error.to_string(), "not a vault's name"),
            (_, Err(error)) => problems.add(to.span, error.to_string(), "not a vault's name"),
        }
    }
    renamed
}
