//! `list_actions`: the commands and HTTP entries that the caller may use.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::broker::Actions;
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {}

impl Arguments for Input {}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Actions>(
        "list_actions",
        "List actions",
        "Lists what you may do with secrets without reading them: commands for run_command and entries for http_request, with their parameters. Look here before get_secret.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::List).await?;
    Ok(Reply::new(asked.toolbox.broker.actions(&asked.call).await?))
}
