//! One at a time for each item.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::model::{ItemId, SourceName};

/// An item, wherever it is.
type Key = (SourceName, ItemId);

/// Turns at items. Nothing is kept of an item that nobody waits for.
#[derive(Debug, Default)]
pub(super) struct ItemLocks(Mutex<HashMap<Key, Weak<Turn<()>>>>);

/// Turns at some items, until it's dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Turns(#[expect(dead_code, reason = "held, not looked at")] Vec<OwnedMutexGuard<()>>);

impl ItemLocks {
    /// Waits for a turn at each of the items.
    pub(super) async fn take(&self, items: impl IntoIterator<Item = Key>) -> Turns {
        // Always in the same order, so that no two wait for each other.
        let items: BTreeSet<_> = items.into_iter().collect();
        let mut turns = Vec::with_capacity(items.len());
        for item in items {
            let turn = self.of(item);
            turns.push(turn.lock_owned().await);
        }
        Turns(turns)
    }

    fn of(&self, item: Key) -> Arc<Turn<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = all.get(&item).and_then(Weak::upgrade) {
            return turn;
        }
        all.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        all.insert(item, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(item: &str) -> Key {
        (SourceName::new("work"), ItemId::new(item))
    }

    #[tokio::test]
    async fn those_who_want_the_same_items_take_turns_whatever_the_order() {
        let locks = Arc::new(ItemLocks::default());
        let tasks: Vec<_> = (0..50)
            .map(|number| {
                let locks = Arc::clone(&locks);
                let wanted = if number % 2 == 0 { [key("a"), key("b")] } else { [key("b"), key("a")] };
                tokio::spawn(async move {
                    let _turns = locks.take(wanted).await;
                    tokio::task::yield_now().await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let held = locks.take([key("a")]).await;
        assert!(locks.of(key("a")).try_lock().is_err() && locks.of(key("b")).try_lock().is_ok());
        drop(held);
        let _ = locks.take([key("c")]).await;
        assert_eq!(locks.0.lock().unwrap().len(), 1, "only what was asked for last is still known");
    }
}
