//! What the tests have in common: a home for the program, clients, and the vault's file from within.

mod client;
mod home;
pub(crate) mod http;
mod kdbx;
pub(crate) mod one_password;
mod raw;
mod screen;
mod shape;

pub(crate) use client::{Answer, Client};
pub(crate) use home::{Home, OWNER, Put, put};
pub(crate) use kdbx::{add, id, password};
pub(crate) use raw::{Raw, modern};
pub(crate) use screen::Screen;
pub(crate) use shape::mismatch;

/// Every tool, with arguments that ask about a path.
pub(crate) fn about(path: &str) -> [(&'static str, serde_json::Value); 9] {
    use serde_json::json;
    [
        ("check_access", json!({ "path": path, "action": "read" })),
        ("delete_secret", json!({ "path": path })),
        ("describe_secret", json!({ "path": path })),
        ("get_env_bundle", json!({ "path": path })),
        ("get_secret", json!({ "path": path })),
        ("list_secrets", json!({})),
        ("list_vaults", json!({})),
        ("put_secret", json!({ "path": path, "value": "n3w-v4lue" })),
        ("rotate_and_store", json!({ "path": path })),
    ]
}

/// A policy of rules given as the lines after `[[rule]]`.
pub(crate) fn policy(rules: &[&str]) -> String {
    let mut text = "version = 1\n".to_owned();
    for (number, rule) in rules.iter().enumerate() {
        let id = if rule.contains("id =") { String::new() } else { format!("id = \"rule-{number}\"\n") };
        text.extend(["[[rule]]\n", &id, rule, "\n"]);
    }
    text
}

/// A rule that lets everyone do these things everywhere.
pub(crate) fn everyone(actions: &[&str]) -> String {
    format!("principals = [\"*\"]\nactions = {actions:?}\npaths = [\"**\"]")
}
