//! What the log has counted, and how it stands.

use std::time::{Duration, Instant};

use super::error::AuditError;
use crate::model::{Count, Gauge, LastTry, Standing, Times, Timings, UnderWay};

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// From a record in memory to one that waits as long as a record may for a locked file.
const BOUNDS: &[Duration] = &[
    micros(5),
    micros(10),
    micros(25),
    micros(50),
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
    micros(1_000_000),
    micros(2_500_000),
];

/// How the log has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Records that were written, and how long each took from being asked for to being written.
    pub appends: Times,
    /// Records that couldn't be written.
    pub failures: u64,
    /// Records that are being written or wait for it.
    pub under_way: u64,
}

/// Where the log counts.
#[derive(Debug)]
pub(super) struct Counted {
    appends: Timings,
    failures: Count,
    under_way: Gauge,
    last: LastTry,
}

/// A record on its way.
#[derive(Debug)]
pub(super) struct Appending<'a> {
    counted: &'a Counted,
    since: Instant,
    _under_way: UnderWay<'a>,
}

impl Counted {
    pub(super) fn new() -> Self {
        let appends = Timings::new(BOUNDS);
        Self { appends, failures: Count::default(), under_way: Gauge::default(), last: LastTry::new() }
    }

    /// Begins a record. One that's dropped, because nobody waits for it any more, was neither
    /// written nor refused.
    pub(super) fn begin(&self) -> Appending<'_> {
        Appending { counted: self, since: Instant::now(), _under_way: self.under_way.begin() }
    }

    /// How the last record did.
    pub(super) fn standing(&self) -> Standing {
        self.last.standing()
    }

    pub(super) fn read(&self) -> Figures {
        Figures { appends: self.appends.read(), failures: self.failures.read(), under_way: self.under_way.read() }
    }
}

impl Appending<'_> {
    /// Counts the record by what became of it, and passes that on.
    pub(super) fn end<T>(self, done: Result<T, AuditError>) -> Result<T, AuditError> {
        match &done {
            Ok(_) => {
                self.counted.appends.record(self.since.elapsed());
                self.counted.last.worked();
            }
            Err(error) => {
                self.counted.failures.one();
                // That one record is too long says nothing about the next.
                if *error != AuditError::TooLong {
                    self.counted.last.failed();
                }
            }
        }
        done
    }
}
