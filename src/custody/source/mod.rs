//! The seam to the places values come from.
//!
//! A closed set, so an enum: each source answers the same five questions in its own way, and only
//! the code below this module talks to a vault.

mod connect;
mod down;
mod local;
mod onepassword;
mod op;
mod prints;
mod upstream;

pub use connect::{ConnectHealth, ConnectSettings, ConnectSetupError, ConnectVersion, Dependency, DependencyState};
pub use down::DownSource;
pub use local::{LocalError, LocalSettings, LocalSource, Unlock};
pub use onepassword::{Allowance, Limits, RemoteSettings};
pub use op::{
    Account, Counted, LimitScope, NotAnAccount, OpEnvironment, OpSettings, RateLimit, SignIn, Version as OpVersion,
};

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use self::connect::ConnectClient;
use self::onepassword::Remote;
use self::onepassword::backend::Cost;
use self::onepassword::failure::Failure;
use self::op::OpClient;
pub(in crate::custody) use self::upstream::{BOUNDS as UPSTREAM_BOUNDS, UpstreamFigures};

use super::error::SourceError;
use super::value::SecretValue;
use crate::model::{
    Category, FieldId, Item, ItemId, Name, Place, PrincipalName, SecretPath, SourceKind, SourceName, Standing, Tag,
    VaultId,
};

/// A configured `[[source]]`.
#[derive(Debug)]
pub enum Source {
    /// 1Password, asked through a Connect server.
    Connect(ConnectSource),
    /// A KDBX file on this machine.
    Local(LocalSource),
    /// 1Password, asked through its command line program.
    Op(OpSource),
    /// One that can't be used as it's configured.
    Down(DownSource),
}

/// 1Password, asked through a Connect server.
#[derive(Debug)]
pub struct ConnectSource(Remote<ConnectClient>);

/// 1Password, asked through its command line program.
#[derive(Debug)]
pub struct OpSource(Remote<OpClient>);

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Whether the value is the one that was there before.
    pub is_same: bool,
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
            Self::Connect(ConnectSource(remote)) => remote.name(),
            Self::Local(local) => local.name(),
            Self::Op(OpSource(remote)) => remote.name(),
            Self::Down(down) => down.name(),
        }
    }

    /// What it holds, if that's known without asking anybody.
    #[must_use]
    pub fn fresh(&self) -> Option<Arc<Inventory>> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.fresh(),
            Self::Local(local) => local.fresh(),
            Self::Op(OpSource(remote)) => remote.fresh(),
            Self::Down(_) => None,
        }
    }

    /// What it holds. The same `Arc` comes back as long as nothing changed.
    pub async fn inventory(&self, asker: &PrincipalName) -> Result<Arc<Inventory>, SourceError> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.inventory(asker).await,
            Self::Local(local) => local.asked_by(asker).inventory().await,
            Self::Op(OpSource(remote)) => remote.inventory(asker).await,
            Self::Down(down) => Err(down.error()),
        }
    }

    /// Looks again at what it holds because a name wasn't found, unless that was done a moment ago;
    /// tells whether it did.
    pub async fn look_again(&self, asker: &PrincipalName) -> bool {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.look_again(asker).await,
            // What's in a file is always known as it is.
            Self::Local(_) | Self::Down(_) => false,
            Self::Op(OpSource(remote)) => remote.look_again(asker).await,
        }
    }

    /// Reads items whose fields aren't known, one answer for each; the next inventory has them.
    pub async fn read_items(&self, items: &[ItemKey], asker: &PrincipalName) -> Vec<Result<ReadItem, SourceError>> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.read_items(items, asker).await,
            // A file tells all there is: nothing is left to be read.
            Self::Local(_) => Vec::new(),
            Self::Op(OpSource(remote)) => remote.read_items(items, asker).await,
            Self::Down(down) => items.iter().map(|_| Err(down.error())).collect(),
        }
    }

    /// Reads values, in as few requests as possible, one answer for each place; one that fails doesn't
    /// fail the others.
    pub async fn fetch(&self, places: &[Place], asker: &PrincipalName) -> Vec<Result<Fetched, SourceError>> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.fetch(places, asker).await,
            Self::Local(local) => match local.asked_by(asker).fetch(places).await {
                Ok(answers) => answers,
                Err(error) => places.iter().map(|_| Err(error.clone())).collect(),
            },
            Self::Op(OpSource(remote)) => remote.fetch(places, asker).await,
            Self::Down(down) => places.iter().map(|_| Err(down.error())).collect(),
        }
    }

    /// Sets a value and reads it back.
    pub async fn store(&self, change: Change, asker: &PrincipalName) -> Result<Stored, SourceError> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.store(change, asker).await,
            Self::Local(local) => local.asked_by(asker).store(change).await,
            Self::Op(OpSource(remote)) => remote.store(change, asker).await,
            Self::Down(down) => Err(down.error()),
        }
    }

    /// Archives an item, recoverably unless the owner allowed it to be deleted for good; gives its
    /// last version.
    pub async fn archive(
        &self,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> Result<u64, SourceError> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.archive(item, if_version, asker).await,
            Self::Local(local) => local.asked_by(asker).archive(item, if_version).await,
            Self::Op(OpSource(remote)) => remote.archive(item, if_version, asker).await,
            Self::Down(down) => Err(down.error()),
        }
    }

    /// How many requests it may still be sent; `None` where nobody counts them.
    #[must_use]
    pub fn allowance(&self) -> Option<Allowance> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.allowance(),
            Self::Op(OpSource(remote)) => remote.allowance(),
            Self::Local(_) | Self::Down(_) => None,
        }
    }

    /// How many requests it may be sent at most; `None` where nobody counts them.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.limits(),
            Self::Op(OpSource(remote)) => remote.limits(),
            Self::Local(_) | Self::Down(_) => None,
        }
    }

    /// What kind it is; `None` for one that can't be used, since it's never asked.
    #[must_use]
    pub fn kind(&self) -> Option<SourceKind> {
        match self {
            Self::Connect(_) => Some(SourceKind::Connect),
            Self::Local(_) => Some(SourceKind::Local),
            Self::Op(_) => Some(SourceKind::Op),
            Self::Down(_) => None,
        }
    }

    /// Whether it answers, as far as is known without asking.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self {
            Self::Connect(ConnectSource(remote)) => remote.standing(),
            Self::Local(local) => local.standing(),
            Self::Op(OpSource(remote)) => remote.standing(),
            Self::Down(_) => Standing::Down,
        }
    }

    /// How often it was asked.
    pub(in crate::custody) fn upstream(&self) -> Option<UpstreamFigures> {
        match self {
            Self::Connect(ConnectSource(remote)) => Some(remote.upstream().read()),
            Self::Local(local) => Some(local.upstream().read()),
            Self::Op(OpSource(remote)) => Some(remote.upstream().read()),
            Self::Down(_) => None,
        }
    }

    /// Whether what's archived here can be brought back. Connect can only delete, so there it's done
    /// at all only where the owner said so.
    #[must_use]
    pub fn brings_back(&self) -> bool {
        match self {
            Self::Connect(_) => false,
            Self::Down(_) | Self::Local(_) | Self::Op(_) => true,
        }
    }

    /// Whether a vault that isn't there can be made here.
    #[must_use]
    pub fn makes_vaults(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Down(_) | Self::Op(_) => false,
            Self::Local(_) => true,
        }
    }
}

