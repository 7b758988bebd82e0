//! Many requests at a time.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

use super::session::{Session, all_is_quiet, call, text};

/// Writes all the lines while it reads as many answers, and gives back the ids answered.
async fn pump(session: &mut Session, lines: Vec<String>, answers: usize) -> Vec<u64> {
    let mut to = session.to.take().unwrap();
    let from = session.from.as_mut().unwrap();
    let writing = async {
        for line in &lines {
            to.write_all(line.as_bytes()).await.unwrap();
            to.write_all(b"\n").await.unwrap();
        }
    };
    let reading = async {
        let mut ids = Vec::new();
        let mut line = String::new();
        while ids.len() < answers {
            line.clear();
            assert_ne!(from.read_line(&mut line).await.unwrap(), 0);
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert!(text(&answer).is_some(), "{answer}");
            ids.push(answer["id"].as_u64().unwrap());
        }
        ids
    };
    let ((), ids) = tokio::join!(writing, reading);
    session.to = Some(to);
    ids
}

#[tokio::test]
async fn ten_thousand_pipelined_requests_are_all_answered_once() {
    for tool in ["echo", "later"] {
        let mut session = Session::open().await;
        let lines = (0..10_000).map(|id| call(id, tool, "x")).collect();
        let ids = pump(&mut session, lines, 10_000).await;
        assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), (0..10_000).collect(), "{tool}");
        assert!(session.watch.most.load(Ordering::SeqCst) <= 256);
        session.is_well().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_256_requests_are_handled_at_a_time() {
    let mut session = Session::open().await;
    let mut to = session.to.take().unwrap();
    let writing = tokio::spawn(async move {
        for id in 0..1_000 {
            to.write_all(format!("{}\n", call(id, "gated", "x")).as_bytes()).await.unwrap();
        }
        to
    });
    all_is_quiet().await;
    assert_eq!(session.watch.started.load(Ordering::SeqCst), 256);
    assert!(!writing.is_finished(), "the client is made to wait");
    session.watch.gate.add_permits(1_000);
    let mut ids = BTreeSet::new();
    while ids.len() < 1_000 {
        ids.insert(session.answer().await["id"].as_u64().unwrap());
    }
    assert_eq!(session.watch.most.load(Ordering::SeqCst), 256);
    session.to = Some(writing.await.unwrap());
    session.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn big_requests_wait_for_each_other_sooner() {
    let mut session = Session::open().await;
    let mut to = session.to.take().unwrap();
    tokio::spawn(async move {
        for id in 0..100 {
            to.write_all(format!("{}\n", call(id, "never", &"x".repeat(500_000))).as_bytes()).await.unwrap();
        }
    });
    all_is_quiet().await;
    let started = session.watch.started.load(Ordering::SeqCst);
    assert!((2..=10).contains(&started), "{started} requests of half a megabyte are under way");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read_from() {
    let mut session = Session::open().await;
    let mut to = session.to.take().unwrap();
    let writing = tokio::spawn(async move {
        for id in 0..10_000 {
            to.write_all(format!("{}\n", call(id, "echo", &"x".repeat(1_000))).as_bytes()).await.unwrap();
        }
        to
    });
    all_is_quiet().await;
    let started = session.watch.started.load(Ordering::SeqCst);
    assert!(started < 500, "{started} answers of a kilobyte wait to be read");
    for _ in 0..10_000 {
        assert!(text(&session.answer().await).is_some());
    }
    session.to = Some(writing.await.unwrap());
    session.is_well().await;
}

fn cancel(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"r"}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_not_answered_and_gives_its_place_back() {
    let mut session = Session::open().await;
    for id in 0..2_000 {
        session.call(id, "polite", "x").await;
        session.line(&cancel(id)).await;
    }
    session.is_well().await;
    all_is_quiet().await;
    assert_eq!(session.watch.running.load(Ordering::SeqCst), 0);
    session.hang_up().await;
    let (rest, end) = session.rest().await;
    assert!(rest.is_empty() && end.is_ok(), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn handlers_that_ignore_a_cancellation_still_count() {
    let mut session = Session::open().await;
    let mut to = session.to.take().unwrap();
    tokio::spawn(async move {
        for id in 0..1_000 {
            to.write_all(format!("{}\n{}\n", call(id, "never", "x"), cancel(id)).as_bytes()).await.unwrap();
        }
    });
    all_is_quiet().await;
    assert_eq!(session.watch.started.load(Ordering::SeqCst), 256);
}
