//! Input that nobody should send.

use serde_json::{Value, json};

use super::session::{Session, all_is_quiet, call, code, text};

const CANARY: &str = "k4n4ry-in-a-message";

#[tokio::test]
async fn what_cannot_be_served_is_answered_in_fixed_words_and_the_connection_goes_on() {
    let mut session = Session::open().await;
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{CANARY}","params":{}"#, "[".repeat(10_000));
    let cases: Vec<(Vec<u8>, Value, i64)> = vec![
        (format!("{CANARY} is not JSON").into_bytes(), Value::Null, -32700),
        (format!(r#"{{"{CANARY}":"#).into_bytes(), Value::Null, -32700),
        ([b"{\"a\":\"", CANARY.as_bytes(), b"\xff\xfe\"}"].concat(), Value::Null, -32700),
        ([b"\xef\xbb\xbf", call(1, "echo", CANARY).as_bytes()].concat(), Value::Null, -32700),
        ([CANARY.as_bytes(), b"\0"].concat(), Value::Null, -32700),
        (deep.into_bytes(), Value::Null, -32700),
        (format!("[{}]", call(1, "echo", CANARY)).into_bytes(), Value::Null, -32600),
        (format!("\"{CANARY}\"").into_bytes(), Value::Null, -32600),
        (format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{CANARY}","params":["{CANARY}"]}}"#).into_bytes(), json!(7), -32601),
        (format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"{CANARY}":1}}}}"#).into_bytes(), json!(7), -32602),
        (format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":"{CANARY}"}}"#).into_bytes(), json!(7), -32602),
        (format!(r#"{{"jsonrpc":"{CANARY}","id":7,"method":"tools/list"}}"#).into_bytes(), json!(7), -32600),
        (format!(r#"{{"jsonrpc":"2.0","id":["{CANARY}"],"method":"tools/list"}}"#).into_bytes(), Value::Null, -32600),
        (format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{CANARY}","text":"b"}}}}}}"#).into_bytes(), Value::Null, -32600),
    ];
    for (line, id, expected) in cases {
        session.bytes(&[&line[..], b"\n"].concat()).await;
        let answer = session.answer().await;
        assert_eq!(
            (answer.get("id"), code(&answer)),
            (Some(&id), Some(expected)),
            "{}",
            String::from_utf8_lossy(&line)
        );
        assert!(!answer.to_string().contains(CANARY), "{answer}");
        session.is_well().await;
    }
}

#[tokio::test]
async fn unknown_notifications_and_stray_answers_are_ignored() {
    let mut session = Session::open().await;
    for line in [
        r#"{"jsonrpc":"2.0","method":"no/such","params":[1]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/no-such"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":"x"}"#,
        r#"{"jsonrpc":"2.0","id":99,"result":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#,
        "",
        "\r",
    ] {
        session.line(line).await;
        session.is_well().await;
    }
}

#[tokio::test]
async fn an_endless_line_is_answered_once_and_dropped() {
    let mut session = Session::open().await;
    let chunk = vec![b'x'; 64 * 1024];
    session.bytes(br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#).await;
    for _ in 0..128 {
        session.bytes(&chunk).await;
    }
    session.bytes(b"\"}}\n").await;
    let answer = session.answer().await;
    assert_eq!((answer.get("id"), code(&answer)), (Some(&Value::Null), Some(-32600)), "{answer}");
    session.is_well().await;
}

#[tokio::test]
async fn a_value_of_64_kib_passes_however_it_is_escaped() {
    let mut session = Session::open().await;
    let escaped = "\\u0007".repeat(64 * 1024);
    session
        .line(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{escaped}"}}}}}}"#))
        .await;
    assert_eq!(text(&session.answer().await), Some("\u{7}".repeat(64 * 1024).as_str()));
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_next_request_works() {
    let mut session = Session::open().await;
    for (id, tool) in [(1, "panic"), (2, "late panic"), (3, "no such tool")] {
        session.call(id, tool, CANARY).await;
        let answer = session.answer().await;
        assert_eq!((answer.get("id"), code(&answer)), (Some(&json!(id)), Some(-32603)), "{answer}");
        assert!(!answer.to_string().contains(CANARY), "{answer}");
        session.is_well().await;
    }
}

#[tokio::test]
async fn a_panic_in_the_request_that_opens_the_session_is_answered_too() {
    let mut session = Session::new();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let answer = session.ask(json!(1), "tools/call", json!({ "name": "panic", "_meta": meta })).await;
    assert_eq!(code(&answer), Some(-32603));
}

#[tokio::test(start_paused = true)]
async fn an_id_in_use_is_refused_without_spoiling_the_answer_to_come() {
    let mut session = Session::open().await;
    session.call(1, "gated", "first").await;
    session.call(1, "echo", "second").await;
    let refused = session.answer().await;
    assert_eq!((refused.get("id"), code(&refused)), (Some(&Value::Null), Some(-32600)), "{refused}");
    session.watch.gate.add_permits(1);
    assert_eq!(text(&session.answer().await), Some("first"));
    all_is_quiet().await;
    session.call(1, "echo", "third").await;
    assert_eq!(text(&session.answer().await), Some("third"));
}
