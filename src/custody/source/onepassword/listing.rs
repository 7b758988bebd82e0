//! What there is: listed when it has to be, and by one asker for all.

mod memory;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use self::memory::Memory;
use super::Inner;
use super::backend::{Backend, Command, ItemKey, RemoteVault};
use crate::custody::error::SourceError;
use crate::custody::source::{Inventory, Vault};
use crate::model::{Item, Name, PrincipalName, VaultId};

/// A name that isn't found is looked for again only this long after the last look; twice as long
/// after each look that found nothing new, so that who asks for what isn't there spends little.
const BETWEEN_LOOKS: Duration = Duration::from_secs(10);
const MOST_DOUBLINGS: u32 = 5;

/// After a failure nothing is asked for at least this long, then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What's known of what there is.
#[derive(Debug)]
pub(super) struct Listing {
    fresh_for: Duration,
    stale_if_error: Duration,
    known: Mutex<Known>,
    /// Held by the one who lists.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    memory: Memory,
    /// When what's listed was asked for.
    taken: Option<Instant>,
    /// How often it was listed.
    count: u64,
    /// When anybody last tried to list.
    tried: Option<Instant>,
    /// How many looks for a missing name found nothing new, since one did.
    in_vain: u32,
    down: Option<Down>,
}

/// Why listing doesn't work, and how long nobody tries.
#[derive(Debug)]
struct Down {
    error: SourceError,
    until: Instant,
    pauses: ExponentialBackoff,
}

impl Listing {
    pub(super) fn new(fresh_for: Duration, stale_if_error: Duration) -> Self {
        Self { fresh_for, stale_if_error, known: Mutex::default(), flight: tokio::sync::Mutex::new(()) }
    }

    /// What's listed, if there's nothing to be gained by asking.
    pub(super) fn fresh(&self) -> Option<Arc<Inventory>> {
        let known = self.known();
        let is_fresh = known.taken.is_some_and(|taken| taken.elapsed() < self.fresh_for);
        if is_fresh {
            known.memory.inventory().cloned()
        } else {
            known.paused().and_then(|error| self.stale(&known, error))
        }
    }

    /// What was listed last, however long ago.
    pub(super) fn last(&self) -> Option<Arc<Inventory>> {
        self.known().memory.inventory().cloned()
    }

    /// Whether nobody is asked for a while, because listing failed.
    pub(super) fn is_paused(&self) -> bool {
        self.known().paused().is_some()
    }

    /// Keeps items that were read, unless what's listed is newer.
    pub(super) fn merge(&self, items: Vec<Arc<Item>>) {
        self.known().memory.merge(items);
    }

    /// Forgets an item that isn't there.
    pub(super) fn forget(&self, item: &ItemKey) {
        self.known().memory.forget(item);
    }

    /// The latest version that's known of an item.
    pub(super) fn version(&self, key: &ItemKey) -> Option<u64> {
        self.known().memory.item(key).map(|item| item.version)
    }

    /// A vault's name, if the vault is listed.
    pub(super) fn vault_name(&self, vault: &VaultId) -> Option<Name> {
        let known = self.known();
        let vaults = known.memory.inventory()?.vaults.iter();
        vaults.into_iter().find(|known| known.id == *vault).map(|vault| vault.name.clone())
    }

    /// How often it was listed.
    fn count(&self) -> u64 {
        self.known().count
    }

    /// What was listed since it had been listed so often.
    fn since(&self, count: u64) -> Option<Arc<Inventory>> {
        let known = self.known();
        known.memory.inventory().filter(|_| known.count > count).cloned()
    }

    /// The answer while nobody is asked, if that's so.
    fn paused(&self) -> Option<Result<Arc<Inventory>, SourceError>> {
        let known = self.known();
        let error = known.paused()?;
        Some(self.stale(&known, error).ok_or_else(|| error.clone()))
    }

    /// What was listed before, if this error is no reason not to show it.
    fn stale(&self, known: &Known, error: &SourceError) -> Option<Arc<Inventory>> {
        let is_down = matches!(error, SourceError::Unavailable { .. } | SourceError::RateLimited { .. });
        let lasts = self.fresh_for.saturating_add(self.stale_if_error);
        let is_recent = known.taken.is_some_and(|taken| taken.elapsed() < lasts);
        known.memory.inventory().filter(|_| is_down && is_recent).cloned()
    }

    fn failed(&self, error: SourceError) -> Result<Arc<Inventory>, SourceError> {
        let mut known = self.known();
        let answer = self.stale(&known, &error).ok_or_else(|| error.clone());
        // Who may ask how often is the budget's affair: it knows each asker, and the time.
        if !matches!(error, SourceError::RateLimited { .. }) {
            let mut pauses = known.down.take().map_or_else(pauses, |down| down.pauses);
            let until = Instant::now() + pauses.next().unwrap_or(LONGEST_PAUSE);
            known.down = Some(Down { error, until, pauses });
        }
        answer
    }

