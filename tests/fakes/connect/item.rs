//! Items and ids, as they're kept and as they're shown.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::generate;
use crate::otp;

/// An item with all it holds, in Connect's own JSON.
///
/// `_hidden` is what an item has and Connect never shows: a passkey, say. Keys that Connect's schema doesn't
/// know are shown in lists and details alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Item(pub(crate) Map<String, Value>);

/// What only the details of an item show.
const DETAILS: [&str; 3] = ["fields", "sections", "files"];

/// What Connect never shows.
pub(crate) const HIDDEN: &str = "_hidden";

/// Whether a text is a vault's or an item's id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// A new id.
pub(crate) fn new_id() -> String {
    generate::pick("abcdefghijklmnopqrstuvwxyz234567", 26)
}

/// A text of an object; none if it's missing, null, empty or no text.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The id of what an object names: its vault, its section.
pub(crate) fn id_in<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_object).and_then(|named| text(named, "id"))
}

/// The objects of a list.
pub(crate) fn objects<'a>(object: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

impl Item {
    pub(crate) fn id(&self) -> &str {
        text(&self.0, "id").unwrap_or_default()
    }

    pub(crate) fn vault(&self) -> &str {
        id_in(&self.0, "vault").unwrap_or_default()
    }

    pub(crate) fn title(&self) -> &str {
        text(&self.0, "title").unwrap_or_default()
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    pub(crate) fn version(&self) -> u64 {
        self.0.get("version").and_then(Value::as_u64).unwrap_or(1)
    }

    pub(crate) fn set_version(&mut self, version: u64) {
        self.0.insert("version".to_owned(), json!(version));
    }

    /// Whether it's archived or deleted.
    pub(crate) fn is_put_away(&self) -> bool {
        text(&self.0, "state").is_some()
    }

    pub(crate) fn touch(&mut self) {
        self.0.insert("updatedAt".to_owned(), json!(now()));
        self.0.insert("lastEditedBy".to_owned(), json!("AAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }

    /// It as lists show it.
    pub(crate) fn overview(&self) -> Value {
        let shown = self.0.iter().filter(|(key, _)| !DETAILS.contains(&key.as_str()) && *key != HIDDEN);
        Value::Object(shown.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// It with its fields, as it's shown when read.
    pub(crate) fn details(&self) -> Value {
        let mut shown = self.0.clone();
        shown.remove(HIDDEN);
        if let Some(Value::Array(fields)) = shown.get_mut("fields") {
            fields.iter_mut().filter_map(Value::as_object_mut).for_each(add_code);
        }
        if shown.contains_key("files") {
            shown.insert("files".to_owned(), self.files().collect());
        }
        Value::Object(shown)
    }

    /// Its files, without what's in them.
    pub(crate) fn files(&self) -> impl Iterator<Item = Value> {
        objects(&self.0, "files").map(|file| {
            let mut file = file.clone();
            let id = text(&file, "id").unwrap_or_default();
            let path = format!("/v1/vaults/{}/items/{}/files/{id}/content", self.vault(), self.id());
            file.insert("content_path".to_owned(), json!(path));
            Value::Object(file)
        })
    }

    pub(crate) fn file(&self, id: &str) -> Option<Map<String, Value>> {
        self.files().filter_map(|file| file.as_object().cloned()).find(|file| text(file, "id") == Some(id))
    }
}

/// Adds the code of the moment to a one-time password.
fn add_code(field: &mut Map<String, Value>) {
    if text(field, "type") == Some("OTP")
        && let Some(code) = text(field, "value").and_then(otp::code)
    {
        field.insert("totp".to_owned(), json!(code));
    }
}

/// A moment as Connect writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The bytes of a file kept in base64.
pub(crate) fn decode(base64: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(base64).unwrap_or_default()
}
