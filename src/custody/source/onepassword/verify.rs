//! Whether a change took effect: only what's read afterwards tells.
//!
//! Connect's answer to a change carries the version before it, and both ways to ask may show for a
//! while what was there before. So an item is read until its value is the one that was set and its
//! version is a later one, or time is up.
//!
//! | what's read | what it means |
//! |---|---|
//! | our value, a later version | done. If it's later by more than one, somebody else changed the item meanwhile, and the caller sees so by the two versions |
//! | our value, the version of before | done, once time is up: some changes aren't counted |
//! | the old value, the version of before | not yet; once time is up, it was accepted and lost |
//! | anything else, a later version | somebody else's; seen three times, it's a conflict |

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::backend::{Backend, Command, ItemKey};
use super::budget::Purse;
use super::document::{Document, Stored as StoredField};
use super::failure::Failure;
use super::{Inner, Trouble};
use crate::custody::error::SourceError;
use crate::custody::source::Stored;
use crate::custody::value::SecretValue;
use crate::model::{FieldId, Item, Place};

/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(8);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_millis(500);

/// So often has something to be seen that isn't ours before it's believed: reads may lag.
const ENOUGH: u32 = 3;

/// So often is an item read before a change until it's as new as it's known to be.
const LOOKS_FOR_THE_LATEST: u32 = 8;

/// What's to be seen once a change took effect.
#[derive(Debug)]
pub(super) struct Goal<'change> {
    /// The field, as far as its id was ours to choose.
    pub(super) field: FieldId,
    /// The section and the name of a field that's new, in the matching form: it may get another id.
    pub(super) new_as: Option<String>,
    /// Its value.
    pub(super) value: &'change SecretValue,
    /// The value it had.
    pub(super) old: Option<SecretValue>,
    /// The item's version before; `None` for a new item.
    pub(super) before: Option<u64>,
}

/// What was seen of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Our value, in the field of this id.
    Ours(FieldId),
    /// What was there before.
    Unchanged,
    /// Neither.
    Another,
}

/// How long to go on looking.
#[derive(Debug)]
pub(super) struct Patience {
    delays: ExponentialBackoff,
    until: Instant,
}

impl Patience {
    pub(super) fn new() -> Self {
        let delays = ExponentialBuilder::new().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY);
        Self { delays: delays.with_jitter().without_max_times().build(), until: Instant::now() + PATIENCE }
    }

    /// Waits a moment; `false` if time is up.
    pub(super) async fn wait(&mut self) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        sleep(self.delays.next().unwrap_or(LONGEST_DELAY)).await;
        true
    }
}

impl Goal<'_> {
    /// What an item shows of the change.
    pub(super) fn seen(&self, document: &Document, item: &Item) -> Seen {
        let stored = document.stored(&item.path);
        let by_id = stored.iter().find(|stored| stored.field.id == self.field);
        let by_name = || {
            let name = self.new_as.as_deref()?;
            stored.iter().find(|stored| tail(stored.field.path.matching()) == name)
        };
        let Some(stored) = by_id.or_else(by_name) else {
            return if self.old.is_none() { Seen::Unchanged } else { Seen::Another };
        };
        if stored.holds(self.value) {
            Seen::Ours(stored.field.id.clone())
        } else if self.is_old(stored) {
            Seen::Unchanged
        } else {
            Seen::Another
        }
    }

    fn is_old(&self, stored: &StoredField<'_>) -> bool {
        self.old.as_ref().map_or_else(|| stored.secret().is_none(), |old| stored.holds(old))
    }

    /// Whether the change is to what's there already.
    fn changes_nothing(&self) -> bool {
        self.old.as_ref().is_some_and(|old| self.value.is_same(old.plaintext()))
    }
}

/// What follows the item in a path's matching form.
pub(super) fn tail(matching: &str) -> &str {
    matching.splitn(3, '/').nth(2).unwrap_or_default()
}

impl<B: Backend> Inner<B> {
    /// Reads an item that's being changed.
    pub(super) async fn reread(&self, key: &ItemKey, purse: &mut Purse) -> Result<(Document, Arc<Item>), Trouble> {
        let document = self.step(purse, Command::Read, self.backend.read(key)).await?;
        self.understand(key, document).map_err(|_| Trouble::Failed(Failure::Missing))
    }

