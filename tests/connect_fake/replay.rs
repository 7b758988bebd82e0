//! Each recorded request of the official SDKs gets the recorded status, and an answer of the recorded shape.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::fake_connect::{FakeConnect, Reply};

const RECORDED: &str = include_str!("../../fixtures/onepassword/connect-sdk-exchanges.jsonl");

/// What the placeholders of a recording stand for, this time.
#[derive(Default)]
struct Placeholders(HashMap<String, String>);

#[test]
fn the_recorded_requests_of_the_javascript_sdk_are_answered_as_recorded() {
    assert_eq!(replay("@1password/connect 1.4.2"), 26);
}

#[test]
fn the_recorded_requests_of_the_python_sdk_are_answered_as_recorded() {
    assert_eq!(replay("onepasswordconnectsdk 2.1.0"), 25);
}

#[test]
fn the_recorded_requests_of_the_go_sdk_are_answered_as_recorded() {
    assert_eq!(replay("connect-sdk-go 1.5.3"), 22);
}

/// Plays what one SDK asked; gives how much that was.
fn replay(sdk: &str) -> usize {
    let fake = FakeConnect::built_in();
    let mut placeholders = Placeholders::default();
    let recorded = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let exchanges: Vec<Value> = recorded.filter(|exchange| exchange["sdk"] == sdk).collect();
    for exchange in &exchanges {
        let step = exchange["step"].as_str().unwrap();
        let reply = send(&fake, &exchange["request"], &mut placeholders);
        let expected = &exchange["response"];
        assert_eq!(json!(reply.status), expected["status"], "{step}: {}", String::from_utf8_lossy(&reply.body));
        assert_eq!(json!(reply.header("content-type")), expected["content_type"], "{step}");
        assert_eq!(reply.header("1password-connect-version"), Some("1.8.1"), "{step}");
        let body = &expected["body"];
        if body.is_null() {
            assert!(reply.body.is_empty(), "{step}");
        } else if let Some(bytes) = body.get("__bytes_b64__") {
            assert_eq!(json!(BASE64_STANDARD.encode(&reply.body)), *bytes, "{step}");
        } else {
            placeholders.compare(body, &reply.json(), &format!("{step}: $"));
        }
    }
    exchanges.len()
}

fn send(fake: &FakeConnect, request: &Value, placeholders: &mut Placeholders) -> Reply {
    let headers = request["headers"].as_object().unwrap();
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned())).collect();
    let target = placeholders.fill(request["target"].as_str().unwrap());
    let body = &request["body"];
    let body = if body.is_null() { Vec::new() } else { placeholders.fill(&body.to_string()).into_bytes() };
    fake.exchange(request["method"].as_str().unwrap(), &target, &headers, &body, Duration::from_secs(20)).unwrap()
}

impl Placeholders {
    /// A text with all placeholders filled in; one that's not known yet is the client's own to choose.
    fn fill(&mut self, text: &str) -> String {
        let mut filled = text.replace("{{NOW}}", "2026-11-21T10:00:00Z");
        while let Some(from) = filled.find("{{") {
            let to = filled[from..].find("}}").unwrap() + from + 2;
            let name = filled[from..to].to_owned();
            let number = self.0.len();
            let meaning = self.0.entry(name.clone()).or_insert_with(|| format!("{number:a>26}")).clone();
            filled = filled.replace(&name, &meaning);
        }
        filled
    }

    fn compare(&mut self, expected: &Value, actual: &Value, at: &str) {
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => {
                let keys = |object: &serde_json::Map<String, Value>| -> BTreeSet<String> {
                    // The built-in world has a history that the recorded one hadn't.
                    object.keys().filter(|key| *key != "history").cloned().collect()
                };
                assert_eq!(keys(expected), keys(actual), "{at}");
                for (key, value) in expected {
                    // It counts up.
                    if key != "contentVersion" {
                        self.compare(value, &actual[key], &format!("{at}.{key}"));
                    }
                }
            }
            (Value::Array(expected), Value::Array(actual)) => {
                assert_eq!(expected.len(), actual.len(), "{at}");
                for (place, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.compare(expected, actual, &format!("{at}[{place}]"));
                }
            }
            (Value::String(expected), Value::String(actual)) => self.compare_text(expected, actual, at),
            (expected, actual) => assert_eq!(expected, actual, "{at}"),
        }
    }

    fn compare_text(&mut self, expected: &str, actual: &str, at: &str) {
        let vault_changed = at.contains("aults") && at.rsplit('.').next() == Some("updatedAt");
        if expected == "{{NOW}}" || vault_changed {
            assert!(actual.parse::<jiff::Timestamp>().is_ok(), "{at}: {actual}");
        } else if at.rsplit('.').next() == Some("totp") {
            assert!(actual.len() == 6 && actual.parse::<u32>().is_ok(), "{at}: {actual}");
        } else if actual.contains("canary-") {
            // What the built-in world holds in each place is its own affair.
            assert!(!expected.is_empty(), "{at}");
        } else if expected.starts_with("{{") && !self.0.contains_key(expected) {
            assert!(!actual.is_empty(), "{at}");
            self.0.insert(expected.to_owned(), actual.to_owned());
        } else {
            assert_eq!(self.fill(expected), actual, "{at}");
        }
    }
}
