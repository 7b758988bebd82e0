//! Archiving an item, or where it may and there's no other way deleting it.

use super::backend::{Backend, Command, ItemKey, Removal};
use super::budget::Purse;
use super::failure::Failure;
use super::verify::Patience;
use super::writing::{TRIES_AFTER_CONFLICTS, TRIES_IN_DOUBT};
use super::{Inner, Trouble};
use crate::custody::error::SourceError;
use crate::model::{ItemId, PrincipalName};

impl<B: Backend> Inner<B> {
    pub(super) async fn archive(
        &self,
        item: &ItemId,
        if_version: Option<u64>,
        asker: &PrincipalName,
    ) -> Result<u64, SourceError> {
        if self.backend.removal() == Removal::Destroys && !self.settings.allow_permanent_delete {
            return Err(SourceError::Unsupported {
                source_name: self.settings.name.clone(),
                detail: "1Password Connect can't archive an item, only delete it for good, which the owner has to \
                         allow with `allow_permanent_delete = true`",
            });
        }
        let inventory = self.inventory(asker).await?;
        let known = inventory.items.iter().find(|known| known.id == *item).ok_or_else(|| self.missing())?;
        let key = ItemKey { vault: known.vault.clone(), item: item.clone() };
        let _turn = self.locks.take(&key.vault).await?;
        let steps = [Command::Read, Command::Remove, Command::Read, Command::Read];
        let mut purse = self.paid(self.budget.reserve(asker, self.cost(steps)).await)?;
        let removed = self.remove(&key, if_version, &mut purse).await;
        purse.close().await;
        if matches!(removed, Ok(_) | Err(SourceError::Missing { .. })) {
            self.listing.forget(&key);
        }
        removed
    }

    async fn remove(&self, key: &ItemKey, if_version: Option<u64>, purse: &mut Purse) -> Result<u64, SourceError> {
        let (_, before) = self.reread_current(key, if_version, purse).await?;
        let mut patience = Patience::new();
        let mut in_doubt = false;
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            match self.step(purse, Command::Remove, self.backend.remove(key)).await {
                Ok(()) => {
                    self.confirm_gone(key, purse).await?;
                    return Ok(before.version);
                }
                Err(Trouble::Failed(Failure::Missing)) if in_doubt => return Ok(before.version),
                Err(Trouble::Failed(Failure::Conflict)) if tries < TRIES_AFTER_CONFLICTS => {}
                Err(Trouble::Failed(Failure::Unclear { .. })) if tries < TRIES_IN_DOUBT => in_doubt = true,
                Err(Trouble::Failed(Failure::Unclear { .. })) => return Err(self.unclear()),
                Err(_) if in_doubt => return Err(self.unclear()),
                Err(Trouble::Failed(Failure::Conflict)) => return Err(self.conflict(before.version)),
                Err(trouble) => return Err(trouble.at(&self.settings.name)),
            }
            patience.wait().await;
            match self.reread(key, purse).await {
                // Somebody changed it meanwhile, and might not want it gone any more.
                Ok((_, item)) if item.version != before.version => return Err(self.conflict(item.version)),
                Err(Trouble::Failed(Failure::Missing)) => return Ok(before.version),
                Err(Trouble::NotAsked(_)) => return Err(self.unclear()),
                Ok(_) | Err(Trouble::Failed(_)) => {}
            }
        }
    }

    /// Looks at an item until it's gone.
    async fn confirm_gone(&self, key: &ItemKey, purse: &mut Purse) -> Result<(), SourceError> {
        let mut patience = Patience::new();
        let mut is_there = false;
        loop {
            match self.reread(key, purse).await {
                Err(Trouble::Failed(Failure::Missing)) => return Ok(()),
                Ok(_) => is_there = true,
                Err(Trouble::NotAsked(_)) => return Err(self.unclear()),
                Err(Trouble::Failed(_)) => {}
            }
            if !patience.wait().await {
                break;
            }
        }
        Err(if is_there { self.lost() } else { self.unclear() })
    }
}
