//! Every revision of the protocol, against the real program, set up and not.

use serde_json::{Value, json};

use crate::support::{Home, Raw, about, everyone, modern, policy, put};

const CANARY: &str = "c4n4ry-of-lifecycles";

async fn home() -> Home {
    Home::with(&policy(&[&everyone(&["list", "describe", "read"])]), [put("V/A/password", CANARY)]).await
}

fn names(tools: &Value) -> Vec<&str> {
    tools["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn with_nothing_set_up_it_says_what_it_can_do_and_what_to_run() {
    let home = Home::empty();
    for variable in ["OPWARD_HOME", "HOME"] {
        let mut raw = Raw::start_in(variable, home.folder(), "agent");
        let discovered = raw.ask("server/discover", modern(json!({}))).await;
        let result = &discovered["result"];
        for capability in ["tools", "resources", "prompts", "completions"] {
            assert!(result["capabilities"][capability].is_object(), "{result}");
        }
        assert!(result["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{result}");
        assert!(result["instructions"].as_str().unwrap().contains("list_secrets"));
        let tools = raw.ask("tools/list", modern(json!({}))).await;
        assert_eq!(names(&tools).len(), 12);
        assert_eq!(tools["result"]["cacheScope"], "private");
        for (tool, arguments) in about("V/A") {
            let answer = raw.ask("tools/call", modern(json!({ "name": tool, "arguments": arguments }))).await;
            let result = &answer["result"];
            assert_eq!(
                (&result["isError"], &result["structuredContent"]["error"]["code"]),
                (&json!(true), &json!("source_unavailable"))
            );
            assert!(result["structuredContent"]["error"]["hint"].as_str().unwrap().contains("opward init"), "{answer}");
        }
        let resources = raw.ask("resources/list", modern(json!({}))).await;
        assert_eq!(resources["result"]["resources"].as_array().unwrap().len(), 2);
        let refused = raw.ask("resources/read", modern(json!({ "uri": "opward://secrets" }))).await;
        assert!(refused["error"]["message"].as_str().unwrap().contains("isn't set up"), "{refused}");
        assert_eq!(raw.end().await.0, "");
    }
    let left: Vec<_> = std::fs::read_dir(home.folder()).unwrap().collect();
    assert!(left.is_empty(), "serving makes no files: {left:?}");
}

#[tokio::test]
async fn after_init_the_next_server_is_ready() {
    let home = Home::empty();
    assert!(home.run(&["init"], "").status.success());
    let again = home.run(&["init"], "");
    assert!(again.status.success(), "init may be run again");
    assert!(home.run(&["secret", "put", "V/A/password"], CANARY).status.success());
    let agent = home.serve("agent").await;
    assert_eq!(agent.paths(json!({})).await, ["V/A"]);
    agent.end().await;
}

#[tokio::test]
async fn every_handshake_revision_reads_a_secret() {
    let home = home().await;
    for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let mut raw = Raw::start(home.folder(), "agent");
        let hello = raw.initialize(version).await;
        assert_eq!(hello["result"]["protocolVersion"], version);
        assert_eq!(hello["result"]["serverInfo"]["name"], "opward");
        assert_eq!(names(&raw.ask("tools/list", json!({})).await).len(), 12);
        assert_eq!(raw.ask("ping", json!({})).await["result"], json!({}));
        let call = json!({ "name": "get_secret", "arguments": { "path": "V/A" } });
        let answer = raw.ask("tools/call", call).await;
        assert_eq!(answer["result"]["structuredContent"]["value"], CANARY, "{version}: {answer}");
        assert_eq!(raw.end().await.0, "");
    }
}

#[tokio::test]
async fn the_stateless_revision_needs_no_handshake() {
    let home = home().await;
    let mut raw = Raw::start(home.folder(), "agent");
    let call = modern(json!({ "name": "get_secret", "arguments": { "path": "V/A" } }));
    for _ in 0..3 {
        let answer = raw.ask("tools/call", call.clone()).await;
        assert_eq!(answer["result"]["structuredContent"]["value"], CANARY, "{answer}");
        assert_eq!(answer["result"]["resultType"], "complete");
    }
    let bare = raw.ask("tools/call", json!({ "name": "get_secret", "arguments": { "path": "V/A" } })).await;
    assert_eq!(bare["error"]["code"], -32602, "{bare}");
    raw.end().await;
    let clients: Vec<_> = home.records().into_iter().filter(|record| record["action"] == "read").collect();
    assert!(!clients.is_empty() && clients.iter().all(|record| record["client"] == "raw/1"), "{clients:?}");
}

#[tokio::test]
async fn nothing_but_the_protocol_is_on_stdout() {
    let home = home().await;
    let mut raw = Raw::start(home.folder(), "agent");
    raw.initialize("2025-11-25").await;
    for line in [
        "not JSON",
        "{}",
        "[]",
        "null",
        "\"x\"",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard_of\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":70,\"method\":\"no/such\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":71,\"method\":\"tools/call\",\"params\":{\"name\":\"no_such_tool\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":72,\"method\":\"tools/call\",\"params\":{\"name\":\"get_secret\",\"arguments\":[]}}",
        "{\"jsonrpc\":\"2.0\",\"id\":73,\"method\":\"tools/call\",\"params\":{\"name\":\"get_secret\",\"arguments\":{\"path\":\"V/A\",\"path\":\"V/B\"}}}",
    ] {
        raw.line(line).await;
    }
    for id in 74..80 {
        let params = json!({ "name": "get_secret", "arguments": { "path": "V/A/password" } });
        raw.line(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()).await;
    }
    // Both ends of the conversation, and all in between: hanging up lets what was asked be answered.
    let (rest, said) = raw.end().await;
    let mut values = 0;
    for line in rest.lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        assert!(message.get("result").is_some() != message.get("error").is_some(), "{line}");
        values += usize::from(line.contains(CANARY));
    }
    assert_eq!(values, 6, "{rest}");
    assert!(!said.contains(CANARY), "not even the loudest log has a value");
}
