//! What was spent within the last hour or day, and by whom.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// More askers than this in one part of a window are counted as one.
const ASKERS: usize = 64;
const OTHERS: &str = "";

/// How long a window is, and how finely it slides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    span: i64,
    step: i64,
}

/// An hour, in parts of five minutes.
pub(super) const HOUR: Length = Length { span: 3_600, step: 300 };
/// A day, in parts of an hour.
pub(super) const DAY: Length = Length { span: 86_400, step: 3_600 };

/// What was spent within a time that ends now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Window(Vec<Part>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    /// When it began, in seconds since 1970.
    from: i64,
    by: BTreeMap<String, u32>,
}

impl Window {
    /// Forgets what's over, and takes what lies in the future for what's spent now.
    pub(super) fn tidy(&mut self, length: Length, now: i64) {
        let this = length.part(now);
        let parts = std::mem::take(&mut self.0);
        for part in parts.into_iter().filter(|part| part.from.saturating_add(length.step + length.span) > now) {
            for (asker, used) in part.by {
                self.add(part.from.min(this), &asker, used);
            }
        }
        self.0.sort_by_key(|part| part.from);
    }

    /// Counts what an asker spends now.
    pub(super) fn count(&mut self, length: Length, now: i64, asker: &str, cost: u32) {
        if cost > 0 {
            self.add(length.part(now), asker, cost);
        }
    }

    /// Takes back what an asker spent last.
    pub(super) fn uncount(&mut self, asker: &str, cost: u32) {
        let mut left = cost;
        for part in self.0.iter_mut().rev() {
            if let Some(used) = part.by.get_mut(asker) {
                let back = left.min(*used);
                *used -= back;
                left -= back;
            }
            part.by.retain(|_, used| *used > 0);
        }
        self.0.retain(|part| !part.by.is_empty());
    }

    /// All that was spent.
    pub(super) fn used(&self) -> u32 {
        self.0.iter().map(Part::used).fold(0, u32::saturating_add)
    }

    /// How long an asker has to wait until it can spend so much more; nothing if it can now.
    pub(super) fn wait(&self, length: Length, now: i64, limit: u32, asker: &str, cost: u32) -> Option<Duration> {
        let mine = self.0.iter().filter_map(|part| part.by.get(asker)).copied().fold(0, u32::saturating_add);
        let is_modest = mine < (limit / 20).max(1);
        let ceiling = if is_modest { limit } else { limit - limit / 5 };
        let mut used = self.used();
        let fits = |used: u32| used.saturating_add(cost) <= ceiling;
        if cost == 0 || fits(used) {
            return None;
        }
        for part in &self.0 {
            used = used.saturating_sub(part.used());
            if fits(used) {
                let until = part.from.saturating_add(length.step + length.span);
                return Some(seconds(until.saturating_sub(now)));
            }
        }
        // More than the whole limit allows: waiting doesn't help, yet it's all there is to say.
        Some(seconds(length.span))
    }

    fn add(&mut self, from: i64, asker: &str, cost: u32) {
        if !self.0.iter().any(|part| part.from == from) {
            self.0.push(Part { from, by: BTreeMap::new() });
        }
        if let Some(part) = self.0.iter_mut().find(|part| part.from == from) {
            let known = part.by.len() < ASKERS || part.by.contains_key(asker);
            let used = part.by.entry(if known { asker } else { OTHERS }.to_owned()).or_default();
            *used = used.saturating_add(cost);
        }
    }
}

impl Part {
    fn used(&self) -> u32 {
        self.by.values().copied().fold(0, u32::saturating_add)
    }
}

impl Length {
    fn part(self, now: i64) -> i64 {
        now - now.rem_euclid(self.step)
    }
}

fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0).max(1))
}
