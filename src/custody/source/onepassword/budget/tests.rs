//! The count by itself: sliding windows, damaged files, clocks that were set back.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::ledger::Ledger;
use super::*;

const NOW: i64 = 1_800_000_000;
const LIMITS: Limits = Limits { reads_per_hour: Some(100), writes_per_hour: Some(10), requests_per_day: Some(150) };

fn who(name: &str) -> PrincipalName {
    PrincipalName::parse(name).unwrap()
}

fn reads(reads: u32) -> Cost {
    Cost { reads, writes: 0 }
}

fn budget(folder: &Path, at: i64) -> Budget {
    let clock = Clock::fixed(Some(Timestamp::from_second(at).unwrap()));
    Budget::new(SourceName::new("work"), Some(LIMITS), Some(&folder.to_owned()), clock)
}

#[tokio::test]
async fn a_damaged_file_counts_as_mostly_spent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("work.quota.json");
    for damage in ["", "{", "[]", "{\"reads\":[]}", "\0\0\0\0"] {
        std::fs::write(&file, damage).unwrap();
        let budget = budget(folder.path(), NOW);
        assert_eq!(budget.allowance().unwrap().reads, Some(20), "{damage:?}");
        // An asker that has used nothing gets some of what's kept, and no more.
        assert!(budget.spend(&who("ann"), reads(5)).await.is_ok());
        assert!(matches!(budget.spend(&who("ann"), reads(1)).await, Err(SourceError::RateLimited { .. })));
        assert_eq!(budget.allowance().unwrap().reads, Some(15));
    }
    assert!(budget(folder.path(), NOW + 3900).spend(&who("ann"), reads(20)).await.is_ok());
}

#[tokio::test]
async fn a_clock_that_was_set_back_frees_nothing_and_blocks_nothing_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let future = budget(folder.path(), NOW + 10_000_000);
    future.spend(&who("ann"), reads(70)).await.unwrap();
    future.close(Some(Duration::from_hours(1000))).await;
    let back = budget(folder.path(), NOW);
    let left = back.allowance().unwrap();
    assert_eq!((left.reads, left.paused_until.map(Timestamp::as_second)), (Some(30), Some(NOW + 86_400)));
    assert!(back.spend(&who("ann"), reads(1)).await.is_err());
    assert!(budget(folder.path(), NOW + 86_400).spend(&who("ann"), reads(50)).await.is_ok());
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    budget(&state, NOW).spend(&who("ann"), reads(1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    for file in ["work.quota.json", "work.quota.lock"] {
        assert_eq!(mode(&state.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn many_at_once_spend_what_there_is_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut askers = tokio::task::JoinSet::new();
    for number in 0..200 {
        // Each a process of its own.
        let budget = budget(folder.path(), NOW);
        askers.spawn(async move { budget.spend(&who(&format!("p{number}")), reads(1)).await.is_ok() });
    }
    let spent = askers.join_all().await.into_iter().filter(|spent| *spent).count();
    assert_eq!(spent, 100);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_hour_and_no_day_sees_more_than_the_limit(
        steps in prop::collection::vec((0_i64..4000, 0_u32..30, 0_u32..5, 0_u8..3), 1..200),
    ) {
        let mut ledger = Ledger::default();
        let mut now = NOW;
        let mut spent = Vec::new();
        for (pause, reads, writes, asker) in steps {
            now += pause;
            let cost = Cost { reads, writes };
            match ledger.spend(Some(&LIMITS), &who(&format!("p{asker}")), cost, now) {
                Ok(()) => spent.push((now, cost)),
                Err(wait) => prop_assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_hours(25)),
            }
        }
        for (end, _) in &spent {
            let within = |span: i64| spent.iter().filter(move |(at, _)| at <= end && *at > end - span);
            prop_assert!(within(3600).map(|(_, cost)| cost.reads).sum::<u32>() <= 100);
            prop_assert!(within(3600).map(|(_, cost)| cost.writes).sum::<u32>() <= 10);
            prop_assert!(within(86_400).map(|(_, cost)| cost.reads + cost.writes).sum::<u32>() <= 150);
        }
    }

    #[test]
    fn who_waits_as_long_as_told_gets_it(first in 1_u32..=80, cost in 1_u32..=80) {
        let mut ledger = Ledger::default();
        let limits = Limits { requests_per_day: Some(10_000), ..LIMITS };
        let spend = |ledger: &mut Ledger, cost, now| ledger.spend(Some(&limits), &who("ann"), reads(cost), now);
        prop_assert!(spend(&mut ledger, first, NOW).is_ok());
        if let Err(wait) = spend(&mut ledger, cost, NOW) {
            let then = NOW + i64::try_from(wait.as_secs()).unwrap();
            prop_assert!(spend(&mut ledger, cost, then).is_ok(), "{wait:?}");
        }
    }

    #[test]
    fn a_refund_undoes_what_was_spent(first in 0_u32..50, cost in 0_u32..30) {
        let mut ledger = Ledger::default();
        ledger.spend(Some(&LIMITS), &who("ann"), reads(first), NOW).unwrap();
        let before = ledger.clone().allowance(Some(&LIMITS), NOW);
        ledger.spend(Some(&LIMITS), &who("ann"), reads(cost), NOW + 400).unwrap();
        ledger.refund(&who("ann"), reads(cost), NOW + 400);
        prop_assert_eq!(ledger.allowance(Some(&LIMITS), NOW + 400), before);
    }
}