    /// Reads an item that's about to be changed, as new as it's known to be: a change made on top of
    /// what was there before would undo what came since.
    pub(super) async fn reread_current(
        &self,
        key: &ItemKey,
        if_version: Option<u64>,
        purse: &mut Purse,
    ) -> Result<(Document, Arc<Item>), SourceError> {
        let known = self.listing.version(key).max(if_version).unwrap_or(0);
        let mut patience = Patience::new();
        for look in 1_u32.. {
            let (document, item) = match self.reread(key, purse).await {
                Ok(read) => read,
                Err(trouble) => {
                    if let Trouble::Failed(Failure::Missing) = trouble {
                        self.listing.forget(key);
                    }
                    return Err(trouble.at(&self.settings.name));
                }
            };
            let is_current = item.version >= known;
            if !is_current && look < LOOKS_FOR_THE_LATEST && patience.wait().await {
                continue;
            }
            if if_version.is_some_and(|wanted| wanted != item.version) {
                self.listing.merge(vec![Arc::clone(&item)]);
                return Err(self.conflict(item.version.max(self.listing.version(key).unwrap_or(0))));
            }
            return if is_current { Ok((document, item)) } else { Err(self.behind()) };
        }
        Err(self.behind())
    }

    /// Looks at an item until it shows what was asked for.
    pub(super) async fn confirm(
        &self,
        key: &ItemKey,
        goal: &Goal<'_>,
        purse: &mut Purse,
    ) -> Result<Stored, SourceError> {
        let before = goal.before.unwrap_or(0);
        let mut patience = Patience::new();
        let (mut looks, mut foreign, mut ours, mut was_read) = (0_u32, 0_u32, None, false);
        loop {
            match self.reread(key, purse).await {
                Ok((document, item)) => {
                    was_read = true;
                    looks = looks.saturating_add(1);
                    match goal.seen(&document, &item) {
                        Seen::Ours(field) if item.version > before => return Ok(self.done(key, goal, field, &item)),
                        Seen::Ours(field) if goal.changes_nothing() && looks >= ENOUGH => {
                            return Ok(self.done(key, goal, field, &item));
                        }
                        Seen::Ours(field) => ours = Some((field, item)),
                        Seen::Unchanged | Seen::Another if item.version <= before => {}
                        Seen::Unchanged | Seen::Another => {
                            foreign = foreign.saturating_add(1);
                            if foreign >= ENOUGH {
                                self.listing.merge(vec![Arc::clone(&item)]);
                                return Err(self.conflict(item.version));
                            }
                        }
                    }
                }
                // What's new may take a moment to be found at all.
                Err(Trouble::Failed(
                    Failure::Missing | Failure::Conflict | Failure::Unclear { .. } | Failure::Unreachable { .. },
                )) => {}
                Err(_) => return Err(self.unclear()),
            }
            if !patience.wait().await {
                break;
            }
        }
        match ours {
            Some((field, item)) => Ok(self.done(key, goal, field, &item)),
            None if was_read => Err(self.lost()),
            None => Err(self.unclear()),
        }
    }

    /// The end of a change that took effect.
    pub(super) fn done(&self, key: &ItemKey, goal: &Goal<'_>, field: FieldId, item: &Arc<Item>) -> Stored {
        if goal.before.is_some_and(|before| item.version > before.saturating_add(1)) {
            tracing::warn!(
                source = %self.settings.name,
                "somebody else changed an item while a value was set in it: what else they changed may be overwritten"
            );
        }
        self.listing.merge(vec![Arc::clone(item)]);
        let place =
            Place { source: self.settings.name.clone(), vault: key.vault.clone(), item: key.item.clone(), field };
        Stored { version: item.version, previous_version: goal.before, is_same: goal.changes_nothing(), place }
    }

    /// What's read is older than what's known.
    fn behind(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "it shows an item as it was before its last change".to_owned(),
            remedy: "nothing was changed; try again in a moment",
        }
    }

    /// The change was accepted, and isn't there.
    pub(super) fn lost(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "it accepted a change that can't be seen afterwards".to_owned(),
            remedy: "the change wasn't stored, as far as can be seen; describe the item before trying again",
        }
    }

    /// Nobody knows what became of the change.
    pub(super) fn unclear(&self) -> SourceError {
        SourceError::Unavailable {
            source_name: self.settings.name.clone(),
            detail: "whether a change took effect couldn't be found out".to_owned(),
            remedy: "the change may have been made; describe the item before trying again",
        }
    }
}
