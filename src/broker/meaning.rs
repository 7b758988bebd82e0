//! From a path that may leave its vault out to the reference everything else goes by.

use super::Broker;
use super::resolve::suppositions;
use crate::authz::{Call, Refusal};
use crate::custody::{Catalog, Unresolved, VaultEntry};
use crate::model::{Action, Item, ItemPath, PathError, Reference, Written};

impl Broker {
    /// Decides what a path means, once and for all: whatever is decided on, recorded, fetched and shown
    /// comes from the answer.
    ///
    /// Without a default vault, `A/B` is the item `B` of the vault `A`. With the default vault `V` it's that
    /// too, where `A` is a vault the caller could do anything in; elsewhere it's the field `B` of the
    /// item `A` of `V`. A vault that the caller has no business with doesn't count, so that what a path
    /// means tells nothing of it. While a source that might have such a vault doesn't answer, `A` is
    /// taken for one if the caller has rules for it: an outage mustn't give a path another meaning.
    ///
    /// # Errors
    ///
    /// The recorded refusal, when the names can't be had; within, what's wrong with the path.
    pub async fn meant(
        &self,
        call: &Call,
        action: Action,
        written: Written,
    ) -> Result<Result<Reference, PathError>, Refusal> {
        let Some(default) = call.default_vault().filter(|_| written.may_be_short()) else {
            return Ok(written.whole());
        };
        let Ok(as_item) = written.clone().whole() else { return Ok(written.within(default)) };
        let catalog = self.catalog(call, action).await?;
        let is_whole = match catalog.vault(&as_item.vault) {
            Ok(vault) => in_reach(call, &catalog, vault) || call.permits_any(&suppositions(&as_item)),
            Err(Unresolved::NoVault) => false,
            Err(_) => {
                // Rules don't speak of ids, and an id doesn't happen to be a title.
                as_item.vault.is_id()
                    || ItemPath::new(&as_item.vault, &as_item.item).is_ok_and(|item| call.has_rules_for(&item))
            }
        };
        Ok(if is_whole { Ok(as_item) } else { written.within(default) })
    }
}

/// Whether the caller could do anything with an item of a vault.
fn in_reach(call: &Call, catalog: &Catalog, vault: &VaultEntry) -> bool {
    let is_in = |item: &&Item| item.vault == vault.id && item.source == vault.source;
    call.reaches_any(catalog.items().iter().map(AsRef::as_ref).filter(is_in))
}
