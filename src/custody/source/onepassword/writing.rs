//! Setting a value: read, check, write the whole item, and look whether it took effect.

use std::sync::Arc;

use super::backend::{Backend, Command, Cost, ItemKey};
use super::budget::Purse;
use super::document::{Document, text_of};
use super::failure::Failure;
use super::verify::{Goal, Patience, Seen, tail};
use super::{Inner, Trouble};
use crate::custody::error::SourceError;
use crate::custody::source::{Change, Stored};
use crate::model::{FieldId, Item, PrincipalName};

/// How often a change is tried where 1Password says that somebody else was faster.
pub(super) const TRIES_AFTER_CONFLICTS: u32 = 4;
/// How often a change is tried where it isn't known what became of it, and it can't be seen.
pub(super) const TRIES_IN_DOUBT: u32 = 3;
/// How often it's looked for what became of a change before it's taken for not made.
pub(super) const LOOKS_IN_DOUBT: u32 = 3;

impl<B: Backend> Inner<B> {
    pub(super) async fn store(&self, change: Change, asker: &PrincipalName) -> Result<Stored, SourceError> {
        text_of(&change.value).map_err(|failure| failure.at(&self.settings.name))?;
        match &change.place {
            Some(place) if place.source != self.settings.name => Err(self.missing()),
            Some(place) => {
                let key = ItemKey { vault: place.vault.clone(), item: place.item.clone() };
                self.know_vaults(std::slice::from_ref(&key), asker).await?;
                self.set(&key, &change, asker).await
            }
            None => self.make(&change, asker).await,
        }
    }

    /// Sets a value in an item that's there.
    pub(super) async fn set(
        &self,
        key: &ItemKey,
        change: &Change,
        asker: &PrincipalName,
    ) -> Result<Stored, SourceError> {
        let _turn = self.locks.take(&key.vault).await?;
        let steps = [Command::Read, Command::Replace, Command::Read, Command::Read];
        let mut purse = self.paid(self.budget.reserve(asker, self.cost(steps)).await)?;
        let stored = self.replace(key, change, &mut purse).await;
        purse.close().await;
        stored
    }

    async fn replace(&self, key: &ItemKey, change: &Change, purse: &mut Purse) -> Result<Stored, SourceError> {
        let (mut document, item) = self.reread_current(key, change.if_version, purse).await?;
        let goal = self.prepare(change, &mut document, &item)?;
        let part = part(change, &document, &item);
        let mut patience = Patience::new();
        let mut in_doubt = false;
        let mut tries = 0_u32;
        loop {
            tries = tries.saturating_add(1);
            match self.step(purse, Command::Replace, self.put(key, &document, part.as_ref(), change)).await {
                Ok(()) => return self.confirm(key, &goal, purse).await,
                Err(Trouble::Failed(Failure::Conflict)) if tries < TRIES_AFTER_CONFLICTS => {
                    patience.wait().await;
                    if let Some(stored) = self.find_out(key, &goal, purse, 1).await? {
                        return Ok(stored);
                    }
                }
                Err(Trouble::Failed(Failure::Unclear { .. })) => {
                    in_doubt = true;
                    if let Some(stored) = self.find_out(key, &goal, purse, LOOKS_IN_DOUBT).await? {
                        return Ok(stored);
                    }
                    if tries >= TRIES_IN_DOUBT {
                        return Err(self.unanswered());
                    }
                }
                Err(_) if in_doubt => return Err(self.unclear()),
                // Every try met somebody else's change, and none was of this item as far as can be seen.
                Err(Trouble::Failed(Failure::Conflict)) => return Err(self.conflict(item.version)),
                Err(trouble) => return Err(trouble.at(&self.settings.name)),
            }
        }
    }

    /// Writes one value alone where that's all there is to change and it can be done: what 1Password
    /// doesn't show of an item, such as a passkey through Connect, is safe from that.
    async fn put(
        &self,
        key: &ItemKey,
        document: &Document,
        part: Option<&FieldId>,
        change: &Change,
    ) -> Result<(), Failure> {
        if let Some(field) = part
            && let Some(done) = self.backend.set_value(key, field, &change.value).await
        {
            return done;
        }
        self.backend.replace(key, document).await
    }

