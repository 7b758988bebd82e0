//! What there is, and what can be changed: set, replace and archive, each for a permit. Opening is in `open.rs`.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cache::{Cache, CacheSettings};
use super::catalog::{Catalog, CatalogClash, SourceView};
use super::error::SourceError;
use super::fingerprint::{Holders, PrintKey};
use super::locks::ItemLocks;
use super::seal::Sealer;
use super::source::{Allowance, Change, Inventory, Source};
use super::value::{MAX_VALUE_BYTES, SecretValue};
use crate::authz::{Pending, Permit};
use crate::memory::LockedKey;
use crate::model::kind::{Delete, Rotate, Write};
use crate::model::{Category, ItemId, Name, Place, PrincipalName, SecretPath, SourceName, Tag, Target};

/// The sources, what they hold, and the cache in front of them.
#[derive(Debug)]
pub struct Custody {
    sources: Vec<(Arc<Source>, SourceView)>,
    pub(super) cache: Cache,
    known: Mutex<Option<Arc<Known>>>,
    /// Held while an item is read for more than one place, so that it isn't read twice.
    pub(super) turns: ItemLocks,
    pub(super) print_key: PrintKey,
    pub(super) holders: Holders,
}

/// A catalog and what it was made from.
#[derive(Debug)]
struct Known {
    /// In the sources' order.
    inventories: Vec<Result<Arc<Inventory>, SourceError>>,
    catalog: Arc<Catalog>,
}

impl Known {
    /// Whether each source still holds what it held, or still doesn't answer for the same reason.
    fn is_of(&self, inventories: &[Result<Arc<Inventory>, SourceError>]) -> bool {
        self.inventories.iter().zip(inventories).all(|(known, now)| match (known, now) {
            (Ok(known), Ok(now)) => Arc::ptr_eq(known, now),
            // What's left to wait gets less each time.
            (Err(SourceError::RateLimited { .. }), Err(_)) => false,
            (Err(known), Err(now)) => known.to_string() == now.to_string(),
            _ => false,
        })
    }
}

/// A value to be set, with what may go with it.
#[derive(Debug)]
pub struct NewValue {
    /// The plaintext.
    pub value: SecretValue,
    /// The item's category, if it's to be made or changed.
    pub category: Option<Category>,
    /// The item's tags from now on; `None` leaves them.
    pub tags: Option<Vec<Tag>>,
    /// The item's expiry from now on; `None` leaves it.
    pub expires_at: Option<Timestamp>,
    /// The version the caller knows; another one is a conflict.
    pub if_version: Option<u64>,
}

impl NewValue {
    /// A value with nothing that goes with it.
    #[must_use]
    pub fn alone(value: SecretValue, if_version: Option<u64>) -> Self {
        Self { value, category: None, tags: None, expires_at: None, if_version }
    }
}

/// An item's version after a change and before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The version now.
    pub now: u64,
    /// The version before; `None` if the item is new.
    pub before: Option<u64>,
    /// Whether the value is the one that was there before.
    pub is_same: bool,
}

impl Custody {
    /// Takes charge of the sources; the cache's own work runs as tasks of `tasks` until `stop`.
    ///
    /// To be called within a runtime.
    #[must_use]
    pub fn new(
        sources: Vec<(Source, SourceView)>,
        settings: CacheSettings,
        key: LockedKey,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let key = Arc::new(key);
        let print_key = PrintKey::new(Arc::clone(&key));
        for (source, _) in &sources {
            source.take_prints_with(&print_key);
        }
        Self {
            sources: sources.into_iter().map(|(source, view)| (Arc::new(source), view)).collect(),
            cache: Cache::new(settings, Sealer::new(key), tasks, stop),
            known: Mutex::new(None),
            turns: ItemLocks::default(),
            print_key,
            holders: Holders::default(),
        }
    }

