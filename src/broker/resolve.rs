//! From what the caller wrote to the one thing that's decided on.

use std::sync::Arc;

use super::Broker;
use crate::authz::{Call, Refusal};
use crate::custody::{Catalog, CatalogClash, Unresolved};
use crate::model::{
    Action, Category, ErrorCode, Field, FieldSelector, Item, ItemPath, Name, PublicError, Reference, Target,
};

/// How many of an item's fields an error lists; `describe_secret` shows all.
const FIELDS_SHOWN: usize = 20;

/// A field that exists.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) item: Arc<Item>,
    pub(super) target: Target,
}

impl Broker {
    /// The catalog for a look at all names. That there's nothing must not be said when it's only that no source
    /// can be reached.
    pub(super) async fn names(&self, call: &Call) -> Result<Arc<Catalog>, Refusal> {
        let catalog = self.catalog(call, Action::List).await?;
        match catalog.outages().first() {
            Some(outage) if catalog.items().is_empty() => {
                Err(call.fail(Action::List, None, outage.error.public()).await)
            }
            _ => Ok(catalog),
        }
    }

    pub(super) async fn catalog(&self, call: &Call, action: Action) -> Result<Arc<Catalog>, Refusal> {
        match self.0.custody.catalog().await {
            Ok(catalog) => Ok(catalog),
            Err(clash) => Err(call.fail(action, None, clashing(&clash)).await),
        }
    }

    /// The one field a reference means.
    pub(super) async fn field(&self, call: &Call, action: Action, reference: &Reference) -> Result<Found, Refusal> {
        let catalog = self.catalog(call, action).await?;
        match self.lookup(&catalog, reference) {
            Ok(found) => Ok(found),
            Err(Missing::Item(unresolved)) => Err(unseen(call, action, reference, &unresolved).await),
            Err(Missing::DefaultField(item)) => Err(no_default(call, action, reference, &item).await),
        }
    }

    /// The item a reference means, whether or not it also names a field.
    pub(super) async fn item(&self, call: &Call, action: Action, reference: &Reference) -> Result<Arc<Item>, Refusal> {
        let catalog = self.catalog(call, action).await?;
        match catalog.resolve(reference) {
            Ok(resolved) => Ok(Arc::clone(resolved.item())),
            Err(unresolved) => Err(unseen(call, action, reference, &unresolved).await),
        }
    }

    pub(super) fn lookup(&self, catalog: &Catalog, reference: &Reference) -> Result<Found, Missing> {
        let resolved = catalog.resolve(reference).map_err(Missing::Item)?;
        match resolved.value_field(&self.0.aliases) {
            Ok(field) => Ok(Found { item: Arc::clone(resolved.item()), target: resolved.item().target(field) }),
            Err(_) => Err(Missing::DefaultField(Arc::clone(resolved.item()))),
        }
    }
}

/// Why there's no field to decide on.
#[derive(Debug)]
pub(super) enum Missing {
    Item(Unresolved),
    DefaultField(Arc<Item>),
}

/// Tells a principal that may list such a path what's wrong with it; any other learns nothing.
pub(super) async fn unseen(call: &Call, action: Action, reference: &Reference, why: &Unresolved) -> Refusal {
    if call.may_list(&suppositions(reference)) {
        call.fail(action, Some(reference), why.public()).await
    } else {
        call.deny_unseen(action, reference).await
    }
}

/// Says which fields an item has that no single value stands for, to whom may know of them.
pub(super) async fn no_default(call: &Call, action: Action, reference: &Reference, item: &Arc<Item>) -> Refusal {
    let Some(visible) = call.visible(item, Action::List) else {
        return call.deny_unseen(action, reference).await;
    };
    let mut names: Vec<String> = visible.fields().take(FIELDS_SHOWN + 1).map(|(field, _)| field_name(field)).collect();
    if names.len() > FIELDS_SHOWN {
        names.truncate(FIELDS_SHOWN);
        names.push("…".to_owned());
    }
    let message = format!("{} has no single default field; its fields: {}", item.path, names.join(", "));
    let error = PublicError::new(ErrorCode::Ambiguous, message, "name the field: Vault/Item/field");
    call.fail(action, Some(reference), error).await
}

fn clashing(clash: &CatalogClash) -> PublicError {
    PublicError::new(
        ErrorCode::SourceUnavailable,
        clash.to_string(),
        "ask the owner to set `rename` for one of the sources",
    )
}

/// What the path would be if there were such a thing, in every category it could have, so that a
/// rule about categories doesn't tell one who may not list the path that nothing is there.
pub(super) fn suppositions(reference: &Reference) -> Vec<Target> {
    Category::ALL.into_iter().filter_map(|category| supposed(reference, category)).collect()
}

/// What the path would be if there were such a thing.
pub(super) fn supposed(reference: &Reference, category: Category) -> Option<Target> {
    let item = ItemPath::new(&reference.vault, &reference.item).ok()?;
    let path = match &reference.field {
        FieldSelector::Default => item.field(None, &Name::new(category.default_field()).ok()?),
        FieldSelector::Field(field) => item.field(None, field),
        FieldSelector::InSection(section, field) => item.field(Some(section), field),
    };
    Some(Target { path: path.ok()?, title_path: None, place: None, category, tags: Arc::from([]) })
}

/// A field's name as its path has it, with the section.
pub(super) fn field_name(field: &Field) -> String {
    match &field.section {
        Some(section) => format!("{}/{}", section.escaped(), field.name.escaped()),
        None => field.name.escaped(),
    }
}

/// The error for a path that can't be put together.
pub(super) fn too_long() -> PublicError {
    PublicError::new(ErrorCode::Invalid, "the path is too long", "")
}
