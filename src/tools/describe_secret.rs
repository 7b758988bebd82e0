//! `describe_secret`: everything about one item but its values.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::broker::ItemView;
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item
    path: String,
}

impl Arguments for Input {}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, ItemView>(
        "describe_secret",
        "Describe a secret",
        "Shows an item's fields, version, age, expiry and what you may do; never values. Do this before reading or writing.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Describe).await?;
    let reference = asked.reference(&asked.input.path).await?;
    Ok(Reply::new(asked.toolbox.broker.describe(&asked.call, &reference).await?))
}
