//! What stands between an allow and a permit: what somebody still has to say.
//!
//! The policy may allow on the condition that the caller says why. Asking a human comes here too,
//! once rules can require it.

use crate::model::{ActionKind, RuleId};
use crate::policy::Grant;

/// The caller didn't say why, and a matching rule requires it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rule requires a reason")]
pub struct ReasonRequired {
    rules: Box<[RuleId]>,
}

impl ReasonRequired {
    /// The rules that would allow the request if it had a reason.
    #[must_use]
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }
}

/// Passes a grant whose conditions on the asker are met.
///
/// # Errors
///
/// [`ReasonRequired`] when a matching rule wants a reason and the request has none.
pub fn settle<A: ActionKind>(grant: Grant<A>) -> Result<Grant<A>, ReasonRequired> {
    if grant.obligations().reason && grant.request().reason.is_none() {
        return Err(ReasonRequired { rules: grant.rules().into() });
    }
    Ok(grant)
}
