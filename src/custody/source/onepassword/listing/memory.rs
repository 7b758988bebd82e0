//! What was listed and what was read, put together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::custody::source::onepassword::backend::ItemKey;
use crate::custody::source::{Inventory, Vault};
use crate::model::Item;

/// How long a list may lag behind what was read or removed item by item.
const LAG: Duration = Duration::from_secs(30);

/// What was listed and what was read.
#[derive(Debug, Default)]
pub(super) struct Memory {
    inventory: Option<Arc<Inventory>>,
    /// Items that were read, with their fields.
    read: HashMap<ItemKey, Read>,
    /// Items that weren't there when they were read, or were removed.
    gone: HashMap<ItemKey, Instant>,
}

#[derive(Debug)]
struct Read {
    item: Arc<Item>,
    at: Instant,
}

impl Memory {
    /// All of it; `None` before anything was listed.
    pub(super) fn inventory(&self) -> Option<&Arc<Inventory>> {
        self.inventory.as_ref()
    }

    /// One item of it.
    pub(super) fn item(&self, key: &ItemKey) -> Option<&Arc<Item>> {
        let items = &self.inventory.as_ref()?.items;
        items.iter().find(|item| item.id == key.item && item.vault == key.vault)
    }

    /// Takes over a new list. What was read stays as long as the list knows no newer version of it.
    pub(super) fn install(&mut self, vaults: Vec<Vault>, listed: Vec<Item>) {
        self.gone.retain(|_, at| at.elapsed() < LAG);
        let mut items: BTreeMap<ItemKey, Arc<Item>> = BTreeMap::new();
        for item in listed {
            let key = key_of(&item);
            if !self.gone.contains_key(&key) {
                items.entry(key).or_insert_with(|| Arc::new(item));
            }
        }
        self.read.retain(|key, read| {
            let is_current = match items.get(key) {
                Some(listed) => listed.version <= read.item.version,
                None => read.at.elapsed() < LAG,
            };
            is_current && is_under_its_vault(&vaults, &read.item)
        });
        items.extend(self.read.iter().map(|(key, read)| (key.clone(), Arc::clone(&read.item))));
        self.put(vaults, items);
    }

    /// Keeps items that were read, unless what's listed is newer.
    pub(super) fn merge(&mut self, read: Vec<Arc<Item>>) {
        let Some(inventory) = self.inventory.clone() else { return };
        let mut items = by_key(&inventory);
        for item in read {
            let key = key_of(&item);
            if items.get(&key).is_none_or(|known| known.version <= item.version) {
                self.gone.remove(&key);
                self.read.insert(key.clone(), Read { item: Arc::clone(&item), at: Instant::now() });
                items.insert(key, item);
            }
        }
        self.put(inventory.vaults.clone(), items);
    }

    /// Forgets an item that isn't there.
    pub(super) fn forget(&mut self, key: &ItemKey) {
        self.read.remove(key);
        self.gone.retain(|_, at| at.elapsed() < LAG);
        self.gone.insert(key.clone(), Instant::now());
        if let Some(inventory) = self.inventory.clone() {
            let mut items = by_key(&inventory);
            items.remove(key);
            self.put(inventory.vaults.clone(), items);
        }
    }

    /// Puts an inventory in place of the one before, if it differs.
    fn put(&mut self, vaults: Vec<Vault>, mut items: BTreeMap<ItemKey, Arc<Item>>) {
        if let Some(before) = &self.inventory {
            for known in &before.items {
                if let Some(item) = items.get_mut(&key_of(known)).filter(|item| ***item == **known) {
                    *item = Arc::clone(known);
                }
            }
            let is_same = before.vaults == vaults
                && before.items.len() == items.len()
                && before.items.iter().zip(items.values()).all(|(known, item)| Arc::ptr_eq(known, item));
            if is_same {
                return;
            }
        }
        self.inventory = Some(Arc::new(Inventory { vaults, items: items.into_values().collect(), generation: None }));
    }
}

fn by_key(inventory: &Inventory) -> BTreeMap<ItemKey, Arc<Item>> {
    inventory.items.iter().map(|item| (key_of(item), Arc::clone(item))).collect()
}

fn key_of(item: &Item) -> ItemKey {
    ItemKey { vault: item.vault.clone(), item: item.id.clone() }
}

/// Whether an item's path still begins with its vault's name: the vault may have been renamed.
fn is_under_its_vault(vaults: &[Vault], item: &Item) -> bool {
    let vault = vaults.iter().find(|vault| vault.id == item.vault);
    vault.is_some_and(|vault| item.path.names().first() == Some(&vault.name))
}
