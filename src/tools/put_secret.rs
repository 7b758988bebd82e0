//! `put_secret`: set a value.

use jiff::Timestamp;
use rmcp::model::Tool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Reply;
use super::arguments::{Arguments, Asked};
use super::schema::{self, Effect};
use crate::authz::Refusal;
use crate::broker::{NewSecret, Written};
use crate::model::{Action, Category, Tag};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Vault/Item or Vault/Item/field
    path: String,
    value: String,
    /// Such as api_key, password, note, ssh_key, env_bundle
    category: Option<String>,
    tags: Option<Vec<String>>,
    /// RFC 3339
    expires_at: Option<String>,
    if_version: Option<u64>,
    reason: Option<String>,
}

impl Arguments for Input {
    fn reason(&mut self) -> Option<String> {
        self.reason.take()
    }
}

pub(super) fn tool() -> Tool {
    schema::tool::<Input, Written>(
        "put_secret",
        "Store a secret",
        "Stores a value; makes the item if there's none. To replace a credential prefer rotate_and_store: nobody sees what it makes.",
        Effect::Replaces,
        true,
    )
}

pub(super) async fn call(asked: Asked<'_>) -> Result<Reply, Refusal> {
    let mut asked = asked.understand::<Input>(Action::Write).await?;
    let value = std::mem::take(&mut asked.input.value);
    let reference = asked.reference(&asked.input.path).await?;
    let category = match asked.input.category.as_deref() {
        None => None,
        Some(word) => {
            let hint = "use api_key, password, note, ssh_key, certificate, file, env_bundle or 1Password's words";
            Some(asked.parsed(Category::from_any_word(word).ok_or("there's no such category"), hint).await?)
        }
    };
    let tags = match &asked.input.tags {
        None => None,
        Some(texts) => {
            let tags: Option<Vec<Tag>> = texts.iter().map(|text| Tag::new(text)).collect();
            Some(asked.parsed(tags.ok_or("a tag has 1 to 100 visible characters"), "").await?)
        }
    };
    let expires_at = asked.input.expires_at.as_deref().map(str::parse::<Timestamp>).transpose();
    let expires_at = asked
        .parsed(expires_at.map_err(|_| "`expires_at` is a time in RFC 3339"), "for example 2027-01-31T00:00:00Z")
        .await?;
    let new = NewSecret::new(value, category, tags, expires_at, asked.input.if_version);
    Ok(Reply::new(asked.toolbox.broker.write(&asked.call, &reference, new).await?))
}
