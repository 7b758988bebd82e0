//! `http_request`: a request that carries a value, while the caller sees what's answered.

use rmcp::model::{JsonObject, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::{Arguments, Asked, Understood};
use super::schema::{self, Effect};
use super::{Reply, invalid};
use crate::authz::Refusal;
use crate::broker::{Asking, Responded};
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// From list_actions
    name: String,
    method: String,
    /// Absolute, without query: /v1/charges
    path: String,
    query: Option<JsonObject>,
    headers: Option<JsonObject>,
    body: Option<String>,
    /// Instead of body: sent as JSON
    json: Option<JsonObject>,
    reason: Option<String>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Responded>(
        "http_request",
        "Send a request with a secret",
        "Sends a request to an API your human wrote down; opward puts the secret in, you never send one. Prefer this to get_secret. Redirects aren't followed; values in the answer are hidden.",
        Effect::Acts,
        false,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Use).await?;
    let query = pairs(&asked, "query", asked.input.query.as_ref()).await?;
    let mut headers = pairs(&asked, "headers", asked.input.headers.as_ref()).await?;
    let body = match (&asked.input.body, &asked.input.json) {
        (None, None) => None,
        (Some(text), None) => Some(text.clone().into_bytes()),
        (None, Some(json)) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Some(Value::Object(json.clone()).to_string().into_bytes())
        }
        (Some(_), Some(_)) => {
            return Err(asked
                .refuse(invalid("`body` and `json` are two ways to say one thing", "give one of them"))
                .await);
        }
    };
    let input = &asked.input;
    let (name, method, path) = (input.name.clone(), input.method.clone(), input.path.clone());
    let asking = Asking { name, method, path, query, headers, body };
    Ok(Reply::new(asked.toolbox.broker.send_request(&asked.call, asking).await?))
}

/// Names with texts or numbers; a list gives a name several times.
async fn pairs(
    asked: &Understood<'_, Input>,
    argument: &'static str,
    object: Option<&JsonObject>,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut pairs = Vec::new();
    for (name, value) in object.into_iter().flatten() {
        let several = if let Value::Array(several) = value { several.as_slice() } else { std::slice::from_ref(value) };
        for one in several {
            let text = match one {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let message = format!("`{argument}` takes texts and numbers, or lists of them");
                    return Err(asked.refuse(invalid(message, "give each name one text")).await);
                }
            };
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}
