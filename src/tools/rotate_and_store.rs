//! `rotate_and_store`: replace a value with a new one.

use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use super::{Reply, invalid};
use crate::authz::Refusal;
use crate::broker::{Recipe, Replaced, Replacement};
use crate::model::Action;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item/field
    path: String,
    /// Else one is made
    value: Option<String>,
    generate: Option<Generate>,
    if_version: Option<u64>,
    reason: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Generate {
    /// 16 to 256; default 32
    length: Option<u16>,
    symbols: Option<bool>,
    /// 6 to 32, instead
    words: Option<u16>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Replaced>(
        "rotate_and_store",
        "Rotate a secret",
        "Replaces a value with one made here, or with yours, and keeps the old one in the item's history. The new value isn't returned.",
        Effect::Replaces,
        false,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let mut asked = asked.understand::<Input>(Action::Rotate).await?;
    let (value, generate) = (asked.input.value.take(), asked.input.generate.take());
    let reference = asked.reference(&asked.input.path).await?;
    let if_version = asked.input.if_version;
    let replacement = match (value, generate) {
        (Some(_), Some(_)) => return Err(asked.refuse(invalid("give `value` or `generate`, not both", "")).await),
        (Some(value), None) => Replacement::given(value, if_version),
        (None, None) => Replacement::generated(Recipe::default(), if_version),
        (None, Some(Generate { length, symbols, words })) => match Recipe::new(length, symbols, words) {
            Ok(recipe) => Replacement::generated(recipe, if_version),
            Err(error) => return Err(asked.refuse(error).await),
        },
    };
    Ok(Reply::new(asked.toolbox.broker.rotate(&asked.call, &reference, replacement).await?))
}
