//! A policy file's text → rules, or everything that's wrong with it.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use toml::de::DeTable;

use super::actions::ActionSet;
use super::delivery::{Deliveries, ReadDeliveries, read_deliveries, read_uses};
use super::diagnostics::{Diagnostics, Lines, Problems};
use super::rate::{Rate, parse_duration};
use super::reader::{NOT_YET, Placed, Section, document, list, meant};
use super::rule::{Effect, Rule, WantedTag};
use super::when::read_when;
use crate::model::{Action, Category, NamePattern, PathPattern, PrincipalName, RuleId, is_plain_name};

/// The largest policy file, in bytes: room for ten thousand rules with every key.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The most pairs of a principal and a path that all rules together may name: each becomes a leaf of
/// the compiled policy, and two long lists in one rule multiply.
const MAX_PAIRS: usize = 250_000;

pub(super) const KEYS: [&str; 13] = [
    "id",
    "effect",
    "principals",
    "actions",
    "paths",
    "categories",
    "tags",
    "reason",
    "when",
    "require",
    "limit",
    "use",
    "after_read",
];

/// What a file says, whole.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) rules: Vec<Rule>,
    pub(super) deliveries: Deliveries,
}

/// Reads all of it; all problems are found in one run.
pub(super) fn parse(text: &str, origin: &str) -> Result<File, Diagnostics> {
    let mut problems = Problems::default();
    let file = read(text, &mut problems);
    match problems.into_diagnostics(origin, text) {
        Some(diagnostics) => Err(diagnostics),
        None => Ok(file),
    }
}

fn read(text: &str, problems: &mut Problems) -> File {
    if text.len() > MAX_BYTES {
        problems.add(0..0, format!("a policy file has at most {MAX_BYTES} bytes; this has {}", text.len()), "");
        return File::default();
    }
    let Some(document) = document(text, problems) else {
        return File::default();
    };
    let root = Section::root(&document, "a policy", &["version", "rule", "command", "http"], problems);
    read_version(&root, "a policy", problems);
    let lines = Lines::of(text);
    // Before the rules, which name what's in it.
    let deliveries = read_deliveries(&root, &lines, problems);
    let mut ids = HashMap::new();
    let mut pairs = 0_usize;
    let mut rules = Vec::new();
    for table in root.tables("rule", problems) {
        let noted = problems.count();
        let rule = read_rule(table.value, table.span.clone(), &lines, &mut ids, &deliveries, problems);
        if rule.is_none() && problems.count() == noted {
            // A rule that got lost might have been a deny.
            problems.add(table.span.clone(), "this rule can't be read", "here");
        }
        pairs = pairs.saturating_add(rule.as_ref().map_or(0, |r| r.principals.len().saturating_mul(r.paths.len())));
        rules.extend(rule);
        if pairs > MAX_PAIRS {
            let message = format!("the rules name more than {MAX_PAIRS} pairs of a principal and a path");
            let help = "use a pattern such as `ci-*` in place of long lists".to_owned();
            problems.add_with_help(table.span, message, "with this rule", Some(help));
            break;
        }
    }
    File { rules, deliveries: deliveries.deliveries }
}

/// Reads `version`, which must be there and be 1.
pub(crate) fn read_version(root: &Section<'_, '_>, name: &str, problems: &mut Problems) {
    if root.value("version").is_none() {
        root.missing("version", &format!("{name} begins with `version = 1`"), problems);
    } else if let Some(version) = root.integer("version", problems).filter(|version| version.value != 1) {
        let message = format!("version {} is {NOT_YET}", version.value);
        problems.add(version.span, message, "this version of opward reads version 1");
    }
}

fn read_rule(
    table: &DeTable<'_>,
    span: Range<usize>,
    lines: &Lines,
    ids: &mut HashMap<String, usize>,
    deliveries: &ReadDeliveries,
    problems: &mut Problems,
) -> Option<Rule> {
    let line = lines.number(span.start);
    let section = Section::open(table, span, "a rule", &KEYS, problems);
    // Everything is read before anything is given up, so that each mistake is found.
    let id = read_id(&section, line, ids, problems);
    let effect = read_effect(&section, problems);
    let principals =
        read_list(&section, "principals", Some("who it's about: [\"*\"] is any principal"), problems, |name| {
            principal(name).map_err(|error| (error, None))
        });
    let actions = read_list(&section, "actions", Some("what it's about: [\"list\", \"describe\"]"), problems, |word| {
        Action::from_word(word).ok_or_else(|| unknown("an action", word, &Action::ALL.map(Action::as_str)))
    });
    let paths = read_list(&section, "paths", Some("which secrets it's about: [\"Staging/**\"]"), problems, |pattern| {
        PathPattern::parse(pattern).map_err(|error| (error.to_string(), None))
    });
    let categories = read_list(&section, "categories", None, problems, |word| {
        Category::from_word(word).ok_or_else(|| unknown("a category", word, &Category::ALL.map(Category::as_str)))
    });
    let tags = read_list(&section, "tags", None, problems, |tag| {
        WantedTag::parse(tag).ok_or_else(|| ("a tag has 1 to 100 visible characters".to_owned(), None))
    });
    let reason = section.string("reason", problems).map(|reason| reason.value.to_owned());
    let when = read_when(&section, problems);
    let (require_reason, rate) = read_obligations(&section, effect, problems);
    let actions = actions.map(ActionSet::from_iter);
    let uses = read_uses(&section, effect, actions, deliveries, problems);
    let rotate_within = read_after(&section, actions, problems);
    Some(Rule {
        id: id?,
        effect: effect?,
        principals: principals?,
        actions: actions?,
        paths: paths?,
        categories: categories.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
        reason,
        when,
        require_reason,
        rate,
        uses,
        rotate_within,
        line,
    })
}

