//! An entry's strings, tags and times, as an item's.

use keepass::db::{Entry, Value, fields};

use super::{ids, times, version};
use crate::model::{
    Category, Field, FieldId, FieldType, Fields, Item, ItemId, ItemPath, Name, Purpose, SourceName, Tag,
};
use crate::model::{VaultId, fold};

/// Where an entry keeps its category, in 1Password's words.
pub(super) const CATEGORY: &str = "opward.category";

/// Begins the names of the further addresses that `KeePassXC` keeps.
const MORE_URLS: &str = "KP2A_URL";

const MAX_URL_BYTES: usize = 2048;

/// A string every entry may have, with 1Password's name for it.
struct Standard {
    key: &'static str,
    id: &'static str,
    kind: FieldType,
    purpose: Option<Purpose>,
}

const STANDARD: [Standard; 4] = [
    Standard { key: fields::USERNAME, id: "username", kind: FieldType::String, purpose: Some(Purpose::Username) },
    Standard { key: fields::PASSWORD, id: "password", kind: FieldType::Concealed, purpose: Some(Purpose::Password) },
    Standard { key: fields::URL, id: "url", kind: FieldType::Url, purpose: None },
    Standard { key: fields::NOTES, id: "notesPlain", kind: FieldType::String, purpose: Some(Purpose::Notes) },
];

/// One string of an entry, as a field.
pub(super) struct Stored<'a> {
    /// The name the file knows it by.
    pub(super) key: &'a str,
    /// Its value.
    pub(super) value: &'a Value<String>,
    /// The field it is.
    pub(super) field: Field,
}

/// An entry's title.
pub(super) fn title(entry: &Entry) -> Option<&str> {
    entry.get(fields::TITLE)
}

/// The string a new field of this name is kept in; `None` for the title, which is no field.
pub(super) fn key_of(name: &Name) -> Option<String> {
    let folded = fold(name.as_str());
    if folded == fold(fields::TITLE) {
        return None;
    }
    let standard = STANDARD.iter().find(|standard| fold(standard.id) == folded);
    Some(standard.map_or(name.as_str(), |standard| standard.key).to_owned())
}

/// Whether a new string is kept protected: all but those that describe.
pub(super) fn is_protected(key: &str) -> bool {
    ![fields::USERNAME, fields::URL, fields::NOTES].contains(&key)
}

/// An entry's strings as fields: the standard ones that aren't empty, then its own by name.
pub(super) fn fields<'a>(path: &ItemPath, entry: &'a Entry) -> Vec<Stored<'a>> {
    let mut found = Vec::with_capacity(entry.fields.len());
    for standard in &STANDARD {
        if let Some((key, value)) =
            entry.fields.get_key_value(standard.key).filter(|(_, value)| !value.get().is_empty())
            && let Ok(name) = Name::new(standard.id)
        {
            let kind = if value.is_protected() && matches!(standard.kind, FieldType::String | FieldType::Url) {
                FieldType::Concealed
            } else {
                standard.kind
            };
            found.extend(stored(path, key, value, (name, standard.id, kind, standard.purpose)));
        }
    }
    let is_own = |key: &str| key != fields::TITLE && STANDARD.iter().all(|standard| standard.key != key);
    let mut own: Vec<_> = entry.fields.iter().filter(|(key, _)| is_own(key)).collect();
    own.sort_unstable_by_key(|(key, _)| key.as_str());
    let folded: Vec<String> = own.iter().map(|(key, _)| fold(key)).collect();
    for ((key, value), form) in own.iter().zip(&folded) {
        let (name, id) = own_name(path, key, form, &folded);
        found.extend(name.and_then(|name| stored(path, key, value, (name, &id, own_kind(key, value), None))));
    }
    found
}

/// A string's own name, or an id where a path can't carry the name, where another string of the
/// entry differs from it in case alone, or where it's spelled like a standard field.
fn own_name(path: &ItemPath, key: &str, form: &str, all: &[String]) -> (Option<Name>, String) {
    let taken = STANDARD.iter().any(|standard| fold(standard.id) == form) || form == fold(fields::TITLE);
    let alone = all.iter().filter(|other| *other == form).count() == 1;
    let name = Name::new(key).ok().filter(|name| !taken && alone && !name.is_id() && path.field(None, name).is_ok());
    if name.is_some() {
        return (name, key.to_owned());
    }
    let id = ids::of_name(key);
    (Name::new(&id).ok(), id)
}

fn own_kind(key: &str, value: &Value<String>) -> FieldType {
    let seeds =
        ["otp", "TOTP Seed"].contains(&key) || key.starts_with("TimeOtp-Secret") || key.starts_with("HmacOtp-Secret");
    if seeds || value.get().starts_with("otpauth://") {
        FieldType::Otp
    } else if value.is_protected() {
        FieldType::Concealed
    } else if key.starts_with(MORE_URLS) {
        FieldType::Url
    } else {
        FieldType::String
    }
}

fn stored<'a>(
    path: &ItemPath,
    key: &'a str,
    value: &'a Value<String>,
    (name, id, kind, purpose): (Name, &str, FieldType, Option<Purpose>),
) -> Option<Stored<'a>> {
    let path = path.field(None, &name).ok()?;
    Some(Stored {
        key,
        value,
        field: Field {
            id: FieldId::new(id),
            name,
            section: None,
            section_id: None,
            kind,
            purpose,
            path,
            title_path: None,
        },
    })
}

/// An entry as an item, and the values of its fields, in their order.
pub(super) fn item<'a>(
    source: &SourceName,
    vault: &VaultId,
    path: ItemPath,
    entry: &'a Entry,
    limit: Option<usize>,
) -> (Item, Vec<&'a str>) {
    let stored = fields(&path, entry);
    let values = stored.iter().map(|stored| stored.value.get().as_str()).collect();
    let item = Item {
        source: source.clone(),
        vault: vault.clone(),
        id: ItemId::new(&ids::from_uuid(entry.id().uuid())),
        category: category(entry, &stored),
        tags: entry.tags.iter().filter_map(|tag| Tag::new(tag)).collect(),
        version: version::of(entry, limit),
        created_at: times::created(entry).and_then(times::timestamp),
        updated_at: times::modified(entry).and_then(times::timestamp),
        expires_at: times::expires(entry).and_then(times::timestamp),
        urls: urls(&stored),
        fields: Fields::Known(stored.into_iter().map(|stored| stored.field).collect()),
        path,
    };
    (item, values)
}

/// The category the entry notes, else the one its fields suggest.
fn category(entry: &Entry, stored: &[Stored<'_>]) -> Category {
    let has = |id: &str| stored.iter().any(|stored| stored.field.id.as_str() == id);
    let noted = version::custom_text(entry, CATEGORY).and_then(|word| Category::from_word(&word));
    noted.unwrap_or_else(|| match () {
        () if has("username") || has("url") => Category::Login,
        () if has("credential") => Category::ApiCredential,
        () if has("notesPlain") && !stored.iter().any(|stored| stored.field.concealed()) => Category::SecureNote,
        () => Category::Password,
    })
}

fn urls(stored: &[Stored<'_>]) -> Vec<String> {
    let addresses = stored.iter().filter(|stored| stored.field.kind == FieldType::Url);
    let texts = addresses.map(|stored| stored.value.get());
    texts.filter(|text| text.len() <= MAX_URL_BYTES && !text.chars().any(char::is_control)).cloned().collect()
}
