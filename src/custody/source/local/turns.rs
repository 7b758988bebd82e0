//! Who may open the file next.
//!
//! To open a vault takes a processor for as long as its key derivation says, and as much memory. So
//! only so many are opened at a time that the rest of the program can go on, and one asker's wait in
//! a line of their own: whoever asks for much waits for their own, and anybody else for one of each other asker.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::custody::locks::{Locks, Turns};
use crate::model::PrincipalName;

/// A line before a room in which only so many can be at a time.
#[derive(Debug)]
pub(super) struct Line {
    room: Arc<Semaphore>,
    askers: Locks<Option<PrincipalName>>,
}

/// A place in the room, given back when dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Place {
    _room: Option<OwnedSemaphorePermit>,
    _asker: Turns,
}

impl Line {
    /// A room for as many as leave one processor to all the rest, but for one at least.
    pub(super) fn for_processors() -> Self {
        let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::new(all.saturating_sub(1).max(1))
    }

    /// A room for so many.
    pub(super) fn new(room: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(room)), askers: Locks::default() }
    }

    /// Waits until it's this asker's turn.
    pub(super) async fn place(&self, asker: Option<&PrincipalName>) -> Place {
        let turn = self.askers.take([asker.cloned()]).await;
        // The room is never closed, so there is a place.
        Place { _room: Arc::clone(&self.room).acquire_owned().await.ok(), _asker: turn }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn who_asks_once_waits_for_one_of_each_other_asker_however_much_those_ask() {
        let line = Arc::new(Line::new(1));
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = line.place(None).await;
        let mut waiting = tokio::task::JoinSet::new();
        for who in ["flood"; 50].into_iter().chain(["other", "honest"]) {
            let (line, order) = (Arc::clone(&line), Arc::clone(&order));
            let asker = PrincipalName::parse(who).unwrap();
            waiting.spawn(async move {
                let _place = line.place(Some(&asker)).await;
                order.lock().unwrap().push(who);
                tokio::task::yield_now().await;
            });
        }
        // Everybody is in line before the first place is free.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(first);
        waiting.join_all().await;
        let order = order.lock().unwrap();
        assert_eq!(order.len(), 52);
        assert_eq!(order[..3], ["flood", "other", "honest"]);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_holds_nobody_up() {
        let line = Line::new(1);
        let (one, two) = (PrincipalName::parse("one").unwrap(), PrincipalName::parse("two").unwrap());
        let held = line.place(Some(&one)).await;
        for who in [&one, &two] {
            let mut waiting = pin!(line.place(Some(who)));
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        drop(held);
        drop(line.place(Some(&two)).await);
        drop(line.place(Some(&one)).await);
        assert_eq!(line.room.available_permits(), 1);
    }
}
