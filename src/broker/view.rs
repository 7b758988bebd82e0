//! Names and dates, as the caller gets to see them.

use jiff::Timestamp;
use serde::Serialize;

use super::resolve::field_name;
use crate::authz::Visible;
use crate::custody::source::Allowance;
use crate::model::{Action, Field, FieldType, Item, Name, is_refused};

/// The longest text of other people that's passed on, in characters.
const MAX_FOREIGN_TEXT: usize = 200;

/// One item in a list.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Listed {
    /// The canonical path.
    pub path: String,
    /// The same as an `op://` reference.
    pub reference: String,
    /// 1Password's word for its kind.
    pub category: String,
    /// The names of the fields the caller may know of. Left out where the source doesn't list them and
    /// the item wasn't read yet: describing it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its version.
    pub version: u64,
    /// When it was last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When it runs out, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// What the caller may do with at least one of the fields.
    pub actions: Vec<Action>,
}

/// One item with all the caller may know of it. Never a value, nor a length or a hash of one.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ItemView {
    /// The canonical path.
    pub path: String,
    /// The same as an `op://` reference.
    pub reference: String,
    /// 1Password's word for its kind.
    pub category: String,
    /// The fields the caller may know of.
    pub fields: Vec<FieldView>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its version.
    pub version: u64,
    /// When it was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// When it runs out, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Seconds since it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<i64>,
    /// Whether it's past its expiry.
    pub expired: bool,
    /// The addresses it belongs to, where none of them is in a field the caller may not know of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub urls: Vec<String>,
    /// What the caller may do with at least one of the fields.
    pub actions: Vec<Action>,
    /// How many requests its source may still be sent, where it counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_left: Option<RequestsLeft>,
}

/// How many requests a source may still be sent.
#[derive(Debug, Clone, Copy, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct RequestsLeft {
    /// Those that read, within an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<u32>,
    /// Those that write, within an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes: Option<u32>,
    /// Of either kind, within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<u32>,
}

/// One field of an [`ItemView`].
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct FieldView {
    /// Its name.
    pub name: String,
    /// The section it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The kind of its value.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether the value is hidden wherever the item is shown.
    pub concealed: bool,
    /// What the caller may do with it.
    pub actions: Vec<Action>,
}

/// The vaults in which the caller may list something.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Vaults {
    /// By name.
    pub vaults: Vec<VaultView>,
}

/// One vault.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct VaultView {
    /// Its name.
    pub name: String,
    /// The source it's in.
    pub source: String,
    /// How many items the caller may list.
    pub items: usize,
    /// What its owner wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Listed {
    /// An item in a list.
    pub(super) fn of(visible: &Visible) -> Self {
        let item = visible.item();
        let names = || visible.fields().map(|(field, _)| field_name(field)).collect();
        Self {
            path: item.path.to_string(),
            reference: item.path.reference(),
            category: item.category.to_string(),
            fields: item.fields.are_known().then(names),
            tags: tags(item),
            version: item.version,
            updated_at: item.updated_at.map(|time| time.to_string()),
            expires_at: item.expires_at.map(|time| time.to_string()),
            actions: visible.actions().collect(),
        }
    }
}

impl ItemView {
    /// An item by itself.
    pub(super) fn of(visible: &Visible, now: Option<Timestamp>, allowance: Option<Allowance>) -> Self {
        let item = visible.item();
        let fields = visible.fields().map(|(field, actions)| FieldView {
            name: field.name.escaped(),
            section: field.section.as_ref().map(Name::escaped),
            kind: field.kind,
            concealed: field.concealed(),
            actions: actions.iter().collect(),
        });
        Self {
            path: item.path.to_string(),
            reference: item.path.reference(),
            category: item.category.to_string(),
            fields: fields.collect(),
            tags: tags(item),
            version: item.version,
            created_at: item.created_at.map(|time| time.to_string()),
            updated_at: item.updated_at.map(|time| time.to_string()),
            expires_at: item.expires_at.map(|time| time.to_string()),
            age_s: now.zip(item.updated_at).map(|(now, then)| now.as_second().saturating_sub(then.as_second())),
            expired: now.zip(item.expires_at).is_some_and(|(now, then)| then <= now),
            urls: urls(visible),
            actions: visible.actions().collect(),
            requests_left: allowance.map(|Allowance { reads, writes, today, .. }| RequestsLeft {
                reads,
                writes,
                today,
            }),
        }
    }
}

/// In a local vault an address is a field's value, so it's shown only to one who may see each such field.
fn urls(visible: &Visible) -> Vec<String> {
    let is_url = |field: &Field| field.kind == FieldType::Url;
    let all = visible.item().fields.known().iter().filter(|field| is_url(field)).count();
    let seen = visible.fields().filter(|(field, _)| is_url(field)).count();
    if all == seen { visible.item().urls.iter().map(|url| foreign(url)).collect() } else { Vec::new() }
}

fn tags(item: &Item) -> Vec<String> {
    item.tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}

/// Other people's text, made harmless: one line of characters that a person can see, cut short.
pub(super) fn foreign(text: &str) -> String {
    // A backslash can't stand in a path, and does no harm elsewhere.
    text.chars().filter(|c| *c == '\\' || !is_refused(*c)).take(MAX_FOREIGN_TEXT).collect()
}
