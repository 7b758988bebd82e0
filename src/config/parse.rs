//! `opward.toml`'s text → the configuration, or everything that's wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::dirs::Dirs;
use super::http;
use super::source::{self, read_path};
use super::{AuditConfig, CacheConfig, Config, Durability, EnvBundle, Origin};
use crate::model::{Category, Name, Reference, is_plain_name};
use crate::policy::reader::{Section, as_string, document, meant};
use crate::policy::{Diagnostics, Problems, parse_duration, read_version};

const KEYS: [&str; 8] = ["version", "policy", "source", "cache", "fields", "env_bundle", "audit", "http"];

pub(super) fn parse(text: &str, file: &Path, dirs: &Dirs) -> Result<Config, Diagnostics> {
    let mut problems = Problems::default();
    let config = read(text, file, dirs, &mut problems);
    let problem = problems.into_diagnostics(&file.display().to_string(), text);
    match (config, problem) {
        (Some(config), None) => Ok(config),
        (_, Some(problem)) => Err(problem),
        // Nothing is left out without a problem being noted; were it otherwise, this refuses all the same.
        (None, None) => Err(Diagnostics::unreadable(&file.display().to_string(), text)),
    }
}

fn read(text: &str, file: &Path, dirs: &Dirs, problems: &mut Problems) -> Option<Config> {
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let document = document(text, problems)?;
    let root = Section::root(&document, "a configuration", &KEYS, problems);
    read_version(&root, "a configuration", problems);
    let policy = read_path(&root, "policy", folder, problems).unwrap_or_else(|| folder.join("policy.toml"));
    let mut names = BTreeSet::new();
    let tables = root.tables("source", problems);
    if root.value("source").is_none() {
        root.missing(
            "[[source]]",
            "say where values come from: [[source]], name = \"home\", kind = \"local\"",
            problems,
        );
    }
    let sources: Vec<_> = tables
        .into_iter()
        .filter_map(|table| source::read(table.value, table.span, &mut names, folder, dirs, problems))
        .collect();
    Some(Config {
        origin: Origin::File(file.to_owned()),
        policy,
        sources,
        cache: read_cache(&root, problems),
        fields: read_fields(&root, problems),
        env_bundles: read_bundles(&root, problems),
        audit: read_audit(&root, dirs, problems),
        http: http::read(&root, folder, problems),
        notes: Vec::new(),
    })
}

fn read_cache(root: &Section<'_, '_>, problems: &mut Problems) -> CacheConfig {
    let usual = CacheConfig::default();
    let Some(section) = root.table("cache", "`[cache]`", &["ttl", "stale_if_error", "max_items"], problems) else {
        return usual;
    };
    let max_items = section.integer("max_items", problems).and_then(|count| {
        let items = usize::try_from(count.value).ok().filter(|items| (1..=1_000_000).contains(items));
        if items.is_none() {
            problems.add(count.span, "`max_items` is between 1 and 1000000", "out of range");
        }
        items
    });
    CacheConfig {
        ttl: read_duration(&section, "ttl", problems).unwrap_or(usual.ttl),
        stale_if_error: read_duration(&section, "stale_if_error", problems).unwrap_or(usual.stale_if_error),
        max_items: max_items.unwrap_or(usual.max_items),
    }
}

/// A duration: `"5m"`, or 0 with or without quotes.
fn read_duration(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<Duration> {
    let is_zero = |n: &toml::de::DeInteger<'_>| n.as_str() == "0";
    if section.value(key)?.get_ref().as_integer().is_some_and(is_zero) {
        return Some(Duration::ZERO);
    }
    let text = section.string(key, problems)?;
    parse_duration(text.value).map_err(|error| problems.add(text.span, error.to_string(), "not a duration")).ok()
}

fn read_fields(root: &Section<'_, '_>, problems: &mut Problems) -> BTreeMap<Category, Vec<Name>> {
    let mut fields: BTreeMap<Category, Vec<Name>> = BTreeMap::new();
    let Some(section) = root.free_table("fields", problems) else {
        return fields;
    };
    for (key, _) in section.entries() {
        let category = Category::from_any_word(key.value);
        if category.is_none() {
            let words: Vec<&str> =
                ["api_key", "password", "ssh_key"].into_iter().chain(Category::ALL.map(Category::as_str)).collect();
            let message = format!("`{}` isn't a category", key.value);
            problems.add_with_help(key.span, message, "not known", Some(meant(key.value, &words)));
        }
        for text in section.strings(key.value, problems).into_iter().flat_map(|texts| texts.value) {
            match (Name::new(text.value), category) {
                (Ok(name), Some(category)) => fields.entry(category).or_default().push(name),
                (Ok(_), None) => {}
                (Err(error), _) => problems.add(text.span, error.to_string(), "not a field's name"),
            }
        }
    }
    fields
}

fn read_bundles(root: &Section<'_, '_>, problems: &mut Problems) -> BTreeMap<String, EnvBundle> {
    let mut bundles = BTreeMap::new();
    let Some(section) = root.free_table("env_bundle", problems) else {
        return bundles;
    };
    for (name, _) in section.entries() {
        if !is_plain_name(name.value) {
            problems.add(
                name.span.clone(),
                "a bundle's name has 1 to 64 letters, digits, `.`, `_` or `-`",
                "not a name",
            );
        }
        let Some(bundle) = section.free_table(name.value, problems) else {
            continue;
        };
        let mut entries = Vec::new();
        for (key, value) in bundle.entries() {
            if !is_variable(key.value) {
                let message = format!("`{}` can't name a variable", key.value);
                problems.add_with_help(key.span, message, "here", Some("letters, digits and `_`".to_owned()));
            }
            let Some(text) = as_string(value, key.value, problems) else {
                continue;
            };
            match Reference::parse(text.value) {
                Ok(reference) => entries.push((key.value.to_owned(), reference)),
                Err(error) => problems.add(text.span, error.to_string(), "not a path"),
            }
        }
        bundles.insert(name.value.to_owned(), EnvBundle(entries));
    }
    bundles
}

/// Whether a text can name an environment variable.
#[must_use]
pub fn is_variable(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn read_audit(root: &Section<'_, '_>, dirs: &Dirs, problems: &mut Problems) -> AuditConfig {
    let usual = || dirs.state().join("audit.jsonl");
    let Some(section) = root.table("audit", "`[audit]`", &["file", "durability"], problems) else {
        return AuditConfig { file: usual(), durability: Durability::default() };
    };
    let file = read_path(&section, "file", dirs.state(), problems).unwrap_or_else(usual);
    let durability = section.string("durability", problems).and_then(|word| match word.value {
        "write" => Some(Durability::Write),
        "fsync" => Some(Durability::Fsync),
        other => {
            let message = format!("`{other}` isn't a durability");
            problems.add_with_help(word.span, message, "not known", Some(meant(other, &["write", "fsync"])));
            None
        }
    });
    AuditConfig { file, durability: durability.unwrap_or_default() }
}
