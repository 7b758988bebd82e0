//! Reads of single items that are wanted at the same moment, made as one.
//!
//! A client that asks for many secrets at once asks for each by itself. Where each request is a process
//! that takes a second, whoever comes first waits a moment for the others, and asks for all of them.
//!
//! Nobody depends on anybody: if the one who asks gives up, or the answer lacks an item, those who
//! waited ask for themselves.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Inner;
use super::backend::{Backend, Command, ItemKey};
use super::document::Document;
use crate::custody::error::SourceError;
use crate::model::PrincipalName;

/// Those who wait to be asked for together.
#[derive(Debug, Default)]
pub(super) struct Gathering(Mutex<Vec<Waiter>>);

#[derive(Debug)]
struct Waiter {
    key: ItemKey,
    asker: PrincipalName,
    answer: oneshot::Sender<Result<Document, SourceError>>,
}

/// The right to ask for all who wait. Whoever waits for one who goes away is let go.
struct Turn<'a>(&'a Gathering);

impl Gathering {
    /// Waits among the others; a turn for the first.
    fn join(&self, waiter: Waiter) -> Option<Turn<'_>> {
        let mut waiting = self.waiting();
        waiting.push(waiter);
        (waiting.len() == 1).then(|| Turn(self))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    fn end(self) -> Vec<Waiter> {
        let waiters = std::mem::take(&mut *self.0.waiting());
        // From here on the next to come is the first again, and nobody may be let go for us.
        std::mem::forget(self);
        waiters
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting().clear();
    }
}

impl<B: Backend> Inner<B> {
    /// Reads an item together with others; `None` if it's to be read alone.
    pub(super) async fn read_gathered(
        &self,
        key: &ItemKey,
        asker: &PrincipalName,
    ) -> Option<Result<Document, SourceError>> {
        let moment = self.backend.gathers_for()?;
        let (answer, read) = oneshot::channel();
        let waiter = Waiter { key: key.clone(), asker: asker.clone(), answer };
        if let Some(turn) = self.gathering.join(waiter) {
            sleep(moment).await;
            let waiters = turn.end();
            // Dropped, it's told to read alone.
            if waiters.len() > 1 {
                self.read_for(waiters).await;
            }
        }
        read.await.ok()
    }

    async fn read_for(&self, waiters: Vec<Waiter>) {
        let mut by_asker: BTreeMap<PrincipalName, Vec<Waiter>> = BTreeMap::new();
        for waiter in waiters {
            by_asker.entry(waiter.asker.clone()).or_default().push(waiter);
        }
        let mut paid: BTreeMap<ItemKey, Vec<Waiter>> = BTreeMap::new();
        for (asker, waiters) in by_asker {
            let cost = self.backend.cost(Command::ReadBatch(waiters.len()));
            // Who can't pay hears so on asking alone.
            if self.budget.spend(&asker, cost).await.is_ok() {
                for waiter in waiters {
                    paid.entry(waiter.key.clone()).or_default().push(waiter);
                }
            }
        }
        let keys: Vec<ItemKey> = paid.keys().cloned().collect();
        if keys.is_empty() {
            return;
        }
        match self.answer_batch(&keys).await {
            Ok(documents) => {
                for document in documents {
                    // Each document is one's; who wants the same item besides reads it alone.
                    let waiter = document.key().and_then(|key| paid.get_mut(&key)?.pop());
                    if let Some(waiter) = waiter {
                        drop(waiter.answer.send(Ok(document)));
                    }
                }
            }
            Err(failure) => {
                let error = failure.at(&self.settings.name);
                for waiter in paid.into_values().flatten() {
                    drop(waiter.answer.send(Err(error.clone())));
                }
            }
        }
    }
}
