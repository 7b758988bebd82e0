//! What was done, what came of it, and what's wrong.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::mix::Deed;
use super::watch::Seen;
use super::world::lock;

/// How many findings are told in full.
const TOLD: usize = 20;

/// Counts that all workers share.
#[derive(Default)]
pub(super) struct Tally {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    names: AtomicUsize,
    values: AtomicUsize,
    encoded: AtomicUsize,
    findings: AtomicUsize,
    told: Mutex<Vec<String>>,
    outcomes: Mutex<BTreeMap<Deed, BTreeMap<String, usize>>>,
}

impl Tally {
    /// Bytes came to somebody and were searched.
    pub(super) fn received(&self, deed: Deed, bytes: usize, seen: &Seen) {
        add(&self.requests, 1);
        add(&self.bytes, bytes);
        add(&self.names, seen.names);
        add(&self.values, seen.values);
        add(&self.encoded, seen.encoded);
        for foreign in &seen.foreign {
            self.finding(format!("{deed:?}: {foreign} came to somebody else"));
        }
    }

    /// Something was done, and this came of it.
    pub(super) fn outcome(&self, deed: Deed, outcome: &str) {
        let mut outcomes = lock(&self.outcomes);
        let count = outcomes.entry(deed).or_default().entry(outcome.to_owned()).or_default();
        *count = count.saturating_add(1);
        drop(outcomes);
        if !deed.may_end_in(outcome) {
            self.finding(format!("{deed:?} ended in {outcome}"));
        }
    }

    pub(super) fn finding(&self, what: String) {
        add(&self.findings, 1);
        let mut told = lock(&self.told);
        if told.len() < TOLD {
            told.push(what);
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn findings(&self) -> usize {
        self.findings.load(Ordering::Relaxed)
    }

    pub(super) fn first_findings(&self) -> Vec<String> {
        lock(&self.told).clone()
    }

    /// A soak in which something never happened shows nothing about it.
    pub(super) fn check_mix(&self) {
        let outcomes = lock(&self.outcomes).clone();
        for (deed, needed) in
            Deed::ALL.iter().flat_map(|deed| deed.must_have_seen().iter().map(move |needed| (deed, needed)))
        {
            if !outcomes.get(deed).is_some_and(|outcomes| outcomes.contains_key(*needed)) {
                self.finding(format!("{deed:?} never ended in {needed}"));
            }
        }
        for (what, count) in [("names", &self.names), ("values", &self.values), ("encoded names", &self.encoded)] {
            if count.load(Ordering::Relaxed) == 0 {
                self.finding(format!("nobody saw any own {what}"));
            }
        }
    }

    pub(super) fn report(&self) -> Value {
        let outcomes = lock(&self.outcomes).clone();
        let outcomes: BTreeMap<_, _> =
            outcomes.into_iter().map(|(deed, counts)| (format!("{deed:?}"), counts)).collect();
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        json!({
            "bytes": count(&self.bytes), "own_names": count(&self.names), "own_values": count(&self.values),
            "own_encoded": count(&self.encoded), "outcomes": outcomes,
        })
    }
}

fn add(to: &AtomicUsize, count: usize) {
    to.fetch_add(count, Ordering::Relaxed);
}
