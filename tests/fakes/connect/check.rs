//! An item as it's sent, made into one as it's kept.

use serde_json::{Map, Value, json};

use crate::answer::{Refusal, invalid};
use crate::field::{self, Around, Purpose};
use crate::item::{Item, id_in, new_id, objects, text};
use crate::settings::Settings;

/// What can be made. There are also `CUSTOM` and `DOCUMENT`, which can't.
const CATEGORIES: [&str; 20] = [
    "LOGIN",
    "PASSWORD",
    "API_CREDENTIAL",
    "SERVER",
    "DATABASE",
    "CREDIT_CARD",
    "MEMBERSHIP",
    "PASSPORT",
    "SOFTWARE_LICENSE",
    "OUTDOOR_LICENSE",
    "SECURE_NOTE",
    "WIRELESS_ROUTER",
    "BANK_ACCOUNT",
    "DRIVER_LICENSE",
    "IDENTITY",
    "REWARD_PROGRAM",
    "EMAIL_ACCOUNT",
    "SOCIAL_SECURITY_NUMBER",
    "MEDICAL_RECORD",
    "SSH_KEY",
];

/// Checks an item for a vault, as a new one or in the place of a stored one. What it gives has only what a client
/// says: no id, no version, no dates.
pub(crate) fn accept(
    sent: &Map<String, Value>,
    vault: &str,
    stored: Option<&Item>,
    settings: &Settings,
) -> Result<Map<String, Value>, Refusal> {
    if id_in(sent, "vault") != Some(vault) {
        return Err(invalid("Invalid Vault UUID"));
    }
    let category = category(sent, stored)?;
    let sections = sections(sent)?;
    let fields = fields(sent, &category, &sections, stored, settings)?;
    let mut item = Map::new();
    item.insert("vault".to_owned(), json!({ "id": vault }));
    item.insert("category".to_owned(), json!(category));
    item.insert("title".to_owned(), json!(text(sent, "title").unwrap_or_default()));
    if sent.get("favorite") == Some(&json!(true)) {
        item.insert("favorite".to_owned(), json!(true));
    }
    let sections = sections.into_iter().map(|(id, label)| match label {
        Some(label) => json!({ "id": id, "label": label }),
        None => json!({ "id": id }),
    });
    for (key, list) in
        [("urls", urls(sent)?), ("tags", tags(sent.get("tags"))?), ("sections", sections.collect()), ("fields", fields)]
    {
        if !list.is_empty() {
            item.insert(key.to_owned(), Value::Array(list));
        }
    }
    Ok(item)
}

/// Tags as they're kept: sorted, each once.
pub(crate) fn tags(sent: Option<&Value>) -> Result<Vec<Value>, Refusal> {
    let mut tags = Vec::new();
    for tag in list(sent)? {
        tags.push(tag.as_str().ok_or_else(|| invalid("Invalid request body"))?);
    }
    tags.sort_unstable();
    tags.dedup();
    Ok(tags.into_iter().map(|tag| json!(tag)).collect())
}

/// Whether the fields that a category can't do without are there, each once.
pub(crate) fn check_purposes<'a>(
    category: &str,
    fields: impl Iterator<Item = &'a Map<String, Value>>,
) -> Result<(), Refusal> {
    let purposes: Vec<Purpose> = fields.filter_map(|field| Purpose::named(text(field, "purpose")?)).collect();
    for (at, purpose) in purposes.iter().enumerate() {
        if purposes.iter().skip(at + 1).any(|other| other == purpose) {
            return Err(field::rejected(&format!("the item has two fields with the purpose {}", purpose.name())));
        }
    }
    if category == "PASSWORD" && !purposes.contains(&Purpose::Password) {
        return Err(field::rejected("Password item requires ps value"));
    }
    Ok(())
}

fn category(sent: &Map<String, Value>, stored: Option<&Item>) -> Result<String, Refusal> {
    let category = text(sent, "category").unwrap_or_default();
    let fits = match stored {
        None => CATEGORIES.contains(&category),
        // What exists stays what it is.
        Some(stored) => text(&stored.0, "category") == Some(category),
    };
    if fits { Ok(category.to_owned()) } else { Err(invalid("Invalid item category")) }
}

fn sections(sent: &Map<String, Value>) -> Result<Vec<(String, Option<String>)>, Refusal> {
    let mut sections = Vec::new();
    for section in list(sent.get("sections"))? {
        let section = section.as_object().ok_or_else(|| invalid("Invalid request body"))?;
        let id = text(section, "id").map_or_else(|| format!("Section_{}", new_id()), str::to_owned);
        sections.push((id, section.get("label").and_then(Value::as_str).map(str::to_owned)));
    }
    Ok(sections)
}

fn urls(sent: &Map<String, Value>) -> Result<Vec<Value>, Refusal> {
    let urls = list(sent.get("urls"))?;
    if urls.iter().any(|url| url.get("href").and_then(Value::as_str).is_none()) {
        return Err(invalid("Invalid request body"));
    }
    Ok(urls.to_vec())
}

fn fields(
    sent: &Map<String, Value>,
    category: &str,
    sections: &[(String, Option<String>)],
    stored: Option<&Item>,
    settings: &Settings,
) -> Result<Vec<Value>, Refusal> {
    let sent = list(sent.get("fields"))?;
    let mut fields: Vec<Map<String, Value>> = Vec::new();
    for field in sent {
        let field = field.as_object().ok_or_else(|| invalid("Invalid request body"))?;
        let section = id_in(field, "section");
        let index = fields.iter().filter(|other| id_in(other, "section") == section).count();
        let stored = stored.and_then(|stored| find_field(stored, text(field, "id")?));
        let around = Around { category, sections, settings, stored, index };
        fields.push(field::accept(field, &around)?);
    }
    check_purposes(category, fields.iter())?;
    Ok(fields.into_iter().map(Value::Object).collect())
}

/// A field of a stored item.
pub(crate) fn find_field<'a>(item: &'a Item, id: &str) -> Option<&'a Map<String, Value>> {
    objects(&item.0, "fields").find(|field| text(field, "id") == Some(id))
}

fn list(value: Option<&Value>) -> Result<&[Value], Refusal> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(invalid("Invalid request body")),
    }
}
