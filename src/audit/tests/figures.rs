//! What the log counts, and how it says it stands.

use std::time::Duration;

use super::*;
use crate::model::Standing;

#[tokio::test(start_paused = true)]
async fn records_are_counted_by_whether_they_were_written() {
    for durability in [Durability::Write, Durability::Fsync] {
        let place = Place::new();
        let log = AuditLog::open(&place.file, durability, Clock::system()).unwrap();
        fill(&log, 2).await;
        drop(log.intent(Asked::new().entry()).await.unwrap());
        let figures = log.figures();
        assert_eq!((figures.appends.count(), figures.failures, figures.under_way), (6, 0, 0), "{durability:?}");
        assert!(figures.appends.sum() > Duration::ZERO);
        assert_eq!(log.standing(), Standing::Ok);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_waits_is_under_way_and_one_given_up_is_not() {
    let place = Place::new();
    let log = place.open();
    let other = std::fs::File::open(&place.file).unwrap();
    other.lock().unwrap();
    let asked = Asked::new();
    let mut waiting = Box::pin(log.intent(asked.entry()));
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut waiting).await.is_err());
    assert_eq!(log.figures().under_way, 1);
    drop(waiting);
    let figures = log.figures();
    assert_eq!((figures.appends.count(), figures.failures, figures.under_way), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_down_for_a_while_then_doubtful_and_over_once_a_record_is_written() {
    let place = Place::new();
    let log = place.open();
    let other = std::fs::File::open(&place.file).unwrap();
    other.lock().unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Busy);
    assert_eq!((log.figures().failures, log.standing()), (1, Standing::Down));
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(log.standing(), Standing::Degraded);
    other.unlock().unwrap();
    fill(&log, 1).await;
    assert_eq!((log.figures().failures, log.standing()), (1, Standing::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_too_long_says_nothing_about_the_log() {
    let place = Place::new();
    let log = place.open();
    let mut asked = Asked::new();
    asked.rules = (0..100_000).map(|number| RuleId::new(&format!("rule-{number}"))).collect();
    assert_eq!(log.intent(asked.entry()).await.unwrap_err(), AuditError::TooLong);
    assert_eq!((log.figures().failures, log.standing()), (1, Standing::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_will_not_work_again_stays_down() {
    let unavailable = AuditLog::unavailable(Path::new("/nowhere"), AuditError::Stopped);
    assert_eq!(unavailable.standing(), Standing::Down);
    for durability in [Durability::Write, Durability::Fsync] {
        let place = Place::new();
        let log = AuditLog::open(&place.file, durability, Clock::system()).unwrap();
        fill(&log, 1).await;
        std::fs::OpenOptions::new().write(true).open(&place.file).unwrap().set_len(10).unwrap();
        assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Truncated);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(log.standing(), Standing::Down, "{durability:?}");
    }
    let place = Place::new();
    let log = place.open();
    fill(&log, 2).await;
    let mut bytes = place.bytes();
    bytes[200] ^= 1;
    std::fs::write(&place.file, bytes).unwrap();
    assert!(log.check_whole().is_err());
    assert_eq!(log.standing(), Standing::Down);
}
