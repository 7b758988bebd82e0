//! Names and dates, as the caller gets to see them.

use jiff::Timestamp;
use serde::Serialize;

use super::deliver::Open;
use super::resolve::field_name;
use crate::authz::{Exposed, Visible};
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
    /// The commands and HTTP entries that may be given one of its values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub deliveries: Vec<String>,
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
    /// What was exposed of its value, if that ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "an_object")]
    pub exposure: Option<ExposureView>,
}

/// That a field's value, as it's now, reached somebody's context.
#[derive(Debug, Serialize)]
pub struct ExposureView {
    /// When it last did, RFC 3339.
    pub last: String,
    /// How it last did: `read`, `trusted-code` or `run`.
    pub by: &'static str,
    /// How often it did.
    pub times: u64,
    /// How many principals it reached. Who they are is their owner's business.
    pub principals: usize,
    /// When a rule wants it to be rotated at the latest, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_by: Option<String>,
    /// Whether that's past, where a rule wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
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
    pub(super) fn of(visible: &Visible, open: &[Open]) -> Self {
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
            deliveries: open.iter().filter(|open| open.is_of(item)).map(Open::word).collect(),
        }
    }
}

impl ItemView {
    /// An item by itself.
    pub(super) fn of(
        visible: &Visible,
        exposed: &[Option<Exposed>],
        now: Option<Timestamp>,
        allowance: Option<Allowance>,
    ) -> Self {
        let item = visible.item();
        let exposed = exposed.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let fields = visible.fields().zip(exposed).map(|((field, actions), exposed)| FieldView {
            name: field.name.escaped(),
            section: field.section.as_ref().map(Name::escaped),
            kind: field.kind,
            concealed: field.concealed(),
            actions: actions.iter().collect(),
            exposure: exposed.map(ExposureView::of),
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

impl ExposureView {
    fn of(exposed: &Exposed) -> Self {
        Self {
            last: exposed.last.to_string(),
            by: exposed.by.as_str(),
            times: exposed.times,
            principals: exposed.principals,
            rotate_by: exposed.rotate_by.map(|by| by.to_string()),
            overdue: exposed.rotate_by.map(|_| exposed.is_overdue),
        }
    }
}

/// Its parts explain themselves in the answer; in a list of tools each would cost every client context.
fn an_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "additionalProperties": true })
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
