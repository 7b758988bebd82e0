//! An item in 1Password's JSON, whole: what isn't understood is carried along.

use serde_json::Value;
use zeroize::Zeroizing;

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

    /// Reads items that follow one another without a list around them.
    pub(in crate::custody::source) fn parse_stream(json: &Zeroizing<Vec<u8>>) -> Result<Vec<Self>, NotADocument> {
        let items = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
        items.map(|item| item.map_err(|_| NotADocument).and_then(Self::of)).collect()
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
