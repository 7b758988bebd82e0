//! Which rules permit nothing because deny rules take it all.

use super::actions::ActionSet;
use super::lint::is_any;
use super::rule::{Effect, Rule};
use crate::model::{Action, NamePattern, PatternSegment, RuleId};

/// What a deny rule takes always, whatever the item and the circumstances.
#[derive(Debug)]
pub(super) struct Coverage<'r> {
    rule: &'r Rule,
    paths: Vec<&'r [PatternSegment]>,
}

impl<'r> Coverage<'r> {
    /// `None` for rules that don't deny, or not always.
    pub(super) fn of_deny(rule: &'r Rule) -> Option<Self> {
        let always = rule.when.is_empty() && rule.categories.is_empty() && rule.tags.is_empty();
        let paths = rule.paths.iter().map(|pattern| trimmed(pattern.segments())).collect();
        (rule.effect == Effect::Deny && always).then_some(Self { rule, paths })
    }

    /// The actions it denies a rule; `use` only if it closes all that the rule opens.
    fn actions(&self, rule: &Rule) -> ActionSet {
        let closes = self.rule.closes_all() || rule.uses().named().is_within(self.rule.uses().named());
        let only_use = ActionSet::NONE.with(Action::Use);
        if closes { self.rule.actions } else { self.rule.actions.without(only_use) }
    }

    fn takes(&self, rule: &Rule) -> bool {
        let mut principals = rule.principals.iter();
        principals.all(|name| self.rule.principals.iter().any(|pattern| contains_name(pattern, name)))
            && rule.paths.iter().all(|path| {
                let path = trimmed(path.segments());
                self.paths.iter().any(|pattern| contains_path(pattern, path))
            })
    }
}

/// The denies that together take all that a rule permits, named for a sentence.
///
/// The answer errs on the side of silence: it compares patterns by their shape and doesn't weigh what
/// several denies cover together, but for actions.
pub(super) fn shadow(rule: &Rule, denies: &[Coverage<'_>]) -> Option<String> {
    if rule.effect == Effect::Deny {
        return None;
    }
    let mut taken = ActionSet::NONE;
    let mut by: Vec<&RuleId> = Vec::new();
    for deny in denies {
        let denied = deny.actions(rule);
        let relevant = rule.actions.iter().any(|action| denied.contains(action) && !taken.contains(action));
        if relevant && deny.takes(rule) {
            taken = taken.union(denied);
            by.push(&deny.rule.id);
        }
    }
    let all = rule.actions.without(taken).is_empty();
    all.then(|| by.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" with "))
}

/// A pattern without the end that changes nothing: it covers what's below anyway, and a path has at
/// least three segments.
fn trimmed(mut pattern: &[PatternSegment]) -> &[PatternSegment] {
    let fixed = !pattern.split_last().is_some_and(|(_, front)| front.contains(&PatternSegment::AnyDepth));
    while let Some((last, front)) = pattern.split_last() {
        let implied = *last == PatternSegment::AnyDepth || (fixed && is_any(last) && pattern.len() <= 3);
        if !implied {
            break;
        }
        pattern = front;
    }
    pattern
}

fn contains_name(pattern: &NamePattern, name: &NamePattern) -> bool {
    match name.literal() {
        Some(literal) => pattern.matches(literal),
        None => pattern == name || pattern.as_str() == "*",
    }
}

/// Whether every path that `path` covers is covered by `pattern`, as far as their shapes show.
fn contains_path(pattern: &[PatternSegment], path: &[PatternSegment]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return true;
    };
    if *first == PatternSegment::AnyDepth && contains_path(rest, path) {
        return true;
    }
    let Some((segment, below)) = path.split_first() else {
        return false;
    };
    match first {
        PatternSegment::AnyDepth => contains_path(pattern, below),
        PatternSegment::Literal(_) => first == segment && contains_path(rest, below),
        PatternSegment::Wildcard(wildcard) => {
            let wider = match segment {
                PatternSegment::Literal(literal) => wildcard.matches(literal),
                PatternSegment::Wildcard(_) => first == segment || is_any(first),
                PatternSegment::AnyDepth => false,
            };
            wider && contains_path(rest, below)
        }
    }
}
