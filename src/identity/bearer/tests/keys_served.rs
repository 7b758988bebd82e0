//! Keys from where they're published, and what their publisher may do.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;

use super::minting::{Draft, ED, ED2, FOREIGN, Judge, NOW, P256, PEER, Pair, issuer, jwks};
use crate::identity::{Bearers, KeysFrom, Rejection, Why};
use crate::model::Clock;

/// What the publisher does when it's asked.
#[derive(Clone)]
enum Says {
    Text(String),
    Status(u16, String),
    Redirect(String),
    Endless,
    Nothing,
}

/// A publisher of keys on this machine.
struct Publisher {
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Publisher {
    async fn start(says: Says) -> Self {
        let (says, asked) = (Arc::new(Mutex::new(says)), Arc::new(AtomicUsize::new(0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (now, count) = (Arc::clone(&says), Arc::clone(&asked));
        let answer = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let says = now.lock().unwrap().clone();
            async move { answer(says).await }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { says, asked, address }
    }

    async fn of(pairs: &[&Pair]) -> Self {
        Self::start(Says::Text(jwks(pairs))).await
    }

    fn now_says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn now_lists(&self, pairs: &[&Pair]) {
        self.now_says(Says::Text(jwks(pairs)));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn bearers(&self) -> Bearers {
        bearers_of(&format!("http://{}/jwks", self.address))
    }
}

async fn answer(says: Says) -> Response<Body> {
    let (status, body) = match says {
        Says::Text(text) => (200, Body::from(text)),
        Says::Status(status, text) => (status, Body::from(text)),
        Says::Redirect(to) => {
            return Response::builder().status(302).header(header::LOCATION, to).body(Body::empty()).unwrap();
        }
        Says::Endless => {
            let piece = || Some((Ok::<_, std::io::Error>(vec![b' '; 1 << 10]), ()));
            (200, Body::from_stream(futures_util::stream::unfold((), move |()| async move { piece() })))
        }
        Says::Nothing => std::future::pending().await,
    };
    Response::builder().status(status).body(body).unwrap()
}

fn bearers_of(url: &str) -> Bearers {
    let mut issuer = issuer(KeysFrom::Url(url.parse().unwrap()));
    issuer.max_lifetime = Duration::from_hours(24);
    Bearers::new(Vec::new(), vec![issuer], Clock::fixed(Some(Timestamp::from_second(NOW).unwrap()))).unwrap()
}

/// A token that's good all day, so that only its key can be its end.
fn lasting(pair: &Pair) -> Draft {
    Draft::good(pair).claim("exp", json!(NOW + 80_000))
}

async fn verdict(bearers: &Bearers, token: &str) -> Option<Rejection> {
    bearers.authenticate(token, PEER).await.err()
}

/// Lets time pass at once. In between it runs as it does, because sockets know no other.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

const UNKNOWN: Option<Rejection> = Some(Rejection::Invalid(Why::Key));
const UNAVAILABLE: Option<Rejection> = Some(Rejection::Unavailable);

#[tokio::test]
async fn keys_are_asked_for_once_for_all_who_need_them() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    assert_eq!(publisher.asked(), 0);
    let tokens: Vec<_> = (0..50).map(|n| Draft::good(&ED).claim("n", json!(n)).sign(&ED)).collect();
    let verdicts = futures_util::future::join_all(tokens.iter().map(|token| verdict(&bearers, token))).await;
    assert!(verdicts.iter().all(Option::is_none), "{verdicts:?}");
    assert_eq!(publisher.asked(), 1);
    assert_eq!(bearers.figures().counts().key_refreshes, 1);
}

#[tokio::test]
async fn a_key_that_is_no_longer_listed_counts_no_longer_even_for_remembered_tokens() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    let (old, new) = (lasting(&ED).sign(&ED), lasting(&ED2).sign(&ED2));
    assert_eq!(verdict(&bearers, &old).await, None);
    publisher.now_lists(&[&ED2]);
    assert_eq!(verdict(&bearers, &old).await, None);
    assert_eq!(bearers.figures().counts().cache_hits, 1);
    pass(Duration::from_mins(10)).await;
    assert_eq!(verdict(&bearers, &old).await, UNKNOWN);
    assert_eq!(verdict(&bearers, &new).await, None);
    // A new key under the old name makes the old key's tokens no better.
    publisher.now_lists(&[&FOREIGN]);
    pass(Duration::from_mins(10)).await;
    assert_eq!(verdict(&bearers, &old).await, Some(Rejection::Invalid(Why::Signature)));
    // An empty list is an answer too: no key counts.
    publisher.now_lists(&[]);
    pass(Duration::from_mins(10)).await;
    assert_eq!(verdict(&bearers, &lasting(&FOREIGN).sign(&FOREIGN)).await, UNKNOWN);
}

#[tokio::test]
async fn an_unchanged_list_keeps_what_was_verified_with_it() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    for n in 0..4 {
        assert_eq!(verdict(&bearers, &token).await, None);
        assert_eq!(bearers.figures().counts().cache_hits, n);
        pass(Duration::from_mins(11)).await;
    }
    assert_eq!(publisher.asked(), 4);
}

#[tokio::test]
async fn a_list_is_renewed_before_anybody_has_to_wait() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    assert_eq!(verdict(&bearers, &token).await, None);
    pass(Duration::from_mins(9)).await;
    publisher.now_says(Says::Nothing);
    // Served at once, although the publisher doesn't answer any more.
    assert_eq!(verdict(&bearers, &token).await, None);
    bearers.close().await;
    assert_eq!(bearers.figures().counts().key_refreshes, 2);
}

#[tokio::test]
async fn a_new_key_is_found_by_its_name_at_once_but_not_more_often_than_every_10_seconds() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    assert_eq!(verdict(&bearers, &lasting(&ED).sign(&ED)).await, None);
    publisher.now_lists(&[&ED, &ED2]);
    assert_eq!(verdict(&bearers, &lasting(&ED2).sign(&ED2)).await, UNKNOWN);
    assert_eq!(publisher.asked(), 1);
    pass(Duration::from_secs(10)).await;
    assert_eq!(verdict(&bearers, &lasting(&ED2).sign(&ED2)).await, None);
    assert_eq!(verdict(&bearers, &lasting(&ED).sign(&ED)).await, None);
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn a_storm_of_unknown_names_asks_once_in_10_seconds() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    assert!(bearers.prepare().await);
    for round in 1..=3 {
        pass(Duration::from_secs(10)).await;
        let kids = (0..300).map(|n| Draft::good(&ED).header("kid", json!(format!("{round}-{n}"))).sign(&FOREIGN));
        let tokens: Vec<_> = kids.collect();
        let verdicts = futures_util::future::join_all(tokens.iter().map(|token| verdict(&bearers, token))).await;
        assert!(verdicts.iter().all(|verdict| *verdict == UNKNOWN));
        assert_eq!(publisher.asked(), 1 + round);
        // And those who are known are served all the while.
        assert_eq!(verdict(&bearers, &lasting(&ED).sign(&ED)).await, None);
    }
}

