//! Rules that are valid and probably not what was meant.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::Policy;
use super::actions::ActionSet;
use super::rule::{Effect, Rule};
use super::shadow::{Coverage, shadow};
use crate::model::{Action, PathPattern, PatternSegment, RuleId, Transport};

/// The most segments a secret's path has.
const DEEPEST: usize = 4;
/// What changes or removes secrets.
const CHANGES: [Action; 3] = [Action::Write, Action::Rotate, Action::Delete];

/// Something in a policy that deserves a second look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// The rule it's about.
    pub rule: RuleId,
    /// The line of the file the rule begins on.
    pub line: usize,
    /// What kind of thing it is.
    pub kind: WarningKind,
    /// What's the matter, in a sentence.
    pub message: String,
    /// What to do about it.
    pub help: String,
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
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: rule `{}` {}; {}", self.line, self.rule, self.message, self.help)
    }
}

impl Policy {
    /// Looks for rules that are too wide, never match, are wholly denied or stand there twice. Without
    /// a time, nothing is said about rules that have expired.
    #[must_use]
    pub fn lint(&self, now: Option<Timestamp>) -> Vec<Warning> {
        let rules: Vec<&Rule> = self.rules().collect();
        let denies: Vec<Coverage<'_>> = rules.iter().filter_map(|rule| Coverage::of_deny(rule)).collect();
        let mut seen = HashMap::new();
        let mut warnings = Vec::new();
        for rule in rules {
            let mut warn = |kind, message: String, help: &str| {
                let help = help.to_owned();
                warnings.push(Warning { rule: rule.id.clone(), line: rule.line, kind, message, help });
            };
            wide(rule, &mut warn);
            never(rule, now, &mut warn);
            if let Some(denies) = shadow(rule, &denies) {
                let message = format!("permits nothing: {denies} denies all of it");
                warn(WarningKind::Shadowed, message, "remove it, or narrow the deny rule");
            }
            if let Some(first) = seen.insert(meaning(rule), rule.id.clone()) {
                warn(WarningKind::Duplicate, format!("says the same as `{first}`"), "remove one of them");
            }
        }
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
mod tests {
    use super::*;

    fn lint(rules: &str) -> Vec<(String, WarningKind)> {
        let policy = Policy::parse(&format!("version = 1\n{rules}"), "p").unwrap_or_else(|error| panic!("{error}"));
        let warnings = policy.lint("2026-11-20T10:00:00Z".parse().ok());
        warnings.into_iter().map(|warning| (warning.rule.to_string(), warning.kind)).collect()
    }

    fn rule(id: &str, rest: &str) -> String {
        let mut text = format!("[[rule]]\nid = \"{id}\"\n{rest}\n");
        for (key, usual) in [("principals", "[\"p\"]"), ("actions", "[\"read\"]"), ("paths", "[\"V/I\"]")] {
            if !rest.contains(key) {
                text = format!("{text}{key} = {usual}\n");
            }
        }
        text
    }

    #[test]
    fn a_careful_policy_gets_no_warning() {
        let text = include_str!("../../fixtures/policies/good/everything.toml");
        assert_eq!(lint(&text.replace("version = 1", "")), []);
        let text = include_str!("../../fixtures/policies/good/starter.toml");
        assert_eq!(lint(&text.replace("version = 1", "")), []);
    }

    #[test]
    fn wide_rules_are_named() {
        use WarningKind::Wide;
        for wide in [
            "paths = [\"**\"]",
            "paths = [\"*\"]",
            "paths = [\"V\", \"*/**\"]",
            "paths = [\"*/*/*\"]",
            "actions = [\"write\"]\nprincipals = [\"*\"]",
            "actions = [\"delete\"]\nprincipals = [\"p\", \"*\"]",
        ] {
            assert_eq!(lint(&rule("r", wide)), [("r".to_owned(), Wide)], "{wide}");
        }
        for fine in [
            "paths = [\"**/public\"]",
            "paths = [\"**\"]\nactions = [\"list\"]",
            "paths = [\"*/*/*/*\"]",
            "principals = [\"*\"]",
            "paths = [\"**\"]\ntags = [\"x\"]",
            "paths = [\"**\"]\neffect = \"deny\"",
        ] {
            assert_eq!(lint(&rule("r", fine)), [], "{fine}");
        }
    }

    #[test]
    fn rules_that_never_match_are_named() {
        use WarningKind::NeverMatches;
        for never in [
            "paths = [\"a/b/c/d/e\"]",
            "paths = [\"a/**/b/c/d/e\"]",
            "when.expires = 2026-11-20T10:00:00Z",
            "when.expires = 2027-01-01T00:00:00Z\nwhen.not_before = 2028-01-01T00:00:00Z",
            "when.source_ip = [\"10.0.0.0/8\"]\nwhen.transport = [\"stdio\"]",
            "paths = [\"V/abcdefghijklmnopqrstuvwxy2\"]",
        ] {
            assert_eq!(lint(&rule("r", never)), [("r".to_owned(), NeverMatches)], "{never}");
        }
        assert_eq!(lint(&rule("r", "paths = [\"a/**/b/c/d\"]")), []);
    }

    #[test]
    fn rules_wholly_denied_are_named_and_others_are_not() {
        use WarningKind::Shadowed;
        let deny = |rest: &str| rule("no", &format!("effect = \"deny\"\n{rest}"));
        for (allow, deny, expected) in [
            ("", deny(""), true),
            ("", deny("paths = [\"v/**\"]\nprincipals = [\"*\"]"), true),
            ("", deny("paths = [\"V/*\"]"), true),
            ("paths = [\"V/**\"]", deny("paths = [\"V\"]"), true),
            ("paths = [\"V/**\"]", deny("paths = [\"V/*\"]"), true),
            ("paths = [\"V/a*\"]", deny("paths = [\"V/*/**\"]"), true),
            ("paths = [\"**/x\"]", deny("paths = [\"**\"]"), true),
            ("principals = [\"ci-1\"]", deny("principals = [\"ci-*\"]"), true),
            ("", deny("actions = [\"write\"]"), false),
            ("", deny("tags = [\"x\"]"), false),
            ("", deny("when.transport = [\"stdio\"]"), false),
            ("", deny("paths = [\"V/I/f\"]"), false),
            ("principals = [\"p\", \"q\"]", deny(""), false),
            ("paths = [\"**/x\"]", deny("paths = [\"*/x\"]"), false),
        ] {
            let warned = lint(&format!("{}{deny}", rule("yes", allow))).contains(&("yes".to_owned(), Shadowed));
            assert_eq!(warned, expected, "{allow} / {deny}");
        }
    }

    #[test]
    fn two_denies_can_shadow_a_rule_together() {
        let rules = rule("yes", "actions = [\"read\", \"write\"]")
            + &rule("a", "effect = \"deny\"")
            + &rule("b", "effect = \"deny\"\nactions = [\"write\"]");
        assert_eq!(lint(&rules), [("yes".to_owned(), WarningKind::Shadowed)]);
    }

    #[test]
    fn the_same_rule_twice_is_named() {
        let rules = rule("a", "reason = \"x\"") + &rule("b", "paths = [\"v/i\"]") + &rule("c", "tags = [\"x\"]");
        assert_eq!(lint(&rules), [("b".to_owned(), WarningKind::Duplicate)]);
    }
}
