//! How much one principal may ask of this process: how often, and how much at a time.
//!
//! It's looked at as soon as it's known who asks, before a request's body is read, so that a
//! principal who floods costs the others as little as can be. Each replica counts for itself.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;

use crate::model::PrincipalName;

/// How many names are remembered before those whose allowance is whole again are forgotten.
const REMEMBERED_NAMES: usize = 1024;

/// How long the answer to somebody who asks too much is held back.
///
/// A client that ignores `Retry-After` asks again at once. On one connection it's answered one request
/// at a time, so this bounds how often it can have itself refused.
const PAUSE: Duration = Duration::from_millis(100);

/// What one principal may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// So many requests…
    pub requests: NonZeroU32,
    /// … in this time, evenly.
    pub per: Duration,
    /// So many at once, after a while without any.
    pub burst: NonZeroU32,
    /// So many under way at a time.
    pub concurrent: NonZeroUsize,
}

/// Why a request isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// They came too fast.
    #[error("too many requests; the next one is taken in {} s", seconds(*retry_after))]
    Rate {
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// As many as there may be are under way.
    #[error("too many requests at the same time; wait for the answer to one of them")]
    Concurrency,
}

/// Counts the requests of each principal. Clones count together.
#[derive(Debug, Clone)]
pub struct Quotas<C: Clock = DefaultClock>(Arc<Inner<C>>);

type Rates<C> =
    RateLimiter<PrincipalName, DefaultKeyedStateStore<PrincipalName>, C, NoOpMiddleware<<C as Clock>::Instant>>;

#[derive(Debug)]
struct Inner<C: Clock> {
    rates: Rates<C>,
    /// The number of names from which on those without a debt are forgotten.
    crowded: AtomicUsize,
    under_way: Arc<UnderWay>,
}

/// Whoever has nothing under way isn't in it.
#[derive(Debug)]
struct UnderWay {
    most: NonZeroUsize,
    of: Mutex<HashMap<PrincipalName, usize>>,
}

/// One request that was taken, until it's answered and this is dropped.
#[derive(Debug)]
#[must_use = "dropping it lets the next request in"]
pub struct Turn {
    whose: PrincipalName,
    under_way: Arc<UnderWay>,
}

impl Quota {
    /// The value of `Retry-After`.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        match self {
            Self::Rate { retry_after } => seconds(*retry_after),
            Self::Concurrency => 1,
        }
    }

    /// How long to hold the answer back.
    #[must_use]
    pub fn pause(&self) -> Duration {
        PAUSE
    }
}

/// Whole seconds, so many that they aren't too few.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}

impl Quotas {
    /// The same allowance for everybody; nothing is counted yet.
    #[must_use]
    pub fn new(allowance: Allowance) -> Self {
        Self::by(allowance, DefaultClock::default())
    }
}

impl<C: Clock> Quotas<C> {
    fn by(allowance: Allowance, clock: C) -> Self {
        let Allowance { requests, per, burst, concurrent } = allowance;
        // More than one a nanosecond is more than anybody asks.
        let each = (per / requests.get()).max(Duration::from_nanos(1));
        let rate = governor::Quota::with_period(each).unwrap_or_else(|| governor::Quota::per_second(requests));
        Self(Arc::new(Inner {
            rates: RateLimiter::new(rate.allow_burst(burst), DefaultKeyedStateStore::default(), clock),
            crowded: AtomicUsize::new(REMEMBERED_NAMES),
            under_way: Arc::new(UnderWay { most: concurrent, of: Mutex::default() }),
        }))
    }

    /// Takes a request in, or not.
    ///
    /// # Errors
    ///
    /// Which bound it's beyond. What's refused because too much is under way doesn't count as asked.
    pub fn admit(&self, whose: &PrincipalName) -> Result<Turn, Quota> {
        let inner = &self.0;
        let turn = inner.under_way.enter(whose).ok_or(Quota::Concurrency)?;
        inner.forget_idle();
        match inner.rates.check_key(whose) {
            Ok(()) => Ok(turn),
            Err(wait) => Err(Quota::Rate { retry_after: wait.wait_time_from(inner.rates.clock().now()) }),
        }
    }

    /// How many requests are under way, of all principals.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.0.under_way.lock().values().sum()
    }
}

impl<C: Clock> Inner<C> {
    /// Looking through all names takes the longer the more there are, so it's done each time that they've doubled.
    fn forget_idle(&self) {
        if self.rates.len() > self.crowded.load(Ordering::Relaxed) {
            self.rates.retain_recent();
            self.rates.shrink_to_fit();
            self.crowded.store(self.rates.len().saturating_mul(2).max(REMEMBERED_NAMES), Ordering::Relaxed);
        }
    }
}

