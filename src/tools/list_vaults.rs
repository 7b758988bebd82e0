//! `list_vaults`: where secrets are.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::broker::Vaults;
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {}

impl Arguments for Input {}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Vaults>(
        "list_vaults",
        "List vaults",
        "Lists the vaults in which you may know of something.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::List).await?;
    Ok(Reply::new(asked.toolbox.broker.vaults(&asked.call).await?))
}
