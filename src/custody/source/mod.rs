//! The seam to the places values come from.
//!
//! A closed set, so an enum: each source answers the same five questions in its own way, and only
//! the code below this module talks to a vault.

mod connect;
mod local;
mod onepassword;
mod op;

pub use connect::{ConnectHealth, ConnectSettings, ConnectSetupError, ConnectVersion, Dependency, DependencyState};
pub use local::{LocalError, LocalSettings, LocalSource, Unlock};
pub use op::{Account, NotAnAccount, OpEnvironment, OpSettings, SignIn};

use std::sync::Arc;

use jiff::Timestamp;

use super::error::SourceError;
use super::value::SecretValue;
use crate::model::{Category, FieldId, Item, ItemId, Name, Place, PrincipalName, SecretPath, SourceName, Tag, VaultId};

/// A configured `[[source]]`.
#[derive(Debug)]
pub enum Source {
    /// A KDBX file on this machine.
    Local(LocalSource),
}

/// What a source holds, without values.
#[derive(Debug)]
pub struct Inventory {
    /// Its vaults.
    pub vaults: Vec<Vault>,
    /// Its items, in no particular order.
    pub items: Vec<Arc<Item>>,
    /// Differs from the inventory's before if values may have changed without our doing; `None`
    /// where only time can tell.
    pub generation: Option<u64>,
}

/// One vault of a source.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Its immutable id.
    pub id: VaultId,
    /// Its name, or its id where no path can carry the name.
    pub name: Name,
    /// What its owner wrote about it.
    pub description: Option<String>,
}

/// A value as a source gave it.
#[derive(Debug)]
pub struct Fetched {
    /// The plaintext.
    pub value: SecretValue,
    /// The version of its item.
    pub version: u64,
    /// The path the source now has for it: the catalog's may be older.
    pub path: SecretPath,
}

/// A value to be set. Where `place` is `None`, the field and, if need be, the item and (in a local
/// vault) the vault are made.
#[derive(Debug)]
pub struct Change {
    /// The canonical path.
    pub path: SecretPath,
    /// Where it's kept, if it exists.
    pub place: Option<Place>,
    /// The new value.
    pub value: SecretValue,
    /// The item's category, when it's made; an existing item keeps its own unless this says otherwise.
    pub category: Option<Category>,
    /// The item's tags from now on; `None` leaves them.
    pub tags: Option<Vec<Tag>>,
    /// The item's expiry from now on; `None` leaves it.
    pub expires_at: Option<Timestamp>,
    /// The version the caller knows; another one is a conflict.
    pub if_version: Option<u64>,
}

/// What a change came to, read back from the source.
#[derive(Debug)]
pub struct Stored {
    /// The item's version now.
    pub version: u64,
    /// The item's version before; `None` if the item is new.
    pub previous_version: Option<u64>,
    /// Where the value is kept.
    pub place: Place,
}

/// An item's address at its source, which never changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The vault it's in.
    pub vault: VaultId,
    /// Its id.
    pub item: ItemId,
}

/// What may still be asked of a source before its limits are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that read, in this hour.
    pub reads: u32,
    /// Requests that write, in this hour.
    pub writes: u32,
    /// Requests of either kind, in this day.
    pub today: u32,
    /// Until when nothing at all may be asked, because the source said so.
    pub paused_until: Option<Timestamp>,
}

/// An item that was read whole, since its source doesn't tell its fields' names otherwise.
#[derive(Debug)]
pub struct ReadItem {
    /// The item, with its fields.
    pub item: Arc<Item>,
    /// The value of each field that has one. What isn't asked for is to be dropped at once.
    pub values: Vec<(FieldId, SecretValue)>,
}

impl Source {
    /// The name it bears in the configuration.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        match self {
            Self::Local(local) => local.name(),
        }
    }

    /// What it holds, if that's known without asking anybody.
    #[must_use]
    pub fn fresh(&self) -> Option<Arc<Inventory>> {
        match self {
            Self::Local(local) => local.fresh(),
        }
    }

    /// What it holds. The same `Arc` comes back as long as nothing changed.
    pub async fn inventory(&self, asker: &PrincipalName) -> Result<Arc<Inventory>, SourceError> {
        match self {
            Self::Local(local) => local.inventory().await,
        }
    }

    /// Looks again at what it holds because a name wasn't found, unless that was done a moment ago;
    /// tells whether it did.
    pub async fn look_again(&self, asker: &PrincipalName) -> bool {
        match self {
            // What's in a file is always known as it is.
            Self::Local(_) => false,
        }
    }

    /// Reads items whose fields aren't known; the next inventory has them.
    pub async fn read_items(&self, items: &[ItemKey], asker: &PrincipalName) -> Vec<Result<ReadItem, SourceError>> {
        match self {
            // A file tells all there is: nothing is left to be read.
            Self::Local(_) => Vec::new(),
        }
    }

    /// Reads values, in as few requests as possible, one answer for each place; one that fails doesn't fail the others.
    pub async fn fetch(&self, places: &[Place], asker: &PrincipalName) -> Vec<Result<Fetched, SourceError>> {
        match self {
            Self::Local(local) => match local.fetch(places).await {
                Ok(answers) => answers,
                Err(error) => places.iter().map(|_| Err(error.clone())).collect(),
            },
        }
    }

    /// Sets a value and reads it back.
    pub async fn store(&self, change: Change, asker: &PrincipalName) -> Result<Stored, SourceError> {
        match self {
            Self::Local(local) => local.store(change).await,
        }
    }

    /// Archives an item, recoverably; gives its last version.
    pub async fn archive(
        &self,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> Result<u64, SourceError> {
        match self {
            Self::Local(local) => local.archive(item, if_version).await,
        }
    }

    /// How many requests it may still be sent; `None` where nobody counts them.
    #[must_use]
    pub fn allowance(&self) -> Option<Allowance> {
        match self {
            Self::Local(_) => None,
        }
    }

    /// Whether a vault that isn't there can be made here.
    #[must_use]
    pub fn makes_vaults(&self) -> bool {
        match self {
            Self::Local(_) => true,
        }
    }
}
