//! How many requests are made, whatever happens.

use super::fake::{Fault, costs_of_op};
use super::*;
use crate::custody::source::onepassword::backend::Command;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::{Answered, Standing};

const LIMITS: Limits = Limits { reads_per_hour: Some(100), writes_per_hour: Some(10), requests_per_day: Some(1000) };

fn limited(fake: Fake, state: Option<&std::path::Path>) -> Home {
    fake.world().costs = costs_of_op;
    Home::with(fake, |settings| {
        settings.limits = Some(LIMITS);
        settings.state = state.map(std::path::Path::to_owned);
    })
}

/// What all requests so far count for.
fn spent(fake: &Fake) -> u32 {
    fake.world().calls.iter().map(|call| costs_of_op(*call)).map(|cost| cost.reads + cost.writes).sum()
}

#[tokio::test(start_paused = true)]
async fn two_hundred_restarts_stay_within_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    for _ in 0..200 {
        let home = limited(fake.clone(), Some(folder.path()));
        let _ = home.inventory().await;
        let _ = home.value(STRIPE, "credential").await;
    }
    let spent = spent(&fake);
    assert!((76..=80).contains(&spent), "four fifths, for there was one asker: {spent}");
    let home = limited(fake.clone(), Some(folder.path()));
    let left = home.remote.allowance().unwrap();
    assert_eq!((left.reads, left.writes), (Some(100 - spent), Some(10)));
    let error = home.inventory().await.unwrap_err();
    let SourceError::RateLimited { retry_after, .. } = error else { panic!("{error}") };
    assert!(retry_after > Duration::from_mins(54) && retry_after <= Duration::from_mins(65), "{retry_after:?}");
    home.clock.advance(retry_after);
    assert!(home.inventory().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn after_too_many_requests_no_process_asks_until_the_time_named() {
    for limits in [None, Some(LIMITS)] {
        let folder = tempfile::tempdir().unwrap();
        let fake = Fake::new();
        let start = || {
            Home::with(fake.clone(), |settings| {
                settings.limits = limits;
                settings.state = Some(folder.path().to_owned());
            })
        };
        let retry_after = Some(Duration::from_mins(59));
        fake.world().bad_lists.push_back(Failure::RateLimited { retry_after });
        let SourceError::RateLimited { .. } = start().inventory().await.unwrap_err() else { panic!() };
        for _ in 0..200 {
            let home = start();
            let error = home.inventory().await.unwrap_err();
            assert!(
                matches!(error, SourceError::RateLimited { retry_after, .. } if retry_after == Duration::from_mins(59))
            );
            assert!(home.remote.store(new_token("x"), &ann()).await.is_err());
            assert_eq!(
                home.remote.allowance().unwrap().paused_until,
                home.clock.now().map(|now| now + Duration::from_mins(59))
            );
        }
        assert_eq!(fake.world().calls.len(), 1);
        let home = start();
        home.clock.advance(Duration::from_mins(59));
        assert!(home.inventory().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn names_go_on_while_requests_are_refused() {
    let home = limited(Fake::new(), None);
    let before = home.inventory().await.unwrap();
    home.fake.world().bad_lists.push_back(Failure::RateLimited { retry_after: None });
    tokio::time::advance(Duration::from_mins(6)).await;
    assert!(Arc::ptr_eq(&before, &home.inventory().await.unwrap()));
    assert!(Arc::ptr_eq(&before, &home.inventory().await.unwrap()));
    assert_eq!(home.fake.lists(), 2);
    home.clock.advance(Duration::from_mins(5));
    home.inventory().await.unwrap();
    assert_eq!(home.fake.lists(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_asker_cannot_starve_the_others() {
    let home = limited(Fake::new(), None);
    home.inventory().await.unwrap();
    while home.value(STRIPE, "credential").await.is_ok() {}
    let greedy = home.fake.reads();
    assert!(matches!(home.value(STRIPE, "credential").await, Err(SourceError::RateLimited { .. })));
    let bob = home.remote.fetch(&[place(STRIPE, "credential")], &who("bob")).await;
    assert!(bob[0].is_ok());
    assert_eq!(home.fake.reads(), greedy + 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_finished_is_not_begun() {
    let home = limited(Fake::new(), None);
    home.inventory().await.unwrap();
    while home.remote.allowance().unwrap().reads.unwrap() > 25 {
        home.value(STRIPE, "credential").await.unwrap();
    }
    let before = home.fake.world().calls.len();
    let error = home.remote.store(new_token("x"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::RateLimited { .. }), "{error}");
    assert!(home.remote.archive(&ItemId::new(STRIPE), None, &ann()).await.is_err());
    assert_eq!(home.fake.world().calls.len(), before);
}

#[tokio::test(start_paused = true)]
async fn even_what_was_set_aside_is_not_spent_once_1password_wants_a_pause() {
    for limits in [None, Some(LIMITS)] {
        let home = Home::with(Fake::new(), |settings| settings.limits = limits);
        home.inventory().await.unwrap();
        home.fake.world().faults.push_back(Fault::RequestLost);
        let asker = ann();
        home.fake.world().slow = Duration::from_millis(50);
        let store = home.remote.store(new_token("x"), &asker);
        let breaks = async {
            tokio::time::sleep(Duration::from_millis(75)).await;
            home.fake.world().bad_reads.push_back(Failure::RateLimited { retry_after: None });
        };
        let (stored, ()) = tokio::join!(store, breaks);
        assert!(matches!(stored, Err(SourceError::Unavailable { .. })));
        let calls = home.fake.world().calls.split_off(2);
        assert_eq!(calls, [Command::Read, Command::Replace, Command::Read]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_change_does_not_need_is_given_back() {
    let home = limited(Fake::new(), None);
    home.inventory().await.unwrap();
    home.remote.store(new_token("x"), &ann()).await.unwrap();
    let left = home.remote.allowance().unwrap();
    assert_eq!(left.reads.map(|left| 100 - left), Some(spent(&home.fake) - 1));
    assert_eq!((left.writes, left.today.map(|left| 1000 - left)), (Some(9), Some(spent(&home.fake))));
}

#[tokio::test(start_paused = true)]
async fn without_a_clock_or_a_place_for_the_count_nothing_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let homes = [
        Home::with(Fake::new(), |settings| settings.clock = Clock::fixed(None)),
        Home::with(Fake::new(), |settings| settings.state = Some(file.join("state"))),
    ];
    for home in homes {
        assert!(matches!(home.inventory().await, Err(SourceError::Unavailable { .. })));
        assert_eq!(home.fake.count(|call| *call == Command::Vaults), 0);
    }
}

/// How often it was asked, as it's counted.
fn counted(home: &Home, as_what: Answered) -> u64 {
    let figures = home.remote.upstream().read();
    figures.answered.into_iter().find(|(answered, _)| *answered == as_what).unwrap().1
}

#[tokio::test(start_paused = true)]
async fn every_request_is_counted_by_what_came_of_it() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.value(STRIPE, "credential").await.unwrap();
    home.fake.world().bad_reads.push_back(Failure::Forbidden { detail: String::new() });
    assert!(home.value(GITHUB, "credential").await.is_err());
    home.remote.store(new_token("x"), &ann()).await.unwrap();
    let calls = u64::try_from(home.fake.world().calls.len()).unwrap();
    assert_eq!((counted(&home, Answered::Ok), counted(&home, Answered::Forbidden)), (calls - 1, 1));
    assert_eq!(home.remote.upstream().read().took.count(), calls);
    assert_eq!(home.remote.standing(), Standing::Ok, "that it refuses something doesn't mean that it's gone");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_want_of_quota_is_counted_as_withheld() {
    let home = limited(Fake::new(), None);
    home.inventory().await.unwrap();
    while home.value(STRIPE, "credential").await.is_ok() {}
    let calls = u64::try_from(home.fake.world().calls.len()).unwrap();
    assert_eq!((counted(&home, Answered::Ok), counted(&home, Answered::Withheld)), (calls, 1));
    assert_eq!(home.remote.upstream().read().took.count(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_source_is_down_while_nothing_is_asked_and_for_a_moment_after_it_failed() {
    let unreachable = || Failure::Unreachable { detail: String::new(), remedy: "" };
    let home = Home::new();
    assert_eq!(home.remote.standing(), Standing::Ok, "nothing else is known");
    home.inventory().await.unwrap();
    home.fake.world().bad_reads.push_back(unreachable());
    assert!(home.value(STRIPE, "credential").await.is_err());
    assert_eq!(home.remote.standing(), Standing::Down);
    tokio::time::advance(Duration::from_secs(15)).await;
    assert_eq!(home.remote.standing(), Standing::Degraded, "it's time that somebody tries");
    home.value(STRIPE, "credential").await.unwrap();
    assert_eq!(home.remote.standing(), Standing::Ok);

    home.fake.world().bad_reads.push_back(Failure::RateLimited { retry_after: Some(Duration::from_mins(9)) });
    assert!(home.value(STRIPE, "credential").await.is_err());
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(home.remote.standing(), Standing::Down, "it said to wait");
    home.clock.advance(Duration::from_mins(9));
    assert_eq!(home.remote.standing(), Standing::Degraded);
}
