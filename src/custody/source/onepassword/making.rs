//! Making an item, or a field in one that's there.

use super::backend::{Backend, Command, ItemKey};
use super::budget::Purse;
use super::document::Document;
use super::failure::Failure;
use super::verify::{Goal, Patience, Seen, tail};
use super::writing::{LOOKS_IN_DOUBT, TRIES_AFTER_CONFLICTS};
use super::{Inner, Trouble};
use crate::custody::error::SourceError;
use crate::custody::source::{Change, Inventory, Stored};
use crate::model::{FieldId, ItemId, Name, PrincipalName, VaultId};

impl<B: Backend> Inner<B> {
    /// Sets a value that isn't there yet, under the path a change names.
    pub(super) async fn make(&self, change: &Change, asker: &PrincipalName) -> Result<Stored, SourceError> {
        let names = change.path.names();
        let [vault_name, title, ..] = names.as_slice() else { return Err(self.missing()) };
        let inventory = self.inventory(asker).await?;
        let vault = self.vault_called(&inventory, vault_name).ok_or_else(|| self.missing())?;
        let called_so = items_called(&inventory, &vault, title);
        match called_so.as_slice() {
            [item] => self.set(&ItemKey { vault, item: item.clone() }, change, asker).await,
            [] if change.if_version.is_some() || title.is_id() => Err(self.missing()),
            [] => self.make_item(&vault, title, change, asker).await,
            _ => Err(SourceError::Invalid {
                source_name: self.settings.name.clone(),
                detail: "several items have this title: name the one that's meant by its id",
            }),
        }
    }

    async fn make_item(
        &self,
        vault: &VaultId,
        title: &Name,
        change: &Change,
        asker: &PrincipalName,
    ) -> Result<Stored, SourceError> {
        let new = Document::new(vault, change);
        let (document, field) = new.map_err(|failure| failure.at(&self.settings.name))?;
        let _turn = self.locks.take(vault).await?;
        let steps = [Command::Items(1), Command::Create, Command::Read, Command::Read];
        let mut purse = self.paid(self.budget.reserve(asker, self.cost(steps)).await)?;
        let goal = goal(change, field);
        let made = self.create(vault, title, &document, &goal, &mut purse).await;
        purse.close().await;
        made
    }

    async fn create(
        &self,
        vault: &VaultId,
        title: &Name,
        document: &Document,
        goal: &Goal<'_>,
        purse: &mut Purse,
    ) -> Result<Stored, SourceError> {
        let there = self.list_vault(vault, purse).await.map_err(|trouble| trouble.at(&self.settings.name))?;
        // Somebody else may have made it since the last list.
        if let Some(twin) = there.iter().find(|item| !item.is_gone() && is_called(item, title)) {
            return Err(self.conflict(twin.version()));
        }
        let mut patience = Patience::new();
        for _ in 0..TRIES_AFTER_CONFLICTS {
            match self.step(purse, Command::Create, self.backend.create(vault, document)).await {
                Ok(item) => return self.confirm(&ItemKey { vault: vault.clone(), item }, goal, purse).await,
                // A conflict says that nothing was made, and it's looked all the same: an item that's
                // made twice is ambiguous from then on.
                Err(Trouble::Failed(Failure::Conflict)) => {
                    patience.wait().await;
                    if let Some(key) = self.find_new(vault, title, goal, purse).await? {
                        return self.confirm(&key, goal, purse).await;
                    }
                }
                Err(Trouble::Failed(Failure::Unclear { .. })) => {
                    for _ in 0..LOOKS_IN_DOUBT {
                        patience.wait().await;
                        if let Some(key) = self.find_new(vault, title, goal, purse).await? {
                            return self.confirm(&key, goal, purse).await;
                        }
                    }
                    return Err(self.unclear());
                }
                Err(trouble) => return Err(trouble.at(&self.settings.name)),
            }
        }
        Err(self.contended())
    }

    /// The one item of this title that holds our value: before, none had this title.
    async fn find_new(
        &self,
        vault: &VaultId,
        title: &Name,
        goal: &Goal<'_>,
        purse: &mut Purse,
    ) -> Result<Option<ItemKey>, SourceError> {
        let there = match self.list_vault(vault, purse).await {
            Ok(there) => there,
            Err(Trouble::NotAsked(_)) => return Err(self.unclear()),
            Err(Trouble::Failed(_)) => return Ok(None),
        };
        let new = there.iter().filter(|item| !item.is_gone() && is_called(item, title)).filter_map(Document::key);
        let mut found = Vec::new();
        for key in new {
            match self.reread(&key, purse).await {
                Ok((document, item)) if matches!(goal.seen(&document, &item), Seen::Ours(_)) => found.push(key),
                Err(Trouble::NotAsked(_)) => return Err(self.unclear()),
                Ok(_) | Err(Trouble::Failed(_)) => {}
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [key] => Ok(Some(key.clone())),
            _ => Err(self.unclear()),
        }
    }

    async fn list_vault(&self, vault: &VaultId, purse: &mut Purse) -> Result<Vec<Document>, Trouble> {
        self.step(purse, Command::Items(1), self.backend.items(std::slice::from_ref(vault))).await
    }

    /// The vault that's seen under this name or id.
    fn vault_called(&self, inventory: &Inventory, wanted: &Name) -> Option<VaultId> {
        let mut called_so = inventory.vaults.iter().filter(|vault| {
            let is_it = vault.name.matching() == wanted.matching() || vault.id.as_str() == wanted.as_str();
            is_it && self.settings.view.name_of(vault).is_some()
        });
        let vault = called_so.next()?;
        called_so.next().is_none().then(|| vault.id.clone())
    }
}

/// The items of a vault under this title or id.
fn items_called(inventory: &Inventory, vault: &VaultId, wanted: &Name) -> Vec<ItemId> {
    let here = inventory.items.iter().filter(|item| item.vault == *vault);
    let by_id = here.clone().filter(|item| item.id.as_str() == wanted.as_str());
    let by_title = here.filter(|item| item.path.matching().split('/').nth(1) == Some(&wanted.matching()));
    let found: Vec<ItemId> = if wanted.is_id() { by_id.map(|item| item.id.clone()).collect() } else { Vec::new() };
    if found.is_empty() { by_title.map(|item| item.id.clone()).collect() } else { found }
}

fn is_called(item: &Document, title: &Name) -> bool {
    item.name().is_some_and(|name| name.matching() == title.matching())
}

fn goal(change: &Change, field: FieldId) -> Goal<'_> {
    let new_as = Some(tail(change.path.matching()).to_owned());
    Goal { field, new_as, value: &change.value, old: None, before: None }
}
