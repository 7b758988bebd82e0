//! From what a caller wrote to the one thing it means.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use super::naming::{last, section};
use super::view::same;
use crate::custody::error::SourceError;
use crate::model::{Category, ErrorCode, Field, FieldSelector, Item, ItemId, Name, PublicError, Reference};

/// How many candidates an answer lists.
const CANDIDATES_SHOWN: usize = 20;

/// The configuration's `[fields]`: other names under which a category's default field may stand.
#[derive(Debug, Clone, Default)]
pub struct FieldAliases(BTreeMap<Category, Vec<Name>>);

/// What a reference means.
#[derive(Debug, Clone)]
pub struct Resolved {
    item: Arc<Item>,
    /// An index into the item's fields.
    field: Option<usize>,
}

/// Why a reference means nothing here, or too much.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// More than one thing is meant.
    #[error("{what} is ambiguous: {}", candidates.join(", "))]
    Ambiguous {
        /// What there's more than one of.
        what: &'static str,
        /// What to write in its place: ids, or names of fields.
        candidates: Vec<String>,
    },
    /// The item has no such field.
    #[error("the item `{}` has no such field", .0.path)]
    NoField(Arc<Item>),
    /// The vault has no such item.
    #[error("there's no such item")]
    NoItem,
    /// No source has such a vault.
    #[error("there's no such vault")]
    NoVault,
    /// The source that has the vault or the item didn't say what's in it.
    #[error(transparent)]
    SourceDown(SourceError),
    /// The item's fields aren't known: it wasn't read yet.
    #[error("the fields of `{}` aren't known yet", .0.path)]
    Unread(Arc<Item>),
}

/// A catalog for which items were read that it only knew by name.
#[derive(Debug)]
pub struct ReadUp {
    catalog: Arc<Catalog>,
    /// What kept others from being read.
    failures: Vec<(ItemId, SourceError)>,
}

impl ReadUp {
    /// A catalog for which nothing had to be read.
    #[must_use]
    pub fn nothing(catalog: Arc<Catalog>) -> Self {
        Self { catalog, failures: Vec::new() }
    }

    pub(in crate::custody) fn new(catalog: Arc<Catalog>, failures: Vec<(ItemId, SourceError)>) -> Self {
        Self { catalog, failures }
    }

    /// The catalog.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// What kept an item from being read, if anything did.
    #[must_use]
    pub fn failure(&self, item: &Item) -> Option<&SourceError> {
        self.failures.iter().find(|(id, _)| *id == item.id).map(|(_, error)| error)
    }
}

impl FieldAliases {
    /// Takes the extra names, in order, by category.
    #[must_use]
    pub fn new(aliases: BTreeMap<Category, Vec<Name>>) -> Self {
        Self(aliases)
    }

    fn of(&self, category: Category) -> &[Name] {
        self.0.get(&category).map_or(&[], Vec::as_slice)
    }
}

impl Catalog {
    /// Finds what a reference means: names without regard to case, ids in place of names.
    ///
    /// A canonical path always means the thing that bears it.
    pub fn resolve(&self, reference: &Reference) -> Result<Resolved, Unresolved> {
        let item = self.item(&reference.vault, &reference.item)?;
        let field = match &reference.field {
            FieldSelector::Default => None,
            FieldSelector::Field(_) | FieldSelector::InSection(..) if !item.fields.are_known() => {
                return Err(Unresolved::Unread(Arc::clone(item)));
            }
            FieldSelector::Field(name) => Some(field(item, None, name)?),
            FieldSelector::InSection(section, name) => Some(field(item, Some(section), name)?),
        };
        Ok(Resolved { item: Arc::clone(item), field })
    }
}

impl Resolved {
    /// The item.
    #[must_use]
    pub fn item(&self) -> &Arc<Item> {
        &self.item
    }

    /// The field, if the reference named one.
    #[must_use]
    pub fn field(&self) -> Option<&Field> {
        self.item.fields.known().get(self.field?)
    }

    /// The field whose value is meant: the one named, else the item's default field.
    pub fn value_field(&self, aliases: &FieldAliases) -> Result<&Field, Unresolved> {
        match self.field() {
            Some(field) => Ok(field),
            None if !self.item.fields.are_known() => Err(Unresolved::Unread(Arc::clone(&self.item))),
            None => default_field(&self.item, aliases),
        }
    }
}

