//! What the cache keeps, and for how long. Knows no clock: the time comes in.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::custody::error::SourceError;
use crate::custody::seal::Sealed;
use crate::model::{Place, SecretPath};

/// The longest an entry is kept, whatever the settings: a point in time further off may not exist.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// How far eviction looks before it takes the entry that ends first, used or not.
const EVICTION_STEPS: usize = 64;

/// A sealed value with what's known of it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) sealed: Sealed,
    pub(super) version: u64,
    pub(super) path: SecretPath,
}

/// What the source said.
#[derive(Debug)]
pub(super) enum Content {
    /// There's no such thing.
    Missing(SourceError),
    /// The value.
    Value(Arc<Record>),
}

/// Entries by place, bounded in number and time.
#[derive(Debug)]
pub(super) struct Shelf {
    entries: HashMap<Place, Entry>,
    /// The same entries by the end of their time, the earliest first; the number tells apart those
    /// that end together.
    ends: BTreeMap<(Instant, u64), Place>,
    most: usize,
    placed: u64,
    evicted: u64,
}

#[derive(Debug)]
struct Entry {
    content: Content,
    /// When the source was asked, so an age is never told too short.
    asked: Instant,
    fresh_for: Duration,
    generation: Option<u64>,
    /// Its key in `ends`.
    end: (Instant, u64),
    /// Asked for since eviction last came by.
    used: bool,
}

impl Shelf {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), ends: BTreeMap::new(), most, placed: 0, evicted: 0 }
    }

    /// Puts a content in its place, for its time; tells whether its end is now the earliest.
    pub(super) fn put(
        &mut self,
        place: &Place,
        generation: Option<u64>,
        content: Content,
        asked: Instant,
        fresh_for: Duration,
        kept_for: Duration,
    ) -> bool {
        self.remove(place);
        if self.most == 0 {
            return false;
        }
        while self.entries.len() >= self.most {
            self.evict();
            self.evicted = self.evicted.wrapping_add(1);
        }
        let end = (asked + kept_for.min(LONGEST), self.placed);
        self.placed = self.placed.wrapping_add(1);
        self.ends.insert(end, place.clone());
        self.entries.insert(place.clone(), Entry { content, asked, fresh_for, generation, end, used: false });
        self.ends.first_key_value().is_some_and(|(first, _)| *first == end)
    }

    /// What answers for a place without its source.
    pub(super) fn fresh(&mut self, place: &Place, generation: Option<u64>, now: Instant) -> Option<&Content> {
        let entry = self.entries.get_mut(place)?;
        let fresh = entry.generation == generation && now.saturating_duration_since(entry.asked) < entry.fresh_for;
        fresh.then(|| {
            entry.used = true;
            &entry.content
        })
    }

    /// What answers for a place while its source can't, with its age.
    pub(super) fn kept(&self, place: &Place, now: Instant) -> Option<(Arc<Record>, Duration)> {
        let entry = self.entries.get(place).filter(|entry| now < entry.end.0)?;
        match &entry.content {
            Content::Missing(_) => None,
            Content::Value(record) => Some((Arc::clone(record), now.saturating_duration_since(entry.asked))),
        }
    }

    /// Drops every entry whose time is over; gives the next end.
    pub(super) fn remove_due(&mut self, now: Instant) -> Option<Instant> {
        while let Some(first) = self.ends.first_entry() {
            let (end, _) = *first.key();
            if end > now {
                return Some(end);
            }
            self.entries.remove(&first.remove());
        }
        None
    }

    /// Drops one entry.
    pub(super) fn remove(&mut self, place: &Place) {
        if let Some(entry) = self.entries.remove(place) {
            self.ends.remove(&entry.end);
        }
    }

    /// Drops every entry that matches.
    pub(super) fn remove_where(&mut self, matches: impl Fn(&Place) -> bool) {
        self.entries.retain(|place, _| !matches(place));
        self.ends.retain(|_, place| !matches(place));
    }

    /// Whether a value is kept for a place.
    pub(super) fn holds_value(&self, place: &Place) -> bool {
        self.entries.get(place).is_some_and(|entry| matches!(entry.content, Content::Value(_)))
    }

    /// How many entries there are.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// How many had to make room for others.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How many values are kept.
    pub(super) fn values(&self) -> usize {
        self.entries.values().filter(|entry| matches!(entry.content, Content::Value(_))).count()
    }

    /// Drops the entry that ends first among those not asked for since the last time, or the very
    /// first. Each step past an entry takes back a use of it, so steps are paid for by uses, and no
    /// one eviction takes many.
    fn evict(&mut self) {
        let mut victim = None;
        for (end, place) in self.ends.iter().take(EVICTION_STEPS) {
            match self.entries.get_mut(place) {
                Some(entry) if entry.used => entry.used = false,
                _ => {
                    victim = Some((*end, place.clone()));
                    break;
                }
            }
        }
        let victim = victim.or_else(|| self.ends.first_key_value().map(|(end, place)| (*end, place.clone())));
        let Some((end, place)) = victim else {
            // Without ends there are no entries either; were that untrue, this keeps the bound.
            self.entries.clear();
            return;
        };
        self.ends.remove(&end);
        self.entries.remove(&place);
    }
}
