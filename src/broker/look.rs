//! Looking at names: lists, descriptions, vaults, and what would be allowed.

use std::sync::Arc;

use super::deliver::Open;
use super::resolve::{Found, Missing, suppositions};
use super::view::{ItemView, Listed, VaultView, Vaults, foreign};
use super::{Broker, Done};
use crate::authz::{Access, Call, Refusal, Visible};
use crate::custody::Catalog;
use crate::model::{Action, Category, Delivery, Item, Name, Output, PathPrefix, Reference, Target, fold};

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

/// How many items are read at most so that a list can tell whether they belong in it.
const READ_FOR_A_LIST: usize = 20;

impl Broker {
    /// One page of what the caller may know of.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn list(&self, call: &Call, query: &ListQuery) -> Result<Done<Page>, Refusal> {
        let wanted = Wanted::new(query);
        let mut catalog = self.names(call).await?;
        let unclear = catalog.items().iter().filter(|item| !item.fields.are_known() && wanted.item(item));
        let unclear: Vec<_> = call.maybe_visible_among(unclear).take(READ_FOR_A_LIST).cloned().collect();
        if !unclear.is_empty() {
            catalog = Arc::clone(self.read_up(call, Action::List, &unclear, &[]).await?.catalog());
        }
        let pending = call.look(Action::List).await?;
        let open = self.open_deliveries(call, &catalog);
        let candidates = catalog.items_from(query.after.as_deref()).iter().filter(|item| wanted.item(item));
        let mut matching = call.visible_among(candidates, Action::List).filter(|visible| wanted.text(visible));
        let secrets: Vec<Listed> =
            matching.by_ref().take(query.limit).map(|visible| Listed::of(&visible, &open)).collect();
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
            return Err(match item.fields.decided_on().first() {
                Some(field) => call.refuse_view(Action::Describe, &item.target(field), reference).await,
                None => call.deny_unseen(Action::Describe, reference).await,
            });
        };
        let pending = call.look_at(Action::Describe, &visible).await?;
        let paths = visible.fields().map(|(field, _)| field.path.clone()).collect();
        let exposed = match call.exposure_of(paths).await {
            Ok(exposed) => exposed,
            // An answer that left it out would say that nothing was exposed.
            Err(error) => return Err(call.end(pending, error.public()).await),
        };
        let allowance = self.0.custody.allowance(&item.source);
        let body = ItemView::of(&visible, &exposed, call.now(), allowance);
        Ok(Done { body, settled: pending.done().await? })
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
        let known = self.acquaint(call, action, &[reference]).await?;
        let targets = match self.lookup(&known, reference) {
            Ok(Found { target, .. }) => vec![target],
            Err(Missing::DefaultField(item)) => {
                item.fields.decided_on().iter().map(|field| item.target(field)).collect()
            }
            Err(Missing::Item(_)) => suppositions(reference),
        };
        let pending = call.look(Action::Describe).await?;
        let by = if action == Action::Use { self.ways(call, known.catalog(), &targets) } else { Vec::new() };
        // Where a path could mean several things, what's certain is what holds for each.
        let mut answers = targets.iter().map(|target| call.access(action, target, &by));
        let access = answers
            .find(|access| access.decision == "deny")
            .or_else(|| targets.first().map(|target| call.access(action, target, &by)));
        match access {
            Some(access) => Ok(Done { body: access, settled: pending.done().await? }),
            None => Err(call.end(pending, super::resolve::too_long()).await),
        }
    }

    /// The ways that are open to use what could be any of these, the entries that deliver it, and
    /// programs of the caller's own.
    fn ways(&self, call: &Call, catalog: &Arc<Catalog>, targets: &[Target]) -> Vec<Delivery> {
        let open = self.open_deliveries(call, catalog);
        let delivers = |open: &&Open| targets.iter().all(|target| open.delivers(target));
        let runs = [Output::Masked, Output::Unmasked].map(Delivery::Run).into_iter();
        let runs = runs.filter(|run| targets.iter().all(|target| call.could_use(target, run)));
        open.iter().filter(delivers).map(|open| open.delivery().clone()).chain(runs).collect()
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
