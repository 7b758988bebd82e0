//! JSON Schema of the policy file, for editors.

mod deliveries;

use serde_json::{Value, json};

use crate::model::{Action, Category, Transport};

/// Describes a policy file to an editor: which keys there are, what they mean and what they may hold.
///
/// It's looser than the reader, which also knows what a pattern or a time zone is.
#[must_use]
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "opward policy",
        "description": "Who may do what with which secrets. Nothing is allowed that no rule allows; deny wins.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version"],
        "properties": {
            "version": { "const": 1, "description": "The version of this format." },
            "rule": { "type": "array", "items": rule() },
            "command": { "type": "array", "items": deliveries::command() },
            "http": { "type": "array", "items": deliveries::http() },
        },
    })
}

fn rule() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "principals", "actions", "paths"],
        "properties": {
            "id": text("Unique; named in decisions, records and denials.", Some("^[A-Za-z0-9._-]{1,64}$")),
            "effect": { "enum": ["allow", "deny"], "default": "allow", "description": "A matching deny wins over every allow." },
            "principals": list(text("A principal, with `*` for any run of characters.", Some("^[A-Za-z0-9._@:+*-]+$")), "Who."),
            "actions": list(json!({ "enum": Action::ALL }), "What they may, or may not, do. `use` delivers a value without showing it; `read` shows it."),
            "paths": list(text("`*` is any run of characters inside one segment, `**` any number of whole segments.", Some(r"^[^?\[\]{}\\]+$")),
                "Which secrets: Vault/Item/field or Vault/Item/Section/field. A pattern also covers all that lies below what it matches."),
            "categories": list(json!({ "enum": Category::ALL }), "Only items of these categories."),
            "tags": list(text("A tag, without regard to case.", None), "Only items that carry one of these."),
            "reason": text("A note for the people who read this.", None),
            "when": when(),
            "require": {
                "type": "object",
                "additionalProperties": false,
                "required": ["reason"],
                "properties": { "reason": { "type": "boolean", "description": "The caller must say why; it's recorded." } },
            },
            "limit": limit(),
            "use": deliveries::uses(),
            "after_read": {
                "type": "object",
                "additionalProperties": false,
                "required": ["rotate_within"],
                "properties": { "rotate_within": text("Whoever was shown the value leaves it to be replaced within this time, such as 24h.", Some(DURATION)) },
            },
        },
        "if": { "properties": { "effect": { "const": "deny" } }, "required": ["effect"] },
        "then": { "properties": { "require": false, "limit": false, "after_read": false } },
    })
}

/// A number and a unit.
const DURATION: &str = "^[0-9]+[smhd]$";

fn limit() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rate"],
        "properties": { "rate": text("Requests per principal, such as 30/1h.", Some("^[0-9]+/[0-9]+[smhd]$")) },
    })
}

fn when() -> Value {
    let time = |description: &str| json!({ "type": "string", "format": "date-time", "description": description });
    json!({
        "type": "object",
        "description": "The rule matches only while all of this holds.",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {
            "expires": time("The rule no longer matches from here on. A date and time with an offset, without quotes."),
            "not_before": time("The rule matches from here on."),
            "hours": text("Days, a window and a time zone: Mon-Fri 08:00-19:00 Europe/Berlin.", None),
            "source_ip": list(text("An address or a network.", None), "HTTP only; never matches another transport."),
            "transport": list(json!({ "enum": Transport::ALL }), "How the request came."),
            "claims": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": { "type": "string" },
                "description": "Claims the token must carry, exactly.",
            },
        },
    })
}

fn text(description: &str, pattern: Option<&str>) -> Value {
    let mut schema = json!({ "type": "string", "minLength": 1, "description": description });
    if let (Some(pattern), Some(keys)) = (pattern, schema.as_object_mut()) {
        keys.insert("pattern".to_owned(), json!(pattern));
    }
    schema
}

fn list(items: Value, description: &str) -> Value {
    let mut schema = json!({ "type": "array", "minItems": 1, "description": description });
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("items".to_owned(), items);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::super::delivery::{COMMAND_KEYS, HTTP_KEYS, USE_KEYS};
    use super::super::parse::KEYS;
    use super::super::when::KEYS as WHEN_KEYS;
    use super::*;

    fn keys(schema: &Value) -> Vec<&str> {
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn names_the_keys_the_reader_knows() {
        let sorted = |mut keys: Vec<&'static str>| {
            keys.sort_unstable();
            keys
        };
        let schema = schema();
        let rule = &schema["properties"]["rule"]["items"];
        let mut found = keys(rule);
        found.sort_unstable();
        assert_eq!(found, sorted(KEYS.to_vec()));
        let mut found = keys(&rule["properties"]["when"]);
        found.sort_unstable();
        assert_eq!(found, sorted(WHEN_KEYS.to_vec()));
        for (place, known) in [
            (&schema["properties"]["command"]["items"], COMMAND_KEYS.to_vec()),
            (&schema["properties"]["http"]["items"], HTTP_KEYS.to_vec()),
            (&rule["properties"]["use"], USE_KEYS.to_vec()),
        ] {
            let mut found = keys(place);
            found.sort_unstable();
            assert_eq!(found, sorted(known));
        }
        assert_eq!(rule["properties"]["actions"]["items"]["enum"][3], "read");
    }
}
