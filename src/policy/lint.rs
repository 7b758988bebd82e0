//! Rules, commands and entries that are valid and probably not what was meant.

mod deliveries;
mod folders;

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::Policy;
use super::actions::ActionSet;
use super::rule::{Effect, Rule};
use super::shadow::{Coverage, shadow};
use crate::model::{Action, DeliveryName, PathPattern, PatternSegment, RuleId, Transport};

/// The most segments a secret's path has.
const DEEPEST: usize = 4;
/// What changes or removes secrets.
const CHANGES: [Action; 3] = [Action::Write, Action::Rotate, Action::Delete];

/// Something in a policy that deserves a second look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// What it's about.
    #[serde(flatten)]
    pub about: About,
    /// The line of the file that begins on.
    pub line: usize,
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// What's the matter, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What a [`Warning`] is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum About {
    /// A rule.
    Rule(RuleId),
    /// A command.
    Command(DeliveryName),
    /// An HTTP entry.
    Http(DeliveryName),
}

/// The kinds of [`Warning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WarningKind {
    /// It permits more than a rule should.
    Wide,
    /// It, or one of its patterns, never matches.
    NeverMatches,
    /// A deny rule takes all that it permits.
    Shadowed,
    /// Another rule says the same.
    Duplicate,
    /// It's about `use` and names no delivery, so it permits none.
    NoDelivery,
    /// No rule lets anyone use it.
    Unused,
    /// Its program isn't pinned, and stands where others than the system's owner put programs.
    Unpinned,
    /// A caller can learn a value from its answers, and may ask without a limit.
    Unlimited,
    /// It's run without being confined.
    Unconfined,
    /// A caller may be able to write the files that say what it does.
    Steered,
    /// A value travels where others can read it.
    Unencrypted,
}

impl About {
    /// The rule's id, or the name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(id) => id.as_str(),
            Self::Command(name) | Self::Http(name) => name.as_str(),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Rule(_) => "rule",
            Self::Command(_) => "command",
            Self::Http(_) => "HTTP entry",
        };
        write!(f, "{what} `{}`", self.name())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} {}; {}", self.line, self.about, self.message, self.help)
    }
}

impl Policy {
    /// Looks for rules that are too wide, never match, are wholly denied or stand there twice, and for
    /// commands and entries that are risky or unused; for that, it asks the system who can write in the folders of
    /// sealed commands. Without a time, nothing is said about rules that
    /// have expired.
    #[must_use]
    pub fn lint(&self, now: Option<Timestamp>) -> Vec<Warning> {
        let rules: Vec<&Rule> = self.rules().collect();
        let denies: Vec<Coverage<'_>> = rules.iter().filter_map(|rule| Coverage::of_deny(rule)).collect();
        let mut seen = HashMap::new();
        let mut warnings = Vec::new();
        for rule in rules {
            let mut warn = |kind, message: String, help: &str| {
                let help = help.to_owned();
                warnings.push(Warning { about: About::Rule(rule.id.clone()), line: rule.line, kind, message, help });
            };
            wide(rule, &mut warn);
            deliveries::of_rule(rule, self, &mut warn);
            never(rule, now, &mut warn);
            if let Some(denies) = shadow(rule, &denies) {
                let message = format!("permits nothing: {denies} denies all of it");
                warn(WarningKind::Shadowed, message, "remove it, or narrow the deny rule");
            }
            if let Some(first) = seen.insert(meaning(rule), rule.id.clone()) {
                warn(WarningKind::Duplicate, format!("says the same as `{first}`"), "remove one of them");
            }
        }
        deliveries::of_policy(self, &mut warnings);
        warnings
    }
}

