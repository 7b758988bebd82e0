//! What's known of values that were given out, where a request asks for it.

use super::Call;
use crate::audit::AuditError;
use crate::authz::exposure::{self, Deadlines, Exposed};
use crate::model::SecretPath;

impl Call {
    /// What was exposed of the values in force at some paths, to anybody, in their order.
    ///
    /// # Errors
    ///
    /// When the log can't be read.
    pub async fn exposure_of(&self, paths: Vec<SecretPath>) -> Result<Vec<Option<Exposed>>, AuditError> {
        let found = exposure::ask(&self.door.ledger, move |ledger| ledger.of(&paths)).await?;
        let deadlines = Deadlines::of(&self.policy);
        Ok(found.iter().map(|exposures| Exposed::of(exposures, &deadlines, self.now)).collect())
    }

    /// Whether the principal was given the value in force at a path, or wrote it. Where that can't be told, it wasn't.
    pub async fn was_given(&self, path: &SecretPath) -> bool {
        let (who, path) = (self.principal().clone(), path.clone());
        let known = exposure::ask(&self.door.ledger, move |ledger| ledger.knows(&who, &path)).await;
        known.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a value was given to somebody can't be told, so it's taken that it wasn't");
            false
        })
    }
}