impl Unresolved {
    /// The caller's face of the error.
    #[must_use]
    pub fn public(&self) -> PublicError {
        match self {
            Self::Ambiguous { what, candidates } => PublicError::new(
                ErrorCode::Ambiguous,
                format!("{what} is ambiguous"),
                format!("name one of: {}", shown(candidates)),
            ),
            Self::NoField(item) => PublicError::new(
                ErrorCode::NotFound,
                "the item has no such field",
                format!("describe_secret on `{}` shows its fields", item.path),
            ),
            Self::NoItem | Self::NoVault => {
                PublicError::new(ErrorCode::NotFound, self.to_string(), "list_secrets shows what there is")
            }
            Self::SourceDown(error) => error.public(),
            Self::Unread(_) => PublicError::new(
                ErrorCode::SourceUnavailable,
                "the item couldn't be read, so its fields aren't known",
                "try again in a moment",
            ),
        }
    }
}

fn shown(candidates: &[String]) -> String {
    let mut text =
        candidates.iter().take(CANDIDATES_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if candidates.len() > CANDIDATES_SHOWN {
        text.push_str(", …");
    }
    text
}

/// The marked field, else the first under one of the extra names, else the only concealed one.
fn default_field<'item>(item: &'item Arc<Item>, aliases: &FieldAliases) -> Result<&'item Field, Unresolved> {
    if let Some(field) = item.marked_field() {
        return Ok(field);
    }
    for alias in aliases.of(item.category) {
        if let Some(index) = lookup(item, None, alias)? {
            return item.fields.known().get(index).ok_or_else(|| Unresolved::NoField(Arc::clone(item)));
        }
    }
    if let Some(field) = item.only_concealed_field() {
        return Ok(field);
    }
    let concealed: Vec<&Field> = item.fields.known().iter().filter(|field| field.concealed()).collect();
    let candidates = if concealed.is_empty() { item.fields.known().iter().collect() } else { concealed };
    if candidates.is_empty() {
        Err(Unresolved::NoField(Arc::clone(item)))
    } else {
        Err(ambiguous("the field", candidates))
    }
}

fn field(item: &Arc<Item>, section: Option<&Name>, name: &Name) -> Result<usize, Unresolved> {
    lookup(item, section, name)?.ok_or_else(|| Unresolved::NoField(Arc::clone(item)))
}

/// Finds a field by its name or id, in a section by its name or else its id. Without a section, those
/// outside of sections come first.
fn lookup(item: &Item, wanted_section: Option<&Name>, name: &Name) -> Result<Option<usize>, Unresolved> {
    let wanted = name.matching();
    let section_id = wanted_section.map(Name::as_str);
    let wanted_section = wanted_section.map(Name::matching);
    let at_level = |field: &Field| section(field) == wanted_section.as_deref();
    // Paths are unique, so at most one field has this one.
    if let Some(index) = item.fields.known().iter().position(|field| last(field) == wanted && at_level(field)) {
        return Ok(Some(index));
    }
    if let Some(index) = single(item, |field| at_level(field) && same(&field.name, name))? {
        return Ok(Some(index));
    }
    if wanted_section.is_none()
        && let Some(index) = single(item, |field| same(&field.name, name))?
    {
        return Ok(Some(index));
    }
    let anywhere = wanted_section.is_none();
    let by_id = |field: &Field| field.id.as_str() == name.as_str();
    if let Some(index) = single(item, |field| (anywhere || at_level(field)) && by_id(field))? {
        return Ok(Some(index));
    }
    let inside = |field: &Field| section_id.is_some() && field.section_id.as_deref() == section_id;
    match single(item, |field| inside(field) && same(&field.name, name))? {
        Some(index) => Ok(Some(index)),
        None => single(item, |field| inside(field) && by_id(field)),
    }
}

fn single(item: &Item, matches: impl Fn(&Field) -> bool) -> Result<Option<usize>, Unresolved> {
    let mut found = item.fields.known().iter().enumerate().filter(|(_, field)| matches(field));
    let Some((index, first)) = found.next() else { return Ok(None) };
    let others: Vec<&Field> = found.map(|(_, field)| field).collect();
    if others.is_empty() {
        Ok(Some(index))
    } else {
        Err(ambiguous("the field", std::iter::once(first).chain(others).collect()))
    }
}

/// The part of each field's path that follows the item's.
fn ambiguous(what: &'static str, fields: Vec<&Field>) -> Unresolved {
    let tail = |field: &Field| field.path.as_str().splitn(3, '/').nth(2).unwrap_or_default().to_owned();
    Unresolved::Ambiguous { what, candidates: fields.into_iter().map(tail).collect() }
}
