//! `get_secret`: one value, into the caller's context.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item/field; `?attribute=otp` for a one-time code
    path: String,
    /// Why you need it; recorded
    reason: Option<String>,
}

/// The shape of the broker's answer, whose value no schema type may hold.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Output {
    path: String,
    value: String,
    version: u64,
    stale: Option<u64>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Output>(
        "get_secret",
        "Read a secret",
        "Reads one value into this conversation, if a rule allows. Only if run_command or http_request can't do it. Never repeat, log or write it anywhere. `denied` is final: tell your human which rule is missing.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Read).await?;
    let reference = asked.reference(&asked.input.path).await?;
    Ok(Reply::new(asked.toolbox.broker.read(&asked.call, &reference).await?))
}
