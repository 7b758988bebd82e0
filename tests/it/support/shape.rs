//! Whether a value has the shape that a JSON Schema describes; as much of JSON Schema as the tools use.

use serde_json::Value;

/// What's wrong with a value, if anything. A schema with words that aren't known here is a failure, too:
/// what isn't checked mustn't pass for checked.
pub(crate) fn mismatch(schema: &Value, value: &Value) -> Option<String> {
    const KNOWN: [&str; 10] = [
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "description",
        "anyOf",
        "minimum",
    ];
    let schema = match schema {
        Value::Bool(true) => return None,
        Value::Object(schema) => schema,
        other => return Some(format!("nothing fits {other}")),
    };
    if let Some(word) = schema.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Some(format!("`{word}` isn't checked"));
    }
    if let Some(name) = schema.get("type")
        && !has_type(name, value)
    {
        return Some(format!("{value} isn't of type {name}"));
    }
    if let Some(Value::Array(allowed)) = schema.get("enum")
        && !allowed.contains(value)
    {
        return Some(format!("{value} isn't one of {allowed:?}"));
    }
    if let Some(only) = schema.get("const")
        && only != value
    {
        return Some(format!("{value} isn't {only}"));
    }
    if let Some(Value::Array(choices)) = schema.get("anyOf")
        && choices.iter().all(|choice| mismatch(choice, value).is_some())
    {
        return Some(format!("{value} is none of {choices:?}"));
    }
    match value {
        Value::Object(object) => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let missing = required.filter_map(Value::as_str).find(|key| !object.contains_key(*key));
            if let Some(key) = missing {
                return Some(format!("`{key}` is missing"));
            }
            object.iter().find_map(|(key, value)| match schema.get("properties").and_then(|known| known.get(key)) {
                Some(schema) => mismatch(schema, value).map(|why| format!("{key}: {why}")),
                None => match schema.get("additionalProperties") {
                    Some(more) => mismatch(more, value).map(|why| format!("{key}: {why}")),
                    // The protocol allows it, but then the schema says less than the answer.
                    None => Some(format!("`{key}` isn't in the schema")),
                },
            })
        }
        Value::Array(values) => {
            let items = schema.get("items")?;
            values.iter().find_map(|value| mismatch(items, value))
        }
        _ => None,
    }
}

fn has_type(name: &Value, value: &Value) -> bool {
    match name {
        Value::Array(names) => names.iter().any(|name| has_type(name, value)),
        Value::String(name) => match name.as_str() {
            "array" => value.is_array(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "object" => value.is_object(),
            "string" => value.is_string(),
            _ => false,
        },
        _ => false,
    }
}

#[test]
fn a_mismatch_is_seen() {
    use serde_json::json;
    let schema = json!({ "type": "object", "required": ["a"], "properties": {
        "a": { "type": "array", "items": { "enum": ["x", "y"] } }, "b": { "type": "integer" } } });
    assert_eq!(mismatch(&schema, &json!({ "a": ["x"], "b": 1 })), None);
    for bad in [json!({}), json!({ "a": ["z"] }), json!({ "a": [], "b": "1" }), json!({ "a": [], "c": 1 }), json!([])] {
        assert!(mismatch(&schema, &bad).is_some(), "{bad}");
    }
    assert!(mismatch(&json!({ "oneOf": [] }), &json!(1)).is_some());
}
