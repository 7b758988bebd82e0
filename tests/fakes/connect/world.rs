//! What's in the server: who may see what, and the vaults with their items.
//!
//! ```json
//! {
//!   "tokens": [{ "token": "…", "vaults": { "<vault id>": "rw" } }],
//!   "vaults": [{ "id": "…", "name": "…" }],
//!   "items": [{ "id": "…", "vault": { "id": "…" }, "category": "LOGIN", "title": "…", "fields": [] }],
//!   "files": { "<file id>": "<content in base64>" },
//!   "settings": {}
//! }
//! ```
//!
//! A file's name and section stand in its item's `files`. A world without tokens has one that may write everywhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::item::{self, Item, text};
use crate::settings::Settings;

/// All there is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct World {
    #[serde(default)]
    pub(crate) tokens: Vec<Token>,
    pub(crate) vaults: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(crate) items: Vec<Item>,
    /// What files hold, in base64, by their ids.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) settings: Settings,
}

/// A token and what it may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub(crate) token: String,
    pub(crate) vaults: BTreeMap<String, Right>,
}

/// What a token may do in a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Right {
    #[serde(rename = "r")]
    Read,
    #[serde(rename = "rw")]
    Write,
}

const BUILT_IN: &[u8] = include_bytes!("world.json");

impl World {
    /// The world that 1Password's own clients are tried on.
    pub(crate) fn built_in(token: &str) -> Result<Self, String> {
        let mut world = Self::parse(BUILT_IN, token)?;
        if let Some(first) = world.tokens.first_mut() {
            token.clone_into(&mut first.token);
        }
        Ok(world)
    }

    /// Reads a world, and says what's wrong with it.
    pub(crate) fn parse(json: &[u8], token: &str) -> Result<Self, String> {
        let mut world: Self = serde_json::from_slice(json).map_err(|error| format!("the world: {error}"))?;
        for vault in &mut world.vaults {
            complete_vault(vault)?;
        }
        if world.tokens.is_empty() {
            let all = world.vaults.iter().filter_map(|vault| text(vault, "id"));
            let vaults = all.map(|id| (id.to_owned(), Right::Write)).collect();
            world.tokens.push(Token { token: token.to_owned(), vaults });
        }
        for item in std::mem::take(&mut world.items) {
            let item = world.complete(item)?;
            if world.items.iter().any(|other| other.id() == item.id()) {
                return Err(format!("two items have the id {}", item.id()));
            }
            world.items.push(item);
        }
        Ok(world)
    }

    /// Gives an item from outside what every stored one has.
    pub(crate) fn complete(&self, mut item: Item) -> Result<Item, String> {
        let id = item.id().to_owned();
        if !item::is_id(&id) {
            return Err(format!("{id:?} is no item's id"));
        }
        if self.vault(item.vault()).is_none() {
            return Err(format!("the item {id} is in no vault"));
        }
        if text(&item.0, "category").is_none() {
            return Err(format!("the item {id} has no category"));
        }
        for (key, value) in [("title", json!("")), ("version", json!(1))] {
            item.0.entry(key).or_insert(value);
        }
        for key in ["createdAt", "updatedAt"] {
            item.0.entry(key).or_insert_with(|| json!("2024-02-01T10:00:00Z"));
        }
        if let Some(Value::Array(files)) = item.0.get_mut("files") {
            for file in files.iter_mut().filter_map(Value::as_object_mut) {
                let content = text(file, "id").and_then(|id| self.files.get(id));
                let size = content.map(|content| item::decode(content).len()).unwrap_or_default();
                file.entry("size").or_insert_with(|| json!(size));
            }
        }
        Ok(item)
    }

    pub(crate) fn vault(&self, id: &str) -> Option<&Map<String, Value>> {
        self.vaults.iter().find(|vault| text(vault, "id") == Some(id))
    }

    pub(crate) fn put_vault(&mut self, mut vault: Map<String, Value>) -> Result<(), String> {
        complete_vault(&mut vault)?;
        let id = text(&vault, "id").unwrap_or_default().to_owned();
        self.vaults.retain(|old| text(old, "id") != Some(&id));
        self.vaults.push(vault);
        Ok(())
    }

    pub(crate) fn token(&self, token: &str) -> Option<&Token> {
        self.tokens.iter().find(|known| known.token == token)
    }

    pub(crate) fn put_token(&mut self, token: Token) {
        self.tokens.retain(|old| old.token != token.token);
        self.tokens.push(token);
    }

    pub(crate) fn item(&self, vault: &str, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id() == id && item.vault() == vault)
    }

    /// Puts an item in the place of the one with its id, or adds it; its vaults have changed then.
    pub(crate) fn put(&mut self, item: Item) {
        self.changed(item.vault().to_owned().as_str());
        match self.items.iter_mut().find(|old| old.id() == item.id()) {
            Some(old) => *old = item,
            None => self.items.push(item),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Item> {
        let at = self.items.iter().position(|item| item.id() == id)?;
        let item = self.items.remove(at);
        self.changed(item.vault());
        Some(item)
    }

    fn changed(&mut self, vault: &str) {
        let found = self.vaults.iter_mut().find(|known| text(known, "id") == Some(vault));
        if let Some(found) = found {
            let version = found.get("contentVersion").and_then(Value::as_u64).unwrap_or_default();
            found.insert("contentVersion".to_owned(), json!(version + 1));
            found.insert("updatedAt".to_owned(), json!(item::now()));
        }
    }

    /// A vault as it's shown.
    pub(crate) fn show_vault(&self, vault: &Map<String, Value>) -> Value {
        let id = text(vault, "id");
        let items = self.items.iter().filter(|item| Some(item.vault()) == id && !item.is_put_away()).count();
        let mut shown = vault.clone();
        shown.insert("items".to_owned(), json!(items));
        Value::Object(shown)
    }
}

fn complete_vault(vault: &mut Map<String, Value>) -> Result<(), String> {
    let id = text(vault, "id").unwrap_or_default();
    if !item::is_id(id) {
        return Err(format!("{id:?} is no vault's id"));
    }
    for (key, value) in [
        ("name", json!(id)),
        ("attributeVersion", json!(1)),
        ("contentVersion", json!(1)),
        ("type", json!("USER_CREATED")),
        ("createdAt", json!("2024-02-01T10:00:00Z")),
        ("updatedAt", json!("2024-02-01T10:00:00Z")),
    ] {
        vault.entry(key).or_insert(value);
    }
    Ok(())
}
