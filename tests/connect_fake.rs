//! The stand-in for a Connect server, held against what 1Password's own SDKs ask and accept, and against what it
//! promises to the tests that use it: were it wrong, they'd prove nothing.

#![cfg(test)]
#![allow(clippy::string_slice, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "support/fake_connect.rs"]
mod fake_connect;
#[path = "connect_fake/faults.rs"]
mod faults;
#[path = "connect_fake/replay.rs"]
mod replay;
#[path = "connect_fake/settings.rs"]
mod settings;
#[path = "connect_fake/strict.rs"]
mod strict;
#[path = "connect_fake/wire.rs"]
mod wire;
#[path = "connect_fake/writes.rs"]
mod writes;

use serde_json::{Value, json};

use crate::fake_connect::{FakeConnect, Reply};

/// The vault that may be written.
const VAULT: &str = "ftz4pm2xxwmwrsd7rjqn7grzfz";
/// The one that may only be read.
const READ_ONLY: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The one that the token doesn't see.
const HIDDEN: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbb";
/// The item with one of everything.
const ITEM: &str = "2fcbqwe9ndg175zg2dzwftvkpa";
const FILE: &str = "6r65pjq33banznomn7q22sj44e";

fn item_path() -> String {
    format!("/v1/vaults/{VAULT}/items/{ITEM}")
}

fn items_path() -> String {
    format!("/v1/vaults/{VAULT}/items")
}

fn get(fake: &FakeConnect, path: &str) -> Reply {
    fake.send("GET", path, None).unwrap()
}

fn read_item(fake: &FakeConnect) -> Value {
    let reply = get(fake, &item_path());
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()
}

/// A value of an item's field.
fn value_of(item: &Value, field: &str) -> Option<String> {
    let fields = item["fields"].as_array()?;
    let field = fields.iter().find(|known| known["id"] == field)?;
    field["value"].as_str().map(str::to_owned)
}

/// The same item with another value in a field.
fn with_value(mut item: Value, field: &str, value: &str) -> Value {
    let fields = item["fields"].as_array_mut().unwrap();
    fields.iter_mut().find(|known| known["id"] == field).unwrap()["value"] = json!(value);
    item
}

/// Reads the item, and writes it back with another token in it.
fn rotate(fake: &FakeConnect, to: &str) -> std::io::Result<Reply> {
    fake.send("PUT", &item_path(), Some(&with_value(read_item(fake), TOKEN_FIELD, to)))
}

const TOKEN_FIELD: &str = "z3vb5dh5xqqc3oikk4qszbfl7a";

/// The token that's stored, whatever reads show.
fn stored_token(fake: &FakeConnect) -> String {
    value_of(&fake.stored(ITEM).unwrap(), TOKEN_FIELD).unwrap()
}

fn new_password() -> Value {
    json!({
        "title": "new", "vault": { "id": VAULT }, "category": "PASSWORD",
        "fields": [{ "type": "CONCEALED", "purpose": "PASSWORD", "value": "s" }],
    })
}

fn create(fake: &FakeConnect, item: &Value) -> Reply {
    fake.send("POST", &items_path(), Some(item)).unwrap()
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, message: &str) {
    assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
    let error = reply.json();
    assert_eq!(error["status"], status);
    let told = error["message"].as_str().unwrap();
    assert!(told.contains(message), "{told}");
}
