//! How often one principal may make use of one rule.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::model::{PrincipalName, RuleId};

/// How many names are remembered before those whose quota is whole again are forgotten.
const REMEMBERED_NAMES: usize = 1024;

/// Counts uses per principal and rule: as many at once as the quota says, refilled evenly.
#[derive(Debug, Default)]
pub struct RateLimits {
    clock: DefaultClock,
    by_rule: Mutex<HashMap<Key, Arc<DefaultKeyedRateLimiter<PrincipalName>>>>,
}

/// A changed quota is a new count: whoever edits the rule means the new number from now on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    rule: RuleId,
    count: NonZeroU32,
    per: Duration,
}

impl RateLimits {
    /// No uses counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one use.
    ///
    /// # Errors
    ///
    /// The time until the next use is possible, when the quota is used up.
    pub fn take(
        &self,
        principal: &PrincipalName,
        rule: &RuleId,
        count: NonZeroU32,
        per: Duration,
    ) -> Result<(), Duration> {
        let limiter = self.limiter(Key { rule: rule.clone(), count, per });
        if limiter.len() > REMEMBERED_NAMES {
            limiter.retain_recent();
        }
        limiter.check_key(principal).map_err(|wait| wait.wait_time_from(self.clock.now()))
    }

    fn limiter(&self, key: Key) -> Arc<DefaultKeyedRateLimiter<PrincipalName>> {
        let mut by_rule = self.by_rule.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = by_rule.entry(key).or_insert_with_key(|key| {
            // A quota shorter than a nanosecond a use can't be reached by any caller.
            let each = (key.per / key.count.get()).max(Duration::from_nanos(1));
            let quota = Quota::with_period(each).unwrap_or_else(|| Quota::per_second(key.count)).allow_burst(key.count);
            Arc::new(RateLimiter::keyed(quota))
        });
        Arc::clone(limiter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_principal_and_rule_has_its_own_count() {
        let limits = RateLimits::new();
        let two = NonZeroU32::new(2).unwrap();
        let hour = Duration::from_hours(1);
        let (ann, bob) = (PrincipalName::parse("ann").unwrap(), PrincipalName::parse("bob").unwrap());
        let (r, s) = (RuleId::new("r"), RuleId::new("s"));
        assert!(limits.take(&ann, &r, two, hour).is_ok());
        assert!(limits.take(&ann, &r, two, hour).is_ok());
        let wait = limits.take(&ann, &r, two, hour).unwrap_err();
        assert!(wait > Duration::from_mins(28) && wait <= Duration::from_mins(30), "{wait:?}");
        assert!(limits.take(&bob, &r, two, hour).is_ok());
        assert!(limits.take(&ann, &s, two, hour).is_ok());
    }
}
