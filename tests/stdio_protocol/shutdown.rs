//! How a connection ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::session::{Session, all_is_quiet, call, text};

#[tokio::test(start_paused = true)]
async fn everything_said_before_hanging_up_is_answered() {
    let mut session = Session::new();
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } },
    });
    let mut all = format!("{hello}\n{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}}\n");
    for id in 1..=20 {
        all += &call(id, if id % 2 == 0 { "later" } else { "echo" }, "x");
        all.push('\n');
    }
    session.bytes(all.as_bytes()).await;
    session.hang_up().await;
    let (answers, end) = session.rest().await;
    assert_eq!(answers.len(), 21);
    assert!(end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn hanging_up_waits_for_requests_under_way() {
    let mut session = Session::open().await;
    session.call(1, "gated", "at last").await;
    session.hang_up().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!session.server.is_finished());
    session.watch.gate.add_permits(1);
    let (answers, end) = session.rest().await;
    assert_eq!(answers.iter().map(text).collect::<Vec<_>>(), [Some("at last")]);
    assert!(end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn hanging_up_waits_for_half_a_minute_at_most() {
    let mut session = Session::open().await;
    session.call(1, "never", "x").await;
    let before = Instant::now();
    session.hang_up().await;
    let (answers, end) = session.rest().await;
    assert!(answers.is_empty() && end.is_ok());
    let waited = before.elapsed().as_secs();
    assert!((29..=36).contains(&waited), "waited {waited} s");
}

#[tokio::test]
async fn half_a_message_at_the_end_is_dropped() {
    let mut session = Session::open().await;
    let whole = call(1, "echo", "x");
    session.bytes(whole.as_bytes()).await;
    session.hang_up().await;
    let (answers, end) = session.rest().await;
    assert!(answers.is_empty() && end.is_ok(), "{answers:?}");
}

#[tokio::test]
async fn hanging_up_without_a_word_is_no_error() {
    let mut session = Session::new();
    session.hang_up().await;
    let (answers, end) = session.rest().await;
    assert!(answers.is_empty() && end.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_ends_the_connection_after_the_work_under_way() {
    let mut session = Session::open().await;
    session.call(1, "gated", "x").await;
    all_is_quiet().await;
    session.from = None;
    session.to = None;
    all_is_quiet().await;
    assert!(!session.server.is_finished());
    session.watch.gate.add_permits(1);
    assert!(session.server.await.unwrap().is_ok());
    assert_eq!(session.watch.finished.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn being_told_to_stop_finishes_what_is_under_way_and_starts_nothing() {
    let mut session = Session::open().await;
    session.call(1, "gated", "last").await;
    all_is_quiet().await;
    session.stop.cancel();
    all_is_quiet().await;
    session.call(2, "echo", "too late").await;
    all_is_quiet().await;
    session.watch.gate.add_permits(1);
    let watch = std::sync::Arc::clone(&session.watch);
    let (answers, end) = session.rest().await;
    assert_eq!(answers.iter().map(text).collect::<Vec<_>>(), [Some("last")]);
    assert!(end.is_ok());
    assert_eq!(watch.started.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn being_told_to_stop_before_the_handshake_ends_at_once() {
    let session = Session::new();
    all_is_quiet().await;
    session.stop.cancel();
    let (answers, end) = session.rest().await;
    assert!(answers.is_empty() && end.is_ok());
}
