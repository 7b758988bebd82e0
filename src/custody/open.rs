//! Opening values: from the sealed cache, or from their source into it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::cache::Cached;
use super::catalog::{CatalogClash, FieldAliases, ReadUp};
use super::error::SourceError;
use super::release::Lease;
use super::source::{Fetched, ItemKey, ReadItem, Source};
use super::vault::Custody;
use crate::authz::{Pending, Permit};
use crate::model::{ActionKind, Item, ItemId, Place, PrincipalName, Reference, SourceName, Target};

impl Custody {
    /// Opens the one secret a permit is for.
    ///
    /// The record is handed back with the outcome, for whoever delivers the value to close.
    pub async fn open<A: ActionKind>(
        &self,
        permit: Permit<A>,
        asker: &PrincipalName,
    ) -> (Result<Lease<A>, SourceError>, Pending) {
        let (request, pending) = permit.spend();
        (self.value(request.target, asker).await.map(Lease::new), pending)
    }

    /// Opens the secrets that permits are for, in as few requests to their sources as possible; one
    /// answer for each permit.
    pub async fn open_all<A: ActionKind>(
        &self,
        permits: Vec<Permit<A>>,
        asker: &PrincipalName,
    ) -> Vec<(Result<Lease<A>, SourceError>, Pending)> {
        let (requests, pending): (Vec<_>, Vec<_>) = permits.into_iter().map(Permit::spend).unzip();
        let targets: Vec<Target> = requests.into_iter().map(|request| request.target).collect();
        let values = self.values(&targets, asker).await;
        values.into_iter().map(|value| value.map(Lease::new)).zip(pending).collect()
    }

    async fn value(&self, target: Target, asker: &PrincipalName) -> Result<Cached, SourceError> {
        let place = target.place.clone().ok_or_else(nowhere)?;
        let source = self.source(&place.source)?;
        let generation = self.generation(&place);
        let cached = if let Some(cached) = self.cache.peek(&place, generation) {
            cached
        } else {
            // Whoever is reading the item up is about to keep its values.
            drop(Box::pin(self.turns.take([key_of_place(&place)])).await);
            let (from, wanted, asker) = (Arc::clone(source), place.clone(), asker.clone());
            Box::pin(self.cache.value(&place, generation, move || fetch_one(from, wanted, asker))).await?
        };
        self.still_there(&target, &place, cached)
    }

    async fn values(&self, targets: &[Target], asker: &PrincipalName) -> Vec<Result<Cached, SourceError>> {
        let kept = |target: &Target| {
            let place = target.place.as_ref()?;
            let cached = self.cache.peek(place, self.generation(place))?;
            Some(self.still_there(target, place, cached))
        };
        let mut values: Vec<_> = targets.iter().map(kept).collect();
        let absent = targets.iter().zip(&values).filter(|(_, value)| value.is_none());
        let items = absent.filter_map(|(target, _)| target.place.as_ref()).map(key_of_place);
        let _turns = self.turns.take(items).await;
        let mut wanted: HashMap<SourceName, Vec<(usize, Place)>> = HashMap::new();
        for (index, (target, value)) in targets.iter().zip(&mut values).enumerate() {
            // Whoever had the turn before may have read it.
            if value.is_none() {
                *value = kept(target);
            }
            if let (None, Some(place)) = (&value, &target.place) {
                wanted.entry(place.source.clone()).or_default().push((index, place.clone()));
            }
        }
        let fetch = |source: Arc<Source>, wanted: Vec<(usize, Place)>| {
            let asker = asker.clone();
            async move {
                let places: Vec<Place> = wanted.iter().map(|(_, place)| place.clone()).collect();
                let answers = source.fetch(&places, &asker).await;
                wanted.into_iter().zip(answers).collect()
            }
        };
        for ((index, place), answer) in self.ask_each(wanted, fetch).await {
            let settled = self.cache.settle(&place, self.generation(&place), answer);
            if let (Some(target), Some(slot)) = (targets.get(index), values.get_mut(index)) {
                *slot = Some(settled.and_then(|cached| self.still_there(target, &place, cached)));
            }
        }
        values.into_iter().map(|value| value.unwrap_or_else(|| Err(nowhere()))).collect()
    }

