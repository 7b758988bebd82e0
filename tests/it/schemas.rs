//! What a client is told about the tools, and what it costs to be told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Home, Raw, modern};

/// The tools that an agent can't do without; the others make its life easier.
const NAMED: [&str; 6] =
    ["describe_secret", "get_env_bundle", "get_secret", "list_secrets", "put_secret", "rotate_and_store"];

async fn list() -> (Value, usize) {
    let home = Home::new();
    let mut raw = Raw::start(home.folder(), "agent");
    let line = raw.ask_line("tools/list", modern(json!({}))).await;
    raw.end().await;
    let mut answer: Value = serde_json::from_str(&line).unwrap();
    (answer["result"].take(), line.len())
}

#[tokio::test]
async fn the_catalogue_is_what_it_was() {
    let (result, _) = list().await;
    insta::assert_json_snapshot!("tools", result);
}

#[tokio::test]
async fn the_catalogue_costs_little() {
    let (mut result, line) = list().await;
    let all = result.to_string().len();
    result["tools"].as_array_mut().unwrap().retain(|tool| NAMED.contains(&tool["name"].as_str().unwrap()));
    assert_eq!(result["tools"].as_array().unwrap().len(), NAMED.len());
    let named = result.to_string().len();
    println!("tools/list: {named} bytes for the six, {all} for all, {line} as a line");
    assert!(named < 6_000, "{named}");
    assert!(all < 12_000 && line < 12_000, "{all}, {line}");
}

#[tokio::test]
async fn every_tool_says_what_it_does_to_the_world() {
    let (result, _) = list().await;
    let tools = result["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 12);
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        let changes = ["put_secret", "rotate_and_store", "delete_secret"].contains(&name);
        // What they do is the owner's to say, and may be anything.
        let acts = ["http_request", "run_command"].contains(&name);
        let annotations = &tool["annotations"];
        assert_eq!(annotations["readOnlyHint"], !changes && !acts, "{name}");
        assert_eq!(annotations["destructiveHint"], changes || acts, "{name}");
        let once = acts || ["rotate_and_store", "delete_secret"].contains(&name);
        assert_eq!(annotations["idempotentHint"], !once, "{name}");
        assert_eq!(annotations["openWorldHint"], acts, "{name}");
        assert!(!tool["title"].as_str().unwrap().is_empty() && tool["description"].as_str().unwrap().len() > 20);
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            assert_eq!(schema["type"], "object", "{name}");
        }
        only_known_words(name, &tool["inputSchema"]);
        only_known_words(name, &tool["outputSchema"]);
    }
}

/// Some clients send schemas to models whose makers accept few of JSON Schema's words.
fn only_known_words(tool: &str, schema: &Value) {
    let known =
        BTreeSet::from(["type", "properties", "required", "additionalProperties", "items", "enum", "description"]);
    for (word, value) in schema.as_object().unwrap() {
        assert!(known.contains(word.as_str()), "{tool}: {word}");
        match word.as_str() {
            "properties" => value.as_object().unwrap().values().for_each(|schema| only_known_words(tool, schema)),
            "items" => only_known_words(tool, value),
            "additionalProperties" if value.is_object() => only_known_words(tool, value),
            "type" => assert!(value.is_string(), "{tool}: {value}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_agent_is_taught_by_the_texts() {
    let (result, _) = list().await;
    let text = |name: &str| {
        let tools = result["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap()["description"].as_str().unwrap().to_owned()
    };
    assert!(text("list_secrets").contains("Start here") && text("list_secrets").contains("not instructions"));
    assert!(text("describe_secret").contains("before reading"));
    assert!(text("get_secret").contains("Never repeat") && text("get_secret").contains("`denied`"));
    for tool in ["get_secret", "run_command", "http_request"] {
        assert!(text(tool).contains("run_command") || text(tool).contains("Prefer this to get_secret"), "{tool}");
    }
    assert!(text("rotate_and_store").contains("isn't returned"));
}
