//! What was set aside for one procedure.

use super::Budget;
use crate::custody::error::SourceError;
use crate::custody::source::onepassword::backend::Cost;
use crate::model::PrincipalName;

/// What was set aside for one procedure, to be spent step by step. Where it doesn't suffice, the
/// budget is asked for more; what's left is given back by [`Purse::close`]. One that's dropped keeps
/// what it has: the count may be too high, never too low.
#[derive(Debug)]
pub(in crate::custody::source::onepassword) struct Purse {
    budget: Budget,
    asker: PrincipalName,
    left: Cost,
}

impl Purse {
    pub(super) fn new(budget: Budget, asker: PrincipalName, left: Cost) -> Self {
        Self { budget, asker, left }
    }

    /// Pays for one step.
    pub(in crate::custody::source::onepassword) async fn pay(&mut self, cost: Cost) -> Result<(), SourceError> {
        let own = Cost { reads: cost.reads.min(self.left.reads), writes: cost.writes.min(self.left.writes) };
        let more = Cost { reads: cost.reads - own.reads, writes: cost.writes - own.writes };
        // Even what's set aside isn't spent while 1Password wants to be left alone.
        self.budget.spend(&self.asker, more).await?;
        self.left = Cost { reads: self.left.reads - own.reads, writes: self.left.writes - own.writes };
        Ok(())
    }

    /// Takes back what a step would have cost that wasn't taken.
    pub(in crate::custody::source::onepassword) fn put_back(&mut self, cost: Cost) {
        self.left.reads = self.left.reads.saturating_add(cost.reads);
        self.left.writes = self.left.writes.saturating_add(cost.writes);
    }

    /// Gives back what's left.
    pub(in crate::custody::source::onepassword) async fn close(self) {
        self.budget.refund(&self.asker, self.left).await;
    }
}
