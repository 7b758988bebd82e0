//! From what the caller wrote to the one thing that's decided on.

use std::sync::Arc;

use super::Broker;
use crate::authz::{Call, Refusal};
use crate::custody::{Catalog, CatalogClash, ReadUp, SourceError, Unresolved};
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

impl Found {
    /// Whether the value is hidden wherever the item is shown. What isn't known to be shown is taken for hidden.
    pub(super) fn is_concealed(&self) -> bool {
        let id = self.target.place.as_ref().map(|place| &place.field);
        let field = self.item.fields.known().iter().find(|known| Some(&known.id) == id);
        field.is_none_or(Field::concealed)
    }
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
        match self.0.custody.catalog(call.principal()).await {
            Ok(catalog) => Ok(catalog),
            Err(clash) => Err(call.fail(action, None, clashing(&clash)).await),
        }
    }

    /// The catalog, with the fields of the items that the references mean. A source is asked for them
    /// only as far as a rule could let the caller do anything there.
    pub(super) async fn acquaint(
        &self,
        call: &Call,
        action: Action,
        references: &[&Reference],
    ) -> Result<ReadUp, Refusal> {
        let mut catalog = self.catalog(call, action).await?;
        let (mut items, absent) = mentioned(&catalog, references);
        if !absent.is_empty() && Box::pin(self.look_again(call, &catalog, &absent)).await {
            catalog = self.catalog(call, action).await?;
            (items, _) = mentioned(&catalog, references);
        }
        let mut unread = items;
        unread.retain(|item| !item.fields.are_known() && call.reaches(item));
        if unread.is_empty() {
            return Ok(ReadUp::nothing(catalog));
        }
        unread.sort_by(|one, other| one.path.cmp(&other.path));
        unread.dedup_by(|one, other| one.path == other.path);
        Box::pin(self.read_up(call, action, &unread, references)).await
    }

    /// Reads items of which only the names are known.
    pub(super) async fn read_up(
        &self,
        call: &Call,
        action: Action,
        items: &[Arc<Item>],
        references: &[&Reference],
    ) -> Result<ReadUp, Refusal> {
        // What will be refused, or isn't to be opened at all, has no business being kept.
        let is_wanted = |target: &Target| matches!(action, Action::Read | Action::Use) && call.allows(action, target);
        match self.0.custody.read_up(items, references, &self.0.aliases, call.principal(), is_wanted).await {
            Ok(read_up) => Ok(read_up),
            Err(clash) => Err(call.fail(action, None, clashing(&clash)).await),
        }
    }

    /// Has the sources look again for what isn't there, where the caller would be told if it were.
    async fn look_again(&self, call: &Call, catalog: &Catalog, absent: &[&Reference]) -> bool {
        let mut looked = false;
        for reference in absent {
            if call.could_list(&suppositions(reference)) {
                looked |= self.0.custody.look_again(catalog, &reference.vault, call.principal()).await;
            }
        }
        looked
    }

    /// The one field a reference means.
    pub(super) async fn field(&self, call: &Call, action: Action, reference: &Reference) -> Result<Found, Refusal> {
        let catalog = self.acquaint(call, action, &[reference]).await?;
        match self.lookup(&catalog, reference) {
            Ok(found) => Ok(found),
            Err(Missing::Item(unresolved)) => Err(unseen(call, action, reference, &unresolved).await),
            Err(Missing::DefaultField(item)) => Err(no_default(call, action, reference, &item).await),
        }
    }

    /// The item a reference means, whether or not it also names a field.
    pub(super) async fn item(&self, call: &Call, action: Action, reference: &Reference) -> Result<Arc<Item>, Refusal> {
        let known = self.acquaint(call, action, &[reference]).await?;
        let unresolved = match known.catalog().resolve(reference) {
            Ok(resolved) if resolved.item().fields.are_known() => return Ok(Arc::clone(resolved.item())),
            Ok(resolved) => Unresolved::Unread(Arc::clone(resolved.item())),
            Err(unresolved) => unresolved,
        };
        Err(unseen(call, action, reference, &explained(&known, unresolved)).await)
    }

    pub(super) fn lookup(&self, known: &ReadUp, reference: &Reference) -> Result<Found, Missing> {
        let missing = |why| Missing::Item(explained(known, why));
        let resolved = known.catalog().resolve(reference).map_err(missing)?;
        match resolved.value_field(&self.0.aliases) {
            Ok(field) => Ok(Found { item: Arc::clone(resolved.item()), target: resolved.item().target(field) }),
            Err(unread @ Unresolved::Unread(_)) => Err(missing(unread)),
            Err(_) => Err(Missing::DefaultField(Arc::clone(resolved.item()))),
        }
    }
}

/// The items that references mention, and the references to what isn't there.
fn mentioned<'r>(catalog: &Catalog, references: &[&'r Reference]) -> (Vec<Arc<Item>>, Vec<&'r Reference>) {
    let (mut items, mut absent) = (Vec::new(), Vec::new());
    for &reference in references {
        match catalog.item(&reference.vault, &reference.item) {
            Ok(item) => items.push(Arc::clone(item)),
            Err(Unresolved::NoItem | Unresolved::NoVault) => absent.push(reference),
            Err(_) => {}
        }
    }
    (items, absent)
}

/// Says why an item wasn't read, where that's known.
fn explained(known: &ReadUp, why: Unresolved) -> Unresolved {
    let Unresolved::Unread(item) = &why else { return why };
    match known.failure(item) {
        Some(SourceError::Missing { .. }) => Unresolved::NoItem,
        Some(error) => Unresolved::SourceDown(error.clone()),
        None => why,
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
