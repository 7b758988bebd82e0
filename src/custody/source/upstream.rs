//! How often a source was asked, how long that took, and how it stands by what it last said.

use std::time::{Duration, Instant};

use crate::model::{Answered, Counts, LastTry, Standing, Times, Timings};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// From a server next door to a program that waits for a person.
pub(in crate::custody) const BOUNDS: &[Duration] = &[
    millis(1),
    millis(2),
    millis(5),
    millis(10),
    millis(25),
    millis(50),
    millis(100),
    millis(250),
    millis(500),
    millis(1_000),
    millis(2_500),
    millis(5_000),
    millis(10_000),
    millis(30_000),
    millis(120_000),
];

/// What's counted of one source: each opening of a vault file, each request to a Connect server or
/// several that belong together, each run of `op`.
#[derive(Debug)]
pub(super) struct Upstream {
    answered: Counts<Answered>,
    took: Timings,
    last: LastTry,
}

/// What was counted of a source.
#[derive(Debug)]
pub(in crate::custody) struct UpstreamFigures {
    /// How often it was asked, by what came of it.
    pub(in crate::custody) answered: Vec<(Answered, u64)>,
    /// How long that took. What was withheld took no time and isn't in it.
    pub(in crate::custody) took: Times,
}

impl Upstream {
    pub(super) fn new() -> Self {
        Self { answered: Counts::new(), took: Timings::new(BOUNDS), last: LastTry::new() }
    }

    /// Waits for an answer and counts it. One that nobody waits for any more isn't counted.
    pub(super) async fn count<T, E>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
        class: impl FnOnce(&E) -> Answered,
    ) -> Result<T, E> {
        let since = Instant::now();
        let answer = asking.await;
        let answered = answer.as_ref().map_or_else(class, |_| Answered::Ok);
        self.took.record(since.elapsed());
        self.answered.one(answered);
        if answered.is_outage() {
            self.last.failed();
        } else {
            self.last.worked();
        }
        answer
    }

    /// Counts a request that couldn't be paid for and so wasn't made.
    pub(super) fn withheld(&self) {
        self.answered.one(Answered::Withheld);
    }

    /// How the source stands, by its last answer.
    pub(super) fn standing(&self) -> Standing {
        self.last.standing()
    }

    pub(super) fn read(&self) -> UpstreamFigures {
        UpstreamFigures { answered: self.answered.read(), took: self.took.read() }
    }
}
