//! One request on its way through the door.

mod delivering;
mod given;

pub use delivering::Delivering;

use std::sync::Arc;

use jiff::Timestamp;

use super::denial;
use super::door::{Door, Held};
use super::permit::{Pending, Permit, Settled};
use super::refusal::Refusal;
use super::view::{self, Access, RulesOfMine, Visible};
use crate::approval;
use crate::audit::{AskedWords, AuditError, Decision, Entry, Intent, Subject};
use crate::identity::Authenticated;
use crate::model::{
    Action, ActionKind, Category, ClientName, Decided, DefaultVault, Delivery, Item, ItemPath, PolicyHash,
    PrincipalName, PublicError, Reason, Reference, Request, RequestId, RuleId, SourceName, Tag, Target,
};
use crate::policy::{DenyReason, Policy, Verdict};

/// One request: who asks, why, and the policy and time that decide it from beginning to end.
#[derive(Debug)]
pub struct Call {
    pub(super) door: Arc<Door>,
    pub(super) who: Arc<Authenticated>,
    vault: Option<Arc<DefaultVault>>,
    client: ClientName,
    reason: Option<Reason>,
    id: RequestId,
    policy: Policy,
    now: Option<Timestamp>,
    held: Option<Held>,
}

/// What a record says a request is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    action: Action,
    subject: Subject<'a>,
    source: Option<&'a SourceName>,
    delivery: Option<&'a Delivery>,
    asked: Option<&'a AskedWords>,
}

impl<'a> About<'a> {
    pub(super) fn nothing(action: Action) -> Self {
        Self { action, subject: Subject::None, source: None, delivery: None, asked: None }
    }

    pub(super) fn secret(action: Action, target: &'a Target) -> Self {
        let source = target.place.as_ref().map(|place| &place.source);
        Self { subject: Subject::Secret(&target.path), source, ..Self::nothing(action) }
    }
}

impl<'a> About<'a> {
    fn request<A: ActionKind>(request: &'a Request<A>, asked: Option<&'a AskedWords>) -> Self {
        Self { delivery: request.delivery(), asked, ..Self::secret(A::ACTION, &request.target) }
    }
}

impl Call {
    pub(super) fn new(
        door: Arc<Door>,
        who: Arc<Authenticated>,
        vault: Option<Arc<DefaultVault>>,
        id: RequestId,
        client: ClientName,
        reason: Option<Reason>,
    ) -> Self {
        let policy = door.policy.current();
        let now = door.clock.now();
        Self { door, who, vault, client, reason, id, policy, now, held: None }
    }

    pub(super) fn holding(self, held: Option<Held>) -> Self {
        Self { held, ..self }
    }

    /// What's to be held for as long as anything that was begun for it is under way.
    #[must_use]
    pub fn held(&self) -> Option<Held> {
        self.held.clone()
    }

