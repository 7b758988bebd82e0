//! `get_env_bundle`: several values as environment variables.

use std::collections::BTreeMap;

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
    /// Vault/Item, a note's field, or a configured bundle's name
    path: String,
    reason: Option<String>,
}

/// The shape of the broker's answer, whose values no schema type may hold.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Output {
    env: BTreeMap<String, String>,
    missing: Vec<String>,
    denied: Vec<String>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Output>(
        "get_env_bundle",
        "Read an env bundle",
        "Reads several values as environment variables into this conversation; the same care as get_secret.",
        Effect::Reads,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let asked = asked.understand::<Input>(Action::Read).await?;
    let (broker, path) = (&asked.toolbox.broker, &asked.input.path);
    // A bundle's name has no slash, and a path has at least one.
    let done = if path.contains('/') {
        let reference = asked.reference(path).await?;
        broker.item_bundle(&asked.call, &reference).await?
    } else {
        broker.named_bundle(&asked.call, path).await?
    };
    Ok(Reply::new(done))
}
