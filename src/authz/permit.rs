//! The proof that a request was allowed and recorded, and what's left of it once it's spent.

use super::refusal::Refusal;
use crate::audit::{AuditError, CameTo, Intent, Outcome, Receipt, SandboxWords};
use crate::model::{ActionKind, ErrorCode, PublicError, Request};
use crate::policy::Grant;

/// One opening of one secret for one action: allowed by a policy, recorded before anything happens.
///
/// It's spent by moving it. It can't be cloned, made up, or used for another action:
///
/// ```compile_fail,E0382
/// # use opward::{authz::Permit, model::kind::Read};
/// fn twice(permit: Permit<Read>) {
///     let first = permit.spend();
///     let second = permit.spend();
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is one use of one secret; dropping it records the request as abandoned"]
pub struct Permit<A> {
    request: Request<A>,
    intent: Intent,
}

impl<A: ActionKind> Permit<A> {
    /// A grant and its record together make a permit.
    pub(super) fn new(grant: Grant<A>, intent: Intent) -> Self {
        Self { request: grant.into_request(), intent }
    }

    /// Gives the permit up for what it was for and the record that's still open.
    pub fn spend(self) -> (Request<A>, Pending) {
        (self.request, Pending { intent: self.intent })
    }
}

/// A spent permit's record, waiting for how it came out.
#[derive(Debug)]
#[must_use = "dropping it records the request as abandoned"]
pub struct Pending {
    intent: Intent,
}

impl Pending {
    /// A record that was opened without a permit, because no value is at stake.
    pub(super) fn of(intent: Intent) -> Self {
        Self { intent }
    }

    /// Records that it was done.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written; the caller must then give nothing out.
    pub async fn done(self) -> Result<Settled, AuditError> {
        Ok(Settled::of(self.intent.settle(Outcome::done()).await?))
    }

    /// Records that a value was set to what it was before, which ends no exposure of it.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn unchanged(self) -> Result<Settled, AuditError> {
        Ok(Settled::of(self.intent.settle(Outcome::unchanged()).await?))
    }

    /// Records that it was done, and what came of it.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn done_with(self, result: CameTo) -> Result<Settled, AuditError> {
        Ok(Settled::of(self.intent.settle(Outcome::done().with(result)).await?))
    }

    /// Records that it was done, by a program that was confined by these layers.
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn done_within(self, sandbox: &str, result: CameTo) -> Result<Settled, AuditError> {
        Ok(Settled::of(self.intent.settle(Outcome::done().within(words(sandbox)).with(result)).await?))
    }

    /// Records that it failed. Where a program was to get the value, this says that none was started, unless the code
    /// is [`ErrorCode::Internal`].
    ///
    /// # Errors
    ///
    /// When the audit log can't be written.
    pub async fn failed(self, code: ErrorCode) -> Result<Settled, AuditError> {
        Ok(Settled::of(self.intent.settle(Outcome::failed(code)).await?))
    }

    /// Records that it failed, and makes the error the answer.
    pub async fn refused(self, error: PublicError) -> Refusal {
        let recorded = self.failed(error.code).await;
        Refusal::of(error, recorded)
    }
}

/// A layer that no such word names would be one that the record's readers don't know.
fn words(sandbox: &str) -> SandboxWords {
    SandboxWords::parse(sandbox).unwrap_or_else(|_| SandboxWords::unknown())
}

/// The receipts of everything an answer rests on; without one there's no answer.
#[derive(Debug)]
#[must_use = "an answer is made from it"]
pub struct Settled {
    first: Receipt,
    more: Vec<Receipt>,
}

impl Settled {
    pub(super) fn of(receipt: Receipt) -> Self {
        Self { first: receipt, more: Vec::new() }
    }

    /// Joins the receipts of two parts of one answer.
    pub fn and(mut self, other: Self) -> Self {
        self.more.push(other.first);
        self.more.extend(other.more);
        self
    }

    /// The number of the first record behind the answer.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.first.seq()
    }
}
