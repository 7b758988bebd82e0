//! Setting, replacing and archiving.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::generate::Recipe;
use super::resolve::{Found, Missing, supposed, unseen};
use super::{Broker, Done, log_failure};
use crate::authz::{Call, Pending, Permit, Refusal, Settled};
use crate::custody::{Custody, NewValue, SecretValue, SourceError, Unresolved, Versions};
use crate::model::kind::{Delete, Rotate, Write};
use crate::model::{
    Action, Category, ErrorCode, Item, ItemPath, PrincipalName, PublicError, Reference, SourceName, Tag, Target,
};

/// A value to be set, with what may go with it, for callers that can't name custody's types.
#[derive(Debug)]
pub struct NewSecret(NewValue);

/// What a value is replaced with.
#[derive(Debug)]
pub struct Replacement {
    value: ReplacementValue,
    if_version: Option<u64>,
}

#[derive(Debug)]
enum ReplacementValue {
    Given(SecretValue),
    Generated(Recipe),
}

/// A value that was set.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Written {
    /// The canonical path.
    pub path: String,
    /// The item's version now.
    pub version: u64,
    /// Whether the item is new.
    pub created: bool,
}

/// A value that was replaced.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Replaced {
    /// The canonical path.
    pub path: String,
    /// The item's version now.
    pub version: u64,
    /// The item's version before.
    pub previous_version: u64,
}

/// An item that was archived, or deleted where its owner allows that.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Archived {
    /// The item's canonical path.
    pub path: String,
    /// Whether it can be brought back. False only where its source can't archive, and its owner set
    /// `allow_permanent_delete`.
    pub archived: bool,
}

impl NewSecret {
    /// A plaintext that's in custody's own type already.
    #[must_use]
    pub fn of(value: SecretValue, category: Option<Category>) -> Self {
        Self(NewValue { category, ..NewValue::alone(value, None) })
    }

    /// Takes over a plaintext and what goes with it.
    #[must_use]
    pub fn new(
        value: String,
        category: Option<Category>,
        tags: Option<Vec<Tag>>,
        expires_at: Option<Timestamp>,
        if_version: Option<u64>,
    ) -> Self {
        Self(NewValue { value: SecretValue::new(value), category, tags, expires_at, if_version })
    }
}

impl Replacement {
    /// A plaintext the caller brings.
    #[must_use]
    pub fn given(value: String, if_version: Option<u64>) -> Self {
        Self { value: ReplacementValue::Given(SecretValue::new(value)), if_version }
    }

    /// One made here, which nobody sees.
    #[must_use]
    pub fn generated(recipe: Recipe, if_version: Option<u64>) -> Self {
        Self { value: ReplacementValue::Generated(recipe), if_version }
    }
}

/// Where a written value goes.
struct Destination {
    target: Target,
    source: SourceName,
    /// The item that's changed; `None` if it's to be made.
    item: Option<Arc<Item>>,
}

