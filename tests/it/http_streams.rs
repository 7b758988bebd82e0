//! Requests that last: streams that are listened to, and calls that nobody waits for any more.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::http::{Ask, Hosted, call, token, tokens};
use crate::support::one_password::{Kind, On, Stage, all, seed};
use crate::support::{Home, modern};

/// Waits until something is so, and not for ever.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waits).await.is_ok(), "in vain: {what}");
}

/// Whether a process is there, and not just waiting to be buried.
fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    status.is_ok_and(|status| !status.rsplit(") ").next().unwrap().starts_with('Z'))
}

fn http() -> String {
    format!("[http]\n{}", tokens(&["ann", "bob"]))
}

/// A server whose source is an `op` that hangs from here on when it's asked for values.
async fn far() -> (Stage, Hosted) {
    let stage = Stage::of(Kind::Op, &seed(), "", &all());
    stage.configure(&http());
    let hosted = Hosted::start_among(stage.home.folder(), &[], &[("PATH", "/usr/bin:/bin")]).await;
    stage.far.fault(On::Read, None, &json!("hang"), &json!(null));
    (stage, hosted)
}

/// The process that was started to get a value.
async fn asked(stage: &Stage) -> u32 {
    until("op is asked", || !stage.far.op().calls_of("item get").is_empty()).await;
    let pid = stage.far.op().calls_of("item get")[0].pid;
    assert!(runs(pid), "it hangs");
    pid
}

fn password() -> Value {
    json!({ "name": "get_secret", "arguments": { "path": "Staging/GitHub/password" } })
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_call_back() {
    let (stage, hosted) = far().await;
    let mut wire = hosted.connect().await;
    let ask = call("get_secret", &password()["arguments"]).bearer(&token("ann"));
    wire.send(&ask.bytes(wire.host())).await;
    let pid = asked(&stage).await;
    drop(wire);
    until("op is ended", || !runs(pid)).await;
    stage.far.heal();
    assert_eq!(hosted.read(&token("ann"), "Staging/GitHub/password").await, "value-github-password");
    hosted.stop().await;
    stage.end([]).await;
}

#[tokio::test]
async fn a_call_in_a_session_is_taken_back_there_and_from_nowhere_else() {
    let (stage, hosted) = far().await;
    let session = hosted.open(&token("ann"), "2025-11-25").await;
    let others = hosted.open(&token("bob"), "2025-11-25").await;
    let ask = Ask::message(&json!({ "jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": password() }));
    let mut wire = hosted.connect().await;
    wire.send(&ask.session(&session).bearer(&token("ann")).bytes(wire.host())).await;
    let pid = asked(&stage).await;
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 77 } });
    let cancel = async |session: &str, who: &str| {
        hosted.ask(&Ask::message(&note).session(session).bearer(&token(who))).await.status
    };
    assert_eq!(cancel(&session, "bob").await, 404);
    assert_eq!(cancel(&others, "bob").await, 202, "of the same number, in a session of their own");
    assert!(runs(pid), "neither is the call's own");
    assert_eq!(cancel(&session, "ann").await, 202);
    until("op is ended", || !runs(pid)).await;
    let answer = wire.reply().await.expect("an answer");
    assert!(answer.status < 500, "{answer:?}");
    assert!(!answer.text().contains("value-github"), "{answer:?}");
    hosted.stop().await;
    stage.end([]).await;
}

#[tokio::test]
async fn streams_end_with_their_session_and_with_the_server() {
    let home = Home::new();
    let hosted = home.host(&http()).await;
    let [ended, open] =
        [hosted.open(&token("ann"), "2025-11-25").await, hosted.open(&token("ann"), "2025-06-18").await];
    let listen = async |session: &str| {
        let mut wire = hosted.connect().await;
        let ask = Ask::new("GET", "/mcp").header("Accept", "text/event-stream").session(session).bearer(&token("ann"));
        wire.send(&ask.bytes(wire.host())).await;
        let head = wire.head().await.unwrap();
        assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{head:?}");
        assert_eq!(head.header("cache-control"), Some("no-store"));
        wire
    };
    let (mut first, mut second) = (listen(&ended).await, listen(&open).await);
    let params = modern(json!({ "notifications": { "toolsListChanged": true } }));
    let message = json!({ "jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen", "params": params });
    let reply = hosted.ask(&Ask::message(&message).bearer(&token("bob"))).await;
    assert_eq!(
        (reply.status, reply.rpc_code()),
        (404, -32601),
        "there's nothing that changes to be told of: {reply:?}"
    );
    let end = Ask::new("DELETE", "/mcp").session(&ended).bearer(&token("ann"));
    assert!(hosted.ask(&end).await.status < 300);
    first.rest().await;
    hosted.signal(Signal::TERM);
    let begin = std::time::Instant::now();
    second.rest().await;
    let (status, said) = hosted.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(begin.elapsed() < Duration::from_secs(10), "nobody has to be waited for: {:?}", begin.elapsed());
}
