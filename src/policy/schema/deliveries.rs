//! The part of the schema about commands and HTTP entries.

use serde_json::{Value, json};

use super::super::delivery::{Class, CommandOutput, SandboxWish};
use super::{DURATION, limit, list, text};

const NAME: &str = "^[A-Za-z0-9._-]{1,64}$";
const ABSOLUTE: &str = "^/";

pub(super) fn uses() -> Value {
    json!({
        "type": "object",
        "description": "What `use` may do with the values: without it, an allow rule permits no delivery and a deny rule denies each.",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {
            "commands": list(text("The name of a [[command]] of this file.", Some(NAME)), "Commands that may be given the values."),
            "hosts": list(text("The host of an [[http]] of this file, with its port where it isn't the usual one.", None), "Hosts that may be sent the values."),
            "run": { "enum": ["masked", "unmasked"], "description": "`opward run` may give them to any program; `unmasked`: also without hiding them in its output." },
        },
    })
}

pub(super) fn command() -> Value {
    let folder = |description: &str| text(description, Some(ABSOLUTE));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "exe", "class"],
        "properties": {
            "name": text("Unique among commands; how rules and callers name it.", Some(NAME)),
            "description": text("What it does, for the agents that may use it.", None),
            "exe": text("The program's absolute path.", Some(ABSOLUTE)),
            "sha256": text("The program's SHA-256: another one isn't run.", Some("^[0-9A-Fa-f]{64}$")),
            "args": list(json!({ "type": "string", "description": "{name} stands for a parameter, {{ and }} for braces." }), "Its arguments. There's no shell."),
            "params": map(parameter(), "What callers may give."),
            "env": map(secret(), "Values in variables of its environment."),
            "vars": map(json!({ "type": "string" }), "Plain variables of its environment."),
            "stdin": secret(),
            "fd": {
                "type": "object",
                "description": "Values in files that it finds as these descriptors.",
                "additionalProperties": false,
                "minProperties": 1,
                "patternProperties": { "^[3-9]$": secret() },
            },
            "class": { "enum": Class::ALL.map(Class::as_str), "description": "sealed: it does one thing. parametrised: a caller can learn something through it. trusted-code: it runs what its caller may have written, who can get the values." },
            "accept_exposure": { "const": true, "description": "Needed with, and only with, trusted-code." },
            "output": { "enum": CommandOutput::ALL.map(CommandOutput::as_str), "default": "redact", "description": "What its caller sees." },
            "timeout": text("At most 1h.", Some(DURATION)),
            "network": { "type": "boolean", "default": false, "description": "Whether it may reach the network." },
            "cwd": folder("Its working directory; else its private, empty home."),
            "read": list(folder("A folder or file."), "What else it may read."),
            "write": list(folder("A folder or file."), "What else it may change."),
            "sandbox": { "enum": SandboxWish::ALL.map(SandboxWish::as_str), "default": "prefer", "description": "require: by every layer or not at all. prefer: by those the system has." },
        },
        "anyOf": [{ "required": ["env"] }, { "required": ["stdin"] }, { "required": ["fd"] }],
        "if": { "properties": { "class": { "const": "trusted-code" } }, "required": ["class"] },
        "then": { "required": ["accept_exposure"] },
        "else": { "properties": { "accept_exposure": false } },
    })
}

fn parameter() -> Value {
    let one = |kind: &str, keys: Value, required: &[&str]| {
        let mut properties = json!({ "kind": { "const": kind } });
        if let (Some(properties), Value::Object(keys)) = (properties.as_object_mut(), keys) {
            properties.extend(keys);
        }
        let required: Vec<&str> = ["kind"].into_iter().chain(required.iter().copied()).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    };
    json!({ "oneOf": [
        one("path", json!({ "under": text("The folder that it lies below.", Some(ABSOLUTE)) }), &["under"]),
        one("enum", json!({ "values": list(text("A value.", None), "The values that may be given.") }), &["values"]),
        one("regex", json!({ "pattern": text("A regular expression that the whole text matches.", None) }), &["pattern"]),
        one("integer", json!({ "min": { "type": "integer" }, "max": { "type": "integer" } }), &["min", "max"]),
    ]})
}

pub(super) fn http() -> Value {
    let slot = |keys: Value, required: &[&str]| {
        let mut properties = json!({ "secret": secret() });
        if let (Some(properties), Value::Object(keys)) = (properties.as_object_mut(), keys) {
            properties.extend(keys);
        }
        let required: Vec<&str> = ["secret"].into_iter().chain(required.iter().copied()).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "base", "methods", "paths", "inject"],
        "properties": {
            "name": text("Unique among HTTP entries; how callers name it.", Some(NAME)),
            "description": text("What it's for, for the agents that may use it.", None),
            "base": text("What every address begins with.", Some("^https?://.*/$")),
            "methods": list(json!({ "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] }), "What may be asked with."),
            "paths": list(text("`*` is any run of characters inside one segment, `**` any number of whole segments. A `/` at the end is part of a path.", Some(ABSOLUTE)), "What may be asked for."),
            "inject": { "description": "Where the value goes.", "oneOf": [
                slot(json!({ "header": text("A header's name.", None), "format": text("What it holds, with {} for the value.", None) }), &["header", "format"]),
                slot(json!({ "query": text("The name of a query's parameter.", None) }), &["query"]),
                slot(json!({ "basic": { "type": "string", "description": "The user; the value is the password." } }), &["basic"]),
            ]},
            "limit": limit(),
            "allow_private": { "type": "boolean", "default": false, "description": "Whether the host may be in a private network." },
            "timeout": text("At most 10m.", Some(DURATION)),
        },
    })
}

fn secret() -> Value {
    text("A secret's path: Vault/Item/field.", None)
}

fn map(values: Value, description: &str) -> Value {
    let mut schema = json!({ "type": "object", "minProperties": 1, "description": description });
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("additionalProperties".to_owned(), values);
    }
    schema
}
