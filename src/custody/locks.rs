//! One at a time for each item, or for each of whatever else.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::model::{ItemId, SourceName};

/// Turns at items, wherever they are.
pub(super) type ItemLocks = Locks<(SourceName, ItemId)>;

/// Turns at things. Nothing is kept of a thing that nobody waits for.
#[derive(Debug)]
pub(in crate::custody) struct Locks<K>(Mutex<HashMap<K, Weak<Turn<()>>>>);

/// Turns at some things, until it's dropped.
#[derive(Debug)]
#[must_use]
pub(in crate::custody) struct Turns(#[expect(dead_code, reason = "held, not looked at")] Vec<OwnedMutexGuard<()>>);

impl<K> Default for Locks<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Hash> Locks<K> {
    /// Waits for a turn at each of the things.
    pub(in crate::custody) async fn take(&self, things: impl IntoIterator<Item = K>) -> Turns {
        // Always in the same order, so that no two wait for each other.
        let things: BTreeSet<_> = things.into_iter().collect();
        let mut turns = Vec::with_capacity(things.len());
        for thing in things {
            let turn = self.of(thing);
            turns.push(turn.lock_owned().await);
        }
        Turns(turns)
    }

    fn of(&self, thing: K) -> Arc<Turn<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = all.get(&thing).and_then(Weak::upgrade) {
            return turn;
        }
        all.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        all.insert(thing, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(item: &str) -> (SourceName, ItemId) {
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
