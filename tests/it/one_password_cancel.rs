//! Nothing that was started for somebody goes on once nobody waits for it.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::Raw;
use crate::support::one_password::{Kind, On, Stage, all, seed};

/// Waits until something is so, and not for ever.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process is there, and not just waiting to be buried.
fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    status.is_ok_and(|status| !status.rsplit(") ").next().unwrap().starts_with('Z'))
}

/// A server that waits for an `op` that hangs; gives the process.
async fn waiting(stage: &Stage, is_known: bool, hang: &str) -> (Raw, u32, i64) {
    let mut raw = Raw::start_among(stage.home.folder(), "agent", &[("PATH", "/usr/bin:/bin")]);
    raw.initialize("2025-11-25").await;
    let names = if is_known { "get_secret" } else { "list_vaults" };
    let arguments = if is_known { json!({ "path": "Staging/GitHub/username?attribute=otp" }) } else { json!({}) };
    raw.ask("tools/call", json!({ "name": names, "arguments": arguments })).await;
    stage.far.op().forget_calls();
    stage.far.fault(On::Read, None, &json!(hang), &json!(null));
    let call = json!({ "jsonrpc": "2.0", "id": 77, "method": "tools/call",
        "params": { "name": "get_secret", "arguments": { "path": "Staging/GitHub/password" } } });
    raw.line(&call.to_string()).await;
    until("op is asked", || !stage.far.op().calls_of("item get").is_empty()).await;
    let pid = stage.far.op().calls_of("item get")[0].pid;
    assert!(runs(pid), "it hangs: {hang}");
    (raw, pid, 77)
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends_its_process() {
    // The value is asked for when nothing is known of its item, and when all but the value is.
    let cancelled = async |is_known, hang| {
        let stage = Stage::of(Kind::Op, &seed(), "", &all());
        let (mut raw, pid, id) = waiting(&stage, is_known, hang).await;
        let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
        raw.line(&cancel.to_string()).await;
        until(&format!("{hang} is ended, known: {is_known}"), || !runs(pid)).await;
        stage.far.heal();
        // The server goes on, and gives the value to who asks next.
        let params = json!({ "name": "get_secret", "arguments": { "path": "Staging/GitHub/password" } });
        let answer = raw.ask("tools/call", params).await;
        assert_eq!(answer["result"]["structuredContent"]["value"], "value-github-password", "{answer}");
        raw.end().await;
        let abandoned = |record: &Value| record["kind"] == "outcome" && record["code"] == "abandoned";
        assert_eq!(stage.home.records().iter().any(abandoned), is_known, "what was decided on is recorded to its end");
        stage.end([]).await;
    };
    tokio::join!(
        cancelled(false, "hang"),
        cancelled(true, "hang"),
        cancelled(false, "hang_ignoring_sigterm"),
        cancelled(true, "hang_ignoring_sigterm"),
    );
}

#[tokio::test]
async fn a_server_that_ends_leaves_no_process() {
    let ends = async |is_known, by_signal| {
        // What's under way is answered first, so it's the limit of a process that decides here.
        let stage = Stage::of(Kind::Op, &seed(), "timeout = \"1s\"\n", &all());
        let (raw, pid, _) = waiting(&stage, is_known, "hang_ignoring_sigterm").await;
        if by_signal {
            let server = Pid::from_raw(raw.pid().try_into().unwrap()).unwrap();
            kill_process(server, Signal::TERM).unwrap();
            until("op is ended by a signal to the server", || !runs(pid)).await;
        }
        let begin = Instant::now();
        raw.end().await;
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        assert!(!runs(pid), "by signal: {by_signal}, known: {is_known}");
        stage.end([]).await;
    };
    tokio::join!(ends(false, false), ends(false, true), ends(true, false), ends(true, true));
}