    fn listed(&self, asked: Instant, vaults: Vec<Vault>, items: Vec<Item>) -> Option<Arc<Inventory>> {
        let mut known = self.known();
        known.memory.install(vaults, items);
        known.taken = Some(asked);
        known.count = known.count.saturating_add(1);
        known.down = None;
        known.memory.inventory().cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn looked_lately(&self) -> bool {
        let wait = BETWEEN_LOOKS.saturating_mul(2_u32.saturating_pow(self.in_vain.min(MOST_DOUBLINGS)));
        self.tried.is_some_and(|tried| tried.elapsed() < wait)
    }

    /// Notes whether a look found anything that wasn't known before.
    fn count_look(&mut self, before: Option<&Arc<Inventory>>) {
        let is_new = match (before, self.memory.inventory()) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
            _ => true,
        };
        self.in_vain = if is_new { 0 } else { self.in_vain.saturating_add(1) };
    }

    fn paused(&self) -> Option<&SourceError> {
        self.down.as_ref().filter(|down| Instant::now() < down.until).map(|down| &down.error)
    }
}

fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE);
    pauses.with_jitter().without_max_times().build()
}

impl<B: Backend> Inner<B> {
    pub(super) async fn inventory(&self, asker: &PrincipalName) -> Result<Arc<Inventory>, SourceError> {
        if let Some(inventory) = self.listing.fresh() {
            return Ok(inventory);
        }
        let before = self.listing.count();
        let _flight = self.listing.flight.lock().await;
        // Whoever was first may have listed for all.
        match self.listing.since(before).or_else(|| self.listing.fresh()).map(Ok).or_else(|| self.listing.paused()) {
            Some(answer) => answer,
            None => self.list(asker).await,
        }
    }

    pub(super) async fn look_again(&self, asker: &PrincipalName) -> bool {
        let before = self.listing.count();
        let _flight = self.listing.flight.lock().await;
        if self.listing.since(before).is_some() {
            return true;
        }
        if self.listing.known().looked_lately() || self.listing.paused().is_some() {
            return false;
        }
        let known = self.listing.known().memory.inventory().cloned();
        let looked = self.list(asker).await.is_ok() && self.listing.since(before).is_some();
        self.listing.known().count_look(known.as_ref());
        looked
    }

    /// Lists, while nobody else does.
    async fn list(&self, asker: &PrincipalName) -> Result<Arc<Inventory>, SourceError> {
        let asked = Instant::now();
        self.listing.known().tried = Some(asked);
        let error = match self.take_stock(asker).await {
            Ok((vaults, items)) => return self.listing.listed(asked, vaults, items).ok_or_else(|| self.missing()),
            // It's no secret that's missing.
            Err(SourceError::Missing { source_name }) => SourceError::Unavailable {
                source_name,
                detail: "a vault that it had just listed isn't there".to_owned(),
                remedy: "try again in a moment",
            },
            Err(error) => error,
        };
        self.listing.failed(error)
    }

    async fn take_stock(&self, asker: &PrincipalName) -> Result<(Vec<Vault>, Vec<Item>), SourceError> {
        let vaults = self.ask(asker, Command::Vaults, self.backend.vaults()).await?;
        let vaults: Vec<Vault> = vaults.into_iter().filter_map(vault).collect();
        let is_seen = |vault: &&Vault| self.settings.view.name_of(vault).is_some();
        let seen: Vec<VaultId> = vaults.iter().filter(is_seen).map(|vault| vault.id.clone()).collect();
        let mut items = Vec::new();
        if !seen.is_empty() {
            let command = Command::Items(seen.len());
            for document in self.ask(asker, command, self.backend.items(&seen)).await? {
                let vault = document.key().and_then(|key| vaults.iter().find(|vault| vault.id == key.vault));
                let vault = vault.filter(|vault| seen.contains(&vault.id) && !document.is_gone());
                items.extend(vault.and_then(|vault| document.listed_item(&self.settings.name, &vault.name)));
            }
        }
        Ok((vaults, items))
    }
}

/// A vault under its name, or under its id where no path can carry the name.
fn vault(RemoteVault { id, name, description }: RemoteVault) -> Option<Vault> {
    // Ids become parts of requests and of files' names, so what isn't one goes no further.
    let by_id = Name::new(id.as_str()).ok().filter(Name::is_id)?;
    let name = Name::new(&name).unwrap_or(by_id);
    Some(Vault { id, name, description })
}
