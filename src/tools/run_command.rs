//! `run_command`: a program that gets values, while the caller sees what it prints.

use rmcp::model::{JsonObject, Tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::broker::Ran;
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// From list_actions
    name: String,
    /// By parameter name: texts or integers
    params: Option<JsonObject>,
    reason: Option<String>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Ran>(
        "run_command",
        "Run a command with secrets",
        "Runs a command your human wrote down, with the secrets it needs; you see its output with values hidden. Prefer this to get_secret. A hidden value is right as it is.",
        Effect::Acts,
        false,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Use).await?;
    let params = asked.input.params.clone().unwrap_or_default();
    Ok(Reply::new(asked.toolbox.broker.run_command(&asked.call, &asked.input.name, &params).await?))
}