    /// The same request, with what its caller says it's for.
    #[must_use]
    pub fn saying(self, reason: Option<Reason>) -> Self {
        Self { reason, ..self }
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &PrincipalName {
        &self.who.principal().name
    }

    /// The vault that's meant by a path which leaves its vault out.
    #[must_use]
    pub fn default_vault(&self) -> Option<&DefaultVault> {
        self.vault.as_deref()
    }

    /// The policy that decides.
    #[must_use]
    pub fn policy(&self) -> PolicyHash {
        self.policy.hash()
    }

    /// The time that decides; `None` if the clock can't be read, and then everything is denied.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Decides and records; the permit that comes out is for this one secret and this one action.
    ///
    /// # Errors
    ///
    /// The recorded refusal, or the log's failure if nothing could be recorded.
    pub async fn authorize<A: ActionKind>(&self, target: Target) -> Result<Permit<A>, Refusal> {
        self.admit(Request::<A>::new(self.id, target, self.reason.clone()), None, &mut Vec::new()).await
    }

    /// `asked` is what's recorded of what a use is to do; `counted` are the rules that this was counted for already.
    async fn admit<A: ActionKind>(
        &self,
        request: Request<A>,
        asked: Option<&AskedWords>,
        counted: &mut Vec<RuleId>,
    ) -> Result<Permit<A>, Refusal> {
        let grant = match self.policy.decide(self.who.principal(), &request, self.now) {
            Verdict::Allow(grant) => grant,
            Verdict::Deny(reason) => {
                // What isn't open to the caller is nothing to repeat its words about.
                return Err(self.deny_about(About::request(&request, None), &request.target, &reason).await);
            }
        };
        let about = About::request(&request, asked);
        let grant = match approval::settle(grant) {
            Ok(grant) => grant,
            Err(missing) => {
                let error = denial::reason_required(A::ACTION);
                return Err(self.refuse(about, missing.rules(), error, Decided::ReasonRequired).await);
            }
        };
        for (rule, rate) in &grant.obligations().rates {
            if counted.contains(rule) {
                continue;
            }
            if let Err(wait) = self.door.limits.take(self.principal(), rule, rate.count, rate.per) {
                let (rules, error) = (std::slice::from_ref(rule), denial::rate_limited(rule, wait));
                return Err(self.refuse(about, rules, error, Decided::RateLimited).await);
            }
            counted.push(rule.clone());
        }
        let intent = self.intent(about, grant.rules()).await?;
        Ok(Permit::new(grant, intent))
    }

    /// Opens the record of a look at names, where no value is at stake and no permit needed.
    ///
    /// # Errors
    ///
    /// The log's failure.
    pub async fn look(&self, action: Action) -> Result<Pending, Refusal> {
        Ok(Pending::of(self.intent(About::nothing(action), &[]).await?))
    }

    /// Like [`Call::look`], at one item, with the rules that show its first visible field.
    ///
    /// # Errors
    ///
    /// The log's failure.
    pub async fn look_at(&self, action: Action, visible: &Visible) -> Result<Pending, Refusal> {
        let item = visible.item();
        let first = visible.fields().next().map(|(field, _)| item.target(field));
        let outlook = first.map(|first| self.policy.outlook(self.who.principal(), action, &first, self.now));
        let rules = outlook.and_then(Result::ok).map(|(rules, _)| rules).unwrap_or_default();
        let subject = Subject::Item(&item.path);
        let about = About { subject, source: Some(&item.source), ..About::nothing(action) };
        Ok(Pending::of(self.intent(about, &rules).await?))
    }

    /// What of an item this principal may see, if anything.
    #[must_use]
    pub fn visible(&self, item: &Arc<Item>, action: Action) -> Option<Visible> {
        view::visible(&self.policy.survey(self.who.principal(), self.now), item, action)
    }

    /// Like [`Call::visible`] for many items: what depends on the principal alone is done once.
    pub fn visible_among<'a>(
        &'a self,
        items: impl Iterator<Item = &'a Arc<Item>> + 'a,
        action: Action,
    ) -> impl Iterator<Item = Visible> + 'a {
        let survey = self.policy.survey(self.who.principal(), self.now);
        items.filter_map(move |item| view::visible(&survey, item, action))
    }

    /// What would come of asking for an action, without asking; for `use`, by one of these deliveries.
    #[must_use]
    pub fn access(&self, action: Action, target: &Target, by: &[Delivery]) -> Access {
        view::access(&self.policy, self.who.principal(), self.now, (action, by), target)
    }

    /// Whether the rules allow something, leaving aside what else the caller must do or keep to.
    #[must_use]
    pub fn allows(&self, action: Action, target: &Target) -> bool {
        self.policy.outlook(self.who.principal(), action, target, self.now).is_ok()
    }

    /// Whether the principal could do more with an item, or do it on easier terms, if it were of this
    /// category and had these tags. Rules speak of both, and whom they bind mustn't choose them.
    #[must_use]
    pub fn would_gain(&self, item: &Item, category: Category, tags: &Arc<[Tag]>) -> bool {
        item.fields.decided_on().iter().any(|field| {
            let before = item.target(field);
            let after = Target { category, tags: Arc::clone(tags), ..before.clone() };
            self.policy.would_gain(self.who.principal(), &before, &after, self.now)
        })
    }

    /// The rules that speak of the principal, as it may read them.
    #[must_use]
    pub fn rules(&self) -> RulesOfMine {
        view::rules(&self.policy, self.who.principal())
    }

    /// Whether the principal may know that a path of any category exists.
    #[must_use]
    pub fn may_list(&self, targets: &[Target]) -> bool {
        let survey = self.policy.survey(self.who.principal(), self.now);
        !targets.is_empty() && targets.iter().all(|target| survey.actions(target).contains(Action::List))
    }

    /// Whether the principal may know that a path of some category exists.
    #[must_use]
    pub fn could_list(&self, targets: &[Target]) -> bool {
        let survey = self.policy.survey(self.who.principal(), self.now);
        targets.iter().any(|target| survey.actions(target).contains(Action::List))
    }

    /// Whether the rules permit anything on some of the targets.
    #[must_use]
    pub fn permits_any(&self, targets: &[Target]) -> bool {
        let survey = self.policy.survey(self.who.principal(), self.now);
        targets.iter().any(|target| !survey.actions(target).is_empty())
    }

    /// Whether any rule could permit the principal anything in an item of this path, if there's one.
    #[must_use]
    pub fn has_rules_for(&self, item: &ItemPath) -> bool {
        self.policy.survey(self.who.principal(), self.now).speaks_of(item.matching())
    }

    /// Whether any rule could permit the principal anything in an item, whatever fields it has.
    #[must_use]
    pub fn reaches(&self, item: &Item) -> bool {
        self.reaches_any(std::iter::once(item))
    }

    /// Whether that's so for one of many items: what depends on the principal alone is done once.
    pub fn reaches_any<'a>(&self, mut items: impl Iterator<Item = &'a Item>) -> bool {
        let survey = self.policy.survey(self.who.principal(), self.now);
        items.any(|item| view::reaches(&survey, item))
    }

    /// Those of the items that a rule names, and lets the principal list fields of, though none that
    /// they're supposed to have.
    pub fn maybe_visible_among<'a>(
        &'a self,
        items: impl Iterator<Item = &'a Arc<Item>> + 'a,
    ) -> impl Iterator<Item = &'a Arc<Item>> {
        let survey = self.policy.survey(self.who.principal(), self.now);
        items.filter(move |item| {
            let like = item.fields.decided_on().first().map(|field| item.target(field));
            like.is_some_and(|like| survey.lists_in(item.path.matching(), &like))
                && view::visible(&survey, item, Action::List).is_none()
        })
    }

    /// Ends a request that no item and no path can be named for.
    pub async fn fail(&self, action: Action, reference: Option<&Reference>, error: PublicError) -> Refusal {
        let subject = reference.map_or(Subject::None, Subject::Reference);
        let entry = self.entry(About { subject, ..About::nothing(action) }, Decision::Deny, &[]);
        let recorded = Box::pin(self.door.audit.failure(entry, error.code)).await;
        self.door.decisions.one((action, Decided::Failed));
        Refusal::of(error, recorded.map(Settled::of))
    }

    /// Ends a request whose reference resolves to nothing, or to something its principal may not
    /// even list: the two get the same answer.
    pub async fn deny_unseen(&self, action: Action, reference: &Reference) -> Refusal {
        let about = About { subject: Subject::Reference(reference), ..About::nothing(action) };
        // What's decided without a rule is decided so for what exists, too.
        let reason = self.policy.denies_all(self.now).unwrap_or(DenyReason::NoRule);
        let error = denial::denied(self.principal(), action, None, &reason, None);
        self.refuse(about, &[], error, Decided::Denied).await
    }

    /// Ends a request to see an item none of whose fields the principal may see.
    pub async fn refuse_view(&self, action: Action, target: &Target, reference: &Reference) -> Refusal {
        if self.may_list(std::slice::from_ref(target)) {
            // The view came out empty, so there is a reason; without one it's that no rule speaks of it.
            let outlook = self.policy.outlook(self.who.principal(), action, target, self.now);
            self.deny(action, target, &outlook.err().unwrap_or(DenyReason::NoRule)).await
        } else {
            self.deny_unseen(action, reference).await
        }
    }

    async fn deny(&self, action: Action, target: &Target, reason: &DenyReason) -> Refusal {
        self.deny_about(About::secret(action, target), target, reason).await
    }

    async fn deny_about(&self, about: About<'_>, target: &Target, reason: &DenyReason) -> Refusal {
        let action = about.action;
        let known = self.may_list(std::slice::from_ref(target)).then_some(&target.path);
        let error = denial::denied(self.principal(), action, about.delivery, reason, known);
        self.refuse(about, reason.rules(), error, Decided::Denied).await
    }

    /// Records that a request is allowed.
    async fn intent(&self, about: About<'_>, rules: &[RuleId]) -> Result<Intent, AuditError> {
        let recorded = self.door.audit.intent(self.entry(about, Decision::Allow, rules)).await;
        self.count(about.action, Decided::Allowed, recorded.is_ok());
        recorded
    }

    pub(super) async fn refuse(
        &self,
        about: About<'_>,
        rules: &[RuleId],
        error: PublicError,
        decided: Decided,
    ) -> Refusal {
        let decision = if decided == Decided::Leaked { Decision::Leak } else { Decision::Deny };
        let entry = self.entry(about, decision, rules);
        let recorded = Box::pin(self.door.audit.refusal(entry, error.code)).await;
        self.count(about.action, decided, recorded.is_ok());
        Refusal::of(error, recorded.map(Settled::of))
    }

    /// Closes an open record with an error and makes it the answer.
    pub async fn end(&self, pending: Pending, error: PublicError) -> Refusal {
        pending.refused(error).await
    }

    /// A decision that isn't in the log is none.
    fn count(&self, action: Action, decided: Decided, is_recorded: bool) {
        self.door.decisions.one((action, if is_recorded { decided } else { Decided::Failed }));
    }

    fn entry<'a>(&'a self, about: About<'a>, decision: Decision, rules: &'a [RuleId]) -> Entry<'a> {
        Entry {
            request: self.id,
            principal: self.principal(),
            client: &self.client,
            transport: self.who.principal().transport,
            action: about.action,
            path: about.subject,
            source: about.source,
            delivery: about.delivery,
            asked: about.asked,
            decision,
            rules,
            policy: self.policy.hash(),
            reason: self.reason.as_ref(),
        }
    }
}
