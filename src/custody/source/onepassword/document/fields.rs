//! An item's fields: read leniently, named strictly.

use std::collections::HashMap;

use serde_json::Value;

use super::head::text;
use super::{Document, dates};
use crate::custody::fingerprint::Gathered;
use crate::custody::value::SecretValue;
use crate::model::{Field, FieldId, FieldType, Item, ItemPath, Name, Purpose, SecretPath};

/// Kinds of values that anybody may see where the item is shown.
const PLAIN: [&str; 12] = [
    "ADDRESS",
    "CREDIT_CARD_TYPE",
    "DATE",
    "EMAIL",
    "FILE",
    "GENDER",
    "MENU",
    "MONTH_YEAR",
    "PHONE",
    "REFERENCE",
    "STRING",
    "URL",
];
/// Kinds of values that are hidden.
const HIDDEN: [&str; 4] = ["CONCEALED", "CREDIT_CARD_NUMBER", "OTP", "SSHKEY"];

/// A field as it stands in a document. It holds the value, so it can't be printed.
pub(in crate::custody::source::onepassword) struct Stored<'doc> {
    /// Where it stands in the document.
    pub(in crate::custody::source::onepassword) at: usize,
    /// 1Password's word for the kind of its value, in capitals.
    pub(super) kind: String,
    /// What the rest of the program knows of it.
    pub(in crate::custody::source::onepassword) field: Field,
    /// Its value; an empty one is none.
    pub(super) value: Option<&'doc str>,
}

impl Document {
    /// Whether the field at an index bears an id in 1Password, and no other does.
    pub(in crate::custody::source::onepassword) fn is_called(&self, at: usize, id: &FieldId) -> bool {
        let bears = |field: &Value| text(field, "id") == Some(id.as_str());
        let fields = self.list("fields");
        fields.get(at).is_some_and(bears) && fields.iter().filter(|field| bears(field)).count() == 1
    }

    /// Its fields, each under an id that's its alone.
    pub(in crate::custody::source::onepassword) fn stored(&self, item: &ItemPath) -> Vec<Stored<'_>> {
        let all = self.list("fields");
        let ids = ids(all);
        let named = all.iter().zip(ids).enumerate();
        named.filter_map(|(at, (json, id))| self.field(item, at, json, &id?)).collect()
    }

    /// Every value that's seen, by its field's id.
    pub(in crate::custody::source::onepassword) fn values(&self, item: &ItemPath) -> Vec<(FieldId, SecretValue)> {
        let stored = self.stored(item).into_iter();
        stored.filter_map(|stored| Some((stored.field.id.clone(), stored.secret()?))).collect()
    }

    /// Takes prints of its values.
    pub(in crate::custody::source::onepassword) fn take_prints(&self, item: &Item, prints: &Gathered) {
        let stored = self.stored(&item.path);
        let values = stored.iter().filter_map(|stored| Some((&stored.field.id, stored.value?.as_bytes())));
        prints.note(item, values);
    }

    fn field<'doc>(&'doc self, item: &ItemPath, at: usize, json: &'doc Value, id: &str) -> Option<Stored<'doc>> {
        let section = self.section(json);
        let place = |name: Name| Some((item.field(section.as_ref(), &name).ok()?, name));
        // A label in the shape of an id could pass for another field's.
        let by_label = text(json, "label").and_then(|label| Name::new(label).ok()).filter(|label| !label.is_id());
        let (path, name): (SecretPath, Name) = by_label.and_then(place).or_else(|| place(Name::new(id).ok()?))?;
        let kind = text(json, "type").unwrap_or_default().to_ascii_uppercase();
        let purpose = text(json, "purpose").and_then(purpose);
        Some(Stored {
            at,
            field: Field {
                id: FieldId::new(id),
                name,
                section,
                section_id: json.get("section").and_then(|section| text(section, "id")).map(Into::into),
                kind: kind_of(&kind, purpose),
                purpose,
                path,
                title_path: None,
            },
            kind,
            value: text(json, "value"),
        })
    }

    /// The name of the section a field stands in: its label, here or in the list of sections, else its id.
    fn section(&self, field: &Value) -> Option<Name> {
        let section = field.get("section")?;
        let id = text(section, "id");
        let listed = || self.list("sections").iter().find(|section| id.is_some() && text(section, "id") == id);
        let label = text(section, "label").or_else(|| text(listed()?, "label"));
        label.and_then(|label| Name::new(label).ok()).or_else(|| Name::new(id?).ok())
    }
}

