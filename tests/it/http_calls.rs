//! Every tool over HTTP, by the protocol crate's own client, in each revision of the protocol.

use std::collections::BTreeSet;

use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};

use crate::support::http::{Ask, Hosted, call, token, tokens};
use crate::support::{Client, Home, everyone, policy, put};

const ALL: [&str; 6] = ["list", "describe", "read", "write", "rotate", "delete"];

/// The revisions of the protocol that have sessions.
const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

type Http = RunningService<RoleClient, ClientConfig>;

/// A home with a few values, in which everybody may do everything.
async fn home() -> Home {
    let values = [put("Staging/Stripe/credential", "sk-1"), put("Staging/Mail/password", "m-1")];
    Home::with(&policy(&[&everyone(&ALL)]), values).await
}

const BUNDLE: &str = "[env_bundle.checkout]\nSTRIPE_KEY = \"Staging/Stripe\"\n";

/// A client of this revision.
async fn client(hosted: &Hosted, principal: &str, version: &str) -> Http {
    let config = StreamableHttpClientTransportConfig::with_uri(hosted.url()).auth_header(token(principal));
    let transport = StreamableHttpClientTransport::from_config(config);
    let modern = version == ProtocolVersion::V_2026_07_28.as_str();
    let version: ProtocolVersion = serde_json::from_value(json!(version)).unwrap();
    let lifecycle = if modern {
        ClientLifecycleMode::Discover { preferred_versions: vec![version.clone()] }
    } else {
        ClientLifecycleMode::Initialize
    };
    let mut about = ClientConfig::default();
    about.client_info = Implementation::new("crate-client", "1");
    let client = about.with_protocol_version(version).serve_with_lifecycle(transport, lifecycle);
    tokio::time::timeout(std::time::Duration::from_mins(1), client).await.expect("an answer").unwrap()
}

/// Every tool once or more, all that's written below a name of the caller's own.
fn scenario(own: &str) -> Vec<(&'static str, Value)> {
    let path = format!("{own}/Thing/credential");
    vec![
        ("list_vaults", json!({})),
        ("list_secrets", json!({ "vault": "Staging" })),
        ("list_secrets", json!({ "vault": "Staging", "limit": 1 })),
        ("describe_secret", json!({ "path": "Staging/Stripe" })),
        ("get_secret", json!({ "path": "Staging/Stripe", "reason": "a test" })),
        ("get_secret", json!({ "path": "Staging/Nothing" })),
        ("get_secret", json!({ "path": "//" })),
        ("get_env_bundle", json!({ "path": "checkout" })),
        ("get_env_bundle", json!({ "path": "nothing" })),
        ("check_access", json!({ "path": "Staging/Stripe", "action": "delete" })),
        ("put_secret", json!({ "path": path, "value": "one", "category": "api_key" })),
        ("put_secret", json!({ "path": path, "value": "two", "if_version": 7 })),
        ("put_secret", json!({ "path": path, "value": "two", "if_version": 1 })),
        ("rotate_and_store", json!({ "path": path, "generate": { "length": 40 } })),
        ("describe_secret", json!({ "path": path })),
        ("delete_secret", json!({ "path": format!("{own}/Thing") })),
        ("get_secret", json!({ "path": path })),
        ("delete_secret", json!({ "path": format!("{own}/Gone") })),
        ("list_actions", json!({})),
        ("run_command", json!({ "name": "nothing" })),
        ("http_request", json!({ "name": "nothing", "method": "GET", "path": "/" })),
    ]
}

/// An answer without what can't be the same twice: the caller's own name, moments, ids and places in a list.
fn comparable(answer: &Value, own: &str) -> Value {
    match answer {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => json!("moment"),
        Value::String(text) => json!(text.replace(own, "OWN").replace("`ann`", "`agent`")),
        Value::Array(list) => list.iter().map(|one| comparable(one, own)).collect(),
        Value::Object(object) => {
            let hide =
                |key: &str| matches!(key, "id" | "item_id" | "vault_id" | "next_cursor" | "fingerprint" | "age_s");
            let member = |(key, value): (&String, &Value)| {
                let value = if hide(key) && !value.is_null() { json!("some") } else { comparable(value, own) };
                (key.clone(), value)
            };
            // What was asked before is in the log, and says more each time.
            Value::Object(object.iter().filter(|(key, _)| *key != "exposure").map(member).collect())
        }
        other => other.clone(),
    }
}

