//! Rules compiled for deciding: grouped by who they're about, each group a tree of path patterns.

use std::collections::HashMap;

use super::delivery::Deliveries;
use super::parse::File;
use super::rule::Rule;
use super::trie::{Builder, End, Trie};
use super::wildcards::Wildcards;
use crate::model::NamePattern;

/// The rules of a policy and how to find those that matter.
#[derive(Debug)]
pub(super) struct Compiled {
    rules: Vec<Rule>,
    deliveries: Deliveries,
    groups: Vec<Group>,
    /// Groups of principals named in full.
    named: HashMap<Box<str>, usize>,
    /// Groups of principals named by a pattern.
    patterns: Wildcards<NamePattern>,
}

/// The rules that name one principal, or one pattern of principals.
#[derive(Debug)]
pub(super) struct Group {
    /// Positions in the policy.
    pub(super) rules: Vec<usize>,
    /// What they cover.
    pub(super) paths: Trie,
}

impl Compiled {
    pub(super) fn new(File { rules, deliveries }: File) -> Self {
        let mut numbers: HashMap<NamePattern, usize> = HashMap::new();
        let mut saplings: Vec<(Vec<usize>, Builder)> = Vec::new();
        for (position, rule) in rules.iter().enumerate() {
            let end = End { rule: position, actions: rule.actions };
            for principal in &rule.principals {
                let next = saplings.len();
                let number = *numbers.entry(principal.clone()).or_insert(next);
                if number == next {
                    saplings.push((Vec::new(), Builder::new()));
                }
                if let Some((members, paths)) = saplings.get_mut(number) {
                    members.push(position);
                    rule.paths.iter().for_each(|pattern| paths.insert(pattern, end));
                }
            }
        }
        let groups = saplings.into_iter().map(|(rules, paths)| Group { rules, paths: paths.build() }).collect();
        let (named, patterns): (Vec<_>, Vec<_>) =
            numbers.into_iter().partition(|(pattern, _)| pattern.literal().is_some());
        let named = named.into_iter().map(|(pattern, number)| (pattern.as_str().into(), number)).collect();
        Self { rules, deliveries, groups, named, patterns: Wildcards::new(patterns) }
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(super) fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    pub(super) fn rule(&self, position: usize) -> Option<&Rule> {
        self.rules.get(position)
    }

    /// Calls `visit` with each group of rules about a principal, perhaps more than once.
    pub(super) fn each_group<'c>(&'c self, name: &str, mut visit: impl FnMut(&'c Group)) {
        let named = self.named.get(name).and_then(|&number| self.groups.get(number));
        named.into_iter().for_each(&mut visit);
        self.patterns.each(name, |number| self.groups.get(number).into_iter().for_each(&mut visit));
    }
}
