//! Looking at names: lists, descriptions, vaults, and what would be allowed.

use std::sync::Arc;

use serde::Serialize;

use super::resolve::{Found, Missing, field_name, suppositions};
use super::{Broker, Done};
use crate::authz::{Access, Call, Refusal, Visible};
use crate::model::{Action, Category, Field, FieldType, Item, Name, PathPrefix, Reference, fold, is_refused};

/// What narrows a list.
#[derive(Debug, Default)]
pub struct ListQuery {
    /// Only paths that begin so.
    pub prefix: Option<PathPrefix>,
    /// Only this vault, by name or id.
    pub vault: Option<String>,
    /// Only this category.
    pub category: Option<Category>,
    /// Only items that carry this tag.
    pub tag: Option<String>,
    /// Only items whose name, tags or visible field names contain this text.
    pub query: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// Only those after this path.
    pub after: Option<String>,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The items, by path.
    pub secrets: Vec<Listed>,
    /// The last path shown, if there may be more.
    pub more_after: Option<String>,
}

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
    /// The names of the fields the caller may know of.
    pub fields: Vec<String>,
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

/// The longest text of other people that's passed on, in characters.
const MAX_FOREIGN_TEXT: usize = 200;

impl Broker {
    /// One page of what the caller may know of.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn list(&self, call: &Call, query: &ListQuery) -> Result<Done<Page>, Refusal> {
        let catalog = self.names(call).await?;
        let pending = call.look(Action::List).await?;
        let wanted = Wanted::new(query);
        let candidates = catalog.items_from(query.after.as_deref()).iter().filter(|item| wanted.item(item));
        let mut matching = call.visible_among(candidates, Action::List).filter(|visible| wanted.text(visible));
        let secrets: Vec<Listed> = matching.by_ref().take(query.limit).map(|visible| listed(&visible)).collect();
        let more = secrets.len() == query.limit && matching.next().is_some();
        let more_after = secrets.last().filter(|_| more).map(|last| last.path.clone());
        Ok(Done { body: Page { secrets, more_after }, settled: pending.done().await? })
    }

    /// Everything the caller may know of one item.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn describe(&self, call: &Call, reference: &Reference) -> Result<Done<ItemView>, Refusal> {
        let item = self.item(call, Action::Describe, reference).await?;
        let Some(visible) = call.visible(&item, Action::Describe) else {
            return Err(match item.fields.first() {
                Some(field) => call.refuse_view(Action::Describe, &item.target(field), reference).await,
                None => call.deny_unseen(Action::Describe, reference).await,
            });
        };
        let pending = call.look_at(Action::Describe, &visible).await?;
        Ok(Done { body: described(call, &visible), settled: pending.done().await? })
    }

    /// The vaults in which the caller may list something.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn vaults(&self, call: &Call) -> Result<Done<Vaults>, Refusal> {
        let catalog = self.names(call).await?;
        let pending = call.look(Action::List).await?;
        let vaults = catalog
            .vaults()
            .iter()
            .filter_map(|vault| {
                let in_it = |item: &&Arc<Item>| item.vault == vault.id && item.source == vault.source;
                let items = call.visible_among(catalog.items().iter().filter(in_it), Action::List).count();
                (items > 0).then(|| VaultView {
                    name: vault.name.as_str().to_owned(),
                    source: vault.source.to_string(),
                    items,
                    description: vault.description.as_deref().map(foreign),
                })
            })
            .collect();
        Ok(Done { body: Vaults { vaults }, settled: pending.done().await? })
    }

    /// What would come of asking for an action, without asking.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn check(&self, call: &Call, action: Action, reference: &Reference) -> Result<Done<Access>, Refusal> {
        let catalog = self.catalog(call, action).await?;
        let targets = match self.lookup(&catalog, reference) {
            Ok(Found { target, .. }) => vec![target],
            Err(Missing::DefaultField(item)) => item.fields.iter().map(|field| item.target(field)).collect(),
            Err(Missing::Item(_)) => suppositions(reference),
        };
        let pending = call.look(Action::Describe).await?;
        // Where a path could mean several things, what's certain is what holds for each.
        let mut answers = targets.iter().map(|target| call.access(action, target));
        let access = answers
            .find(|access| access.decision == "deny")
            .or_else(|| targets.first().map(|target| call.access(action, target)));
        match access {
            Some(access) => Ok(Done { body: access, settled: pending.done().await? }),
            None => Err(call.end(pending, super::resolve::too_long()).await),
        }
    }

    /// Paths that begin like a text, for completion.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn complete(&self, call: &Call, prefix: &PathPrefix, limit: usize) -> Result<Done<Vec<String>>, Refusal> {
        let catalog = self.catalog(call, Action::List).await?;
        let pending = call.look(Action::List).await?;
        let mut paths = Vec::new();
        let prefix_of_item =
            |item: &Item| prefix.covers(item.path.matching()) || prefix.matching().starts_with(item.path.matching());
        for visible in call.visible_among(catalog.items().iter().filter(|item| prefix_of_item(item)), Action::List) {
            if prefix.covers(visible.item().path.matching()) {
                paths.push(visible.item().path.to_string());
            }
            paths.extend(
                visible
                    .fields()
                    .filter(|(field, _)| prefix.covers(field.path.matching()))
                    .map(|(field, _)| field.path.to_string()),
            );
            if paths.len() >= limit {
                break;
            }
        }
        paths.truncate(limit);
        Ok(Done { body: paths, settled: pending.done().await? })
    }
}

