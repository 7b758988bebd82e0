//! Changes to an item's document. Whatever they aren't about stays as it came.

use serde_json::{Map, Value, json};

use super::head::text;
use super::{Document, dates, usual};
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::{MAX_VALUE_BYTES, SecretValue};
use crate::model::{Category, FieldId, ItemPath, Name, Purpose, SecretPath, Tag};

/// What begins a value that's a one-time password's seed.
const SEED: &str = "otpauth://";

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A value as the text that goes into a document.
pub(in crate::custody::source::onepassword) fn text_of(value: &SecretValue) -> Result<&str, Failure> {
    let bytes = value.plaintext();
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(Failure::TooLarge);
    }
    if bytes.is_empty() {
        return Err(Failure::Rejected { detail: "1Password doesn't keep empty values" });
    }
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::Rejected { detail: "1Password keeps text only, and this isn't UTF-8" })
}

impl Document {
    /// Sets the value of the field at an index.
    pub(in crate::custody::source::onepassword) fn set_value(&mut self, at: usize, value: &str) -> Result<(), Failure> {
        self.forget_what_is_only_shown();
        let field = self.0.get_mut("fields").and_then(|fields| fields.get_mut(at)).and_then(Value::as_object_mut);
        let field = field.ok_or(Failure::Missing)?;
        let kind = field.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        if ["FILE", "REFERENCE"].contains(&kind.as_str()) {
            return Err(Failure::Unsupported(
                "the field points at a file or at another item, so it has no value to set",
            ));
        }
        // Both say something of the value that was.
        field.remove("totp");
        field.remove("entropy");
        field.insert("value".to_owned(), value.into());
        Ok(())
    }

    /// Adds a field under the name a path ends with, in its section; gives its id.
    pub(in crate::custody::source::onepassword) fn add_field(
        &mut self,
        path: &SecretPath,
        value: &str,
    ) -> Result<FieldId, Failure> {
        self.forget_what_is_only_shown();
        let names = path.names();
        let (section, name) = match names.as_slice() {
            [_, _, name] => (None, name),
            [_, _, section, name] => (Some(section), name),
            _ => return Err(Failure::Missing),
        };
        let usual = section.is_none().then(|| usual::find(self.category(), name)).flatten();
        let mut field = match usual {
            Some(usual) => own_field(usual, value),
            None => custom_field(name, value),
        };
        if let Some(section) = section {
            let section = self.section_for(section)?;
            field.insert("section".to_owned(), section);
        }
        let id = FieldId::new(field.get("id").and_then(Value::as_str).unwrap_or_default());
        self.push("fields", field.into())?;
        Ok(id)
    }

    /// Sets its tags.
    pub(in crate::custody::source::onepassword) fn set_tags(&mut self, tags: &[Tag]) -> Result<(), Failure> {
        let tags = tags.iter().map(|tag| Value::from(tag.as_str())).collect();
        self.object()?.insert("tags".to_owned(), Value::Array(tags));
        Ok(())
    }

    /// Sets when it runs out, where its category has a field for that.
    pub(in crate::custody::source::onepassword) fn set_expiry(
        &mut self,
        at: jiff::Timestamp,
        item: &ItemPath,
    ) -> Result<(), Failure> {
        let value = dates::date_value(at);
        let is_expiry =
            |stored: &super::Stored<'_>| stored.field.id.as_str() == usual::EXPIRES && stored.kind == "DATE";
        let there = self.stored(item).into_iter().find(is_expiry).map(|stored| stored.at);
        if let Some(at) = there {
            return self.set_value(at, &value);
        }
        let usual = usual::of(self.category()).iter().find(|usual| usual.id == usual::EXPIRES);
        let usual = usual
            .ok_or(Failure::Unsupported("1Password keeps an expiry only for API credentials and outdoor licences"))?;
        self.push("fields", own_field(usual, &value).into())
    }

