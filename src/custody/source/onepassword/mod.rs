//! What the two ways to 1Password share: its items' JSON, what's listed, how values are written
//! back, and how many requests may be made.
//!
//! A [`backend::Backend`] asks 1Password in its own way and knows nothing of the rest. [`Remote`] is
//! the rest:
//!
//! - `listing` — names and ids, listed at most once however many ask, and again when they're old or a
//!   name isn't found; older names go on while 1Password is down.
//! - `reading`, `gathering` — whole items, in as few requests as possible.
//! - `writing`, `making`, `removing` — one change at a time, made on what's there, and looked at afterwards.
//! - `budget` — what may be asked at all. Every request is paid for before it's made.

pub(in crate::custody::source) mod backend;
mod budget;
pub(in crate::custody::source) mod document;
pub(in crate::custody::source) mod failure;
mod gathering;
mod listing;
mod locks;
mod making;
mod reading;
mod removing;
mod verify;
mod writing;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use self::backend::{Backend, Command, Cost};
pub use self::budget::{Allowance, Limits};
use self::budget::{Budget, Purse};
use self::failure::Failure;
use self::gathering::Gathering;
use self::listing::Listing;
use self::locks::Locks;
use super::upstream::Upstream;
use super::{Change, Fetched, Inventory, ReadItem, Stored};
use crate::custody::catalog::SourceView;
use crate::custody::error::SourceError;
use crate::custody::fingerprint::{Gathered, PrintKey, Prints};
use crate::model::{Clock, ItemId, Place, PrincipalName, SourceName, Standing};

/// What a source in 1Password is made of, whichever way it's asked.
#[derive(Debug)]
pub struct RemoteSettings {
    /// The name it bears in the configuration.
    pub name: SourceName,
    /// Which of its vaults are seen: no others are listed.
    pub view: SourceView,
    /// How long what's listed is taken to be so.
    pub fresh_for: Duration,
    /// How much longer it's still shown while 1Password can't be reached.
    pub stale_if_error: Duration,
    /// How often it may be asked; `None` is without limit.
    pub limits: Option<Limits>,
    /// The folder for what several processes must know: counts and locks. Without one, this process
    /// knows it alone.
    pub state: Option<PathBuf>,
    /// Whether an item may be deleted where it can't be archived.
    pub allow_permanent_delete: bool,
    /// The time.
    pub clock: Clock,
}

/// A source in 1Password.
#[derive(Debug)]
pub(in crate::custody::source) struct Remote<B>(Arc<Inner<B>>);

#[derive(Debug)]
struct Inner<B> {
    settings: RemoteSettings,
    backend: B,
    budget: Budget,
    listing: Listing,
    gathering: Gathering,
    locks: Locks,
    upstream: Upstream,
    prints: Gathered,
    /// Changes that were begun are finished, even if nobody waits for them any more.
    tasks: TaskTracker,
}

/// Why a request came to nothing.
#[derive(Debug)]
enum Trouble {
    /// It wasn't made: it couldn't be paid for.
    NotAsked(SourceError),
    /// It was made, and this came of it.
    Failed(Failure),
}

impl<B> Clone for Remote<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Backend> Remote<B> {
    /// Takes note of how 1Password is asked. Nothing is asked yet.
    ///
    /// Changes are made in `tasks`, so that they're finished even if nobody waits for them any more.
    pub(in crate::custody::source) fn new(settings: RemoteSettings, backend: B, tasks: &TaskTracker) -> Self {
        let RemoteSettings { name, limits, state, clock, .. } = &settings;
        Self(Arc::new(Inner {
            budget: Budget::new(name.clone(), *limits, state.as_ref(), clock.clone()),
            listing: Listing::new(settings.fresh_for, settings.stale_if_error),
            gathering: Gathering::default(),
            locks: Locks::new(name.clone(), state.clone()),
            upstream: Upstream::new(),
            prints: Gathered::default(),
            tasks: tasks.clone(),
            settings,
            backend,
        }))
    }

    /// The name it bears in the configuration.
    pub(in crate::custody::source) fn name(&self) -> &SourceName {
        &self.0.settings.name
    }

    /// The way it's asked.
    pub(in crate::custody::source) fn backend(&self) -> &B {
        &self.0.backend
    }

    /// What it holds, if that needs no asking.
    pub(in crate::custody::source) fn fresh(&self) -> Option<Arc<Inventory>> {
        self.0.listing.fresh()
    }

    /// What it holds; listed anew when it's old. The same `Arc` as long as it's unchanged.
    pub(in crate::custody::source) async fn inventory(
        &self,
        asker: &PrincipalName,
    ) -> Result<Arc<Inventory>, SourceError> {
        self.0.inventory(asker).await
    }

    /// Takes prints of the values of each item that's read from now on.
    pub(in crate::custody::source) fn take_prints_with(&self, key: &PrintKey) {
        self.0.prints.begin(key);
    }

    /// The prints of the values of the items that were read.
    pub(in crate::custody::source) fn prints(&self) -> Option<Arc<Prints>> {
        self.0.prints.prints(self.0.listing.last())
    }

    /// Lists again because a name wasn't found, unless that was done a moment ago. Whether it did: then
    /// it's worth another look at [`Remote::inventory`].
    pub(in crate::custody::source) async fn look_again(&self, asker: &PrincipalName) -> bool {
        self.0.look_again(asker).await
    }

    /// Reads items whole, one answer for each that's asked for. From then on the inventory has their
    /// fields. Every value comes along.
    pub(in crate::custody::source) async fn read_items(
        &self,
        items: &[backend::ItemKey],
        asker: &PrincipalName,
    ) -> Vec<Result<ReadItem, SourceError>> {
        Inner::read_items(&self.0, items, asker).await
    }

