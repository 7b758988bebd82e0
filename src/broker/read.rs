//! Reading one value.

use jiff::Timestamp;
use serde::Serialize;

use super::resolve::Found;
use super::{Broker, Done, log_failure};
use crate::authz::{Call, Refusal};
use crate::custody::{Lease, ReadUp, Revealed, SourceError};
use crate::model::kind::Read;
use crate::model::{Action, Attribute, ErrorCode, PublicError, Reference, SecretPath, Target};

/// A value that a rule lets the caller see.
#[derive(Debug, Serialize)]
pub struct ReadValue {
    /// The canonical path.
    pub path: SecretPath,
    /// The plaintext.
    pub value: Revealed,
    /// The version of its item.
    pub version: u64,
    /// The value's age in seconds, when it's served only because its source is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<u64>,
}

impl Broker {
    /// Gives the value, or the one-time code, that a reference means.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn read(&self, call: &Call, reference: &Reference) -> Result<Done<ReadValue>, Refusal> {
        let Found { target, .. } = self.field(call, Action::Read, reference).await?;
        let mut path = target.path.clone();
        let permit = call.authorize::<Read>(target).await?;
        let (mut lease, mut pending) = self.0.custody.open(permit, call.principal()).await;
        if matches!(lease, Err(SourceError::Missing { .. }))
            && let Some(moved) = Box::pin(self.moved(call, reference, &path)).await
        {
            // Its source has another name for it than when that was decided on: decide on that one.
            let _ = pending.failed(ErrorCode::NotFound).await?;
            path = moved.path.clone();
            let permit = call.authorize::<Read>(moved).await?;
            (lease, pending) = self.0.custody.open(permit, call.principal()).await;
        }
        let lease = match lease {
            Ok(lease) => lease,
            Err(error) => {
                log_failure(&error, "a value couldn't be read");
                return Err(call.end(pending, error.public()).await);
            }
        };
        let (version, stale) = (lease.version(), lease.stale().map(|age| age.as_secs()));
        match shown(lease, reference.attribute, call.now()) {
            Ok(value) => {
                self.0.custody.note_shown(call.principal(), &value);
                Ok(Done { body: ReadValue { path, value, version, stale }, settled: pending.done().await? })
            }
            Err(error) => Err(call.end(pending, error).await),
        }
    }
}

impl Broker {
    /// What a reference means by now, if that's no longer what it meant.
    async fn moved(&self, call: &Call, reference: &Reference, from: &SecretPath) -> Option<Target> {
        let catalog = self.0.custody.catalog(call.principal()).await.ok()?;
        let looked = self.0.custody.look_again(&catalog, &reference.vault, call.principal()).await;
        let catalog = if looked { self.0.custody.catalog(call.principal()).await.ok()? } else { catalog };
        let Found { target, .. } = self.lookup(&ReadUp::nothing(catalog), reference).ok()?;
        (target.path != *from).then_some(target)
    }
}

/// What a caller gets to see of an opened secret: the value, or the code that's made from it.
pub(super) fn shown(
    lease: Lease<Read>,
    attribute: Option<Attribute>,
    now: Option<Timestamp>,
) -> Result<Revealed, PublicError> {
    match attribute {
        None => lease.reveal().ok_or_else(|| unsupported("the value isn't text", "")),
        Some(Attribute::Otp) => now.and_then(|now| lease.one_time_code(now)).ok_or_else(|| {
            unsupported("the field doesn't hold the seed of a one-time code", "ask without `?attribute=otp`")
        }),
    }
}

fn unsupported(message: &'static str, hint: &'static str) -> PublicError {
    PublicError::new(ErrorCode::Unsupported, message, hint)
}
