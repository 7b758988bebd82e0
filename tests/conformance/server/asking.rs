//! Tools that ask the client something while it waits, as protocols with sessions have it.

// Sampling is on its way out of the protocol; the suite still asks for it.
#![expect(deprecated)]

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CreateMessageRequestParams, ElicitRequestParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::content::{fails, says};
use crate::fixtures::Call;

/// Lets the client's model answer a prompt.
pub(crate) async fn samples(call: Call) -> Result<CallToolResponse, ErrorData> {
    let prompt = text(&call, "prompt")?;
    if call.context.client_capabilities().is_none_or(|client| client.sampling.is_none()) {
        return Ok(fails("the client doesn't offer sampling"));
    }
    let wanted: CreateMessageRequestParams = parsed(json!({
        "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }],
        "maxTokens": 100,
    }))?;
    Ok(match call.context.peer.create_message(wanted).await {
        Ok(answer) => says(format!("LLM response: {}", json!(answer.message.content))),
        Err(error) => fails(format!("sampling failed: {error}")),
    })
}

/// Asks the user for a name and an address.
pub(crate) async fn elicits(call: Call) -> Result<CallToolResponse, ErrorData> {
    let message = text(&call, "message")?;
    let properties = json!({
        "username": { "type": "string", "description": "User's response" },
        "email": { "type": "string", "description": "User's email address" },
    });
    ask(call, "User response", &message, &properties, &["username", "email"]).await
}

/// Asks with a default for every kind of primitive.
pub(crate) async fn elicits_defaults(call: Call) -> Result<CallToolResponse, ErrorData> {
    let properties = json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    });
    ask(call, "Elicitation completed", "Please check these", &properties, &[]).await
}

/// Asks with every kind of choice.
pub(crate) async fn elicits_choices(call: Call) -> Result<CallToolResponse, ErrorData> {
    let titled = |of: &str| {
        json!([
            { "const": "value1", "title": format!("First {of}") },
            { "const": "value2", "title": format!("Second {of}") },
            { "const": "value3", "title": format!("Third {of}") },
        ])
    };
    let untitled = json!({ "type": "string", "enum": ["option1", "option2", "option3"] });
    let properties = json!({
        "untitledSingle": untitled,
        "titledSingle": { "type": "string", "oneOf": titled("Option") },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": untitled },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
    });
    ask(call, "Elicitation completed", "Please choose", &properties, &[]).await
}

async fn ask(
    call: Call,
    heading: &str,
    message: &str,
    properties: &Value,
    required: &[&str],
) -> Result<CallToolResponse, ErrorData> {
    if call.context.client_capabilities().is_none_or(|client| client.elicitation.is_none()) {
        return Ok(fails("the client doesn't offer elicitation"));
    }
    let wanted: ElicitRequestParams = parsed(json!({
        "mode": "form",
        "message": message,
        "requestedSchema": { "type": "object", "properties": properties, "required": required },
    }))?;
    Ok(match call.context.peer.create_elicitation(wanted).await {
        Ok(answer) => {
            let action = json!(answer.action);
            let action = action.as_str().unwrap_or_default();
            says(format!("{heading}: action={action}, content={}", json!(answer.content)))
        }
        Err(error) => fails(format!("elicitation failed: {error}")),
    })
}

fn text(call: &Call, name: &'static str) -> Result<String, ErrorData> {
    let value = call.request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| ErrorData::invalid_params(format!("{name} is missing"), None))
}

/// What a request in the protocol's own form says.
pub(crate) fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}