impl ConnectSource {
    /// Takes note of how the server is asked. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// When the address or the token can't be one.
    pub fn new(
        remote: RemoteSettings,
        client: ConnectSettings,
        tasks: &TaskTracker,
    ) -> Result<Self, ConnectSetupError> {
        Ok(Self(Remote::new(remote, ConnectClient::new(client)?, tasks)))
    }

    /// How the server is. It isn't sent the token.
    ///
    /// # Errors
    ///
    /// It doesn't answer.
    pub async fn health(&self) -> Result<ConnectHealth, SourceError> {
        self.0.backend().health().await.map_err(|failure| failure.at(self.0.name()))
    }
}

impl OpSource {
    /// Takes note of how the program is started. Nothing is started or looked for yet.
    #[must_use]
    pub fn new(remote: RemoteSettings, client: OpSettings, tasks: &TaskTracker) -> Self {
        Self(Remote::new(remote, OpClient::new(client, tasks), tasks))
    }

    /// Where the program is, and its version.
    ///
    /// # Errors
    ///
    /// There's none that can be used.
    pub async fn program(&self) -> Result<(PathBuf, OpVersion), SourceError> {
        let at = |failure: Failure| failure.at(self.0.name());
        let program = self.0.backend().program().await.map_err(at)?.to_owned();
        Ok((program, self.0.backend().version().await.map_err(at)?))
    }

    /// What 1Password itself counts of a service account's requests.
    ///
    /// # Errors
    ///
    /// It isn't one, or 1Password doesn't say.
    pub async fn rate_limits(&self, asker: &PrincipalName) -> Result<Vec<RateLimit>, SourceError> {
        // Whether this counts itself, nobody says for certain.
        let cost = Cost { reads: 1, writes: 0 };
        self.0.ask(asker, cost, self.0.backend().rate_limits()).await
    }
}
