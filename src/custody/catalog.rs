//! What there is: names and ids of all sources in one tree, and no values.

mod naming;
mod resolve;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

pub use self::resolve::{FieldAliases, ReadUp, Resolved, Unresolved};
pub use self::view::SourceView;

use self::naming::{Named, canonical, title};
use self::view::is_id_shaped;
use super::error::SourceError;
use super::source::Inventory;
use crate::model::{Item, ItemId, ItemPath, Name, Place, SecretPath, SourceName, Target, VaultId};

/// All that the sources hold, at one moment. It never changes: a new one takes its place.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Sorted by name.
    vaults: Vec<VaultEntry>,
    /// Sorted by path. `stored` stands at the same index.
    items: Vec<Arc<Item>>,
    stored: Vec<Arc<Item>>,
    /// For each vault, how its items are found.
    rooms: Vec<Room>,
    by_name: HashMap<Box<str>, usize>,
    by_id: HashMap<VaultId, Vec<usize>>,
    outages: Vec<Outage>,
}

/// One vault.
#[derive(Debug, Clone)]
pub struct VaultEntry {
    /// Its name in paths.
    pub name: Name,
    /// Its name at its source, which differs where it's renamed.
    pub stored_name: Name,
    /// Its immutable id.
    pub id: VaultId,
    /// The source it's in.
    pub source: SourceName,
    /// How many items it has.
    pub items: usize,
    /// What its owner wrote about it.
    pub description: Option<String>,
}

/// A source that didn't say what it holds.
#[derive(Debug, Clone)]
pub struct Outage {
    /// The source.
    pub source: SourceName,
    /// What it said instead.
    pub error: SourceError,
    view: SourceView,
}

/// Two vaults go by one name, so a path couldn't say which is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "two vaults are named `{}`: {} in the source `{first}` and {} in the source `{second}`; \
     give one of them another name with `rename` in its [[source]], by its name or id",
    name.as_str(), first_id.as_str(), second_id.as_str()
)]
pub struct CatalogClash {
    /// The name.
    pub name: Name,
    /// A source that has such a vault.
    pub first: SourceName,
    /// The vault's id there.
    pub first_id: VaultId,
    /// The other source, or the same one.
    pub second: SourceName,
    /// The vault's id there.
    pub second_id: VaultId,
}

/// The items of one vault, as indexes into the catalog's.
#[derive(Debug, Default)]
struct Room {
    /// By title in the matching form, as far as it isn't in the shape of an id.
    titles: HashMap<Box<str>, Vec<usize>>,
    ids: HashMap<ItemId, usize>,
}

impl Catalog {
    /// Puts together what the sources hold, each as its view shows it.
    pub fn build(
        parts: Vec<(SourceName, SourceView, Result<Arc<Inventory>, SourceError>)>,
    ) -> Result<Self, CatalogClash> {
        let mut outages = Vec::new();
        let mut rooms = Vec::new();
        for (source, view, inventory) in parts {
            match inventory {
                Ok(inventory) => rooms.extend(seen(&source, &view, &inventory)),
                Err(error) => outages.push(Outage { source, error, view }),
            }
        }
        rooms.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        let mut catalog = Self { outages, ..Self::default() };
        let mut all = Vec::new();
        for (vault, items) in rooms {
            let index = catalog.vaults.len();
            all.extend(items.into_iter().map(|named| (index, named)));
            catalog.add_vault(vault)?;
        }
        all.sort_by(|(_, one), (_, other)| one.item.path.cmp(&other.item.path));
        for (vault, named) in all {
            catalog.add_item(vault, named);
        }
        Ok(catalog)
    }

    fn add_vault(&mut self, vault: VaultEntry) -> Result<(), CatalogClash> {
        let index = self.vaults.len();
        if let Some(first) =
            self.by_name.insert(vault.name.matching().into(), index).and_then(|first| self.vaults.get(first))
        {
            return Err(CatalogClash {
                name: vault.name,
                first: first.source.clone(),
                first_id: first.id.clone(),
                second: vault.source,
                second_id: vault.id,
            });
        }
        self.by_id.entry(vault.id.clone()).or_default().push(index);
        self.vaults.push(vault);
        self.rooms.push(Room::default());
        Ok(())
    }

    fn add_item(&mut self, vault: usize, Named { item, stored }: Named) {
        let index = self.items.len();
        if let Some(room) = self.rooms.get_mut(vault) {
            let title = title(&stored);
            if !is_id_shaped(title) {
                room.titles.entry(title.into()).or_default().push(index);
            }
            room.ids.insert(item.id.clone(), index);
        }
        self.items.push(item);
        self.stored.push(stored);
    }

    /// The vaults, sorted by name.
    #[must_use]
    pub fn vaults(&self) -> &[VaultEntry] {
        &self.vaults
    }

    /// The items, sorted by path.
    #[must_use]
    pub fn items(&self) -> &[Arc<Item>] {
        &self.items
    }

    /// The items whose path comes after a text, which needn't be a path that's still there: so a
    /// list goes on where it stopped, whatever happened in between.
    #[must_use]
    pub fn items_from(&self, after: Option<&str>) -> &[Arc<Item>] {
        let start = after.map_or(0, |after| self.items.partition_point(|item| item.path.as_str() <= after));
        self.items.get(start..).unwrap_or_default()
    }

