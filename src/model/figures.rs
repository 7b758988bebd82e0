//! Figures: how often and how long. Counting is one or two additions that wait for nobody, since it
//! stands in the way of every request; adding up is left to whoever reads.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::closed::Closed;

/// How often something happened.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// How often something happened, for each key of a closed set.
#[derive(Debug)]
pub struct Counts<K> {
    cells: Box<[AtomicU64]>,
    of: PhantomData<fn(K)>,
}

/// How many of something are under way.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

/// One that's under way, until it's dropped.
#[derive(Debug)]
#[must_use = "what's dropped at once was never under way"]
pub struct UnderWay<'a>(&'a AtomicU64);

/// How long something took, each time.
#[derive(Debug)]
pub struct Timings {
    bounds: &'static [Duration],
    /// One for each bound, and one for what took longer.
    cells: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

/// What [`Timings`] had counted at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    bounds: &'static [Duration],
    counts: Vec<u64>,
    sum: Duration,
}

impl Count {
    /// Counts one.
    pub fn one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<K: Closed> Counts<K> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self { cells: cells(K::COUNT), of: PhantomData }
    }

    /// Counts one.
    pub fn one(&self, of: K) {
        if let Some(cell) = self.cells.get(of.index()) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were of each.
    #[must_use]
    pub fn read(&self) -> Vec<(K, u64)> {
        K::all().zip(&self.cells).map(|(key, cell)| (key, cell.load(Ordering::Relaxed))).collect()
    }
}

impl<K: Closed> Default for Counts<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl Gauge {
    /// Begins one.
    pub fn begin(&self) -> UnderWay<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.0)
    }

    /// How many are under way.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Timings {
    /// Nothing timed yet. The bounds rise.
    #[must_use]
    pub fn new(bounds: &'static [Duration]) -> Self {
        Self { bounds, cells: cells(bounds.len() + 1), nanoseconds: AtomicU64::new(0) }
    }

    /// Counts one that took so long.
    pub fn record(&self, took: Duration) {
        let place = self.bounds.iter().position(|bound| took <= *bound).unwrap_or(self.bounds.len());
        if let Some(cell) = self.cells.get(place) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Times {
        Times {
            bounds: self.bounds,
            counts: self.cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect(),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

impl Times {
    /// None yet.
    #[must_use]
    pub fn none(bounds: &'static [Duration]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: Duration::ZERO }
    }

    /// How many there were up to each bound and above the one before; the last, without a bound, are the rest.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        self.bounds.iter().copied().map(Some).chain([None]).zip(self.counts.iter().copied())
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().copied().fold(0, u64::wrapping_add)
    }

    /// How long all of them took together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Takes in others of the same bounds.
    pub fn add(&mut self, others: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&others.counts) {
            *count = count.wrapping_add(*more);
        }
        self.sum = self.sum.saturating_add(others.sum);
    }
}

fn cells(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Decided};

    const BOUNDS: &[Duration] = &[Duration::from_millis(1), Duration::from_millis(10)];

    #[test]
    fn each_key_is_counted_by_itself() {
        let counts = Counts::<(Action, Decided)>::new();
        counts.one((Action::Read, Decided::Denied));
        counts.one((Action::Read, Decided::Denied));
        counts.one((Action::Delete, Decided::Failed));
        let counted: Vec<_> = counts.read().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [((Action::Read, Decided::Denied), 2), ((Action::Delete, Decided::Failed), 1)]);
        assert_eq!(counts.read().len(), 42);
    }

    #[test]
    fn a_bound_belongs_to_what_is_below_it() {
        let timings = Timings::new(BOUNDS);
        for micros in [0, 1_000, 1_001, 10_000, 10_001] {
            timings.record(Duration::from_micros(micros));
        }
        let mut times = timings.read();
        let bounds = [Some(BOUNDS[0]), Some(BOUNDS[1]), None];
        assert_eq!(times.buckets().collect::<Vec<_>>(), bounds.into_iter().zip([2, 2, 1]).collect::<Vec<_>>());
        assert_eq!((times.count(), times.sum()), (5, Duration::from_micros(22_002)));
        times.add(&timings.read());
        assert_eq!((times.count(), times.sum()), (10, Duration::from_micros(44_004)));
        assert_eq!(Times::none(BOUNDS).count(), 0);
    }

    #[test]
    fn what_is_dropped_is_under_way_no_more() {
        let gauge = Gauge::default();
        let (one, two) = (gauge.begin(), gauge.begin());
        assert_eq!(gauge.read(), 2);
        drop(one);
        assert_eq!(gauge.read(), 1);
        drop(two);
        assert_eq!(gauge.read(), 0);
    }
}
