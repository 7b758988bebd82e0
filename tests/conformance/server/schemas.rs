//! What tools take.

use serde_json::{Value, json};

/// Nothing.
pub(crate) fn nothing() -> Value {
    json!({ "type": "object", "properties": {} })
}

/// One text.
pub(crate) fn text(name: &str, what: &str) -> Value {
    json!({
        "type": "object",
        "properties": { name: { "type": "string", "description": what } },
        "required": [name],
    })
}

/// A text that a client repeats in a header of its request.
pub(crate) fn in_header() -> Value {
    json!({
        "type": "object",
        "properties": { "region": { "type": "string", "description": "Any text", "x-mcp-header": "Region" } },
        "required": ["region"],
    })
}

/// How long, and under which name.
pub(crate) fn seconds() -> Value {
    json!({
        "type": "object",
        "properties": {
            "seconds": { "type": "number", "minimum": 0, "maximum": 60 },
            "label": { "type": "string" },
        },
    })
}

/// Every keyword that the suite wants to see again as it was.
pub(crate) fn of_2020_12() -> Value {
    let requires = |field: &str| json!({ "required": [field] });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [requires("phone"), requires("email")] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": requires("phone"),
        "else": requires("email"),
        "additionalProperties": false,
    })
}
