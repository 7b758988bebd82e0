//! Every text and number that a caller sends, on its way to where it's looked at for values the caller shouldn't have.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde_json::Value;

use super::{Toolbox, schema};
use crate::authz::{Call, Refusal};
use crate::broker::Told;
use crate::model::Action;

/// Looks at the arguments of a tool: at each text and number in them and at each name of one, at any depth.
///
/// # Errors
///
/// The recorded refusal. It names an argument of the schema at most.
pub(super) async fn arguments<T: JsonSchema>(
    toolbox: &Toolbox,
    call: &Call,
    action: Action,
    arguments: &JsonObject,
) -> Result<(), Refusal> {
    let mut told = Vec::with_capacity(arguments.len());
    for (name, value) in arguments {
        collect(name, value, &mut told);
    }
    // A tool's own words are no secret, and most names are such.
    let is_known = |name: &str| {
        schema::input::<T>().get("properties").and_then(Value::as_object).is_some_and(|known| known.contains_key(name))
    };
    told.extend(arguments.keys().map(|name| Told { argument: name, text: name.into() }));
    toolbox.broker.guard(call, action, &told, &is_known).await
}

/// Looks at a text that isn't a tool's argument.
///
/// # Errors
///
/// The recorded refusal.
pub(super) async fn text(
    toolbox: &Toolbox,
    call: &Call,
    action: Action,
    name: &'static str,
    text: &str,
) -> Result<(), Refusal> {
    toolbox.broker.guard(call, action, &[Told { argument: name, text: text.into() }], &|known| known == name).await
}

fn collect<'a>(argument: &'a str, value: &'a Value, told: &mut Vec<Told<'a>>) {
    match value {
        Value::String(text) => told.push(Told { argument, text: text.into() }),
        // As it's sent on. One that's a card's, say, is a value like any other.
        Value::Number(number) => told.push(Told { argument, text: number.to_string().into() }),
        Value::Array(several) => several.iter().for_each(|value| collect(argument, value, told)),
        Value::Object(object) => {
            for (name, value) in object {
                told.push(Told { argument, text: name.into() });
                collect(argument, value, told);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_every_name_and_every_number_is_looked_at() {
        let value = json!([{ "a": ["b", 1, null, true, { "c": "d" }] }, "e"]);
        let mut told = Vec::new();
        collect("top", &value, &mut told);
        assert!(told.iter().all(|told| told.argument == "top"));
        let mut texts: Vec<&str> = told.iter().map(|told| told.text.as_ref()).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["1", "a", "b", "c", "d", "e"]);
    }
}