#[tokio::test]
async fn what_is_no_list_of_keys_is_unavailable_and_asked_for_again_in_10_seconds() {
    let elsewhere = Publisher::of(&[&ED]).await;
    let listed = ED.jwk();
    let many = json!({"keys": (0..65).map(|_| listed.clone()).collect::<Vec<_>>()}).to_string();
    let padded = |bytes: usize| format!("{}{}", jwks(&[&ED]), " ".repeat(bytes - jwks(&[&ED]).len()));
    let publisher = Publisher::start(Says::Nothing).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    for (what, says) in [
        ("a redirection", Says::Redirect(format!("http://{}/jwks", elsewhere.address))),
        ("an error with keys in it", Says::Status(500, jwks(&[&ED]))),
        ("no content", Says::Status(204, String::new())),
        ("another success", Says::Status(203, jwks(&[&ED]))),
        ("nothing", Says::Text(String::new())),
        ("a page", Says::Text("<html>Log in</html>".to_owned())),
        ("half a list", Says::Text(jwks(&[&ED])[..40].to_owned())),
        ("a list with something after it", Says::Text(format!("{}x", jwks(&[&ED])))),
        ("keys twice", Says::Text(jwks(&[&ED]).replacen('{', r#"{"keys":[],"#, 1))),
        ("a member twice", Says::Text(jwks(&[&ED]).replacen("\"kid\"", "\"kid\":\"x\",\"kid\"", 1))),
        ("a list of texts", Says::Text(r#"{"keys":["key"]}"#.to_owned())),
        ("no list", Says::Text(json!({"keys": listed}).to_string())),
        ("too many keys", Says::Text(many)),
        ("a byte too much", Says::Text(padded((64 << 10) + 1))),
        ("no end", Says::Endless),
    ] {
        publisher.now_says(says);
        let before = publisher.asked();
        for _ in 0..3 {
            assert_eq!(verdict(&bearers, &token).await, UNAVAILABLE, "{what}");
        }
        assert_eq!(publisher.asked(), before + 1, "{what}");
        pass(Duration::from_secs(10)).await;
    }
    assert_eq!(elsewhere.asked(), 0);
    let counts = bearers.figures().counts();
    assert_eq!((counts.key_refreshes, counts.key_refresh_failures, counts.unavailable), (15, 15, 45));
    // Were the publisher at fault for another reason, this would fail too.
    publisher.now_says(Says::Text(padded(64 << 10)));
    assert_eq!(verdict(&bearers, &token).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_does_not_answer_is_left_after_5_seconds() {
    let publisher = Publisher::start(Says::Nothing).await;
    let bearers = publisher.bearers();
    let begun = tokio::time::Instant::now();
    assert_eq!(verdict(&bearers, &lasting(&ED).sign(&ED)).await, UNAVAILABLE);
    assert!(begun.elapsed() <= Duration::from_millis(5_100), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_outage_is_bridged_for_an_hour_and_no_longer() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    assert_eq!(verdict(&bearers, &token).await, None);
    publisher.now_says(Says::Status(503, String::new()));
    for _ in 0..5 {
        pass(Duration::from_mins(11)).await;
        assert_eq!(verdict(&bearers, &token).await, None);
        // A token that wasn't seen before is judged by the same keys.
        assert_eq!(verdict(&bearers, &lasting(&ED).claim("jti", json!("x")).sign(&ED)).await, None);
        // Nobody knows whether there's such a key by now.
        assert_eq!(verdict(&bearers, &lasting(&ED2).sign(&ED2)).await, UNAVAILABLE);
    }
    pass(Duration::from_mins(5)).await;
    assert_eq!(verdict(&bearers, &token).await, UNAVAILABLE);
    publisher.now_lists(&[&ED]);
    assert_eq!(verdict(&bearers, &token).await, UNAVAILABLE);
    pass(Duration::from_secs(10)).await;
    assert_eq!(verdict(&bearers, &token).await, None);
}

#[tokio::test]
async fn a_request_that_goes_away_leaves_the_keys_to_the_others() {
    let publisher = Publisher::of(&[&ED]).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    {
        let mut gone = Box::pin(verdict(&bearers, &token));
        assert!(futures_util::poll!(&mut gone).is_pending());
    }
    assert_eq!(verdict(&bearers, &token).await, None);
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn what_is_closed_asks_nobody_and_ends_what_is_under_way() {
    let publisher = Publisher::start(Says::Nothing).await;
    let bearers = publisher.bearers();
    let token = lasting(&ED).sign(&ED);
    let (verdict, ()) = tokio::join!(verdict(&bearers, &token), bearers.close());
    assert_eq!(verdict, UNAVAILABLE);
    pass(Duration::from_mins(1)).await;
    assert!(!bearers.prepare().await);
    assert!(publisher.asked() <= 1);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bearers = bearers_of(&format!("http://{address}/jwks"));
    assert_eq!(verdict(&bearers, &lasting(&ED).sign(&ED)).await, UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_counts_within_a_second_and_a_broken_one_changes_nothing() {
    let judge = Judge::with(&[&ED], |_| ());
    let token = Draft::good(&ED).sign(&ED);
    judge.accepts(&token).await;
    let put = |text: String| {
        let next = judge.keys.with_extension("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, &judge.keys).unwrap();
    };
    put(jwks(&[&P256]));
    tokio::time::advance(Duration::from_secs(1)).await;
    judge.refuses(&token, Why::Key).await;
    judge.accepts(&Draft::good(&P256).sign(&P256)).await;
    put("{".to_owned());
    tokio::time::advance(Duration::from_secs(1)).await;
    judge.accepts(&Draft::good(&P256).sign(&P256)).await;
    put(jwks(&[&ED, &P256]));
    tokio::time::advance(Duration::from_secs(1)).await;
    judge.accepts(&token).await;
    fs::remove_file(&judge.keys).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    judge.accepts(&token).await;
}