    /// The sources that didn't say what they hold.
    #[must_use]
    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// Finds a vault by its name or id.
    pub fn vault(&self, wanted: &Name) -> Result<&VaultEntry, Unresolved> {
        let index = self.vault_index(wanted)?;
        self.vaults.get(index).ok_or(Unresolved::NoVault)
    }

    /// Finds an item by its vault's and its own name or id.
    pub fn item(&self, vault: &Name, wanted: &Name) -> Result<&Arc<Item>, Unresolved> {
        let room = self.rooms.get(self.vault_index(vault)?).ok_or(Unresolved::NoVault)?;
        let index = if wanted.is_id() {
            room.ids.get(&ItemId::new(wanted.as_str())).copied()
        } else {
            match room.titles.get(wanted.matching().as_str()).map(Vec::as_slice) {
                None | Some([]) => None,
                Some([index]) => Some(*index),
                Some(twins) => {
                    let candidates = twins.iter().filter_map(|twin| self.items.get(*twin));
                    let candidates = candidates.map(|item| item.id.as_str().to_owned()).collect();
                    return Err(Unresolved::Ambiguous { what: "the item's title", candidates });
                }
            }
        };
        index.and_then(|index| self.items.get(index)).ok_or(Unresolved::NoItem)
    }

    /// Whether the fields of an item are known, be it that the item is here no longer.
    #[must_use]
    pub fn knows_fields_of(&self, item: &Item) -> bool {
        self.stored_item(&item.source, &item.vault, &item.id).is_none_or(|item| item.fields.are_known())
    }

    /// The path under which a place's own source knows it, to compare with what it says when it's read.
    #[must_use]
    pub fn path_at_source(&self, place: &Place) -> Option<&SecretPath> {
        let stored = self.stored_item(&place.source, &place.vault, &place.item)?;
        stored.fields.known().iter().find(|field| field.id == place.field).map(|field| &field.path)
    }

    /// The version that a place's own source gives its item.
    #[must_use]
    pub fn version_at_source(&self, place: &Place) -> Option<u64> {
        Some(self.stored_item(&place.source, &place.vault, &place.item)?.version)
    }

    /// The path under which the source of a vault would know a secret that's to be made in it.
    #[must_use]
    pub fn new_path_at_source(&self, path: &SecretPath) -> Option<SecretPath> {
        let [vault, item] = <[Name; 2]>::try_from(path.item().names()).ok()?;
        path.under(&ItemPath::new(&self.vault(&vault).ok()?.stored_name, &item).ok()?).ok()
    }

    /// What's kept at a place, as paths have it.
    #[must_use]
    pub fn target_at(&self, place: &Place) -> Option<Target> {
        let item = self.items.get(self.index_of(&place.source, &place.vault, &place.item)?)?;
        let field = item.fields.known().iter().find(|field| field.id == place.field)?;
        Some(item.target(field))
    }

    fn stored_item(&self, source: &SourceName, vault: &VaultId, item: &ItemId) -> Option<&Arc<Item>> {
        self.stored.get(self.index_of(source, vault, item)?)
    }

    fn index_of(&self, source: &SourceName, vault: &VaultId, item: &ItemId) -> Option<usize> {
        let vaults = self.by_id.get(vault)?.iter();
        let mut here = vaults.filter(|index| self.vaults.get(**index).is_some_and(|vault| vault.source == *source));
        self.rooms.get(*here.next()?)?.ids.get(item).copied()
    }

    fn vault_index(&self, wanted: &Name) -> Result<usize, Unresolved> {
        let found = if wanted.is_id() {
            match self.by_id.get(&VaultId::new(wanted.as_str())).map(Vec::as_slice) {
                None | Some([]) => None,
                Some([index]) => Some(*index),
                Some(twins) => {
                    let candidates = twins.iter().filter_map(|twin| self.vaults.get(*twin));
                    let candidates = candidates.map(|vault| vault.name.escaped()).collect();
                    return Err(Unresolved::Ambiguous { what: "the vault's id", candidates });
                }
            }
        } else {
            self.by_name.get(wanted.matching().as_str()).copied()
        };
        found.ok_or_else(|| {
            let down = self.outages.iter().find(|outage| outage.view.may_hold(wanted));
            down.map_or(Unresolved::NoVault, |outage| Unresolved::SourceDown(outage.error.clone()))
        })
    }
}

/// The vaults of one source that its view shows, each with its items.
fn seen(source: &SourceName, view: &SourceView, inventory: &Inventory) -> Vec<(VaultEntry, Vec<Named>)> {
    let mut items: HashMap<&VaultId, Vec<&Arc<Item>>> = HashMap::new();
    for item in &inventory.items {
        items.entry(&item.vault).or_default().push(item);
    }
    let shown = inventory.vaults.iter().filter_map(|vault| Some((vault, view.name_of(vault)?)));
    shown
        .map(|(vault, name)| {
            let named = canonical(&name, items.get(&vault.id).map_or(&[], Vec::as_slice));
            let entry = VaultEntry {
                name,
                stored_name: vault.name.clone(),
                id: vault.id.clone(),
                source: source.clone(),
                items: named.len(),
                description: vault.description.clone(),
            };
            (entry, named)
        })
        .collect()
}

#[cfg(test)]
mod tests;
