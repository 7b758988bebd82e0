//! Whole items, in as few requests as possible.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::Inner;
use super::backend::{Backend, Command, ItemKey};
use super::document::Document;
use crate::custody::error::SourceError;
use crate::custody::source::{Fetched, ReadItem};
use crate::model::{Item, Place, PrincipalName};

/// How many items are read at a time, where each takes a request of its own.
const AT_A_TIME: usize = 8;

/// What was read of one item.
type Answer = Result<(Document, Arc<Item>), SourceError>;

impl<B: Backend> Inner<B> {
    pub(super) async fn read_items(
        this: &Arc<Self>,
        items: &[ItemKey],
        asker: &PrincipalName,
    ) -> Vec<Result<ReadItem, SourceError>> {
        let answers = Self::read_whole(this, items, asker).await;
        let answer = |key| match answers.get(key) {
            Some(Ok((document, item))) => Ok(ReadItem { item: Arc::clone(item), values: document.values(&item.path) }),
            Some(Err(error)) => Err(error.clone()),
            None => Err(this.cut_short()),
        };
        items.iter().map(answer).collect()
    }

    pub(super) async fn fetch(
        this: &Arc<Self>,
        places: &[Place],
        asker: &PrincipalName,
    ) -> Vec<Result<Fetched, SourceError>> {
        let key = |place: &Place| ItemKey { vault: place.vault.clone(), item: place.item.clone() };
        let keys: Vec<ItemKey> = places.iter().map(key).collect();
        let answers = Self::read_whole(this, &keys, asker).await;
        let answer = |place: &Place| match answers.get(&key(place)) {
            Some(Ok((document, item))) => {
                let stored = document.stored(&item.path);
                let stored = stored.iter().find(|stored| stored.field.id == place.field);
                let fetched = stored.and_then(|stored| {
                    Some(Fetched { value: stored.secret()?, version: item.version, path: stored.field.path.clone() })
                });
                fetched.ok_or_else(|| this.missing())
            }
            Some(Err(error)) => Err(error.clone()),
            None => Err(this.cut_short()),
        };
        places.iter().map(answer).collect()
    }

    /// Reads each item once, and lets the listing know.
    async fn read_whole(this: &Arc<Self>, keys: &[ItemKey], asker: &PrincipalName) -> HashMap<ItemKey, Answer> {
        let mut wanted: Vec<ItemKey> = keys.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if let Err(error) = this.know_vaults(&wanted, asker).await {
            return wanted.into_iter().map(|key| (key, Err(error.clone()))).collect();
        }
        let mut answers = HashMap::new();
        if let [key] = wanted.as_slice() {
            if let Some(read) = this.read_gathered(key, asker).await {
                answers.insert(key.clone(), read.and_then(|document| this.understand(key, document)));
            }
        } else {
            match this.read_batch(&wanted, asker).await {
                Ok(documents) => {
                    for document in documents {
                        if let Some(key) = document.key().filter(|key| wanted.binary_search(key).is_ok()) {
                            let answer = this.understand(&key, document);
                            answers.insert(key, answer);
                        }
                    }
                }
                Err(error) => return wanted.into_iter().map(|key| (key, Err(error.clone()))).collect(),
            }
        }
        let mut left = wanted.iter().filter(|key| !answers.contains_key(key)).cloned().collect::<Vec<_>>().into_iter();
        let mut reads = JoinSet::new();
        let mut alone = Vec::new();
        loop {
            while reads.len() < AT_A_TIME
                && let Some(key) = left.next()
            {
                let (this, asker) = (Arc::clone(this), asker.clone());
                reads.spawn(async move {
                    let answer = this.read_one(&key, &asker).await;
                    (key, answer)
                });
            }
            match reads.join_next().await {
                Some(Ok(read)) => alone.push(read),
                // One that was cut short has no answer.
                Some(Err(_)) => {}
                None => break,
            }
        }
        answers.extend(alone);
        this.note(&answers);
        answers
    }

    /// Lists if need be: items are named by their vaults, so those have to be known.
    pub(super) async fn know_vaults(&self, keys: &[ItemKey], asker: &PrincipalName) -> Result<(), SourceError> {
        let is_known = |key: &ItemKey| self.listing.vault_name(&key.vault).is_some();
        if keys.iter().all(is_known) { Ok(()) } else { self.inventory(asker).await.map(|_| ()) }
    }

    /// Reads several at once; what that doesn't bring is left out.
    async fn read_batch(&self, keys: &[ItemKey], asker: &PrincipalName) -> Result<Vec<Document>, SourceError> {
        let cost = self.backend.cost(Command::ReadBatch(keys.len()));
        // What there isn't enough for at once may still be had in part.
        if self.budget.spend(asker, cost).await.is_err() {
            return Ok(Vec::new());
        }
        self.answer_batch(keys).await.map_err(|failure| failure.at(&self.settings.name))
    }

    pub(super) async fn read_one(&self, key: &ItemKey, asker: &PrincipalName) -> Answer {
        let document = self.ask(asker, Command::Read, self.backend.read(key)).await?;
        self.understand(key, document)
    }

    /// The item a document is. Another one than was asked for, or an archived one, is none.
    pub(super) fn understand(&self, key: &ItemKey, document: Document) -> Answer {
        let is_it = document.key().as_ref() == Some(key) && !document.is_gone();
        let vault = self.listing.vault_name(&key.vault).filter(|_| is_it);
        let item = vault.and_then(|vault| document.whole_item(&self.settings.name, &vault));
        let item = item.ok_or_else(|| self.missing())?;
        document.take_prints(&item, &self.prints);
        Ok((document, Arc::new(item)))
    }

    fn note(&self, answers: &HashMap<ItemKey, Answer>) {
        let read = answers.values().filter_map(|answer| answer.as_ref().ok());
        self.listing.merge(read.map(|(_, item)| Arc::clone(item)).collect());
        for (key, answer) in answers {
            if let Err(SourceError::Missing { .. }) = answer {
                self.listing.forget(key);
            }
        }
    }
}