impl Broker {
    /// Sets a value; makes the field, the item and, in a local vault, the vault, where there are none.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn write(
        &self,
        call: &Call,
        reference: &Reference,
        NewSecret(new): NewSecret,
    ) -> Result<Done<Written>, Refusal> {
        let Destination { target, source, item } = self.destination(call, reference, new.category).await?;
        let path = target.path.clone();
        let permit = call.authorize::<Write>(target).await?;
        if item.is_some_and(|item| widens(call, &item, &new)) {
            let error = PublicError::new(
                ErrorCode::Denied,
                "with these tags or this category the rules would let you do more with the item, or ask less of you; nothing was written",
                "leave `tags` and `category` out, or ask the owner to set them",
            );
            return Err(call.end(permit.spend().1, error).await);
        }
        self.0.custody.note_holder(call.principal(), &new.value);
        let change = |custody: Arc<Custody>, asker| async move {
            let (versions, pending) = custody.write(permit, new, &source, &asker).await;
            close(versions, pending).await
        };
        let (versions, settled) = self.finish(call, change).await?;
        let body = Written { path: path.to_string(), version: versions.now, created: versions.before.is_none() };
        Ok(Done { body, settled })
    }

    /// Replaces the value of a field that exists. The new value is never returned.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn rotate(
        &self,
        call: &Call,
        reference: &Reference,
        new: Replacement,
    ) -> Result<Done<Replaced>, Refusal> {
        if reference.attribute.is_some() {
            return Err(no_code(call, Action::Rotate, reference).await);
        }
        let Found { target, .. } = self.field(call, Action::Rotate, reference).await?;
        let path = target.path.clone();
        let permit = call.authorize::<Rotate>(target).await?;
        let value = match new.value {
            ReplacementValue::Given(value) => {
                self.0.custody.note_holder(call.principal(), &value);
                value
            }
            ReplacementValue::Generated(recipe) => match recipe.generate() {
                Ok(value) => value,
                Err(error) => return Err(call.end(permit.spend().1, error).await),
            },
        };
        let new = NewValue::alone(value, new.if_version);
        let change = |custody: Arc<Custody>, asker| async move {
            let (versions, pending) = custody.rotate(permit, new, &asker).await;
            close(versions, pending).await
        };
        let (versions, settled) = self.finish(call, change).await?;
        let previous_version = versions.before.unwrap_or(0);
        Ok(Done { body: Replaced { path: path.to_string(), version: versions.now, previous_version }, settled })
    }

    /// Archives an item, if the caller may delete each of its fields.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn archive(
        &self,
        call: &Call,
        reference: &Reference,
        if_version: Option<u64>,
    ) -> Result<Done<Archived>, Refusal> {
        let item = self.item(call, Action::Delete, reference).await?;
        let permits = permits(call, &item).await?;
        let (source, id) = (item.source.clone(), item.id.clone());
        let change = |custody: Arc<Custody>, asker| async move {
            let (archived, pending) = custody.archive(permits, &source, &id, if_version, &asker).await;
            close_all(archived, pending).await
        };
        let Some((archived, settled)) = self.finish(call, change).await? else {
            // An item without fields can't be decided about, and `permits` refused it.
            return Err(call.deny_unseen(Action::Delete, reference).await);
        };
        Ok(Done { body: Archived { path: item.path.to_string(), archived }, settled })
    }

    async fn destination(
        &self,
        call: &Call,
        reference: &Reference,
        category: Option<Category>,
    ) -> Result<Destination, Refusal> {
        if reference.attribute.is_some() {
            return Err(no_code(call, Action::Write, reference).await);
        }
        let known = self.acquaint(call, Action::Write, &[reference]).await?;
        let destination = match self.lookup(&known, reference) {
            Ok(Found { target, item }) => Some((target, item.source.clone(), Some(item))),
            Err(Missing::DefaultField(item) | Missing::Item(Unresolved::NoField(item))) => {
                let new = supposed(reference, category.unwrap_or(item.category));
                new.and_then(|new| {
                    let path = new.path.under(&item.path).ok()?;
                    // It's a field of that item, so it's decided on with the item's category and tags.
                    let target = Target { path, category: item.category, tags: Arc::clone(&item.tags), ..new };
                    Some((target, item.source.clone(), Some(item)))
                })
            }
            Err(Missing::Item(Unresolved::NoItem | Unresolved::NoVault)) => {
                let new = supposed(reference, category.unwrap_or(Category::ApiCredential));
                self.0.custody.source_for(known.catalog(), &reference.vault).zip(new).map(|((source, vault), new)| {
                    let stored = vault.and_then(|vault| ItemPath::new(&vault, &reference.item).ok());
                    let path = stored.and_then(|item| new.path.under(&item).ok()).unwrap_or_else(|| new.path.clone());
                    (Target { path, ..new }, source, None)
                })
            }
            Err(Missing::Item(why)) => return Err(unseen(call, Action::Write, reference, &why).await),
        };
        match destination {
            Some((target, source, item)) => Ok(Destination { target, source, item }),
            None => Err(unseen(call, Action::Write, reference, &Unresolved::NoVault).await),
        }
    }

    /// Runs a change and the record of how it came out to their end, even if whoever asked goes away meanwhile. Until
    /// then it counts as theirs: who asks and leaves may have no more under way than who asks and waits.
    async fn finish<T, F, Fut>(&self, call: &Call, change: F) -> Result<T, Refusal>
    where
        F: FnOnce(Arc<Custody>, PrincipalName) -> Fut,
        Fut: Future<Output = Result<T, Refusal>> + Send + 'static,
        T: Send + 'static,
    {
        let (held, change) = (call.held(), change(Arc::clone(&self.0.custody), call.principal().clone()));
        let task = self.0.writes.spawn(async move {
            let _held = held;
            change.await
        });
        task.await.unwrap_or_else(|_| Err(Refusal::internal()))
    }
}

/// Whether what goes with a value would change what the caller may do with the item.
fn widens(call: &Call, item: &Item, new: &NewValue) -> bool {
    let tags = new.tags.as_deref().map_or_else(|| Arc::clone(&item.tags), Arc::from);
    (new.tags.is_some() || new.category.is_some())
        && call.would_gain(item, new.category.unwrap_or(item.category), &tags)
}

/// A one-time code is made from its seed, so there's nothing of it to change.
async fn no_code(call: &Call, action: Action, reference: &Reference) -> Refusal {
    let error = PublicError::new(
        ErrorCode::Invalid,
        "a one-time code can't be written",
        "leave out `?attribute=otp` to write the field that holds its seed",
    );
    call.fail(action, Some(reference), error).await
}

async fn close(versions: Result<Versions, SourceError>, pending: Pending) -> Result<(Versions, Settled), Refusal> {
    match versions {
        // Whoever was given the value still has it.
        Ok(versions) if versions.is_same => Ok((versions, pending.unchanged().await?)),
        Ok(versions) => Ok((versions, pending.done().await?)),
        Err(error) => {
            log_failure(&error, "a value couldn't be set");
            Err(pending.refused(error.public()).await)
        }
    }
}

/// The same for all records of one change; `None` if there are none.
async fn close_all(
    archived: Result<bool, SourceError>,
    mut pending: Vec<Pending>,
) -> Result<Option<(bool, Settled)>, Refusal> {
    let Some(first) = pending.pop() else { return Ok(None) };
    match archived {
        Ok(archived) => {
            let mut settled = first.done().await?;
            for pending in pending {
                settled = settled.and(pending.done().await?);
            }
            Ok(Some((archived, settled)))
        }
        Err(error) => {
            log_failure(&error, "an item couldn't be archived");
            let error = error.public();
            for pending in pending {
                let _ = pending.failed(error.code).await?;
            }
            Err(first.refused(error).await)
        }
    }
}

/// One permit for each field: an item goes only with all of its secrets.
async fn permits(call: &Call, item: &Item) -> Result<Vec<Permit<Delete>>, Refusal> {
    let mut permits = Vec::with_capacity(item.fields.known().len());
    for field in item.fields.known() {
        permits.push(call.authorize::<Delete>(item.target(field)).await?);
    }
    Ok(permits)
}
