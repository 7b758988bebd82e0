//! What an item's JSON says of it before any field: what a list has of it, too.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{Document, Stored, dates, usual};
use crate::custody::source::onepassword::backend::ItemKey;
use crate::model::{Category, Field, Fields, Item, ItemId, ItemPath, Name, SourceName, Tag, VaultId};

/// The longest address that's kept.
const MAX_URL_BYTES: usize = 2048;

impl Document {
    /// Its address; `None` where an id isn't in the shape of one.
    pub(in crate::custody::source::onepassword) fn key(&self) -> Option<ItemKey> {
        let item = self.text("id").filter(|id| is_id(id))?;
        let vault = text(self.0.get("vault")?, "id").filter(|id| is_id(id))?;
        Some(ItemKey { vault: VaultId::new(vault), item: ItemId::new(item) })
    }

    /// Counts up with every change.
    pub(in crate::custody::source::onepassword) fn version(&self) -> u64 {
        self.0.get("version").and_then(Value::as_u64).unwrap_or(0)
    }

    /// Whether it's archived or deleted.
    pub(in crate::custody::source::onepassword) fn is_gone(&self) -> bool {
        let state = self.0.get("state").is_some_and(|state| !state.is_null() && state.as_str() != Some(""));
        state || self.0.get("trashed").and_then(Value::as_bool) == Some(true)
    }

    /// Its name in paths.
    pub(in crate::custody::source::onepassword) fn name(&self) -> Option<Name> {
        let title = self.text("title").and_then(|title| Name::new(title).ok());
        title.or_else(|| Name::new(self.text("id")?).ok())
    }

    /// Its category.
    pub(in crate::custody::source::onepassword) fn category(&self) -> Category {
        self.text("category").map_or(Category::Custom, category)
    }

    /// The item as a list has it: its fields are only supposed. `None` if it can't be named.
    pub(in crate::custody::source::onepassword) fn listed_item(
        &self,
        source: &SourceName,
        vault: &Name,
    ) -> Option<Item> {
        let path = self.path(vault)?;
        let fields = usual::of(self.category()).iter().filter_map(|usual| usual.field(&path)).collect();
        self.item(source, path, Fields::Supposed(fields), None)
    }

    /// The item as it is, with its fields. `None` if it can't be named.
    pub(in crate::custody::source::onepassword) fn whole_item(
        &self,
        source: &SourceName,
        vault: &Name,
    ) -> Option<Item> {
        let path = self.path(vault)?;
        let stored = self.stored(&path);
        let expires = stored.iter().find(|stored| stored.field.id.as_str() == usual::EXPIRES && stored.kind == "DATE");
        let expires_at = expires.and_then(|stored| stored.value).and_then(dates::date);
        let fields: Vec<Field> = stored.into_iter().filter(Stored::is_shown).map(|stored| stored.field).collect();
        self.item(source, path, Fields::Known(fields), expires_at)
    }

    /// Its path in a vault of this name.
    pub(in crate::custody::source::onepassword) fn path(&self, vault: &Name) -> Option<ItemPath> {
        let by_id = || ItemPath::new(vault, &Name::new(self.text("id")?).ok()?).ok();
        // A title may also be one that's too long for any path.
        ItemPath::new(vault, &self.name()?).ok().or_else(by_id)
    }

    fn item(&self, source: &SourceName, path: ItemPath, fields: Fields, expires_at: Option<Timestamp>) -> Option<Item> {
        let ItemKey { vault, item: id } = self.key()?;
        let moment = |snake, camel| self.text(snake).or_else(|| self.text(camel)).and_then(dates::moment);
        Some(Item {
            source: source.clone(),
            vault,
            id,
            path,
            category: self.category(),
            tags: self.tags(),
            fields,
            version: self.version(),
            created_at: moment("created_at", "createdAt"),
            updated_at: moment("updated_at", "updatedAt"),
            expires_at,
            urls: self.urls(),
        })
    }

    fn tags(&self) -> Arc<[Tag]> {
        self.list("tags").iter().filter_map(|tag| Tag::new(tag.as_str()?)).collect()
    }

    fn urls(&self) -> Vec<String> {
        let addresses = self.list("urls").iter().filter_map(|url| text(url, "href"));
        let kept = addresses.filter(|url| url.len() <= MAX_URL_BYTES && !url.chars().any(char::is_control));
        kept.map(str::to_owned).collect()
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        text(&self.0, key)
    }

    pub(super) fn list(&self, key: &str) -> &[Value] {
        self.0.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// A text of an object that isn't empty.
pub(super) fn text<'json>(object: &'json Value, key: &str) -> Option<&'json str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The category a word means: `API_CREDENTIAL` or, as people write it, `API Credential`.
fn category(word: &str) -> Category {
    let word = word.trim().replace([' ', '-'], "_").to_ascii_uppercase();
    Category::from_word(&word).unwrap_or(Category::Custom)
}

fn is_id(text: &str) -> bool {
    Name::new(text).is_ok_and(|name| name.is_id())
}
