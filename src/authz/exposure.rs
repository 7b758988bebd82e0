//! What the ledger says, together with what the policy asks for after an exposure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use crate::audit::{AuditError, Exposure, How, Ledger, Present, ReadError};
use crate::model::RuleId;
use crate::policy::{Policy, Rule};

/// How soon a policy's rules want a value to be rotated that was exposed under them.
#[derive(Debug, Default)]
pub struct Deadlines(HashMap<RuleId, Duration>);

/// What was exposed of the value in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed {
    /// When it was last.
    pub last: Timestamp,
    /// How it was last.
    pub by: How,
    /// How often it was.
    pub times: u64,
    /// To how many principals.
    pub principals: usize,
    /// When it's to be rotated at the latest, if a rule asks for that.
    pub rotate_by: Option<Timestamp>,
    /// Whether that's past.
    pub is_overdue: bool,
}

impl Deadlines {
    /// Those of the policy's rules.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let within = |rule: &Rule| rule.rotate_within().map(|within| (rule.id().clone(), within));
        policy.rules().filter_map(within).collect()
    }

    /// When the value in force is to be rotated at the latest, for having been exposed so.
    ///
    /// What counts is the first exposure under each rule since the last change: exposing it once more puts nothing off.
    /// A rule that's no longer in the policy asks for nothing.
    #[must_use]
    pub fn rotate_by(&self, exposure: &Exposure) -> Option<Timestamp> {
        let by = |(rule, since): &(RuleId, Timestamp)| {
            let within = self.0.get(rule)?;
            // A time that can't be represented never comes.
            since.checked_add(*within).ok()
        };
        exposure.present.iter().flat_map(|present| &present.owed).filter_map(by).min()
    }

    /// The same, and whether that's past.
    #[must_use]
    pub fn judge(&self, exposure: &Exposure, now: Option<Timestamp>) -> (Option<Timestamp>, bool) {
        let rotate_by = self.rotate_by(exposure);
        (rotate_by, is_past(rotate_by, now))
    }
}

impl FromIterator<(RuleId, Duration)> for Deadlines {
    fn from_iter<T: IntoIterator<Item = (RuleId, Duration)>>(rules: T) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl Exposed {
    /// What the exposures of one secret come to; `None` where the value in force was never exposed.
    #[must_use]
    pub fn of(exposures: &[Exposure], deadlines: &Deadlines, now: Option<Timestamp>) -> Option<Self> {
        let present = || exposures.iter().filter(|exposure| exposure.present.is_some());
        let last = present().max_by_key(|exposure| exposure.last)?;
        let principals: BTreeSet<&str> = present().map(|exposure| exposure.principal.as_str()).collect();
        let rotate_by = present().filter_map(|exposure| deadlines.rotate_by(exposure)).min();
        let count = |present: &Present| present.count;
        Some(Self {
            last: last.last,
            by: last.how,
            times: present().filter_map(|exposure| exposure.present.as_ref()).map(count).fold(0, u64::saturating_add),
            principals: principals.len(),
            rotate_by,
            is_overdue: is_past(rotate_by, now),
        })
    }
}

/// Whether a time has come; without a clock it's taken that it has.
fn is_past(time: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    time.is_some_and(|time| now.is_none_or(|now| time <= now))
}

/// Asks the ledger on a thread that may wait.
pub(super) async fn ask<T: Send + 'static>(
    ledger: &Ledger,
    question: impl FnOnce(&Ledger) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, AuditError> {
    let ledger = ledger.clone();
    let answer = tokio::task::spawn_blocking(move || question(&ledger)).await;
    Ok(answer.map_err(|_| AuditError::Stopped)??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretPath;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// An exposure whose value is in force as far as `owed` says.
    fn exposure(principal: &str, last: &str, owed: Option<&[(&str, &str)]>) -> Exposure {
        let owed = owed.map(|owed| owed.iter().map(|(rule, since)| (RuleId::new(rule), at(since))).collect());
        Exposure {
            path: SecretPath::parse("V/I/f").unwrap(),
            principal: principal.to_owned(),
            how: How::Read,
            delivery: None,
            first: at("2026-11-01T00:00:00Z"),
            last: at(last),
            count: 9,
            rules: Vec::new(),
            changed_since: owed.is_none().then(|| at("2026-11-21T12:00:00Z")),
            present: owed.map(|owed| Present { count: 2, owed }),
        }
    }

    fn deadlines(of: &[(&str, u64)]) -> Deadlines {
        of.iter().map(|(rule, hours)| (RuleId::new(rule), Duration::from_hours(*hours))).collect()
    }

    const NOON: &str = "2026-11-20T12:00:00Z";
    const EVENING: &str = "2026-11-20T20:00:00Z";

    #[test]
    fn the_earliest_that_a_rule_asks_for_holds() {
        let owed = exposure("agent", EVENING, Some(&[("slow", NOON), ("quick", EVENING), ("gone", NOON)]));
        let by = |of| deadlines(of).rotate_by(&owed);
        assert_eq!(by(&[]), None, "no rule asks");
        assert_eq!(by(&[("other", 1)]), None, "a rule that allowed none of it");
        assert_eq!(by(&[("slow", 24)]), Some(at("2026-11-21T12:00:00Z")));
        assert_eq!(by(&[("slow", 24), ("quick", 1)]), Some(at("2026-11-20T21:00:00Z")));
        assert_eq!(by(&[("slow", 24), ("quick", 20)]), Some(at("2026-11-21T12:00:00Z")));
        assert_eq!(by(&[("slow", u64::from(u32::MAX))]), None, "further than time goes");
        let past = exposure("agent", EVENING, None);
        assert_eq!(deadlines(&[("slow", 0)]).rotate_by(&past), None, "it was rotated since");
    }

    #[test]
    fn a_secrets_exposures_come_to_one_answer() {
        let all = [
            exposure("agent", NOON, Some(&[("slow", NOON)])),
            exposure("agent", NOON, Some(&[])),
            Exposure { how: How::Run, ..exposure("cli", EVENING, Some(&[("quick", EVENING)])) },
            exposure("of-the-past", "2026-11-20T23:00:00Z", None),
        ];
        let deadlines = deadlines(&[("slow", 24), ("quick", 4)]);
        let told = |now| Exposed::of(&all, &deadlines, now).unwrap();
        let by = at("2026-11-21T00:00:00Z");
        let expected = Exposed {
            last: at(EVENING),
            by: How::Run,
            times: 6,
            principals: 2,
            rotate_by: Some(by),
            is_overdue: false,
        };
        assert_eq!(told(Some(at(EVENING))), expected);
        let overdue = Exposed { is_overdue: true, ..expected };
        assert_eq!((told(Some(by)), told(None)), (overdue, overdue));
        assert_eq!(Exposed::of(&all[3..], &deadlines, None), None);
        assert_eq!(Exposed::of(&[], &deadlines, None), None);
    }
}