impl Stored<'_> {
    /// Whether it's seen: an empty field that 1Password draws in every item isn't.
    pub(in crate::custody::source::onepassword) fn is_shown(&self) -> bool {
        let Field { id, purpose, .. } = &self.field;
        self.value.is_some() || *purpose == Some(Purpose::Password) || id.as_str() == "credential"
    }

    /// Whether it has no value.
    pub(in crate::custody::source::onepassword) fn is_empty(&self) -> bool {
        self.value.is_none()
    }

    /// Its value.
    pub(in crate::custody::source::onepassword) fn secret(&self) -> Option<SecretValue> {
        self.value.map(|value| SecretValue::new(value.to_owned()))
    }

    /// Whether its value is this one. Of dates, 1Password keeps another form than it was given.
    pub(in crate::custody::source::onepassword) fn holds(&self, wanted: &SecretValue) -> bool {
        let Some(value) = self.value else { return false };
        if value.as_bytes() == wanted.plaintext() {
            return true;
        }
        std::str::from_utf8(wanted.plaintext()).is_ok_and(|wanted| match self.kind.as_str() {
            "DATE" => dates::same_date(value, wanted),
            "MONTH_YEAR" => dates::same_month(value, wanted),
            _ => false,
        })
    }
}

/// The kind of value that 1Password's word means. What isn't known is hidden.
pub(super) fn kind_of(word: &str, purpose: Option<Purpose>) -> FieldType {
    match word {
        "OTP" | "TOTP" => FieldType::Otp,
        _ if purpose == Some(Purpose::Password) => FieldType::Concealed,
        "URL" => FieldType::Url,
        plain if PLAIN.contains(&plain) => FieldType::String,
        _ => FieldType::Concealed,
    }
}

/// Whether this is a kind of value whose field can be sent back as it came.
pub(super) fn is_known_kind(word: &str) -> bool {
    PLAIN.contains(&word) || HIDDEN.contains(&word)
}

fn purpose(word: &str) -> Option<Purpose> {
    match word.to_ascii_uppercase().as_str() {
        "NOTES" => Some(Purpose::Notes),
        "PASSWORD" => Some(Purpose::Password),
        "USERNAME" => Some(Purpose::Username),
        _ => None,
    }
}

/// For each field an id that's its alone, if there's one. It's the same in every reading of the item,
/// whatever the order of its fields.
fn ids(fields: &[Value]) -> Vec<Option<String>> {
    let own = |field: &Value| text(field, "id").or_else(|| text(field, "label")).map(str::to_owned);
    let owned: Vec<Option<String>> = fields.iter().map(own).collect();
    let counts = count(&owned);
    let in_section = |field: &Value, id: &str| {
        let section = field.get("section").and_then(|section| text(section, "id")).unwrap_or_default();
        format!("{section}.{id}")
    };
    let longer = fields.iter().zip(owned).map(|(field, id)| {
        let id = id?;
        let alone = counts.get(&id) == Some(&1);
        Some(if alone { id } else { in_section(field, &id) })
    });
    let longer: Vec<Option<String>> = longer.collect();
    let counts = count(&longer);
    longer.into_iter().map(|id| id.filter(|id| counts.get(id) == Some(&1))).collect()
}

fn count(ids: &[Option<String>]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for id in ids.iter().flatten() {
        *counts.entry(id.clone()).or_default() += 1;
    }
    counts
}