fn wide(rule: &Rule, warn: &mut impl FnMut(WarningKind, String, &str)) {
    if rule.effect == Effect::Deny {
        return;
    }
    let everything = rule.paths.iter().find(|pattern| covers_everything(pattern));
    if let Some(pattern) = everything.filter(|_| rule.actions.contains(Action::Read)) {
        let limited = !rule.categories.is_empty() || !rule.tags.is_empty();
        if !limited {
            let message = format!("lets values of all secrets be read (`{pattern}` with `read`)");
            warn(WarningKind::Wide, message, "name the vaults or items that are needed");
        }
    }
    let changes: ActionSet = CHANGES.into_iter().filter(|&action| rule.actions.contains(action)).collect();
    if rule.principals.iter().any(|pattern| pattern.as_str().bytes().all(|b| b == b'*')) && !changes.is_empty() {
        let words: Vec<&str> = changes.iter().map(Action::as_str).collect();
        let message = format!("lets every principal change secrets (`*` with {})", words.join(", "));
        warn(WarningKind::Wide, message, "name the principals that need it");
    }
}

/// Whether a pattern covers every path there is.
fn covers_everything(pattern: &PathPattern) -> bool {
    // Each path has at least three segments.
    let segments = pattern.segments();
    let needed = segments.iter().filter(|segment| **segment != PatternSegment::AnyDepth).count();
    segments.iter().all(is_any) && needed <= 3
}

/// Whether a segment is `*` or `**`.
pub(super) fn is_any(segment: &PatternSegment) -> bool {
    match segment {
        PatternSegment::AnyDepth => true,
        PatternSegment::Wildcard(wildcard) => wildcard.pieces().iter().all(|piece| piece.is_empty()),
        PatternSegment::Literal(_) => false,
    }
}

fn never(rule: &Rule, now: Option<Timestamp>, warn: &mut impl FnMut(WarningKind, String, &str)) {
    let kind = WarningKind::NeverMatches;
    for pattern in &rule.paths {
        let needed = pattern.segments().iter().filter(|segment| **segment != PatternSegment::AnyDepth).count();
        if needed > DEEPEST {
            let message = format!("has the pattern `{pattern}`, which needs {needed} segments");
            warn(kind, message, "a path is Vault/Item/field or Vault/Item/Section/field");
        } else if pattern.segments().iter().take(2).any(is_id) {
            let message = format!("has the pattern `{pattern}` with an id in it");
            warn(kind, message, "patterns are matched against names: ids are resolved before");
        }
    }
    let when = &rule.when;
    match (when.not_before, when.expires) {
        (Some(begin), Some(end)) if begin >= end => {
            warn(kind, format!("expires ({end}) before it begins ({begin})"), "swap or mend the two times");
        }
        (_, Some(end)) if now.is_some_and(|now| now >= end) => {
            warn(kind, format!("expired at {end}"), "remove it, or give it a later time");
        }
        _ => {}
    }
    if !when.source_ip.is_empty() && !when.transport.is_empty() && !when.transport.contains(&Transport::Http) {
        let message = "asks for an address (when.source_ip) on transports that have none".to_owned();
        warn(kind, message, "addresses exist with `http` only");
    }
}

/// Whether a segment has the shape of a 26-character id: nearly all consonants and digits by chance,
/// so a digit is asked for too, lest a long word be taken for one.
fn is_id(segment: &PatternSegment) -> bool {
    let PatternSegment::Literal(text) = segment else {
        return false;
    };
    let shape = text.len() == 26 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    shape && text.bytes().any(|b| b.is_ascii_digit())
}

/// The rule without what only people read.
fn meaning(rule: &Rule) -> String {
    let mut canonical = rule.canonical();
    if let Some(keys) = canonical.as_object_mut() {
        keys.retain(|key, _| key != "id" && key != "reason");
        // Two spellings of one pattern are one pattern.
        keys.insert("paths".to_owned(), Value::from(folded(&rule.paths)));
    }
    canonical.to_string()
}

fn folded(paths: &[PathPattern]) -> Vec<String> {
    let mut folded: Vec<String> = paths.iter().map(|path| crate::model::fold(path.as_str())).collect();
    folded.sort_unstable();
    folded.dedup();
    folded
}

#[cfg(test)]
mod tests;
