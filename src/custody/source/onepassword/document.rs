//! An item in 1Password's JSON, whole: what isn't understood is carried along.
//!
//! # How an item is seen
//!
//! | opward | in the JSON |
//! |---|---|
//! | item | `title`, or the id where no path can carry the title. One whose `state` is set, or whose id isn't one, isn't seen |
//! | section | its label, else its id (`add more` is the one 1Password makes for fields that were added) |
//! | field | its label, else its id. Seen if it has a value; an item's password and credential even without one |
//! | field's id | its id; where two fields share one, `section.id`; where that's shared too, or there's no id at all, the field isn't seen: there'd be no telling which is meant |
//! | concealed | every type that isn't known to be plain; `OTP` is a one-time password |
//! | expiry | a date field with the id `expires` |
//!
//! An empty value and a missing one are the same. What 1Password derives from values
//! (`additional_information`, `password_details`, `entropy`, `totp`) is never looked at.

mod dates;
mod edit;
mod fields;
mod fit;
mod head;
mod new;
mod usual;

#[cfg(test)]
mod tests;

use serde_json::Value;
use zeroize::Zeroizing;

pub(super) use self::edit::text_of;
pub(super) use self::fields::Stored;
use crate::model::VaultId;

/// An item as 1Password gave it, with every value in it. It never outlives the call that read it.
///
/// Both ways to ask speak nearly the same JSON: the `op` program in snake case, Connect in camel case.
pub(in crate::custody::source) struct Document(Value);

/// A text isn't an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an item in 1Password's JSON")]
pub(in crate::custody::source) struct NotADocument;

impl Document {
    /// Reads one item.
    pub(in crate::custody::source) fn parse(json: &Zeroizing<Vec<u8>>) -> Result<Self, NotADocument> {
        serde_json::from_slice(json).map_err(|_| NotADocument).and_then(Self::of)
    }

    /// Reads a list of items.
    pub(in crate::custody::source) fn parse_list(json: &Zeroizing<Vec<u8>>) -> Result<Vec<Self>, NotADocument> {
        let items: Vec<Value> = serde_json::from_slice(json).map_err(|_| NotADocument)?;
        items.into_iter().map(Self::of).collect()
    }

    /// Reads items that follow one another, up to the first that isn't whole.
    pub(in crate::custody::source) fn parse_leading(json: &Zeroizing<Vec<u8>>) -> Vec<Self> {
        let items = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
        items.map_while(|item| item.map_err(|_| NotADocument).and_then(Self::of).ok()).collect()
    }

    /// Its id.
    pub(in crate::custody::source) fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it says that it's in a vault.
    pub(in crate::custody::source) fn is_in(&self, vault: &VaultId) -> bool {
        self.0.pointer("/vault/id").and_then(Value::as_str) == Some(vault.as_str())
    }

    /// Its JSON, to be sent.
    pub(in crate::custody::source) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_string().into_bytes())
    }

    fn of(value: Value) -> Result<Self, NotADocument> {
        if value.get("id").is_some_and(Value::is_string) { Ok(Self(value)) } else { Err(NotADocument) }
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Document")
    }
}
