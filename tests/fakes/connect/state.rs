//! All that changes while the server runs.

use std::collections::HashMap;

use crate::activity::Activity;
use crate::faults::Faults;
use crate::item::Item;
use crate::journal::Journal;
use crate::world::World;

/// All that changes while the server runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) activity: Activity,
    /// What reads still show of items that have changed.
    stale: HashMap<String, Stale>,
}

#[derive(Debug)]
struct Stale {
    shown: Option<Item>,
    reads: u64,
}

impl State {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world,
            faults: Faults::default(),
            journal: Journal::default(),
            activity: Activity::default(),
            stale: HashMap::new(),
        }
    }

    /// An item as this read sees it.
    pub(crate) fn read(&mut self, vault: &str, id: &str) -> Option<Item> {
        let seen = self.see(id).filter(|item| item.vault() == vault);
        if let Some(stale) = self.stale.get_mut(id) {
            stale.reads = stale.reads.saturating_sub(1);
        }
        self.stale.retain(|_, stale| stale.reads > 0);
        seen
    }

    /// The items of a vault as a list sees them, in the order they were made.
    pub(crate) fn list(&self, vault: &str) -> Vec<Item> {
        let known = self.world.items.iter().map(Item::id);
        let gone = self.stale.keys().map(String::as_str).filter(|id| !self.world.items.iter().any(|i| i.id() == *id));
        known.chain(gone).filter_map(|id| self.see(id)).filter(|item| item.vault() == vault).collect()
    }

    /// Lets reads of an item lag: so many of them see what it was.
    pub(crate) fn lag(&mut self, id: &str, shown: Option<Item>, reads: u64) {
        if reads > 0 {
            self.stale.insert(id.to_owned(), Stale { shown, reads });
        }
    }

    fn see(&self, id: &str) -> Option<Item> {
        match self.stale.get(id) {
            Some(stale) => stale.shown.clone(),
            None => self.world.items.iter().find(|item| item.id() == id).cloned(),
        }
    }
}
