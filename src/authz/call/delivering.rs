//! What a principal may have done with values it doesn't see.

use std::sync::Arc;

use super::{About, Call};
use crate::audit::AskedWords;
use crate::authz::denial;
use crate::authz::permit::Permit;
use crate::authz::refusal::Refusal;
use crate::model::kind::Use;
use crate::model::{Action, Decided, Delivery, PublicError, Request, RuleId, Target};
use crate::policy::{Command, HttpEntry, Verdict};

/// One delivery on its way through the door. However many secrets it takes, it counts once for each rule with a rate.
#[derive(Debug)]
pub struct Delivering<'c> {
    call: &'c Call,
    delivery: Delivery,
    asked: Option<&'c AskedWords>,
    counted: Vec<RuleId>,
}

impl Delivering<'_> {
    /// Decides and records that one secret is put where the delivery needs it.
    ///
    /// # Errors
    ///
    /// The recorded refusal, or the log's failure if nothing could be recorded.
    pub async fn authorize(&mut self, target: Target) -> Result<Permit<Use>, Refusal> {
        let Self { call, delivery, asked, counted } = self;
        let request = Request::delivering(call.id, target, call.reason.clone(), delivery.clone());
        call.admit(request, *asked, counted).await
    }
}

impl Call {
    /// Begins one delivery. `asked` is what's recorded of what it's to do.
    #[must_use]
    pub fn delivering<'c>(&'c self, delivery: Delivery, asked: Option<&'c AskedWords>) -> Delivering<'c> {
        Delivering { call: self, delivery, asked, counted: Vec::new() }
    }

    /// Whether the rules allow a secret to be put where it's needed in one way, leaving aside what else the caller must
    /// do or keep to.
    #[must_use]
    pub fn could_use(&self, target: &Target, delivery: &Delivery) -> bool {
        let request = Request::delivering(self.id, target.clone(), None, delivery.clone());
        matches!(self.policy.decide(self.who.principal(), &request, self.now), Verdict::Allow(_))
    }

    /// The command of a name, whoever may use it.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<Arc<Command>> {
        self.policy.command(name).cloned()
    }

    /// The HTTP entry of a name, whoever may use it.
    #[must_use]
    pub fn http_entry(&self, name: &str) -> Option<Arc<HttpEntry>> {
        self.policy.http_entry(name).cloned()
    }

    /// All commands, whoever may use them.
    pub fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.policy.commands()
    }

    /// All HTTP entries, whoever may use them.
    pub fn http_entries(&self) -> impl Iterator<Item = &Arc<HttpEntry>> {
        self.policy.http_entries()
    }

    /// Ends a request to use an entry of the policy that isn't there.
    pub async fn deny_delivery(&self) -> Refusal {
        self.refuse(About::nothing(Action::Use), &[], self.not_open(), Decided::Denied).await
    }

    /// What's said of an entry of the policy that isn't there, and of one that the principal may not use.
    #[must_use]
    pub fn not_open(&self) -> PublicError {
        self.policy.denies_all(self.now).map_or_else(
            || denial::not_open(self.principal()),
            |reason| denial::denied(self.principal(), Action::Use, None, &reason, None),
        )
    }
}
