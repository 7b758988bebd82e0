//! `check_access`: what would be decided, without asking for it.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::{Access, Refusal};
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item/field
    path: String,
    /// `use`: by run_command or http_request, unseen. `read`: see the value
    action: Action,
}

impl Arguments for Input {}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Access>(
        "check_access",
        "Check access",
        "Says whether an action on a path would be allowed and on what conditions, without doing it.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Describe).await?;
    let reference = asked.reference(&asked.input.path).await?;
    Ok(Reply::new(asked.toolbox.broker.check(&asked.call, asked.input.action, &reference).await?))
}
