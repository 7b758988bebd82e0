//! What's counted of HTTP, where it happens.

use std::time::Duration;

use super::words::{Method, Outcome, Refusal, Route};
use crate::model::{Closed, Counts, Times, Timings};

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// From an answer out of the cache to one that a person was waited for.
const BOUNDS: &[Duration] = &[
    micros(100),
    micros(250),
    micros(500),
    micros(1_000),
    micros(2_500),
    micros(5_000),
    micros(10_000),
    micros(25_000),
    micros(50_000),
    micros(100_000),
    micros(250_000),
    micros(500_000),
    micros(1_000_000),
    micros(2_500_000),
    micros(5_000_000),
    micros(10_000_000),
    micros(30_000_000),
];

type Asked = (Route, Method);

/// Where HTTP is counted. Counting is a few additions and waits for nobody.
#[derive(Debug)]
pub struct HttpMetrics {
    requests: Counts<(Asked, Outcome)>,
    took: Vec<Timings>,
    refusals: Counts<Refusal>,
}

impl HttpMetrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let took = Asked::all().map(|_| Timings::new(BOUNDS)).collect();
        Self { requests: Counts::new(), took, refusals: Counts::new() }
    }

    /// Counts a request that has come to its end.
    pub fn answered(&self, route: Route, method: Method, outcome: Outcome, took: Duration) {
        let asked = (route, method);
        self.requests.one((asked, outcome));
        if let Some(timings) = self.took.get(asked.index()) {
            timings.record(took);
        }
    }

    /// Counts why something was turned away; a request that was is counted as answered, too.
    pub fn refused(&self, why: Refusal) {
        self.refusals.one(why);
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = ((Asked, Outcome), u64)> {
        // Most of what could be asked together never is.
        self.requests.read().into_iter().filter(|(_, count)| *count > 0)
    }

    pub(super) fn took(&self) -> impl Iterator<Item = (Asked, Times)> {
        Asked::all()
            .zip(&self.took)
            .map(|(asked, timings)| (asked, timings.read()))
            .filter(|(_, took)| took.count() > 0)
    }

    pub(super) fn refusals(&self) -> Vec<(Refusal, u64)> {
        self.refusals.read()
    }
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new()
    }
}
