//! What was spent, and until when nothing is asked.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::window::{DAY, HOUR, Window};
use super::{Allowance, LONGEST_WAIT, Limits};
use crate::custody::source::onepassword::backend::Cost;
use crate::model::PrincipalName;

/// Who's noted as having spent what a damaged file may have counted.
const NOBODY: &str = "";

/// What was spent, and until when nothing is asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Requests that read, within an hour.
    reads: Window,
    /// Requests that write, within an hour.
    writes: Window,
    /// Requests of either kind, within a day.
    requests: Window,
    /// In seconds since 1970.
    #[serde(default)]
    closed_until: Option<i64>,
}

impl Ledger {
    /// What's assumed where nothing is known: most of it is spent.
    pub(super) fn careful(limits: Option<&Limits>, now: i64) -> Self {
        let mut ledger = Self::default();
        if let Some(limits) = limits {
            let most = |limit: Option<u32>| limit.map_or(0, |limit| limit - limit / 5);
            ledger.reads.count(HOUR, now, NOBODY, most(limits.reads_per_hour));
            ledger.writes.count(HOUR, now, NOBODY, most(limits.writes_per_hour));
            ledger.requests.count(DAY, now, NOBODY, most(limits.requests_per_day));
        }
        ledger
    }

    /// Brings it to the present.
    pub(super) fn tidy(&mut self, now: i64) {
        self.reads.tidy(HOUR, now);
        self.writes.tidy(HOUR, now);
        self.requests.tidy(DAY, now);
        let longest = now.saturating_add(seconds(LONGEST_WAIT));
        self.closed_until = self.closed_until.filter(|until| *until > now).map(|until| until.min(longest));
    }

    /// Spends a cost, or says how long to wait.
    pub(super) fn spend(
        &mut self,
        limits: Option<&Limits>,
        asker: &PrincipalName,
        cost: Cost,
        now: i64,
    ) -> Result<(), Duration> {
        self.tidy(now);
        if let Some(until) = self.closed_until {
            return Err(Duration::from_secs(u64::try_from(until - now).unwrap_or(1)));
        }
        let Some(limits) = limits else { return Ok(()) };
        let asker = asker.as_str();
        let all = cost.reads.saturating_add(cost.writes);
        let waits = [
            limits.reads_per_hour.and_then(|limit| self.reads.wait(HOUR, now, limit, asker, cost.reads)),
            limits.writes_per_hour.and_then(|limit| self.writes.wait(HOUR, now, limit, asker, cost.writes)),
            limits.requests_per_day.and_then(|limit| self.requests.wait(DAY, now, limit, asker, all)),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        self.reads.count(HOUR, now, asker, cost.reads);
        self.writes.count(HOUR, now, asker, cost.writes);
        self.requests.count(DAY, now, asker, all);
        Ok(())
    }

    /// Takes back what was set aside and not needed.
    pub(super) fn refund(&mut self, asker: &PrincipalName, cost: Cost, now: i64) {
        self.tidy(now);
        self.reads.uncount(asker.as_str(), cost.reads);
        self.writes.uncount(asker.as_str(), cost.writes);
        self.requests.uncount(asker.as_str(), cost.reads.saturating_add(cost.writes));
    }

    /// Notes that nothing is to be asked for a while.
    pub(super) fn close(&mut self, now: i64, wait: Duration) {
        let until = now.saturating_add(seconds(wait));
        self.closed_until = Some(self.closed_until.map_or(until, |other| other.max(until)));
        self.tidy(now);
    }

    /// What's left.
    pub(super) fn allowance(mut self, limits: Option<&Limits>, now: i64) -> Allowance {
        self.tidy(now);
        let left = |window: &Window, limit: fn(&Limits) -> Option<u32>| {
            limits.and_then(limit).map(|limit| limit.saturating_sub(window.used()))
        };
        Allowance {
            reads: left(&self.reads, |limits| limits.reads_per_hour),
            writes: left(&self.writes, |limits| limits.writes_per_hour),
            today: left(&self.requests, |limits| limits.requests_per_day),
            paused_until: self.closed_until.and_then(|until| Timestamp::from_second(until).ok()),
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