impl UnderWay {
    fn enter(self: &Arc<Self>, whose: &PrincipalName) -> Option<Turn> {
        let mut of = self.lock();
        match of.get_mut(whose) {
            Some(count) if *count >= self.most.get() => return None,
            Some(count) => *count = count.saturating_add(1),
            None => drop(of.insert(whose.clone(), 1)),
        }
        Some(Turn { whose: whose.clone(), under_way: Arc::clone(self) })
    }

    fn leave(&self, whose: &PrincipalName) {
        let mut of = self.lock();
        match of.get_mut(whose) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) => drop(of.remove(whose)),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PrincipalName, usize>> {
        // Each change is one step, so a panic leaves nothing half done.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.leave(&self.whose);
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> PrincipalName {
        PrincipalName::parse(text).unwrap()
    }

    fn quotas(requests: u32, burst: u32, concurrent: usize) -> (Quotas<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let allowance = Allowance {
            requests: NonZeroU32::new(requests).unwrap(),
            per: Duration::from_secs(1),
            burst: NonZeroU32::new(burst).unwrap(),
            concurrent: NonZeroUsize::new(concurrent).unwrap(),
        };
        (Quotas::by(allowance, clock.clone()), clock)
    }

    #[test]
    fn a_burst_is_taken_and_then_as_many_as_the_rate_says() {
        let (quotas, clock) = quotas(10, 3, 8);
        let (ann, bob) = (name("ann"), name("bob"));
        for _ in 0..3 {
            drop(quotas.admit(&ann).unwrap());
        }
        let refused = quotas.admit(&ann).unwrap_err();
        assert_eq!(refused, Quota::Rate { retry_after: Duration::from_millis(100) });
        assert_eq!(refused.retry_after_s(), 1);
        assert!(quotas.admit(&bob).is_ok(), "what one principal used up is nothing to another");
        clock.advance(Duration::from_millis(100));
        assert!(quotas.admit(&ann).is_ok());
        assert!(quotas.admit(&ann).is_err());
        assert_eq!(quotas.under_way(), 0, "whoever is refused holds no turn");
    }

    #[test]
    fn no_more_than_so_many_are_under_way() {
        let (quotas, _) = quotas(10, 3, 2);
        let (ann, bob) = (name("ann"), name("bob"));
        let (one, two) = (quotas.admit(&ann).unwrap(), quotas.admit(&ann).unwrap());
        for _ in 0..50 {
            assert_eq!(quotas.admit(&ann).unwrap_err(), Quota::Concurrency);
        }
        let other = quotas.admit(&bob).unwrap();
        assert_eq!(quotas.under_way(), 3);
        drop(one);
        let third = quotas.admit(&ann).expect("those that were refused weren't counted");
        drop((two, third, other));
        assert!(quotas.0.under_way.lock().is_empty(), "who has nothing under way isn't remembered");
    }

    #[test]
    fn names_without_a_debt_are_forgotten() {
        let (quotas, clock) = quotas(10, 1, 1);
        for number in 0..=REMEMBERED_NAMES {
            drop(quotas.admit(&name(&format!("p{number}"))).unwrap());
        }
        clock.advance(Duration::from_secs(1));
        drop(quotas.admit(&name("late")).unwrap());
        assert_eq!(quotas.0.rates.len(), 1, "only who came since is remembered");
        assert!(quotas.admit(&name("late")).is_err(), "and their debt is");
    }

    #[test]
    fn seconds_to_wait_are_never_too_few() {
        for (time, whole) in [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(seconds(Duration::from_millis(time)), whole);
        }
    }

    proptest! {
        #[test]
        fn turns_are_counted_whatever_their_order(steps in proptest::collection::vec((0_usize..3, any::<bool>()), 1..80)) {
            let (quotas, _) = quotas(1_000_000, 1_000_000, 2);
            let names = ["a", "b", "c"].map(name);
            let mut held: [Vec<Turn>; 3] = Default::default();
            for (who, enters) in steps {
                if enters {
                    match quotas.admit(&names[who]) {
                        Ok(turn) => held[who].push(turn),
                        Err(refused) => prop_assert_eq!((refused, held[who].len()), (Quota::Concurrency, 2)),
                    }
                } else {
                    held[who].pop();
                }
                prop_assert!(held.iter().all(|turns| turns.len() <= 2));
                prop_assert_eq!(quotas.under_way(), held.iter().map(Vec::len).sum::<usize>());
            }
        }
    }
}
