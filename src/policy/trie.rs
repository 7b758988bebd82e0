//! Path patterns as a tree of segments: a lookup costs what the path is deep, not how many rules there are.

use std::collections::HashMap;

use super::actions::ActionSet;
use super::wildcards::Wildcards;
use crate::model::{PathPattern, PatternSegment, Wildcard};

/// The root's number.
const ROOT: usize = 0;

/// A path's segments in the matching form. A secret's path has at most four.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segments<'a> {
    all: [&'a str; 4],
    count: usize,
}

/// The patterns of one group of rules.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    wildcards: Wildcards<Wildcard>,
    /// The node behind `**`.
    any_depth: Option<usize>,
    /// The rules of which a pattern ends here.
    ends: Vec<End>,
}

/// The end of one rule's pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// The rule's position in its policy.
    pub(super) rule: usize,
    /// The rule's actions, here so that other rules need not be looked at.
    pub(super) actions: ActionSet,
}

/// A tree under construction.
#[derive(Debug)]
pub(super) struct Builder {
    nodes: Vec<Sapling>,
}

#[derive(Debug, Default)]
struct Sapling {
    literals: HashMap<Box<str>, usize>,
    wildcards: HashMap<Wildcard, usize>,
    any_depth: Option<usize>,
    ends: Vec<End>,
}

impl<'a> Segments<'a> {
    pub(super) fn of(matching: &'a str) -> Self {
        let mut all = [""; 4];
        let mut count = 0;
        for (place, segment) in all.iter_mut().zip(matching.split('/')) {
            *place = segment;
            count += 1;
        }
        Self { all, count }
    }

    fn as_slice(&self) -> &[&'a str] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

impl Trie {
    /// Calls `visit` for each pattern that covers the path, perhaps more than once.
    pub(super) fn each(&self, path: &Segments<'_>, visit: &mut impl FnMut(End)) {
        self.walk(ROOT, path.as_slice(), false, visit);
    }

    /// `below` says whether a segment was consumed on the way here: a pattern must match the path
    /// or an ancestor, and an ancestor has at least one segment.
    fn walk(&self, number: usize, rest: &[&str], below: bool, visit: &mut impl FnMut(End)) {
        let Some(node) = self.nodes.get(number) else {
            return;
        };
        if below {
            node.ends.iter().copied().for_each(&mut *visit);
        }
        if let Some((segment, rest)) = rest.split_first() {
            if let Some(&child) = node.literals.get(*segment) {
                self.walk(child, rest, true, visit);
            }
            node.wildcards.each(segment, |child| self.walk(child, rest, true, visit));
        }
        if let Some(child) = node.any_depth {
            for skipped in 0..=rest.len() {
                self.walk(child, rest.get(skipped..).unwrap_or_default(), below || skipped > 0, visit);
            }
        }
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Sapling::default()] }
    }

    /// Adds one rule's pattern.
    pub(super) fn insert(&mut self, pattern: &PathPattern, end: End) {
        let mut at = ROOT;
        let mut before = None;
        for segment in pattern.segments() {
            // `**/**` is `**`; walked twice it would only cost time.
            if *segment == PatternSegment::AnyDepth && before == Some(segment) {
                continue;
            }
            before = Some(segment);
            at = self.child(at, segment);
        }
        if let Some(node) = self.nodes.get_mut(at)
            && node.ends.last().is_none_or(|last| last.rule != end.rule)
        {
            node.ends.push(end);
        }
    }

    fn child(&mut self, at: usize, segment: &PatternSegment) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let child = match segment {
            PatternSegment::Literal(literal) => *node.literals.entry(literal.clone()).or_insert(next),
            PatternSegment::Wildcard(wildcard) => *node.wildcards.entry(wildcard.clone()).or_insert(next),
            PatternSegment::AnyDepth => *node.any_depth.get_or_insert(next),
        };
        if child == next {
            self.nodes.push(Sapling::default());
        }
        child
    }

    pub(super) fn build(self) -> Trie {
        let grow = |sapling: Sapling| Node {
            literals: sapling.literals,
            wildcards: Wildcards::new(sapling.wildcards),
            any_depth: sapling.any_depth,
            ends: sapling.ends,
        };
        Trie { nodes: self.nodes.into_iter().map(grow).collect() }
    }
}
