//! The questions 1Password is asked, each as Connect takes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use zeroize::Zeroizing;

use super::ConnectClient;
use super::body;
use super::shape::{Identity, ListedVault};
use super::wire::{Ask, unexpected};
use crate::custody::source::onepassword::backend::{Backend, Command, Cost, ItemKey, RemoteVault, Removal};
use crate::custody::source::onepassword::document::Document;
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::SecretValue;
use crate::model::{FieldId, ItemId, VaultId};

/// What one of several parallel listings came to: items, and the vaults that were refused.
type Listed<'a> = (Vec<Document>, Vec<(&'a VaultId, Failure)>);

impl Backend for ConnectClient {
    async fn vaults(&self) -> Result<Vec<RemoteVault>, Failure> {
        let answer = self.wire.ask(&Ask::get(self.wire.address().vaults(), body::LIST)).await;
        // There's always a list of vaults, though it may be empty.
        let nowhere = || unexpected("the Connect server has no list of vaults");
        let answer = answer.map_err(|failure| if failure == Failure::Missing { nowhere() } else { failure })?;
        let vaults: Option<Vec<ListedVault>> = serde_json::from_slice(&answer.body).ok();
        let vaults = vaults.and_then(|vaults| vaults.into_iter().map(ListedVault::into_vault).collect());
        vaults.ok_or_else(|| unexpected("the answer isn't a list of vaults"))
    }

    async fn items(&self, vaults: &[VaultId]) -> Result<Vec<Document>, Failure> {
        let next = AtomicUsize::new(0);
        let lane = || self.lane(vaults, &next);
        let (first, second, third, fourth) = tokio::try_join!(lane(), lane(), lane(), lane())?;
        let (mut items, mut refused) = Listed::default();
        for (listed, without) in [first, second, third, fourth] {
            items.extend(listed);
            refused.extend(without);
        }
        self.check_vanished(refused).await?;
        Ok(items)
    }

    async fn read(&self, item: &ItemKey) -> Result<Document, Failure> {
        let answer = self.wire.ask(&Ask::get(self.item_address(item)?, body::ITEM)).await?;
        if !identity(&answer.body)?.is(item) {
            return Err(unexpected("the answer is another item than the one asked for"));
        }
        Document::parse(&answer.body).map_err(|_| not_an_item())
    }

    async fn read_batch(&self, _: &[ItemKey]) -> Result<Vec<Document>, Failure> {
        // There's no request for several. Each is as cheap as a part of one would be.
        Ok(Vec::new())
    }

    fn gathers_for(&self) -> Option<Duration> {
        None
    }

    async fn create(&self, vault: &VaultId, item: &Document) -> Result<ItemId, Failure> {
        let address = self.wire.address().items(vault).ok_or(Failure::Missing)?;
        let answer = self.wire.ask(&Ask::send(Method::POST, address, item.to_json())).await?;
        let identity = identity(&answer.body)?;
        if !identity.is_in(vault) {
            return Err(unexpected("the answer is an item of another vault"));
        }
        Ok(identity.item())
    }

    async fn replace(&self, item: &ItemKey, with: &Document) -> Result<(), Failure> {
        self.change(Method::PUT, item, with.to_json()).await
    }

    async fn set_value(&self, item: &ItemKey, field: &FieldId, value: &SecretValue) -> Option<Result<(), Failure>> {
        match self.patch_value(item, field, value).await {
            Err(Failure::Unsupported(_)) => None,
            done => Some(done),
        }
    }

    async fn remove(&self, item: &ItemKey) -> Result<(), Failure> {
        let answer = self.wire.ask(&Ask::delete(self.item_address(item)?)).await?;
        // Anything else is a proxy's: Connect has nothing to say to it.
        if answer.status == StatusCode::NO_CONTENT { Ok(()) } else { Err(unexpected("the answer isn't Connect's")) }
    }

    fn removal(&self) -> Removal {
        Removal::Destroys
    }

    fn cost(&self, of: Command) -> Cost {
        // The server answers from its own copy, and 1Password counts none of it. An owner may.
        let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        match of {
            Command::Vaults | Command::Read => Cost { reads: 1, writes: 0 },
            Command::Items(vaults) => Cost { reads: count(vaults), writes: 0 },
            // Each is read, and counted, by itself.
            Command::ReadBatch(_) => Cost::default(),
            Command::Create | Command::Replace | Command::Remove => Cost { reads: 0, writes: 1 },
        }
    }
}

impl ConnectClient {
    /// Sends a change of an item. The item that comes back says that it was taken, and no more.
    pub(super) async fn change(&self, method: Method, item: &ItemKey, json: Zeroizing<Vec<u8>>) -> Result<(), Failure> {
        let answer = self.wire.ask(&Ask::send(method, self.item_address(item)?, json)).await?;
        if identity(&answer.body)?.is(item) { Ok(()) } else { Err(unexpected("the answer is another item")) }
    }

    /// An item's address. Nothing has an id that isn't one.
    pub(super) fn item_address(&self, item: &ItemKey) -> Result<String, Failure> {
        self.wire.address().item(item).ok_or(Failure::Missing)
    }

    /// Lists one vault after another, until none is left that nobody else has taken.
    async fn lane<'a>(&self, vaults: &'a [VaultId], next: &AtomicUsize) -> Result<Listed<'a>, Failure> {
        let (mut items, mut refused) = Listed::default();
        while let Some(vault) = vaults.get(next.fetch_add(1, Ordering::Relaxed)) {
            match self.items_of(vault).await {
                Ok(listed) => items.extend(listed),
                Err(failure @ (Failure::Missing | Failure::Forbidden { .. })) => refused.push((vault, failure)),
                Err(failure) => return Err(failure),
            }
        }
        Ok((items, refused))
    }

    async fn items_of(&self, vault: &VaultId) -> Result<Vec<Document>, Failure> {
        let address = self.wire.address().items(vault).ok_or(Failure::Missing)?;
        let answer = self.wire.ask(&Ask::get(address, body::LIST)).await?;
        let identities: Option<Vec<Identity<'_>>> = serde_json::from_slice(&answer.body).ok();
        if !identities.is_some_and(|items| items.iter().all(|item| item.is_in(vault))) {
            return Err(unexpected("the answer isn't a list of the vault's items"));
        }
        Document::parse_list(&answer.body).map_err(|_| not_an_item())
    }

    /// Lets a refusal pass where the vault is gone, or no longer granted. The list of vaults tells:
    /// a refusal by itself may be a mistake, and would make the vault's items disappear.
    async fn check_vanished(&self, refused: Vec<(&VaultId, Failure)>) -> Result<(), Failure> {
        if refused.is_empty() {
            return Ok(());
        }
        let vaults = self.vaults().await?;
        let mut there = refused.into_iter().filter(|(vault, _)| vaults.iter().any(|listed| listed.id == **vault));
        match there.next() {
            None => Ok(()),
            Some((_, Failure::Missing)) => Err(unexpected("the Connect server lists a vault and denies having it")),
            Some((_, failure)) => Err(failure),
        }
    }
}

fn identity(json: &[u8]) -> Result<Identity<'_>, Failure> {
    serde_json::from_slice(json).map_err(|_| not_an_item())
}

fn not_an_item() -> Failure {
    unexpected("the answer isn't an item")
}
