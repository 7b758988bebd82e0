//! How a part of the program stands, by what's known of it without asking anybody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::closed::closed;

closed! {
    /// How a part of the program stands, the best first.
    Standing {
        /// It works, as far as is known.
        Ok = "ok",
        /// It works in part, or may work again.
        Degraded = "degraded",
        /// It doesn't work.
        Down = "down",
    }
}

/// For how long a failure speaks for the present. Then it's time that somebody tries again: were it
/// to speak for longer, a server that's sent no requests because of it would never find out.
const SPEAKS_FOR: Duration = Duration::from_secs(15);

/// Whether something failed when it was last tried, and when that was.
#[derive(Debug)]
pub struct LastTry {
    begun: Instant,
    /// Milliseconds from `begun` to the failure, and one; 0 if the last try didn't fail.
    failed: AtomicU64,
}

impl LastTry {
    /// Nothing was tried yet.
    #[must_use]
    pub fn new() -> Self {
        Self { begun: Instant::now(), failed: AtomicU64::new(0) }
    }

    /// It worked.
    pub fn worked(&self) {
        // A look is cheaper than a change, and nearly always enough.
        if self.failed.load(Ordering::Relaxed) != 0 {
            self.failed.store(0, Ordering::Relaxed);
        }
    }

    /// It failed.
    pub fn failed(&self) {
        self.failed.store(self.now().saturating_add(1), Ordering::Relaxed);
    }

    /// What that says about the present.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let Some(failed) = self.failed.load(Ordering::Relaxed).checked_sub(1) else { return Standing::Ok };
        let since = Duration::from_millis(self.now().saturating_sub(failed));
        if since < SPEAKS_FOR { Standing::Down } else { Standing::Degraded }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

impl Default for LastTry {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_speaks_for_a_while_and_then_leaves_it_open() {
        let last = LastTry::new();
        assert_eq!(last.standing(), Standing::Ok);
        last.failed();
        assert_eq!(last.standing(), Standing::Down);
        tokio::time::advance(SPEAKS_FOR * 9 / 10).await;
        assert_eq!(last.standing(), Standing::Down);
        tokio::time::advance(SPEAKS_FOR / 10).await;
        assert_eq!(last.standing(), Standing::Degraded);
        last.worked();
        assert_eq!(last.standing(), Standing::Ok);
    }
}