/// A query's texts, folded once.
struct Wanted<'a> {
    prefix: Option<&'a PathPrefix>,
    vault: Option<&'a str>,
    category: Option<Category>,
    tag: Option<&'a str>,
    query: Option<String>,
}

impl<'a> Wanted<'a> {
    fn new(query: &'a ListQuery) -> Self {
        Self {
            prefix: query.prefix.as_ref(),
            vault: query.vault.as_deref(),
            category: query.category,
            tag: query.tag.as_deref(),
            query: query.query.as_deref().map(fold),
        }
    }

    fn item(&self, item: &Item) -> bool {
        self.prefix.is_none_or(|prefix| prefix.covers(item.path.matching()))
            && self.vault.is_none_or(|vault| is_in(item, vault))
            && self.category.is_none_or(|category| category == item.category)
            && self.tag.is_none_or(|wanted| item.tags.iter().any(|tag| tag.is(wanted)))
    }

    /// Only what the caller may know of is searched: a match on anything else would tell of it.
    fn text(&self, visible: &Visible) -> bool {
        self.query.as_deref().is_none_or(|wanted| {
            visible.item().path.matching().contains(wanted)
                || visible.item().tags.iter().any(|tag| fold(tag.as_str()).contains(wanted))
                || visible.fields().any(|(field, _)| field.name.matching().contains(wanted))
        })
    }
}

/// Whether an item is in the vault of this name or id.
fn is_in(item: &Item, vault: &str) -> bool {
    item.vault.as_str() == vault
        || item
            .path
            .matching()
            .split_once('/')
            .is_some_and(|(name, _)| Name::new(vault).is_ok_and(|vault| vault.matching() == name))
}

fn listed(visible: &Visible) -> Listed {
    let item = visible.item();
    Listed {
        path: item.path.to_string(),
        reference: item.path.reference(),
        category: item.category.to_string(),
        fields: visible.fields().map(|(field, _)| field_name(field)).collect(),
        tags: tags(item),
        version: item.version,
        updated_at: item.updated_at.map(|time| time.to_string()),
        expires_at: item.expires_at.map(|time| time.to_string()),
        actions: visible.actions().collect(),
    }
}

fn described(call: &Call, visible: &Visible) -> ItemView {
    let item = visible.item();
    let fields = visible.fields().map(|(field, actions)| FieldView {
        name: field.name.escaped(),
        section: field.section.as_ref().map(Name::escaped),
        kind: field.kind,
        concealed: field.concealed(),
        actions: actions.iter().collect(),
    });
    Listed {
        path: item.path.to_string(),
        reference: item.path.reference(),
        category: item.category.to_string(),
        fields: Vec::new(),
        tags: tags(item),
        version: item.version,
        updated_at: item.updated_at.map(|time| time.to_string()),
        expires_at: item.expires_at.map(|time| time.to_string()),
        actions: visible.actions().collect(),
    }
    .describe(call, item, fields.collect(), urls(visible))
}

/// In a local vault an address is a field's value, so it's shown only to one who may see each such field.
fn urls(visible: &Visible) -> Vec<String> {
    let is_url = |field: &Field| field.kind == FieldType::Url;
    let all = visible.item().fields.iter().filter(|field| is_url(field)).count();
    let seen = visible.fields().filter(|(field, _)| is_url(field)).count();
    if all == seen { visible.item().urls.iter().map(|url| foreign(url)).collect() } else { Vec::new() }
}

impl Listed {
    fn describe(self, call: &Call, item: &Item, fields: Vec<FieldView>, urls: Vec<String>) -> ItemView {
        let now = call.now();
        ItemView {
            path: self.path,
            reference: self.reference,
            category: self.category,
            fields,
            tags: self.tags,
            version: self.version,
            created_at: item.created_at.map(|time| time.to_string()),
            updated_at: self.updated_at,
            expires_at: self.expires_at,
            age_s: now.zip(item.updated_at).map(|(now, then)| now.as_second().saturating_sub(then.as_second())),
            expired: now.zip(item.expires_at).is_some_and(|(now, then)| then <= now),
            urls,
            actions: self.actions,
        }
    }
}

fn tags(item: &Item) -> Vec<String> {
    item.tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}

/// Other people's text, made harmless: one line of characters that a person can see, cut short.
fn foreign(text: &str) -> String {
    // A backslash can't stand in a path, and does no harm elsewhere.
    text.chars().filter(|c| *c == '\\' || !is_refused(*c)).take(MAX_FOREIGN_TEXT).collect()
}