    /// Reads values, each item once.
    pub(in crate::custody::source) async fn fetch(
        &self,
        places: &[Place],
        asker: &PrincipalName,
    ) -> Vec<Result<Fetched, SourceError>> {
        Inner::fetch(&self.0, places, asker).await
    }

    /// Sets a value and reads it back. Once begun, it's finished even if nobody waits for it.
    pub(in crate::custody::source) async fn store(
        &self,
        change: Change,
        asker: &PrincipalName,
    ) -> Result<Stored, SourceError> {
        let (inner, asker) = (Arc::clone(&self.0), asker.clone());
        self.to_the_end(async move { inner.store(change, &asker).await }).await
    }

    /// Archives an item, or where it may and there's no other way deletes it; gives its last version.
    /// Once begun, it's finished even if nobody waits for it.
    pub(in crate::custody::source) async fn archive(
        &self,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> Result<u64, SourceError> {
        let (inner, item, asker) = (Arc::clone(&self.0), item.clone(), asker.clone());
        self.to_the_end(async move { inner.archive(&item, if_version, &asker).await }).await
    }

    /// Makes a request that isn't one of [`Backend`]'s, paid for by whoever asks.
    pub(in crate::custody::source) async fn ask<T>(
        &self,
        asker: &PrincipalName,
        cost: Cost,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, SourceError> {
        self.0.pay_and_ask(asker, cost, request).await
    }

    /// How many requests are left; `None` if there's no limit.
    pub(in crate::custody::source) fn allowance(&self) -> Option<Allowance> {
        self.0.budget.allowance()
    }

    /// How many requests may be made at most; `None` if there's no limit.
    pub(in crate::custody::source) fn limits(&self) -> Option<Limits> {
        self.0.settings.limits
    }

    /// How often 1Password was asked.
    pub(in crate::custody::source) fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    /// Whether 1Password answers, as far as is known without asking: not while nothing is asked
    /// because it said so or because listing failed, nor right after any request did.
    pub(in crate::custody::source) fn standing(&self) -> Standing {
        let waits = || self.allowance().is_some_and(|allowance| allowance.paused_until.is_some());
        if self.0.listing.is_paused() || waits() { Standing::Down } else { self.0.upstream.standing() }
    }

    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SourceError>> + Send + 'static,
    ) -> Result<T, SourceError> {
        let done = self.0.tasks.spawn(work).await;
        done.unwrap_or_else(|_| {
            Err(SourceError::Unavailable {
                source_name: self.name().clone(),
                detail: "the change was cut short".to_owned(),
                remedy: "describe the item before trying again: the change may have been made",
            })
        })
    }
}

impl<B: Backend> Inner<B> {
    /// Makes a request that's paid for by whoever asks.
    async fn ask<T>(
        &self,
        asker: &PrincipalName,
        command: Command,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, SourceError> {
        self.pay_and_ask(asker, self.backend.cost(command), Box::pin(request)).await
    }

    async fn pay_and_ask<T>(
        &self,
        asker: &PrincipalName,
        cost: Cost,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, SourceError> {
        self.paid(self.budget.spend(asker, cost).await)?;
        let answer = self.answer(request).await;
        if let Err(Failure::Unreachable { .. }) = &answer {
            // Nothing was asked, so nothing counts.
            self.budget.refund(asker, cost).await;
        }
        answer.map_err(|failure| failure.at(&self.settings.name))
    }

    /// Makes a request that's paid for out of a purse.
    async fn step<T>(
        &self,
        purse: &mut Purse,
        command: Command,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Trouble> {
        let cost = self.backend.cost(command);
        self.paid(purse.pay(cost).await).map_err(Trouble::NotAsked)?;
        let answer = self.answer(request).await;
        if let Err(Failure::Unreachable { .. }) = &answer {
            purse.put_back(cost);
        }
        answer.map_err(Trouble::Failed)
    }

    /// Counts a request that couldn't be paid for.
    fn paid<T>(&self, paid: Result<T, SourceError>) -> Result<T, SourceError> {
        paid.inspect_err(|_| self.upstream.withheld())
    }

    /// Waits for an answer, counts it, and asks no more for a while where it says so.
    fn answer<T>(
        &self,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> impl Future<Output = Result<T, Failure>> {
        // Beside a request a box is nothing, and futures that hold each other get large.
        let request = Box::pin(request);
        async move {
            let answer = self.upstream.count(request, Failure::answered).await;
            self.heed(answer).await
        }
    }

    /// Reads several items in one request, if there's such a thing.
    async fn answer_batch(&self, keys: &[backend::ItemKey]) -> Result<Vec<document::Document>, Failure> {
        let request = self.backend.read_batch(keys);
        if self.backend.gathers_for().is_some() {
            self.answer(request).await
        } else {
            // Then nobody was asked, and there's nothing to be counted.
            let answer = request.await;
            self.heed(answer).await
        }
    }

    /// Asks no more for a while where the answer says so.
    async fn heed<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::RateLimited { retry_after }) = &answer {
            self.budget.close(*retry_after).await;
        }
        answer
    }

    /// A read that ended without an answer of any kind.
    fn cut_short(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "a read was cut short".to_owned(),
            remedy: "try again",
        }
    }

    fn missing(&self) -> SourceError {
        SourceError::Missing { source_name: self.settings.name.clone() }
    }

    fn conflict(&self, current: u64) -> SourceError {
        SourceError::Conflict { source_name: self.settings.name.clone(), current }
    }
}

impl Trouble {
    fn at(self, source: &SourceName) -> SourceError {
        match self {
            Self::NotAsked(error) => error,
            Self::Failed(failure) => failure.at(source),
        }
    }
}
