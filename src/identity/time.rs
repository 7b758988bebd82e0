//! The time by which tokens live and end.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

use crate::model::Clock;

/// How far the clocks of two honest machines may be apart, in seconds.
const LEEWAY: i64 = 5;

/// Tells the time, and never lets a clock that's set back give an ended token new life.
#[derive(Debug)]
pub(super) struct Times {
    clock: Clock,
    start: Instant,
    /// The furthest the clock was ever ahead of the time since the start, in milliseconds.
    furthest: AtomicI64,
}

/// One moment, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// As the clock shows it.
    shown: i64,
    /// At least that, and at least what the clock showed at any time before and what has passed since.
    latest: i64,
}

/// When a token may be used, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// Not before this.
    pub(super) from: i64,
    /// Not from this on.
    pub(super) until: i64,
}

/// Where a moment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    Within,
    After,
}

impl Times {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, start: Instant::now(), furthest: AtomicI64::new(i64::MIN) }
    }

    /// The time, unless the clock can't be read or shows one before 1970.
    pub(super) fn now(&self) -> Option<Now> {
        let shown = self.clock.now()?.as_millisecond();
        if shown < 0 {
            return None;
        }
        let passed = i64::try_from(self.start.elapsed().as_millis()).ok()?;
        let ahead = shown.saturating_sub(passed);
        let furthest = self.furthest.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        Some(Now { shown, latest: furthest.saturating_add(passed) })
    }
}

impl Now {
    /// Whether the moment lies in a life, with leeway on both sides.
    ///
    /// What begins is judged by the clock, what ends by the latest time it ever meant: a clock that's
    /// wrong makes lives shorter, never longer.
    pub(super) fn phase(self, life: Life) -> Phase {
        if self.latest >= millis(life.until.saturating_add(LEEWAY)) {
            Phase::After
        } else if self.shown < millis(life.from.saturating_sub(LEEWAY)) {
            Phase::Before
        } else {
            Phase::Within
        }
    }

    /// Whether an exact moment, in milliseconds since 1970, is over.
    pub(super) fn is_past(self, moment: i64) -> bool {
        self.latest >= moment
    }
}

fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;

    const LIFE: Life = Life { from: 1_000_000, until: 1_003_600 };

    fn at(second: i64) -> Clock {
        Clock::fixed(Some(Timestamp::from_second(second).unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_life_begins_and_ends_within_the_leeway() {
        for (second, phase) in [
            (0, Phase::Before),
            (999_994, Phase::Before),
            (999_995, Phase::Within),
            (1_003_604, Phase::Within),
            (1_003_605, Phase::After),
            (253_402_207_200, Phase::After),
        ] {
            assert_eq!(Times::new(at(second)).now().unwrap().phase(LIFE), phase, "{second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_stands_still_ends_lives_all_the_same() {
        let times = Times::new(at(1_000_000));
        assert_eq!(times.now().unwrap().phase(LIFE), Phase::Within);
        tokio::time::advance(Duration::from_secs(3604)).await;
        assert_eq!(times.now().unwrap().phase(LIFE), Phase::Within);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(times.now().unwrap().phase(LIFE), Phase::After);
    }

    #[test]
    fn no_time_is_told_by_a_clock_that_is_unreadable_or_before_1970() {
        assert!(Times::new(Clock::fixed(None)).now().is_none());
        assert!(Times::new(at(-1)).now().is_none());
        assert!(Times::new(at(0)).now().is_some());
    }
}
