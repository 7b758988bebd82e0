//! The seam between what's done with 1Password and how it's asked.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::document::Document;
use super::failure::Failure;
pub(in crate::custody::source) use crate::custody::source::ItemKey;
use crate::custody::value::SecretValue;
use crate::model::{FieldId, ItemId, VaultId};

/// One way to ask 1Password. Each method is one request, or one process, unless it says otherwise.
///
/// It asks afresh each time: nothing is cached, and nothing is retried that counts against a limit.
/// Whoever calls has paid for the request out of the source's budget.
pub(in crate::custody::source) trait Backend: fmt::Debug + Send + Sync + 'static {
    /// The vaults it can see.
    fn vaults(&self) -> impl Future<Output = Result<Vec<RemoteVault>, Failure>> + Send;

    /// The items of some vaults, as they're listed: names, ids, dates and versions, no fields. It
    /// asks once for all of them, or once a vault, at most a few at a time.
    fn items(&self, vaults: &[VaultId]) -> impl Future<Output = Result<Vec<Document>, Failure>> + Send;

    /// One item with its fields and their values.
    fn read(&self, item: &ItemKey) -> impl Future<Output = Result<Document, Failure>> + Send;

    /// Several items at once, where there's a way: those it could get, in any order. What's left
    /// out is read one by one; a failure is one that each of them would meet.
    fn read_batch(&self, items: &[ItemKey]) -> impl Future<Output = Result<Vec<Document>, Failure>> + Send;

    /// How long a read may wait for others to be made together with it; `None` where that gains nothing.
    fn gathers_for(&self) -> Option<Duration>;

    /// Makes an item; gives its id.
    fn create(&self, vault: &VaultId, item: &Document) -> impl Future<Output = Result<ItemId, Failure>> + Send;

    /// Replaces a whole item.
    fn replace(&self, item: &ItemKey, with: &Document) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sets the value of one field that's there, and leaves all else in the item alone, what isn't
    /// shown of it included. `None` if that can't be done: then nothing was changed.
    fn set_value(
        &self,
        item: &ItemKey,
        field: &FieldId,
        value: &SecretValue,
    ) -> impl Future<Output = Option<Result<(), Failure>>> + Send;

    /// Removes an item, as [`Backend::removal`] says.
    fn remove(&self, item: &ItemKey) -> impl Future<Output = Result<(), Failure>> + Send;

    /// What removing does.
    fn removal(&self) -> Removal;

    /// What a request counts for against 1Password's limits.
    fn cost(&self, of: Command) -> Cost;
}

/// A vault as 1Password lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::custody::source) struct RemoteVault {
    /// Its immutable id.
    pub(in crate::custody::source) id: VaultId,
    /// Its name, as it's written there: it may be one that no path can carry.
    pub(in crate::custody::source) name: String,
    /// What its owner wrote about it.
    pub(in crate::custody::source) description: Option<String>,
}

/// What becomes of a removed item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::custody::source) enum Removal {
    /// It's archived, and can be brought back.
    Archives,
    /// It's gone for good.
    Destroys,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::custody::source) enum Command {
    /// [`Backend::vaults`].
    Vaults,
    /// [`Backend::items`], of so many vaults.
    Items(usize),
    /// [`Backend::read`].
    Read,
    /// [`Backend::read_batch`], of so many items.
    ReadBatch(usize),
    /// [`Backend::create`].
    Create,
    /// [`Backend::replace`].
    Replace,
    /// [`Backend::remove`].
    Remove,
}

/// How many requests something counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::custody::source) struct Cost {
    /// Those that read.
    pub(in crate::custody::source) reads: u32,
    /// Those that write.
    pub(in crate::custody::source) writes: u32,
}
