//! Who passes on what they shouldn't have, and how much they try out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::PrincipalName;

/// Over this time it's counted, and for this long one who's out stays out.
pub const LEAK_WINDOW: Duration = Duration::from_mins(10);

/// After so many leaks within that time, nothing more is taken from somebody for a while.
pub const LEAKS_UNTIL_OUT: u32 = 5;

/// After so much text within that time, nothing more is compared with values that are short enough to be guessed. What
/// goes beyond it still is, so that what's long by itself can be sent.
pub const TRIED_AT_MOST: usize = 1024 * 1024;

/// How many principals are remembered; of more, those who did no harm are forgotten.
const REMEMBERED: usize = 1024;

/// Leaks and attempts, by principal.
#[derive(Debug, Default)]
pub struct Leaks(Mutex<HashMap<PrincipalName, Counted>>);

/// What becomes of a text that's to be looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It's compared with all values.
    Whole,
    /// Not with those that can be guessed, until that time is over: enough was tried.
    WithoutShort(Duration),
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    since: Instant,
    leaks: u32,
    tried: usize,
}

impl Leaks {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a text that's to be looked through, and tells with what it's compared.
    ///
    /// # Errors
    ///
    /// The time until anything is taken from this principal again.
    pub fn take(&self, who: &PrincipalName, bytes: usize) -> Result<Taken, Duration> {
        self.take_at(who, bytes, Instant::now())
    }

    /// Counts a leak; tells whether it's the one after which nothing more is taken.
    pub fn leak(&self, who: &PrincipalName) -> bool {
        self.leak_at(who, Instant::now())
    }

    fn take_at(&self, who: &PrincipalName, bytes: usize, now: Instant) -> Result<Taken, Duration> {
        self.counted(who, now, |counted| {
            let wait = LEAK_WINDOW.saturating_sub(now.saturating_duration_since(counted.since));
            if counted.leaks >= LEAKS_UNTIL_OUT {
                return Err(wait);
            }
            let is_enough = counted.tried >= TRIED_AT_MOST;
            counted.tried = counted.tried.saturating_add(bytes);
            Ok(if is_enough { Taken::WithoutShort(wait) } else { Taken::Whole })
        })
    }

    fn leak_at(&self, who: &PrincipalName, now: Instant) -> bool {
        self.counted(who, now, |counted| {
            counted.leaks = counted.leaks.saturating_add(1);
            let is_out = counted.leaks == LEAKS_UNTIL_OUT;
            if is_out {
                counted.since = now;
            }
            is_out
        })
    }

    fn counted<T>(&self, who: &PrincipalName, now: Instant, with: impl FnOnce(&mut Counted) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |counted: &Counted| now.saturating_duration_since(counted.since) >= LEAK_WINDOW;
        if let Some(counted) = all.get_mut(who) {
            if is_over(counted) {
                *counted = Counted::new(now);
            }
            return with(counted);
        }
        if all.len() >= REMEMBERED {
            all.retain(|_, counted| !is_over(counted) && counted.leaks > 0);
            let oldest = all.iter().min_by_key(|(_, counted)| counted.since).map(|(who, _)| who.clone());
            if let Some(oldest) = oldest.filter(|_| all.len() >= REMEMBERED) {
                all.remove(&oldest);
            }
        }
        with(all.entry(who.clone()).or_insert_with(|| Counted::new(now)))
    }
}

impl Counted {
    fn new(since: Instant) -> Self {
        Self { since, leaks: 0, tried: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PrincipalName {
        PrincipalName::parse(text).unwrap()
    }

    #[test]
    fn who_leaks_five_times_is_out_for_ten_minutes_and_nobody_else() {
        let (leaks, start) = (Leaks::new(), Instant::now());
        let (eve, ann) = (name("eve"), name("ann"));
        for number in 1..=LEAKS_UNTIL_OUT {
            assert_eq!(leaks.take_at(&eve, 1, start), Ok(Taken::Whole));
            assert_eq!(leaks.leak_at(&eve, start + Duration::from_secs(1)), number == LEAKS_UNTIL_OUT);
        }
        let wait = leaks.take_at(&eve, 1, start + Duration::from_mins(1)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(9 * 60 + 1));
        assert_eq!(leaks.take_at(&ann, 1, start), Ok(Taken::Whole));
        assert_eq!(leaks.take_at(&eve, 1, start + Duration::from_mins(11)), Ok(Taken::Whole));
    }

    #[test]
    fn leaks_far_apart_put_nobody_out() {
        let (leaks, start, ann) = (Leaks::new(), Instant::now(), name("ann"));
        for number in 0..20 {
            assert!(!leaks.leak_at(&ann, start + number * Duration::from_mins(3)));
        }
    }

    #[test]
    fn how_much_can_be_tried_is_bounded() {
        let (leaks, start, eve) = (Leaks::new(), Instant::now(), name("eve"));
        assert_eq!(leaks.take_at(&eve, TRIED_AT_MOST, start), Ok(Taken::Whole));
        assert_eq!(leaks.take_at(&eve, 1, start), Ok(Taken::WithoutShort(LEAK_WINDOW)));
        let later = start + Duration::from_mins(4);
        assert_eq!(leaks.take_at(&eve, 1, later), Ok(Taken::WithoutShort(Duration::from_mins(6))));
        assert_eq!(leaks.take_at(&eve, 1, start + LEAK_WINDOW), Ok(Taken::Whole));
    }

    #[test]
    fn what_is_longer_than_all_that_may_be_tried_is_taken_once() {
        let (leaks, start, ann) = (Leaks::new(), Instant::now(), name("ann"));
        assert_eq!(leaks.take_at(&ann, 100, start), Ok(Taken::Whole));
        assert_eq!(leaks.take_at(&ann, 4 * TRIED_AT_MOST, start), Ok(Taken::Whole));
        assert!(matches!(leaks.take_at(&ann, 4 * TRIED_AT_MOST, start), Ok(Taken::WithoutShort(_))));
    }

    #[test]
    fn the_number_of_names_is_bounded_and_who_is_out_stays_so() {
        let (leaks, start, eve) = (Leaks::new(), Instant::now(), name("eve"));
        for _ in 0..LEAKS_UNTIL_OUT {
            let _is_out = leaks.leak_at(&eve, start);
        }
        for number in 0..3 * REMEMBERED {
            assert_eq!(leaks.take_at(&name(&format!("p{number}")), 1, start), Ok(Taken::Whole));
        }
        assert!(leaks.take_at(&eve, 1, start).is_err());
        assert!(leaks.0.lock().unwrap().len() <= REMEMBERED);
    }
}
