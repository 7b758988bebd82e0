//! `delete_secret`: archive an item.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use super::{Reply, invalid};
use crate::authz::Refusal;
use crate::broker::Archived;
use crate::model::{Action, FieldSelector};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item
    path: String,
    if_version: Option<u64>,
    reason: Option<String>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Archived>(
        "delete_secret",
        "Archive a secret",
        "Moves an item, with all its fields, to the archive, from where its owner can bring it back unless the answer says archived: false.",
        Effect::Replaces,
        false,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Delete).await?;
    let reference = asked.reference(&asked.input.path).await?;
    if reference.field != FieldSelector::Default {
        let error = invalid("only a whole item can be archived", "give its path: Vault/Item");
        return Err(asked.refuse(error).await);
    }
    Ok(Reply::new(asked.toolbox.broker.archive(&asked.call, &reference, asked.input.if_version).await?))
}
