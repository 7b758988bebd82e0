//! Removing items: recoverably, or only where that was allowed.

use super::fake::{Fault, unclear};
use super::*;
use crate::custody::source::onepassword::backend::Removal;
use crate::custody::source::onepassword::failure::Failure;

async fn archive(home: &Home, if_version: Option<u64>) -> Result<u64, SourceError> {
    home.remote.archive(&ItemId::new(STRIPE), if_version, &ann()).await
}

#[tokio::test(start_paused = true)]
async fn an_archived_item_is_gone_even_while_lists_and_reads_lag() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.fake.world().lag = 3;
    assert_eq!(archive(&home, Some(3)).await.unwrap(), 3);
    assert_eq!((home.fake.changes(), home.inventory().await.unwrap().items.len()), (1, 2));
    assert!(matches!(archive(&home, None).await, Err(SourceError::Missing { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_can_only_be_destroyed_is_kept_unless_the_owner_says_otherwise() {
    let home = Home::new();
    home.fake.world().removal = Removal::Destroys;
    let error = archive(&home, None).await.unwrap_err();
    let SourceError::Unsupported { detail, .. } = &error else { panic!("{error}") };
    assert!(detail.contains("allow_permanent_delete"));
    assert!(home.fake.world().calls.is_empty());

    let home = Home::with(home.fake.clone(), |settings| settings.allow_permanent_delete = true);
    assert_eq!(archive(&home, None).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_or_a_lost_answer_is_looked_into() {
    for (faults, changes) in [
        (vec![Fault::Refused(Failure::Conflict)], 2),
        (vec![Fault::ReplyLost], 1),
        (vec![Fault::RequestLost, Fault::RequestLost], 3),
    ] {
        let home = Home::new();
        home.fake.world().faults.extend(faults);
        assert_eq!(archive(&home, None).await.unwrap(), 3);
        assert_eq!(home.fake.changes(), changes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_changed_meanwhile_is_kept() {
    let home = Home::new();
    assert!(matches!(archive(&home, Some(2)).await, Err(SourceError::Conflict { current: 3, .. })));
    for failure in [Failure::Conflict, unclear()] {
        let home = Home::new();
        home.fake.world().faults.push_back(Fault::TooLate(failure));
        assert!(matches!(archive(&home, None).await, Err(SourceError::Conflict { current: 4, .. })));
        assert!(home.fake.world().now(&key(STRIPE)).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_stays_is_not_said_to_be_gone() {
    let home = Home::new();
    home.fake.world().faults.push_back(Fault::AcceptedAndLost);
    assert!(matches!(archive(&home, None).await, Err(SourceError::Unavailable { .. })));
    assert_eq!(home.inventory().await.unwrap().items.len(), 3);
    home.fake.world().faults.extend(std::iter::repeat_n(Fault::RequestLost, 9));
    assert!(matches!(archive(&home, None).await, Err(SourceError::Unavailable { .. })));
}
