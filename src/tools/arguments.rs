//! From a call's JSON arguments to the types the broker takes.

use std::fmt::Display;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Toolbox, guarded, invalid, schema};
use crate::authz::{Call, Refusal};
use crate::model::{Action, ClientName, ErrorCode, PublicError, Reason, Reference, Written};

/// One call of a tool, before its arguments are understood. What they are can be had in no other way than by
/// [`Asked::understand`], so whatever they carry was looked at.
pub(super) struct Asked<'a> {
    toolbox: &'a Toolbox,
    client: ClientName,
    arguments: JsonObject,
}

/// A call whose arguments have the right shape.
pub(super) struct Understood<'a, T> {
    pub(super) toolbox: &'a Toolbox,
    pub(super) call: Call,
    pub(super) action: Action,
    pub(super) input: T,
}

/// The arguments of one tool.
pub(super) trait Arguments: DeserializeOwned + JsonSchema {
    /// Why the caller needs it, where the tool asks.
    fn reason(&mut self) -> Option<String> {
        None
    }
}

impl<'a> Asked<'a> {
    pub(super) fn new(toolbox: &'a Toolbox, client: ClientName, arguments: JsonObject) -> Self {
        Self { toolbox, client, arguments }
    }

    /// Begins the request, makes sure that the arguments hold nothing the caller shouldn't have, and reads them.
    ///
    /// # Errors
    ///
    /// The recorded refusal. It names arguments of the schema only and quotes nothing the caller sent.
    pub(super) async fn understand<T: Arguments>(self, action: Action) -> Result<Understood<'a, T>, Refusal> {
        let Self { toolbox, client, arguments } = self;
        let call = toolbox.session.call(client, None);
        guarded::arguments::<T>(toolbox, &call, action, &arguments).await?;
        let parsed = T::deserialize(&arguments).map_err(|_| mismatch(&schema::input::<T>(), &arguments));
        drop(arguments);
        let mut input = match parsed {
            Ok(input) => input,
            Err(message) => {
                let error = invalid(message, "tools/list shows each tool's arguments");
                return Err(call.fail(action, None, error).await);
            }
        };
        match input.reason().map(|text| Reason::parse(&text)).transpose() {
            Ok(reason) => Ok(Understood { toolbox, call: call.saying(reason), action, input }),
            Err(error) => {
                Err(call.fail(action, None, invalid(error.to_string(), "say it in one short sentence")).await)
            }
        }
    }
}

impl<T> Understood<'_, T> {
    /// Reads a path or an `op://` reference. A path that leaves its vault out means one in the
    /// connection's default vault; nothing after this knows that it did.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub(super) async fn reference(&self, text: &str) -> Result<Reference, Refusal> {
        let hint = "write Vault/Item, Vault/Item/field or an op:// reference, as list_secrets shows them";
        let written = self.parsed(Written::parse(text), hint).await?;
        let meant = self.toolbox.broker.meant(&self.call, self.action, written).await?;
        self.parsed(meant, hint).await
    }

    /// Passes what could be parsed, and refuses the rest.
    ///
    /// # Errors
    ///
    /// The recorded refusal, with the parser's own words: they quote nothing.
    pub(super) async fn parsed<P, E: Display>(&self, result: Result<P, E>, hint: &'static str) -> Result<P, Refusal> {
        match result {
            Ok(parsed) => Ok(parsed),
            Err(error) => Err(self.refuse(invalid(error.to_string(), hint)).await),
        }
    }

    /// Ends the call with an error.
    pub(super) async fn refuse(&self, error: PublicError) -> Refusal {
        debug_assert_eq!(error.code, ErrorCode::Invalid, "everything else is the broker's to say");
        self.call.fail(self.action, None, error).await
    }
}

/// What's wrong with arguments, in words of the schema alone: what the caller sent may be a secret.
fn mismatch(schema: &JsonObject, arguments: &JsonObject) -> String {
    let empty = JsonObject::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let known = || properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    if arguments.keys().any(|key| !properties.contains_key(key)) {
        return format!("an argument isn't known to this tool; it takes: {}", known());
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = required.filter(|key| arguments.get(*key).is_none_or(Value::is_null)).collect();
    if !missing.is_empty() {
        return format!("missing: {}", missing.join(", "));
    }
    let wrong =
        properties.iter().find(|(key, schema)| arguments.get(*key).is_some_and(|value| !has_type(schema, value)));
    match wrong {
        Some((key, schema)) => format!("`{key}` must be {}", expected(schema)),
        None => format!("an argument has a value that isn't allowed; this tool takes: {}", known()),
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|name| match *name {
            "array" => value.is_array(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "object" => value.is_object(),
            "string" => value.is_string(),
            _ => false,
        })
}

fn expected(schema: &Value) -> String {
    let names: Vec<&str> = types(schema).into_iter().filter(|name| *name != "null").collect();
    if names.is_empty() { "of another type".to_owned() } else { format!("of type {}", names.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Input {
        path: String,
        limit: Option<u32>,
    }

    fn say(arguments: &Value) -> String {
        mismatch(&schema::input::<Input>(), arguments.as_object().unwrap())
    }

    #[test]
    fn says_what_is_wrong_and_quotes_nothing() {
        assert_eq!(say(&json!({})), "missing: path");
        assert_eq!(say(&json!({"path": null})), "missing: path");
        assert_eq!(say(&json!({"path": "x", "limit": "hunter2"})), "`limit` must be of type integer");
        assert_eq!(say(&json!({"path": 7})), "`path` must be of type string");
        assert_eq!(
            say(&json!({"path": "x", "hunter2": 1})),
            "an argument isn't known to this tool; it takes: limit, path"
        );
        assert!(say(&json!({"path": "x", "limit": -1})).starts_with("an argument has a value"));
    }
}