/// What all of the scenario was answered with, each shown twice as the same.
async fn played(own: &str, call: impl AsyncFn(&'static str, Value) -> (Value, bool)) -> Vec<Value> {
    let mut answers = Vec::new();
    for (tool, arguments) in scenario(own) {
        let (value, is_error) = call(tool, arguments).await;
        answers.push(json!({ "tool": tool, "error": is_error, "answer": comparable(&value, own) }));
    }
    answers
}

async fn call_over(http: &Http, tool: &'static str, arguments: Value) -> CallToolResult {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let call = http.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments));
    tokio::time::timeout(std::time::Duration::from_mins(1), call).await.expect("an answer").unwrap()
}

async fn played_over(http: &Http, own: &str) -> Vec<Value> {
    let call = async |tool, arguments| {
        let result = call_over(http, tool, arguments).await;
        let value = result.structured_content.expect("a structured answer");
        let text: Value = serde_json::from_str(&result.content[0].as_text().unwrap().text).unwrap();
        assert_eq!(text, value, "the text is the same JSON");
        (value, result.is_error.unwrap_or(false))
    };
    played(own, call).await
}

#[tokio::test]
async fn every_tool_answers_in_every_revision_as_it_does_over_stdio() {
    let home = home().await;
    home.configure(BUNDLE);
    let stdio: Client = home.serve("agent").await;
    let call = async |tool, arguments| {
        let answer = stdio.call(tool, arguments).await;
        (answer.value, answer.is_error)
    };
    let expected = played("by-stdio", call).await;
    stdio.end().await;
    let called: BTreeSet<_> = scenario("").into_iter().map(|(tool, _)| tool).collect();
    assert_eq!(called.len(), 12, "every tool is called");
    assert!(expected.iter().filter(|step| step["error"] == false).count() >= 12, "{expected:#?}");

    let before = home.requests().len();
    let hosted = home.host(&format!("{BUNDLE}[http]\n{}", tokens(&["ann"]))).await;
    for version in LEGACY.into_iter().chain(["2026-07-28"]) {
        let http = client(&hosted, "ann", version).await;
        let spoken = http.peer_info().map(|info| info.protocol_version.to_string());
        assert!(spoken.is_none_or(|spoken| spoken == version), "{version}");
        let tools = http.list_all_tools().await.unwrap();
        let names: BTreeSet<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(names, called, "{version}");
        let answers = played_over(&http, &format!("by-{version}")).await;
        for (step, (answer, expected)) in answers.iter().zip(&expected).enumerate() {
            assert_eq!(answer, expected, "{version}, step {step}");
        }
        assert_eq!(answers.len(), expected.len());
        http.cancel().await.unwrap();
    }
    let said = hosted.stop().await;
    assert!(!said.contains("sk-1") && !said.contains(&token("ann")), "{said}");

    let of_calls = home.requests().split_off(before);
    assert!(of_calls.len() >= 4 * scenario("").len(), "{}", of_calls.len());
    for record in of_calls {
        assert_eq!((&record["transport"], &record["principal"]), (&json!("http"), &json!("ann")), "{record}");
        assert_eq!(record["client"], "crate-client/1", "{record}");
    }
}

#[tokio::test]
async fn a_request_has_one_name_in_its_answer_and_in_the_records() {
    let home = home().await;
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann"]))).await;
    let session = hosted.open(&token("ann"), "2025-11-25").await;
    let legacy = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": { "name": "get_secret", "arguments": { "path": "Staging/Stripe" } } });
    let asks = [
        call("get_secret", &json!({ "path": "Staging/Stripe" })),
        call("get_secret", &json!({ "path": "Staging/Nothing" })),
        call("put_secret", &json!({ "path": "Made/Thing/credential", "value": "x" })),
        Ask::message(&legacy).session(&session),
    ];
    let mut seen = BTreeSet::new();
    for ask in asks {
        let reply = hosted.ask(&ask.bearer(&token("ann"))).await;
        let id = reply.header("x-request-id").unwrap().to_owned();
        let records: Vec<Value> =
            home.records().into_iter().filter(|record| record["request"] == id.as_str()).collect();
        assert!(!records.is_empty(), "{id} is recorded before it's answered");
        assert!(records.iter().all(|record| record["principal"] == "ann"), "{records:?}");
        assert!(seen.insert(id), "no two requests have the same name");
    }
    // A name that a client makes up isn't taken.
    let own = "01234567-89ab-7def-8123-456789abcdef";
    let ask = call("list_vaults", &json!({})).bearer(&token("ann")).header("X-Request-Id", own);
    assert_ne!(hosted.ask(&ask).await.header("x-request-id"), Some(own));
    hosted.stop().await;
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn several_requests_come_over_one_connection_and_are_answered_in_their_order() {
    let home = home().await;
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann"]))).await;
    let mut wire = hosted.connect().await;
    let mut bytes = Vec::new();
    for id in 10..15 {
        let params = crate::support::modern(json!({ "name": "get_secret", "arguments": { "path": "Staging/Stripe" } }));
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        bytes.extend(Ask::message(&message).bearer(&token("ann")).bytes(wire.host()));
    }
    wire.send(&bytes).await;
    for id in 10..15 {
        let answer = wire.reply().await.unwrap().json();
        assert_eq!((&answer["id"], &answer["result"]["structuredContent"]["value"]), (&json!(id), &json!("sk-1")));
    }
    hosted.stop().await;
}
