//! JSON Schemas from the Rust types, without what only costs context.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// What a tool does to the world, for clients that ask a person before some calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effect {
    /// Changes nothing.
    Reads,
    /// Changes something so that what was there is no longer in force.
    Replaces,
    /// Does what the owner wrote down, in the world outside.
    Acts,
}

/// Describes a tool.
pub(super) fn tool<I: JsonSchema, O: JsonSchema>(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
    idempotent: bool,
) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(matches!(effect, Effect::Reads))
        .destructive(!matches!(effect, Effect::Reads))
        .idempotent(idempotent)
        .open_world(matches!(effect, Effect::Acts));
    Tool::new(name, description, Arc::new(input::<I>()))
        .with_title(title)
        .with_raw_output_schema(Arc::new(output::<O>()))
        .with_annotations(annotations)
}

/// The schema of a tool's arguments.
pub(super) fn input<T: JsonSchema>() -> JsonObject {
    object::<T>(SchemaSettings::draft2020_12().for_deserialize(), Side::Arguments)
}

/// The schema of a tool's answer.
///
/// It gives the type of each part and requires none: a refusal, which has none of them, is an answer
/// as well, and some clients hold refusals to this schema.
fn output<T: JsonSchema>() -> JsonObject {
    object::<T>(SchemaSettings::draft2020_12().for_serialize(), Side::Answer)
}

/// What a schema is of. Answers' descriptions and words are for readers of the source: a model reads
/// the answer itself, and every byte of a list of tools costs it context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Arguments,
    Answer,
}

fn object<T: JsonSchema>(settings: SchemaSettings, side: Side) -> JsonObject {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema, side, true);
    // The schema of a struct is an object.
    if let Value::Object(object) = schema { object } else { JsonObject::new() }
}

/// Takes out titles, formats and bounds of numbers, `null` among the types of what may be absent, and what an
/// answer's schema has no need of. `schema` says whether the keys are a schema's own words.
fn tidy(value: &mut Value, side: Side, schema: bool) {
    match value {
        Value::Object(object) => {
            if schema {
                for key in ["title", "format", "default", "minimum", "maximum"] {
                    object.remove(key);
                }
                without_null(object);
                as_enumeration(object);
                if side == Side::Answer {
                    for key in ["description", "required", "enum"] {
                        object.remove(key);
                    }
                }
            }
            for (key, value) in object.iter_mut() {
                tidy(value, side, !(schema && key == "properties"));
            }
        }
        Value::Array(several) => several.iter_mut().for_each(|value| tidy(value, side, true)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes a choice of plain words as the words alone.
fn as_enumeration(object: &mut JsonObject) {
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let words: Option<Vec<Value>> =
        choices.iter().map(|choice| choice.get("const").filter(|word| word.is_string()).cloned()).collect();
    if let Some(words) = words {
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Value::Array(words));
    }
}

fn without_null(object: &mut JsonObject) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    // An optional object or enumeration comes as `anyOf: [it, null]`.
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Catalogue, ToolName};
    use super::{input, output};
    use crate::model::Action;

    /// One thing to do.
    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// What to do
        action: Action,
        age: Option<u64>,
    }

    #[test]
    fn arguments_are_described_and_required() {
        let schema = input::<Sample>();
        assert_eq!(schema["required"], json!(["action"]));
        assert_eq!(schema["properties"]["action"]["description"], "What to do");
        assert_eq!(schema["properties"]["age"], json!({ "type": "integer" }));
    }

    #[test]
    fn a_choice_of_words_is_the_words_alone() {
        let schema = input::<Sample>();
        let words: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(schema["properties"]["action"]["enum"], json!(words));
        assert_eq!(schema["properties"]["action"].get("oneOf"), None);
    }

    #[test]
    fn an_answer_gives_types_alone() {
        let expected = json!({ "action": { "type": "string" }, "age": { "type": "integer" } });
        assert_eq!(output::<Sample>()["properties"], expected);
    }

    /// Some official clients hold refusals to a tool's output schema.
    #[test]
    fn a_refusal_fits_every_tools_answer() {
        for tool in Catalogue::new().tools() {
            let schema = Value::Object(tool.output_schema.as_deref().expect("an output schema").clone());
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert_eq!(schema["properties"].get("error"), None, "{}", tool.name);
            for key in ["required", "additionalProperties", "oneOf", "anyOf"] {
                assert_eq!(schema.get(key), None, "{} {key}", tool.name);
            }
        }
    }

    #[test]
    fn the_list_of_tools_is_cheap_to_read() {
        let size = |tools: &[ToolName]| -> usize {
            tools.iter().map(|tool| serde_json::to_string(&tool.tool()).expect("a tool is JSON").len() + 1).sum()
        };
        let beyond = [
            ToolName::CheckAccess,
            ToolName::DeleteSecret,
            ToolName::ListVaults,
            ToolName::HttpRequest,
            ToolName::ListActions,
            ToolName::RunCommand,
        ];
        let six: Vec<_> = ToolName::ALL.into_iter().filter(|tool| !beyond.contains(tool)).collect();
        assert!(size(&six) < 6_000, "{}", size(&six));
        assert!(size(&ToolName::ALL) < 12_000, "{}", size(&ToolName::ALL));
    }
}