fn read_id(
    section: &Section<'_, '_>,
    line: usize,
    ids: &mut HashMap<String, usize>,
    problems: &mut Problems,
) -> Option<RuleId> {
    if section.value("id").is_none() {
        section.missing("id", "a name for decisions and records: id = \"claude-reads-staging\"", problems);
        return None;
    }
    let id = section.string("id", problems)?;
    if !is_plain_name(id.value) {
        problems.add(id.span, "a rule's id has 1 to 64 letters, digits, `.`, `_` or `-`", "not an id");
        return None;
    }
    if let Some(before) = ids.insert(id.value.to_owned(), line) {
        problems.add(id.span, format!("two rules have the id `{}`", id.value), format!("also on line {before}"));
        return None;
    }
    Some(RuleId::new(id.value))
}

fn read_effect(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Effect> {
    if section.value("effect").is_none() {
        return Some(Effect::Allow);
    }
    let word = section.string("effect", problems)?;
    match word.value {
        "allow" => Some(Effect::Allow),
        "deny" => Some(Effect::Deny),
        other => {
            let help = meant(other, &["allow", "deny"]);
            problems.add_with_help(word.span, format!("`{other}` isn't an effect"), "not known", Some(help));
            None
        }
    }
}

/// Reads a list of texts into a list of things; `needed` says why a missing one is missed.
pub(super) fn read_list<T>(
    section: &Section<'_, '_>,
    key: &str,
    needed: Option<&str>,
    problems: &mut Problems,
    read: impl Fn(&str) -> Result<T, (String, Option<String>)>,
) -> Option<Vec<T>> {
    if section.value(key).is_none() {
        if let Some(help) = needed {
            section.missing(key, help, problems);
        }
        return None;
    }
    let texts = section.strings(key, problems)?;
    let mut things = Vec::with_capacity(texts.value.len());
    for Placed { value, span } in texts.value {
        match read(value) {
            Ok(thing) => things.push(thing),
            Err((message, help)) => problems.add_with_help(span, message, "here", help),
        }
    }
    Some(things)
}

/// What to say about a word that isn't one of a closed set.
pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> (String, Option<String>) {
    (format!("`{word}` isn't {what}"), Some(meant(word, known)))
}

fn principal(written: &str) -> Result<NamePattern, String> {
    if written.is_empty() {
        return Err("a principal's name can't be empty".to_owned());
    }
    let pattern = NamePattern::parse(written).map_err(|error| error.to_string())?;
    // What stands between the stars must be able to stand in a name, or the rule never matches.
    let mut pieces = written.split('*').filter(|piece| !piece.is_empty());
    match pieces.find_map(|piece| PrincipalName::parse(piece).err()) {
        Some(error) => Err(error.to_string()),
        None => Ok(pattern),
    }
}

fn read_obligations(
    section: &Section<'_, '_>,
    effect: Option<Effect>,
    problems: &mut Problems,
) -> (bool, Option<Rate>) {
    for key in ["require", "limit", "after_read"] {
        if let (Some(span), Some(Effect::Deny)) = (section.key_span(key), effect) {
            problems.add(span, format!("a deny rule can't have `{key}`"), "nothing is permitted that it could bind");
        }
    }
    let require = section.table("require", "`require`", &["reason", "approval"], problems);
    let mut reason = false;
    if let Some(require) = require {
        if let Some(span) = require.key_span("approval") {
            problems.add(span, format!("`require.approval` is {NOT_YET}"), "for later");
        } else if require.value("reason").is_none() {
            problems.add(require.span(), "`require` is empty", "nothing in it");
        }
        reason = require.boolean("reason", problems).is_some_and(|reason| reason.value);
    }
    (reason, read_rate(section, problems))
}

/// Reads `limit.rate`.
pub(super) fn read_rate(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Rate> {
    let limit = section.table("limit", "`limit`", &["rate"], problems)?;
    if limit.value("rate").is_none() {
        problems.add(limit.span(), format!("`limit` lacks {}", list(&["rate"])), "nothing in it");
    }
    let rate = limit.string("rate", problems)?;
    Rate::parse(rate.value).map_err(|error| problems.add(rate.span, error.to_string(), "not a rate")).ok()
}

/// Reads what follows from a value having been shown.
fn read_after(section: &Section<'_, '_>, actions: Option<ActionSet>, problems: &mut Problems) -> Option<Duration> {
    let after = section.table("after_read", "`after_read`", &["rotate_within"], problems)?;
    let shows = |actions: ActionSet| actions.contains(Action::Read) || actions.contains(Action::Use);
    if !actions.is_none_or(shows) {
        problems.add(after.span(), "the rule is neither about `read` nor about `use`", "no value is shown");
    }
    if after.value("rotate_within").is_none() {
        problems.add(after.span(), format!("`after_read` lacks {}", list(&["rotate_within"])), "nothing in it");
    }
    let time = after.string("rotate_within", problems)?;
    match parse_duration(time.value) {
        Ok(within) if !within.is_zero() => Some(within),
        Ok(_) => {
            problems.add(time.span, "`rotate_within` is more than zero", "no time at all");
            None
        }
        Err(error) => {
            problems.add(time.span, error.to_string(), "not a duration");
            None
        }
    }
}
