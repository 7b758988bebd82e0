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
use crate::model::{Action, PublicError};

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
            if !json.values().all(is_exact) {
                return Err(asked.refuse(inexact("json")).await);
            }
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
                Value::Number(number) if is_exact(one) => number.to_string(),
                Value::Number(_) => return Err(asked.refuse(inexact(argument)).await),
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

/// The least number beyond which not every whole number is itself any more.
const INEXACT: f64 = 9_007_199_254_740_992.0;

/// Whether every number in a value is sent as the caller wrote it. Others have lost digits when they were read.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.abs() < INEXACT)
        }
        Value::Array(all) => all.iter().all(is_exact),
        Value::Object(all) => all.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn inexact(argument: &'static str) -> PublicError {
    let message = format!("`{argument}` has a number so large that digits of it would be lost");
    invalid(message, "write it as text, or send the whole as `body`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_would_lose_digits_is_noticed_at_any_depth() {
        let exact = |text: &str| is_exact(&serde_json::from_str(text).unwrap());
        for text in [
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "-1.5e10",
            "[1, {\"a\": \"1e99\"}]",
            "9007199254740993",
        ] {
            assert!(exact(text), "{text}");
        }
        for text in [
            "12345678901234567890123",
            "-12345678901234567890123",
            "1e300",
            "[[18446744073709551616]]",
            "{\"a\": [{\"b\": 1e22}]}",
        ] {
            assert!(!exact(text), "{text}");
        }
    }
}
