//! Canonical paths, one for each thing.
//!
//! A source names its items by title, and titles may repeat. Here each item and each field gets a
//! path that nothing else has, without regard to case: its title where that's its alone, else its id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::view::is_id_shaped;
use crate::model::{Field, Item, ItemPath, Name};

/// Gives the items of one vault their canonical paths. An item or field whose id isn't its own
/// either, or that no path can carry, is left out: there'd be no telling what it means.
pub(super) fn canonical(vault: &Name, items: &[&Arc<Item>]) -> Vec<Named> {
    let mut titles: HashMap<&str, usize> = HashMap::new();
    for item in items {
        *titles.entry(title(item)).or_default() += 1;
    }
    let mut ids = HashSet::new();
    let unique = items.iter().filter(|item| ids.insert(&item.id));
    unique
        .filter_map(|stored| {
            let shared = titles.get(title(stored)).is_some_and(|count| *count > 1);
            named(vault, stored, shared)
        })
        .collect()
}

/// An item under its canonical path.
#[derive(Debug)]
pub(super) struct Named {
    /// With canonical paths throughout.
    pub(super) item: Arc<Item>,
    /// As its source gave it; the same where nothing had to change.
    pub(super) stored: Arc<Item>,
}

/// An item's title in the matching form.
pub(super) fn title(item: &Item) -> &str {
    item.path.matching().split_once('/').map_or("", |(_, title)| title)
}

/// The last segment of a field's path in the matching form.
pub(super) fn last(field: &Field) -> &str {
    field.path.matching().rsplit('/').next().unwrap_or_default()
}

/// The section's segment of a field's path in the matching form.
pub(super) fn section(field: &Field) -> Option<&str> {
    field.section.as_ref().and_then(|_| field.path.matching().split('/').nth(2))
}

fn named(vault: &Name, stored: &Arc<Item>, shared: bool) -> Option<Named> {
    // A title in the shape of an id could pass for another item's.
    let is_own_id = stored.path.as_str().split_once('/').is_some_and(|(_, title)| title == stored.id.as_str());
    let by_id = shared || (is_id_shaped(title(stored)) && !is_own_id);
    if !by_id && is_in(vault, stored) && !has_twins(stored.fields.decided_on()) {
        return Some(Named { item: Arc::clone(stored), stored: Arc::clone(stored) });
    }
    let [_, stored_title] = <[Name; 2]>::try_from(stored.path.names()).ok()?;
    let segment = if by_id { Name::new(stored.id.as_str()).ok()? } else { stored_title.clone() };
    let path = ItemPath::new(vault, &segment).ok()?;
    let by_title = ItemPath::new(vault, &stored_title).ok()?;
    let mut fields = name_fields(&path, stored.fields.decided_on());
    for field in &mut fields {
        let path = by_title.field(field.section.as_ref(), &field.name).ok();
        field.title_path = path.filter(|path| *path != field.path);
    }
    let item = Arc::new(Item { path, fields: stored.fields.with(fields), ..Item::clone(stored) });
    Some(Named { item, stored: Arc::clone(stored) })
}

/// Whether the stored path begins with the vault's name as it's spelled here.
fn is_in(vault: &Name, stored: &Item) -> bool {
    stored.path.as_str().split('/').next().is_some_and(|written| {
        if written.contains('%') { written == vault.escaped() } else { written == vault.as_str() }
    })
}

fn has_twins(fields: &[Field]) -> bool {
    let mut seen = HashSet::new();
    !fields.iter().all(|field| seen.insert(field.path.matching()))
}

/// Puts fields under their item's path, each under a segment of its own.
fn name_fields(item: &ItemPath, fields: &[Field]) -> Vec<Field> {
    let mut by_id = vec![false; fields.len()];
    loop {
        let paths: Vec<_> = fields
            .iter()
            .zip(&by_id)
            .map(|(field, by_id)| {
                let name = if *by_id { Name::new(field.id.as_str()).ok()? } else { field.name.clone() };
                item.field(field.section.as_ref(), &name).ok()
            })
            .collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for path in paths.iter().flatten() {
            *counts.entry(path.matching()).or_default() += 1;
        }
        let mut settled = true;
        for (path, by_id) in paths.iter().zip(&mut by_id) {
            let shared = path.as_ref().is_some_and(|path| counts.get(path.matching()).is_some_and(|count| *count > 1));
            if shared && !*by_id {
                // Its id may in turn be another field's name, so this is looked at again.
                *by_id = true;
                settled = false;
            }
        }
        if settled {
            let single = |matching: &str| counts.get(matching) == Some(&1);
            return fields
                .iter()
                .zip(&paths)
                .filter_map(|(field, path)| {
                    let path = path.clone().filter(|path| single(path.matching()))?;
                    Some(Field { path, ..field.clone() })
                })
                .collect();
        }
    }
}
