//! Tokens and clocks.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::minting::{Draft, ED, Judge, NOW};
use crate::identity::Why;

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

#[tokio::test(start_paused = true)]
async fn a_token_counts_exactly_as_long_as_it_says_remembered_or_not() {
    for remembered in [false, true] {
        for (second, why) in [
            (NOW - 66, Some(Why::NotYet)),
            (NOW - 65, None),
            (NOW, None),
            (NOW + 604, None),
            (NOW + 605, Some(Why::Expired)),
            (NOW + 3600, Some(Why::Expired)),
        ] {
            let judge = Judge::new();
            let token = Draft::good(&ED).sign(&ED);
            if remembered && second > NOW {
                judge.accepts(&token).await;
            }
            judge.clock.set(at(second));
            match why {
                Some(why) => judge.refuses(&token, why).await,
                None => judge.accepts(&token).await,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_clock_makes_a_token_valid_that_it_does_not_agree_with() {
    let token = Draft::good(&ED).sign(&ED);
    for (clock, why) in [
        (None, Why::Clock),
        (at(-86_400), Why::Clock),
        (at(-1), Why::Clock),
        (at(0), Why::NotYet),
        (at(2_147_483_648), Why::Expired),
        (at(4_294_967_296), Why::Expired),
        (at(253_402_207_200), Why::Expired),
    ] {
        for remembered in [false, true] {
            let judge = Judge::new();
            if remembered {
                judge.accepts(&token).await;
            }
            judge.clock.set(clock);
            judge.refuses(&token, why).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_later_centuries_are_judged_like_todays() {
    for now in [2_147_483_600, 2_147_483_700, 4_294_967_200, 4_294_967_400, 250_000_000_000] {
        let judge = Judge::new();
        judge.clock.set(at(now));
        judge.accepts(&Draft::at(&ED, now).sign(&ED)).await;
        judge.refuses(&Draft::good(&ED).sign(&ED), Why::Expired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_revives_nothing() {
    let judge = Judge::new();
    let token = Draft::good(&ED).sign(&ED);
    judge.accepts(&token).await;
    judge.clock.set(at(NOW + 700));
    judge.refuses(&token, Why::Expired).await;
    judge.clock.set(at(NOW));
    judge.refuses(&token, Why::Expired).await;
    // A token that's good for a while longer is, and a little later it isn't.
    let later = Draft::good(&ED).claim("exp", json!(NOW + 720)).sign(&ED);
    judge.accepts(&later).await;
    tokio::time::advance(Duration::from_secs(25)).await;
    judge.refuses(&later, Why::Expired).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_lets_no_token_live_longer() {
    let judge = Judge::new();
    let token = Draft::good(&ED).sign(&ED);
    judge.accepts(&token).await;
    tokio::time::advance(Duration::from_secs(604)).await;
    judge.accepts(&token).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    judge.refuses(&token, Why::Expired).await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_before_the_token_refuses_it_though_it_was_accepted() {
    let judge = Judge::new();
    let token = Draft::good(&ED).sign(&ED);
    judge.accepts(&token).await;
    judge.clock.set(at(NOW - 3600));
    judge.refuses(&token, Why::NotYet).await;
}
