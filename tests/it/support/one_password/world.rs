//! What there is in 1Password, written as `op` shows it, and as Connect does.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::far::{CONNECT_WRITER, READER};
use crate::fake_op;

/// Two vaults, `Staging` and `Production`, with items of most kinds.
pub(crate) fn seed() -> Value {
    fake_op::seed()
}

/// An item with one password.
pub(crate) fn login(id: &str, title: &str, vault: &str, value: &str) -> Value {
    let password =
        json!({ "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": value });
    let notes = json!({ "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain" });
    item(id, title, vault, &json!([password, notes]))
}

/// An item with these fields.
pub(crate) fn item(id: &str, title: &str, vault: &str, fields: &Value) -> Value {
    let (made, changed) = ("2026-03-02T08:15:00Z", "2026-06-11T16:40:12Z");
    json!({
        "id": format!("{id:a<26}"), "title": title, "version": 1, "vault": { "id": vault }, "category": "PASSWORD",
        "created_at": made, "updated_at": changed, "additional_information": "canary-additional", "fields": fields,
    })
}

/// A world as Connect has it.
pub(super) fn connect_world(op: &Value) -> Value {
    let rights = |right: &str| -> Value {
        let vaults = op["vaults"].as_array().unwrap().iter();
        vaults.map(|vault| (vault["id"].as_str().unwrap().to_owned(), json!(right))).collect::<Map<_, _>>().into()
    };
    let vaults = op["vaults"].as_array().unwrap().iter().map(|vault| renamed(vault, &camel));
    json!({
        "tokens": [
            { "token": CONNECT_WRITER, "vaults": rights("rw") },
            { "token": READER.1, "vaults": rights("r") },
        ],
        "vaults": vaults.collect::<Vec<_>>(),
        "items": op["items"].as_array().unwrap().iter().map(to_connect).collect::<Vec<_>>(),
    })
}

/// An item as Connect has it. It doesn't show passkeys, and files have an entrance of their own.
pub(super) fn to_connect(op: &Value) -> Value {
    let mut item = renamed(op, &camel);
    let keys = item.as_object_mut().unwrap();
    keys.remove("files");
    if let Some(passkeys) = keys.remove("passkeys") {
        keys.insert("_hidden".to_owned(), json!({ "passkeys": passkeys }));
    }
    for field in item["fields"].as_array_mut().into_iter().flatten() {
        let date = field["value"].as_str().and_then(|value| value.parse::<Date>().ok());
        if let Some(date) = date.filter(|_| field["type"] == "DATE") {
            let noon = date.at(12, 1, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
            field["value"] = json!(noon.as_second().to_string());
        }
    }
    item
}

/// An item as `op` has it.
pub(super) fn to_op(connect: &Value) -> Value {
    let mut item = renamed(connect, &snake);
    let keys = item.as_object_mut().unwrap();
    if let Some(mut hidden) = keys.remove("_hidden") {
        keys.insert("passkeys".to_owned(), hidden["passkeys"].take());
    }
    for field in item["fields"].as_array_mut().into_iter().flatten() {
        let seconds = field["value"].as_str().and_then(|value| value.parse().ok());
        if let Some(seconds) = seconds.filter(|_| field["type"] == "DATE") {
            let date = Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC).date();
            field["value"] = json!(date.to_string());
        }
    }
    item
}

fn renamed(value: &Value, name: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Object(keys) => keys.iter().map(|(key, value)| (name(key), renamed(value, name))).collect(),
        Value::Array(values) => values.iter().map(|value| renamed(value, name)).collect(),
        other => other.clone(),
    }
}

fn camel(key: &str) -> String {
    let mut parts = key.strip_prefix('_').map_or_else(|| key.split('_'), |_| key.split('\0'));
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| format!("{name}{}{}", part[..1].to_uppercase(), &part[1..]))
}

fn snake(key: &str) -> String {
    key.chars().fold(String::new(), |mut name, c| {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
        name
    })
}
