//! Which values were given out lately, and which of them should have been rotated by now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Check;
use crate::app::exposure::{ExposureFilter, Since, mark_gone, rows};
use crate::authz::Deadlines;
use crate::custody::Catalog;

/// How far back is looked for a figure.
const LATELY: Duration = Duration::from_hours(30 * 24);

/// How many overdue rotations are named one by one.
const NAMED: usize = 10;

const SHOWN_BY: &str = "rotate it through opward; `opward exposure --overdue` shows who was given it";

/// What's to be said of a log. Without a catalog, everything is taken to be there still.
pub(super) fn exposure(
    log: &Path,
    deadlines: &Deadlines,
    now: Option<Timestamp>,
    catalog: Option<&Catalog>,
) -> Vec<Check> {
    // That the log can't be read is said where it's looked at.
    let Ok((mut all, _)) = rows(log, &ExposureFilter::default(), deadlines, now) else { return Vec::new() };
    if let Some(catalog) = catalog {
        mark_gone(&mut all, catalog);
    }
    let since = Since::Ago(LATELY).moment(now);
    let lately: Vec<_> = all.iter().filter(|row| row.last >= since).collect();
    let paths: BTreeSet<_> = lately.iter().map(|row| &row.path).collect();
    let principals: BTreeSet<_> = lately.iter().map(|row| &row.principal).collect();
    let found = match (paths.len(), principals.len()) {
        (0, _) => "no value was given to anybody in the last 30 days".to_owned(),
        (paths, principals) => {
            format!(
                "{paths} value(s) were given to {principals} principal(s) in the last 30 days; `opward exposure` shows which"
            )
        }
    };
    let mut overdue: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for row in all.iter().filter(|row| row.overdue) {
        if let Some(by) = row.rotate_by {
            overdue.entry(&row.path).and_modify(|known| *known = by.min(*known)).or_insert(by);
        }
    }
    let named = overdue.iter().take(NAMED).map(|(path, by)| {
        let by = by.strftime("%Y-%m-%d %H:%M");
        Check::weak("exposure", format!("{path} was to be rotated by {by}Z"), SHOWN_BY)
    });
    let more = overdue.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| Check::weak("exposure", format!("and {more} more were to be rotated"), SHOWN_BY));
    let gone: BTreeSet<_> = all.iter().filter(|row| row.gone).map(|row| &row.path).collect();
    let gone = (!gone.is_empty()).then(|| {
        let count = gone.len();
        Check::good("exposure", format!("{count} value(s) that were to be rotated are no longer there"))
    });
    std::iter::once(Check::good("exposure", found)).chain(named).chain(more).chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::Health;
    use crate::audit::{AuditLog, Decision, Durability, Entry, Outcome, Subject};
    use crate::custody::source::Inventory;
    use crate::custody::{SourceError, SourceView};
    use crate::model::{
        Action, ClientName, Clock, PolicyHash, PrincipalName, RequestId, RuleId, SecretPath, SourceName, Transport,
    };

    async fn record(log: &AuditLog, action: Action, path: &str) {
        let entry = Entry {
            request: RequestId::new(),
            principal: &PrincipalName::parse("agent").unwrap(),
            client: &ClientName::claimed("a test", "1"),
            transport: Transport::Stdio,
            action,
            path: Subject::Secret(&SecretPath::parse(path).unwrap()),
            source: Some(&SourceName::new("home")),
            delivery: None,
            asked: None,
            decision: Decision::Allow,
            rules: &[RuleId::new("daily")],
            policy: PolicyHash([1; 32]),
            reason: None,
        };
        let _ = log.intent(entry).await.unwrap().settle(Outcome::done()).await.unwrap();
    }

    #[tokio::test]
    async fn a_value_is_due_a_day_after_it_was_read_until_its_rotated() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("audit.jsonl");
        let clock = Clock::fixed(Some("2026-11-21T10:00:00Z".parse().unwrap()));
        let log = AuditLog::open(&file, Durability::Write, clock.clone()).unwrap();
        let deadlines: Deadlines = [(RuleId::new("daily"), Duration::from_hours(24))].into_iter().collect();
        let looked = || -> Vec<(Health, String)> {
            exposure(&file, &deadlines, clock.now(), None)
                .into_iter()
                .map(|check| (check.health, check.finding))
                .collect()
        };
        let given = |count: usize| {
            let told = format!("{count} value(s) were given to 1 principal(s) in the last 30 days");
            (Health::Good, format!("{told}; `opward exposure` shows which"))
        };
        for number in 0..12 {
            record(&log, Action::Read, &format!("V/I/f{number:02}")).await;
        }
        clock.advance(Duration::from_hours(23));
        // Reading it once more puts nothing off.
        record(&log, Action::Read, "V/I/f00").await;
        assert_eq!(looked(), [given(12)]);
        clock.advance(Duration::from_hours(1));
        let overdue = looked();
        assert_eq!((overdue.len(), &overdue[0]), (1 + NAMED + 1, &given(12)));
        assert_eq!(overdue[1], (Health::Weak, "V/I/f00 was to be rotated by 2026-11-22 10:00Z".to_owned()));
        assert_eq!(overdue[11], (Health::Weak, "and 2 more were to be rotated".to_owned()));
        for number in 1..12 {
            record(&log, Action::Rotate, &format!("v/i/F{number:02}")).await;
        }
        assert_eq!(looked().len(), 2);
        record(&log, Action::Write, "V/I/f00").await;
        assert_eq!(looked(), [given(12)]);
        clock.advance(Duration::from_hours(31 * 24));
        assert_eq!(looked(), [(Health::Good, "no value was given to anybody in the last 30 days".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_no_longer_there_needs_no_rotation() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("audit.jsonl");
        let clock = Clock::fixed(Some("2026-11-21T10:00:00Z".parse().unwrap()));
        let log = AuditLog::open(&file, Durability::Write, clock.clone()).unwrap();
        let deadlines: Deadlines = [(RuleId::new("daily"), Duration::from_hours(1))].into_iter().collect();
        record(&log, Action::Read, "V/I/f").await;
        clock.advance(Duration::from_hours(2));
        let looked = |catalog: Option<&Catalog>| -> Vec<(Health, String)> {
            let found = exposure(&file, &deadlines, clock.now(), catalog).into_iter().skip(1);
            found.map(|check| (check.health, check.finding)).collect()
        };
        let due = (Health::Weak, "V/I/f was to be rotated by 2026-11-21 11:00Z".to_owned());
        let due = [due];
        assert_eq!(looked(None), due);
        let of = |inventory| Catalog::build(vec![(SourceName::new("home"), SourceView::default(), inventory)]).unwrap();
        let empty = Inventory { vaults: Vec::new(), items: Vec::new(), generation: None };
        let gone = (Health::Good, "1 value(s) that were to be rotated are no longer there".to_owned());
        assert_eq!(looked(Some(&of(Ok(Arc::new(empty))))), [gone]);
        // What can't be looked at may still be there.
        let silent = SourceError::Missing { source_name: SourceName::new("home") };
        assert_eq!(looked(Some(&of(Err(silent)))), due);
    }
}