    /// The names and ids in all sources as they are now. A source that doesn't answer is listed
    /// among the catalog's outages, and the others are there.
    ///
    /// # Errors
    ///
    /// When two sources have a vault of the same name.
    pub async fn catalog(&self, asker: &PrincipalName) -> Result<Arc<Catalog>, CatalogClash> {
        let inventories = self.inventories(asker).await;
        if let Some(known) = self.known().filter(|known| known.is_of(&inventories)) {
            return Ok(Arc::clone(&known.catalog));
        }
        let parts = self.sources.iter().zip(&inventories);
        let parts = parts.map(|((source, view), inventory)| (source.name().clone(), view.clone(), inventory.clone()));
        let catalog = Arc::new(Catalog::build(parts.collect())?);
        let known = Known { inventories, catalog: Arc::clone(&catalog) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
        Ok(catalog)
    }

    /// What each source holds, in their order; those that have to be asked are asked at the same time.
    async fn inventories(&self, asker: &PrincipalName) -> Vec<Result<Arc<Inventory>, SourceError>> {
        let mut inventories: Vec<_> = self.sources.iter().map(|(source, _)| source.fresh().map(Ok)).collect();
        if inventories.iter().any(Option::is_none) {
            Box::pin(self.ask_for(&mut inventories, asker)).await;
        }
        let names = self.sources.iter().map(|(source, _)| source.name());
        inventories.into_iter().zip(names).map(|(known, name)| known.unwrap_or_else(|| Err(silent(name)))).collect()
    }

    /// Asks the sources whose inventories are absent.
    async fn ask_for(&self, inventories: &mut [Option<Result<Arc<Inventory>, SourceError>>], asker: &PrincipalName) {
        let mut asked = JoinSet::new();
        let absent = inventories.iter().enumerate().filter(|(_, known)| known.is_none());
        for (index, (source, _)) in absent.filter_map(|(index, _)| Some((index, self.sources.get(index)?))) {
            let (source, asker) = (Arc::clone(source), asker.clone());
            asked.spawn(async move { (index, source.inventory(&asker).await) });
        }
        while let Some(answered) = asked.join_next().await {
            if let Ok((index, answer)) = answered
                && let Some(slot) = inventories.get_mut(index)
            {
                *slot = Some(answer);
            }
        }
    }

    /// Looks again at what there is because a name wasn't found, in the sources that could have such
    /// a vault; tells whether any did.
    pub async fn look_again(&self, catalog: &Catalog, vault: &Name, asker: &PrincipalName) -> bool {
        let known = catalog.vault(vault).ok().map(|vault| &vault.source);
        let mut looked = false;
        for (source, view) in &self.sources {
            if known.map_or_else(|| view.may_hold(vault), |known| known == source.name()) {
                looked |= source.look_again(asker).await;
            }
        }
        looked
    }

    /// How many requests a source may still be sent; `None` where nobody counts them.
    #[must_use]
    pub fn allowance(&self, source: &SourceName) -> Option<Allowance> {
        self.source(source).ok()?.allowance()
    }

    /// The catalog as it was when it was last asked for.
    #[must_use]
    pub fn last_catalog(&self) -> Option<Arc<Catalog>> {
        self.known().map(|known| Arc::clone(&known.catalog))
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a new item of a vault is made, and the vault's stored name if there is such a vault. A
    /// vault that isn't there can be made only where there's one local source.
    #[must_use]
    pub fn source_for(&self, catalog: &Catalog, vault: &Name) -> Option<(SourceName, Option<Name>)> {
        if let Ok(vault) = catalog.vault(vault) {
            return Some((vault.source.clone(), Some(vault.name.clone())));
        }
        let mut local = self.sources.iter().filter(|(source, view)| source.makes_vaults() && view.admits_new(vault));
        match (local.next(), local.next()) {
            (Some((source, _)), None) => Some((source.name().clone(), None)),
            _ => None,
        }
    }

    /// What tells a place's present value from earlier ones, as far as it's known without asking: the
    /// generation of its source's inventory, else its item's version there.
    pub(super) fn generation(&self, place: &Place) -> Option<u64> {
        let index = self.sources.iter().position(|(source, _)| *source.name() == place.source)?;
        let known = self.known()?;
        let inventory = known.inventories.get(index)?.as_ref().ok()?;
        inventory.generation.or_else(|| known.catalog.version_at_source(place))
    }

    /// The path by which a secret's own source knows it: another one, where its vault is renamed
    /// or its title is another's too.
    pub(super) fn at_source(&self, target: &Target) -> SecretPath {
        let known = self.known();
        let path = known.and_then(|known| match &target.place {
            Some(place) => known.catalog.path_at_source(place).cloned(),
            None => known.catalog.new_path_at_source(&target.path),
        });
        path.unwrap_or_else(|| target.path.clone())
    }

    /// Sets a value, for a permit to write.
    pub async fn write(
        &self,
        permit: Permit<Write>,
        new: NewValue,
        into: &SourceName,
        asker: &PrincipalName,
    ) -> (Result<Versions, SourceError>, Pending) {
        let (request, pending) = permit.spend();
        (self.set(request.target, new, into, asker).await, pending)
    }

    /// Replaces a value, for a permit to rotate. What isn't there can't be replaced.
    pub async fn rotate(
        &self,
        permit: Permit<Rotate>,
        new: NewValue,
        asker: &PrincipalName,
    ) -> (Result<Versions, SourceError>, Pending) {
        let (request, pending) = permit.spend();
        let result = match request.target.place.clone() {
            Some(place) => self.set(request.target, new, &place.source, asker).await,
            None => Err(SourceError::Missing { source_name: SourceName::new("") }),
        };
        (result, pending)
    }

    async fn set(
        &self,
        target: Target,
        new: NewValue,
        into: &SourceName,
        asker: &PrincipalName,
    ) -> Result<Versions, SourceError> {
        let source = self.source(into)?;
        if new.value.is_too_large() {
            return Err(SourceError::TooLarge { source_name: into.clone(), limit: MAX_VALUE_BYTES });
        }
        let change = Change {
            path: self.at_source(&target),
            place: target.place,
            value: new.value,
            category: new.category,
            tags: new.tags,
            expires_at: new.expires_at,
            if_version: new.if_version,
        };
        let place = change.place.clone();
        let stored = source.store(change, asker).await;
        // Even a write that failed may have taken effect, so what's cached is no longer to be trusted.
        if let Some(place) = stored.as_ref().map_or(place.as_ref(), |stored| Some(&stored.place)) {
            self.cache.forget_item(&place.source, &place.item);
        }
        stored.map(|stored| Versions { now: stored.version, before: stored.previous_version, is_same: stored.is_same })
    }

    /// Archives the item whose every field the permits are for; tells whether it can be brought back.
    ///
    /// `permits` are all for fields of `item`; the caller has one for each of its fields.
    pub async fn archive(
        &self,
        permits: Vec<Permit<Delete>>,
        source: &SourceName,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> (Result<bool, SourceError>, Vec<Pending>) {
        let (requests, pending): (Vec<_>, Vec<_>) = permits.into_iter().map(Permit::spend).unzip();
        let covered = !requests.is_empty()
            && requests.iter().all(|request| {
                request.target.place.as_ref().is_some_and(|place| place.source == *source && place.item == *item)
            });
        let result = if covered {
            self.archive_item(source, item, if_version, asker).await
        } else {
            Err(SourceError::Missing { source_name: source.clone() })
        };
        (result, pending)
    }

    async fn archive_item(
        &self,
        source: &SourceName,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> Result<bool, SourceError> {
        let from = self.source(source)?;
        let archived = from.archive(item, if_version, asker).await;
        self.cache.forget_item(source, item);
        archived.map(|_| from.brings_back())
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().map(|(source, _)| source.as_ref())
    }

    pub(super) fn source(&self, name: &SourceName) -> Result<&Arc<Source>, SourceError> {
        self.sources
            .iter()
            .map(|(source, _)| source)
            .find(|source| source.name() == name)
            .ok_or_else(|| SourceError::Missing { source_name: name.clone() })
    }
}

/// What stands for a source whose answer never came.
fn silent(source: &SourceName) -> SourceError {
    SourceError::Unavailable {
        source_name: source.clone(),
        detail: "the look at what it holds ended without an answer".to_owned(),
        remedy: "try again",
    }
}
