//! Reads that are wanted at the same moment take one request, and nobody pays for another's trouble.

use super::fake::unclear;
use super::*;
use crate::custody::source::onepassword::backend::Command;
use crate::custody::source::onepassword::failure::Failure;

async fn home() -> Home {
    let home = Home::new();
    home.fake.world().gathers = true;
    home.inventory().await.unwrap();
    home
}

fn batches(home: &Home) -> usize {
    home.fake.count(|call| matches!(call, Command::ReadBatch(_)))
}

#[tokio::test(start_paused = true)]
async fn items_wanted_at_once_by_different_calls_take_one_request() {
    let home = home().await;
    let (stripe, github, payroll, absent) = tokio::join!(
        home.value(STRIPE, "credential"),
        home.value(GITHUB, "credential"),
        home.value(PAYROLL, "credential"),
        home.value(STRIPE, "absent"),
    );
    assert_eq!(stripe.unwrap(), "sk-1");
    assert!(github.is_ok() && payroll.is_ok() && matches!(absent, Err(SourceError::Missing { .. })));
    assert_eq!(home.fake.count(|call| *call == Command::ReadBatch(3)), 1);
    assert_eq!(home.fake.reads(), 1, "who wants what another has taken reads it alone");
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_reads_alone() {
    let home = home().await;
    assert_eq!(home.value(STRIPE, "credential").await.unwrap(), "sk-1");
    assert_eq!((batches(&home), home.fake.reads()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_left_out_is_read_alone() {
    let home = home().await;
    home.fake.edit(&key(GITHUB), |item| item["id"] = json!(PAYROLL));
    let (stripe, github) = tokio::join!(home.value(STRIPE, "credential"), home.value(GITHUB, "credential"));
    assert_eq!(stripe.unwrap(), "sk-1");
    assert!(matches!(github, Err(SourceError::Missing { .. })));
    assert_eq!((batches(&home), home.fake.reads()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_takes_nobody_along() {
    for wait in [Duration::from_millis(1), Duration::from_millis(20)] {
        let home = home().await;
        home.fake.world().slow = Duration::from_millis(100);
        let first = tokio::time::timeout(wait, home.value(STRIPE, "credential"));
        let (first, second) = tokio::join!(first, home.value(GITHUB, "credential"));
        assert!(first.is_err() && second.is_ok(), "after {wait:?}");
        let (third, fourth) = tokio::join!(home.value(STRIPE, "credential"), home.value(PAYROLL, "credential"));
        assert!(third.is_ok() && fourth.is_ok(), "after {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_is_heard_by_all_and_asked_once() {
    let home = home().await;
    home.fake.world().bad_batches.push_back(Failure::RateLimited { retry_after: Some(Duration::from_mins(1)) });
    let (stripe, github) = tokio::join!(home.value(STRIPE, "credential"), home.value(GITHUB, "credential"));
    for answer in [stripe, github, home.value(PAYROLL, "credential").await] {
        assert!(matches!(answer, Err(SourceError::RateLimited { .. })), "{answer:?}");
    }
    assert_eq!((batches(&home), home.fake.reads()), (1, 0));
    let bundle = home.remote.read_items(&[key(STRIPE), key(GITHUB)], &ann()).await;
    assert!(bundle.iter().all(|read| matches!(read, Err(SourceError::RateLimited { .. }))));
    assert_eq!((batches(&home), home.fake.reads()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_fails_as_a_whole_is_not_asked_for_item_by_item() {
    let home = home().await;
    home.fake.world().bad_batches.push_back(unclear());
    let bundle = home.remote.read_items(&[key(STRIPE), key(GITHUB)], &ann()).await;
    assert!(bundle.iter().all(|read| matches!(read, Err(SourceError::Unavailable { .. }))));
    assert_eq!((batches(&home), home.fake.reads()), (1, 0));
}