    /// Whether a change was made after all; `None` if all is as it was, so that it may be tried again.
    async fn find_out(
        &self,
        key: &ItemKey,
        goal: &Goal<'_>,
        purse: &mut Purse,
        looks: u32,
    ) -> Result<Option<Stored>, SourceError> {
        let mut patience = Patience::new();
        let mut is_as_it_was = false;
        for _ in 0..looks {
            patience.wait().await;
            match self.reread(key, purse).await {
                Ok((document, item)) => {
                    let is_later = goal.before.is_some_and(|before| item.version > before);
                    match goal.seen(&document, &item) {
                        Seen::Ours(field) if is_later => return Ok(Some(self.done(key, goal, field, &item))),
                        Seen::Unchanged | Seen::Another if is_later => {
                            self.listing.merge(vec![Arc::clone(&item)]);
                            return Err(self.conflict(item.version));
                        }
                        Seen::Ours(_) | Seen::Unchanged | Seen::Another => is_as_it_was = true,
                    }
                }
                Err(Trouble::Failed(Failure::Missing)) => {
                    self.listing.forget(key);
                    return Err(self.missing());
                }
                Err(Trouble::NotAsked(_)) => return Err(self.unclear()),
                Err(Trouble::Failed(_)) => {}
            }
        }
        if is_as_it_was { Ok(None) } else { Err(self.unclear()) }
    }

    /// Makes a change to a document, once it's certain that it may be made.
    fn prepare<'change>(
        &self,
        change: &'change Change,
        document: &mut Document,
        item: &Item,
    ) -> Result<Goal<'change>, SourceError> {
        let failed = |failure: Failure| failure.at(&self.settings.name);
        document.check_can_be_replaced().map_err(failed)?;
        document.check_category(change.category).map_err(failed)?;
        let value = text_of(&change.value).map_err(failed)?;
        let goal = |field, new_as, old| Goal { field, new_as, value: &change.value, old, before: Some(item.version) };
        let goal = if let Some((at, field)) = self.find(change, document, item)? {
            let old = document.stored(&item.path).into_iter().find(|stored| stored.field.id == field);
            let old = old.and_then(|stored| stored.secret());
            document.set_value(at, value).map_err(failed)?;
            goal(field, None, old)
        } else {
            let field = document.add_field(&change.path, value).map_err(failed)?;
            goal(field, Some(tail(change.path.matching()).to_owned()), None)
        };
        if let Some(tags) = change.tags.as_deref() {
            document.set_tags(tags).map_err(failed)?;
        }
        if let Some(at) = change.expires_at {
            document.set_expiry(at, &item.path).map_err(failed)?;
        }
        Ok(goal)
    }

    /// The field that's meant, where it is in the document; `None` if it's to be made.
    ///
    /// A decision was made about a path, so the field must still be what that path names.
    fn find(&self, change: &Change, document: &Document, item: &Item) -> Result<Option<(usize, FieldId)>, SourceError> {
        let stored = document.stored(&item.path);
        if let Some(place) = &change.place {
            let stored =
                stored.into_iter().find(|stored| stored.field.id == place.field).ok_or_else(|| self.missing())?;
            if stored.field.path != change.path {
                return Err(self.conflict(item.version));
            }
            return Ok(Some((stored.at, stored.field.id)));
        }
        let wanted = tail(change.path.matching());
        let mut called_so = stored.into_iter().filter(|stored| tail(stored.field.path.matching()) == wanted);
        match (called_so.next(), called_so.next()) {
            (None, _) => Ok(None),
            // 1Password draws some fields in every item; they can be filled like new ones.
            (Some(stored), None) if stored.is_empty() => Ok(Some((stored.at, stored.field.id))),
            _ => Err(self.conflict(item.version)),
        }
    }

    /// What a procedure costs.
    pub(super) fn cost(&self, steps: impl IntoIterator<Item = Command>) -> Cost {
        steps.into_iter().map(|step| self.backend.cost(step)).fold(Cost::default(), |sum, cost| Cost {
            reads: sum.reads.saturating_add(cost.reads),
            writes: sum.writes.saturating_add(cost.writes),
        })
    }

    /// Every try met somebody else's change.
    pub(super) fn contended(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "it answered every attempt at a change with a conflict".to_owned(),
            remedy: "nothing was changed; try again in a moment",
        }
    }

    /// No try had an answer, and nothing has changed.
    pub(super) fn unanswered(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "it gave no usable answer to a change, which isn't to be seen either".to_owned(),
            remedy: "the change wasn't stored, as far as can be seen; describe the item before trying again",
        }
    }
}

/// The field whose value is all that a change is about, if 1Password knows it by that id alone.
fn part(change: &Change, document: &Document, item: &Item) -> Option<FieldId> {
    let Change { place, category, tags, expires_at, .. } = change;
    let place = place.as_ref().filter(|_| category.is_none() && tags.is_none() && expires_at.is_none())?;
    let stored = document.stored(&item.path).into_iter().find(|stored| stored.field.id == place.field)?;
    document.is_called(stored.at, &place.field).then(|| place.field.clone())
}