    /// The item may have been renamed or moved since the decision was made on its path.
    fn still_there(&self, target: &Target, place: &Place, cached: Cached) -> Result<Cached, SourceError> {
        if cached.path == target.path || cached.path == self.at_source(target) {
            Ok(cached)
        } else {
            self.cache.forget_item(&place.source, &place.item);
            Err(SourceError::Missing { source_name: place.source.clone() })
        }
    }

    /// Reads items whose fields aren't known yet, so that `references` to them can be resolved.
    ///
    /// A source that tells no names of fields tells all values with them. Those that the references
    /// mean are sealed where `is_wanted` says that they're about to be opened; the others are dropped.
    pub async fn read_up(
        &self,
        items: &[Arc<Item>],
        references: &[&Reference],
        aliases: &FieldAliases,
        asker: &PrincipalName,
        is_wanted: impl Fn(&Target) -> bool,
    ) -> Result<ReadUp, CatalogClash> {
        let _turns = self.turns.take(items.iter().map(|item| (item.source.clone(), item.id.clone()))).await;
        let catalog = self.catalog(asker).await?;
        let mut wanted: HashMap<SourceName, Vec<ItemKey>> = HashMap::new();
        // Whoever had the turn before may have read it.
        for item in items.iter().filter(|item| !catalog.knows_fields_of(item)) {
            let key = ItemKey { vault: item.vault.clone(), item: item.id.clone() };
            wanted.entry(item.source.clone()).or_default().push(key);
        }
        let mut failures = Vec::new();
        let mut read = Vec::new();
        let read_items = |source: Arc<Source>, keys: Vec<ItemKey>| {
            let asker = asker.clone();
            async move {
                let answers = source.read_items(&keys, &asker).await;
                keys.into_iter().zip(answers).collect()
            }
        };
        for (key, answer) in self.ask_each(wanted, read_items).await {
            match answer {
                Ok(item) => read.push(item),
                Err(error) => failures.push((key.item, error)),
            }
        }
        let catalog = self.catalog(asker).await?;
        let read_up = ReadUp::new(catalog, failures);
        for reference in references {
            let resolved = read_up.catalog().resolve(reference).ok();
            let field = resolved.as_ref().and_then(|resolved| resolved.value_field(aliases).ok());
            let target = resolved.as_ref().zip(field).map(|(resolved, field)| resolved.item().target(field));
            if let Some(place) = target.filter(|target| is_wanted(target)).and_then(|target| target.place) {
                self.keep(&mut read, &place);
            }
        }
        Ok(read_up)
    }

    /// Asks several sources at the same time, each for all that's wanted of it.
    async fn ask_each<K, A, Answers>(
        &self,
        wanted: HashMap<SourceName, Vec<K>>,
        ask: impl Fn(Arc<Source>, Vec<K>) -> Answers,
    ) -> Vec<(K, A)>
    where
        K: Send + 'static,
        A: Send + 'static,
        Answers: Future<Output = Vec<(K, A)>> + Send + 'static,
    {
        let mut asked = JoinSet::new();
        for (source, keys) in wanted {
            if let Ok(source) = self.source(&source) {
                asked.spawn(ask(Arc::clone(source), keys));
            }
        }
        let mut all = Vec::new();
        while let Some(answers) = asked.join_next().await {
            all.extend(answers.unwrap_or_default());
        }
        all
    }

    fn keep(&self, read: &mut [ReadItem], place: &Place) {
        let is_it = |item: &Item| item.source == place.source && item.id == place.item;
        let Some(ReadItem { item, values }) = read.iter_mut().find(|read| is_it(&read.item)) else { return };
        let path = item.fields.known().iter().find(|field| field.id == place.field).map(|field| field.path.clone());
        let value = values.iter().position(|(id, _)| *id == place.field).map(|index| values.swap_remove(index).1);
        if let Some((path, value)) = path.zip(value) {
            let fetched = Fetched { value, version: item.version, path };
            self.cache.insert(place, self.generation(place), &fetched);
        }
    }
}

fn key_of_place(place: &Place) -> (SourceName, ItemId) {
    (place.source.clone(), place.item.clone())
}

/// A secret that doesn't exist yet has no value.
fn nowhere() -> SourceError {
    SourceError::Missing { source_name: SourceName::new("") }
}

async fn fetch_one(source: Arc<Source>, place: Place, asker: PrincipalName) -> Result<Fetched, SourceError> {
    let missing = SourceError::Missing { source_name: place.source.clone() };
    source.fetch(std::slice::from_ref(&place), &asker).await.pop().unwrap_or(Err(missing))
}