    /// Refuses to make an item into one of another category.
    pub(in crate::custody::source::onepassword) fn check_category(
        &self,
        wanted: Option<Category>,
    ) -> Result<(), Failure> {
        match wanted {
            Some(wanted) if wanted != self.category() => {
                Err(Failure::Unsupported("1Password can't change an item's category: make a new item"))
            }
            _ => Ok(()),
        }
    }

    /// The reference to a section of this name, which is made if it isn't there.
    fn section_for(&mut self, name: &Name) -> Result<Value, Failure> {
        let wanted = name.matching();
        let is = |section: &&Value, key: &str| {
            text(section, key).and_then(|text| Name::new(text).ok()).is_some_and(|name| name.matching() == wanted)
        };
        let in_fields = self.list("fields").iter().filter_map(|field| field.get("section"));
        let all: Vec<&Value> = self.list("sections").iter().chain(in_fields).collect();
        let unlabelled = |section: &&Value| text(section, "label").is_none() && is(section, "id");
        let found =
            all.iter().find(|section| is(section, "label")).or_else(|| all.iter().find(|section| unlabelled(section)));
        if let Some(id) = found.and_then(|section| text(section, "id")) {
            let label = found.and_then(|section| text(section, "label"));
            return Ok(label.map_or_else(|| json!({ "id": id }), |label| json!({ "id": id, "label": label })));
        }
        let section = json!({ "id": format!("Section_{}", random_id()), "label": name.as_str() });
        self.push("sections", section.clone())?;
        Ok(section)
    }

    /// Connect shows what it derives from values and takes none of it back. What `op` shows, it takes.
    fn forget_what_is_only_shown(&mut self) {
        if ["createdAt", "updatedAt", "lastEditedBy"].iter().all(|key| self.0.get(key).is_none()) {
            return;
        }
        let fields = self.0.get_mut("fields").and_then(Value::as_array_mut);
        for field in fields.into_iter().flatten().filter_map(Value::as_object_mut) {
            field.remove("totp");
            field.remove("entropy");
        }
    }

    pub(super) fn push(&mut self, list: &str, value: Value) -> Result<(), Failure> {
        let list = self.object()?.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
        list.as_array_mut().ok_or(Failure::Unsupported("the item isn't in a form that can be written"))?.push(value);
        Ok(())
    }

    fn object(&mut self) -> Result<&mut Map<String, Value>, Failure> {
        self.0.as_object_mut().ok_or(Failure::Unsupported("the item isn't in a form that can be written"))
    }
}

/// One of a category's own fields.
fn own_field(usual: &usual::Usual, value: &str) -> Map<String, Value> {
    let mut field = Map::new();
    field.insert("id".to_owned(), usual.id.into());
    field.insert("type".to_owned(), usual.kind.into());
    if let Some(purpose) = usual.purpose {
        let word = match purpose {
            Purpose::Notes => "NOTES",
            Purpose::Password => "PASSWORD",
            Purpose::Username => "USERNAME",
        };
        field.insert("purpose".to_owned(), word.into());
    }
    field.insert("label".to_owned(), usual.label.into());
    field.insert("value".to_owned(), value.into());
    field
}

/// A field of somebody's own. It's hidden, for nobody says that it needn't be.
fn custom_field(name: &Name, value: &str) -> Map<String, Value> {
    let (id, kind) = if value.starts_with(SEED) {
        // 1Password refuses one-time passwords whose id begins otherwise.
        (format!("TOTP_{}", random_id()), "OTP")
    } else {
        (random_id(), "CONCEALED")
    };
    let mut field = Map::new();
    field.insert("id".to_owned(), id.into());
    field.insert("type".to_owned(), kind.into());
    field.insert("label".to_owned(), name.as_str().into());
    field.insert("value".to_owned(), value.into());
    field
}

/// 26 characters of base32, as 1Password makes ids.
pub(super) fn random_id() -> String {
    let bytes: [u8; 26] = rand::random();
    let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
    bytes.into_iter().filter_map(letter).collect()
}
