//! Finds which of many `*` patterns match a text without trying each.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::model::{NamePattern, Wildcard};

/// Up to this many patterns are tried one by one: that's quicker than hashing.
const FEW: usize = 8;

/// A pattern over one text in which only `*` is special.
pub(super) trait Star {
    /// The literal pieces; between each two of them stands a `*`.
    fn pieces(&self) -> Vec<&str>;
    /// Whether the text matches.
    fn matches(&self, text: &str) -> bool;
}

impl Star for Wildcard {
    fn pieces(&self) -> Vec<&str> {
        self.pieces().iter().map(|piece| &**piece).collect()
    }

    fn matches(&self, text: &str) -> bool {
        Self::matches(self, text)
    }
}

impl Star for NamePattern {
    fn pieces(&self) -> Vec<&str> {
        self.as_str().split('*').collect()
    }

    fn matches(&self, text: &str) -> bool {
        Self::matches(self, text)
    }
}

/// Patterns, each leading to a number.
///
/// The index only picks whom to ask: every answer is the pattern's own, so a mistake here could
/// make it slow or, at worst, miss a pattern, and never match one that doesn't.
#[derive(Debug)]
pub(super) struct Wildcards<P> {
    entries: Vec<(P, usize)>,
    /// Boxed, because most sets have none.
    index: Option<Box<Index>>,
}

/// Where to look for the patterns that might match a text; the lists hold positions in `entries`.
#[derive(Debug, Default)]
struct Index {
    /// By what they begin and end with; patterns with neither but with something between are below.
    ends: HashMap<u64, Vec<usize>>,
    /// The lengths of beginning and end for which there are patterns.
    end_lengths: Vec<(usize, usize)>,
    /// By their longest inner piece.
    middles: HashMap<Box<str>, Vec<usize>>,
    /// The lengths of inner pieces for which there are patterns.
    middle_lengths: Vec<usize>,
    hasher: RandomState,
}

impl<P: Star> Wildcards<P> {
    pub(super) fn new(entries: impl IntoIterator<Item = (P, usize)>) -> Self {
        let entries: Vec<(P, usize)> = entries.into_iter().collect();
        let index = (entries.len() > FEW).then(|| Box::new(Index::new(&entries)));
        Self { entries, index }
    }

    /// Calls `visit` with the number of each pattern that matches, perhaps more than once.
    pub(super) fn each(&self, text: &str, mut visit: impl FnMut(usize)) {
        let mut ask = |(pattern, number): &(P, usize)| {
            if pattern.matches(text) {
                visit(*number);
            }
        };
        match &self.index {
            None => self.entries.iter().for_each(ask),
            Some(index) => {
                index.candidates(text, |position| self.entries.get(position).into_iter().for_each(&mut ask));
            }
        }
    }
}

impl Index {
    fn new<P: Star>(entries: &[(P, usize)]) -> Self {
        let mut index = Self::default();
        for (position, (pattern, _)) in entries.iter().enumerate() {
            let pieces = pattern.pieces();
            let first = pieces.first().copied().unwrap_or_default();
            let last = if pieces.len() > 1 { pieces.last().copied().unwrap_or_default() } else { "" };
            let inner = pieces.iter().skip(1).rev().skip(1).max_by_key(|piece| piece.len());
            let inner = inner.filter(|inner| !inner.is_empty() && first.is_empty() && last.is_empty());
            if let Some(inner) = inner {
                index.middles.entry((*inner).into()).or_default().push(position);
                index.middle_lengths.push(inner.len());
            } else {
                let key = index.hasher.hash_one((first, last));
                index.ends.entry(key).or_default().push(position);
                index.end_lengths.push((first.len(), last.len()));
            }
        }
        index.end_lengths.sort_unstable();
        index.end_lengths.dedup();
        index.middle_lengths.sort_unstable();
        index.middle_lengths.dedup();
        index
    }

    fn candidates(&self, text: &str, mut visit: impl FnMut(usize)) {
        for &(first, last) in &self.end_lengths {
            let ends = text.get(..first).zip(text.len().checked_sub(last).and_then(|start| text.get(start..)));
            if let Some((first, last)) = ends
                && first.len() + last.len() <= text.len()
                && let Some(positions) = self.ends.get(&self.hasher.hash_one((first, last)))
            {
                positions.iter().copied().for_each(&mut visit);
            }
        }
        for &length in &self.middle_lengths {
            let windows = (0..=text.len().saturating_sub(length)).filter_map(|start| text.get(start..start + length));
            for positions in windows.filter_map(|window| self.middles.get(window)) {
                positions.iter().copied().for_each(&mut visit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_index_finds_what_asking_each_finds(
            patterns in proptest::collection::vec("[abé*]{1,6}", 9..40),
            texts in proptest::collection::vec("[abé]{1,8}", 1..10),
        ) {
            let patterns: Vec<NamePattern> = patterns.iter().map(|text| NamePattern::parse(text).unwrap()).collect();
            let set = Wildcards::new(patterns.iter().cloned().enumerate().map(|(number, pattern)| (pattern, number)));
            prop_assert!(set.index.is_some());
            for text in &texts {
                let asked: BTreeSet<usize> =
                    patterns.iter().enumerate().filter(|(_, p)| p.matches(text)).map(|(number, _)| number).collect();
                let mut found = BTreeSet::new();
                set.each(text, |number| { found.insert(number); });
                prop_assert_eq!(found, asked, "{} in {:?}", text, &patterns);
            }
        }
    }
}
