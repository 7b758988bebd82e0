//! Both ways of opening a session, and requests that come before either.

use serde_json::{Value, json};

use super::session::{Session, code, text};

fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

#[tokio::test]
async fn every_handshake_revision_is_spoken() {
    for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let mut session = Session::new();
        let answer = session.initialize(version).await;
        assert_eq!(answer.pointer("/result/protocolVersion"), Some(&json!(version)), "{answer}");
        assert!(session.ask(json!(1), "tools/list", json!({})).await.pointer("/result/tools/0").is_some());
        session.is_well().await;
        let pong = session.ask(json!("p"), "ping", json!({})).await;
        assert_eq!(pong.get("result"), Some(&json!({})));
        let (rest, end) = finish(session).await;
        assert!(rest.is_empty() && end.is_ok());
    }
}

#[tokio::test]
async fn an_unknown_revision_is_answered_with_one_we_speak() {
    let mut session = Session::new();
    let answer = session.initialize("1999-01-01").await;
    assert_eq!(answer.pointer("/result/protocolVersion"), Some(&json!("2025-11-25")), "{answer}");
}

#[tokio::test]
async fn the_stateless_revision_needs_no_handshake() {
    let mut session = Session::new();
    let discovered = session.ask(json!(1), "server/discover", modern(json!({}))).await;
    assert!(discovered.pointer("/result/capabilities/tools").is_some(), "{discovered}");
    let listed = session.ask(json!(2), "tools/list", modern(json!({}))).await;
    assert_eq!(listed.pointer("/result/tools/0/name"), Some(&json!("echo")));
    // The first call opened the session; the ones after it go the short way. Both have to look the same.
    for id in 3..6 {
        let params = modern(json!({ "name": "echo", "arguments": { "text": "t" } }));
        let answer = session.ask(json!(id), "tools/call", params).await;
        assert_eq!(text(&answer), Some("t"));
        assert_eq!(answer.pointer("/result/resultType"), Some(&json!("complete")), "{answer}");
    }
    let bare = session.ask(json!(9), "tools/call", json!({ "name": "echo" })).await;
    assert_eq!(code(&bare), Some(-32602), "a stateless request has to say what it speaks: {bare}");
    let old = session.ask(json!(10), "ping", modern(json!({}))).await;
    assert_eq!(code(&old), Some(-32601), "ping is gone from this revision: {old}");
}

#[tokio::test]
async fn a_call_may_open_a_stateless_session() {
    let mut session = Session::new();
    let params = modern(json!({ "name": "echo", "arguments": { "text": "first" } }));
    assert_eq!(text(&session.ask(json!(1), "tools/call", params).await), Some("first"));
}

#[tokio::test]
async fn discovery_leaves_the_handshake_open() {
    let mut session = Session::new();
    session.ask(json!(1), "server/discover", modern(json!({}))).await;
    session.initialize("2025-06-18").await;
    session.is_well().await;
}

#[tokio::test]
async fn what_comes_before_the_handshake_does_not_end_the_session() {
    let mut session = Session::new();
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":5,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"m"}}"#,
        "",
    ] {
        session.line(line).await;
    }
    let early = session.ask(json!(1), "tools/list", json!({})).await;
    assert_eq!(code(&early), Some(-32602), "{early}");
    let mut future = modern(json!({}));
    future["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let future = session.ask(json!(2), "tools/list", future).await;
    assert_eq!(code(&future), Some(-32022), "{future}");
    session.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert!(session.ask(json!(3), "ping", json!({})).await.get("result").is_some());
    session.line("garbage").await;
    assert_eq!(code(&session.answer().await), Some(-32700));
    session.initialize("2025-11-25").await;
    session.is_well().await;
}

#[tokio::test]
async fn a_handler_can_talk_to_the_client_while_it_works() {
    let mut session = Session::open().await;
    let params = json!({ "name": "progress", "arguments": { "text": "done" }, "_meta": { "progressToken": "tok" } });
    session.line(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()).await;
    for step in 0..3 {
        let told = session.answer().await;
        assert_eq!(told.get("method"), Some(&json!("notifications/progress")), "{told}");
        assert_eq!(told.pointer("/params/progress"), Some(&json!(f64::from(step))));
    }
    assert_eq!(text(&session.answer().await), Some("done"));
}

async fn finish(mut session: Session) -> (Vec<Value>, Result<(), opward::transport::stdio::ServeError>) {
    session.hang_up().await;
    session.rest().await
}
