//! The prints of a source that's read item by item: of what was read, as long as it's listed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::key::PrintKey;
use super::prints::{Prints, PrintsBuilder};
use crate::custody::source::{Inventory, ItemKey};
use crate::model::{FieldId, Item};

/// What was gathered so far; nothing until there's a key.
#[derive(Debug, Default)]
pub struct Gathered {
    key: OnceLock<PrintKey>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    items: HashMap<ItemKey, Prints>,
    /// All of them together, and the list they were put together for.
    together: Option<(Option<Arc<Inventory>>, Arc<Prints>)>,
}

impl Gathered {
    /// Takes the key; the first one stays.
    pub fn begin(&self, key: &PrintKey) {
        let _first = self.key.set(key.clone());
    }

    /// Takes prints of an item's values, in place of those it had.
    pub fn note<'v>(&self, item: &Item, values: impl Iterator<Item = (&'v FieldId, &'v [u8])>) {
        let Some(key) = self.key.get() else { return };
        let mut builder = PrintsBuilder::new(key);
        builder.add(item, values);
        let prints = builder.finish();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.items.insert(ItemKey { vault: item.vault.clone(), item: item.id.clone() }, prints);
        state.together = None;
    }

    /// The prints of all items that are listed; what no longer is, is forgotten.
    #[must_use]
    pub fn prints(&self, listed: Option<Arc<Inventory>>) -> Option<Arc<Prints>> {
        let key = self.key.get()?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, prints)) = &state.together
            && of.as_ref().map(Arc::as_ptr) == listed.as_ref().map(Arc::as_ptr)
        {
            return Some(Arc::clone(prints));
        }
        if let Some(listed) = &listed {
            let keys = listed.items.iter().map(|item| (&item.vault, &item.id));
            let keys: std::collections::HashSet<_> = keys.collect();
            state.items.retain(|key, _| keys.contains(&(&key.vault, &key.item)));
        }
        let mut builder = PrintsBuilder::new(key);
        state.items.values().for_each(|prints| builder.add_made(prints));
        let prints = Arc::new(builder.finish());
        state.together = Some((listed, Arc::clone(&prints)));
        Some(prints)
    }
}
