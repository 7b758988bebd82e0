//! The decision: a pure function of principal, request, time and rules.

use jiff::Timestamp;

use super::Policy;
use super::compiled::Compiled;
use super::rule::{Effect, Rule};
use super::trie::Segments;
use super::verdict::{DenyReason, Grant, Obligations, Verdict};
use crate::model::{Action, ActionKind, Principal, Request, RuleId, Target};

impl Policy {
    /// Decides one request. Deny wins; else at least one allow is needed, and the obligations of all
    /// that match add up. A time that couldn't be read (`None`) denies.
    pub fn decide<A: ActionKind>(&self, who: &Principal, request: &Request<A>, now: Option<Timestamp>) -> Verdict<A> {
        match self.judge(who, A::ACTION, &request.target, now) {
            Err(reason) => Verdict::Deny(reason),
            Ok(rules) => Verdict::Allow(Grant {
                request: Request::new(request.id, request.target.clone(), request.reason.clone()),
                rules: rules.iter().map(|rule| rule.id.clone()).collect(),
                policy: self.hash(),
                obligations: Obligations::of(&rules),
            }),
        }
    }

    /// What [`Policy::decide`] would come to, without a grant: nothing can be done with it.
    ///
    /// # Errors
    ///
    /// Why it would be refused.
    pub fn outlook(
        &self,
        who: &Principal,
        action: Action,
        target: &Target,
        now: Option<Timestamp>,
    ) -> Result<(Box<[RuleId]>, Obligations), DenyReason> {
        let rules = self.judge(who, action, target, now)?;
        Ok((ids(&rules), Obligations::of(&rules)))
    }

    /// Why nothing at all is permitted, whatever is asked for; `None` where rules decide.
    #[must_use]
    pub fn denies_all(&self, now: Option<Timestamp>) -> Option<DenyReason> {
        self.in_force(now).err()
    }

    /// The rules and the time that decide, if there are both.
    pub(super) fn in_force(&self, now: Option<Timestamp>) -> Result<(&Compiled, Timestamp), DenyReason> {
        let compiled = self.compiled().ok_or(DenyReason::NoPolicy)?;
        Ok((compiled, now.ok_or(DenyReason::ClockUnreadable)?))
    }

    /// The allow rules that carry a request, or why it's refused.
    pub(super) fn judge(
        &self,
        who: &Principal,
        action: Action,
        target: &Target,
        now: Option<Timestamp>,
    ) -> Result<Vec<&Rule>, DenyReason> {
        let (compiled, now) = self.in_force(now)?;
        let candidates = candidates(compiled, who, action, target).into_iter();
        let matching = candidates
            .filter_map(|position| compiled.rule(position))
            .filter(|rule| rule.unmet_by_item(target).is_none() && rule.unmet_by_caller(who, now).is_none());
        let (denies, allows): (Vec<&Rule>, Vec<&Rule>) = matching.partition(|rule| rule.effect == Effect::Deny);
        if !denies.is_empty() {
            return Err(DenyReason::Forbidden(ids(&denies)));
        }
        if allows.is_empty() { Err(DenyReason::NoRule) } else { Ok(allows) }
    }
}

/// The rules about this principal, action and path, each once and in the policy's order: what's left
/// to ask is about the item and the circumstances.
pub(super) fn candidates(compiled: &Compiled, who: &Principal, action: Action, target: &Target) -> Vec<usize> {
    let mut found = Vec::new();
    for path in target.paths() {
        let path = Segments::of(path.matching());
        compiled.each_group(who.name.as_str(), |group| {
            group.paths.each(&path, &mut |end| {
                if end.actions.contains(action) {
                    found.push(end.rule);
                }
            });
        });
    }
    found.sort_unstable();
    found.dedup();
    found
}

pub(super) fn ids(rules: &[&Rule]) -> Box<[RuleId]> {
    rules.iter().map(|rule| rule.id.clone()).collect()
}

impl Obligations {
    pub(super) fn of(rules: &[&Rule]) -> Self {
        Self {
            reason: rules.iter().any(|rule| rule.require_reason),
            rates: rules.iter().filter_map(|rule| rule.rate.map(|rate| (rule.id.clone(), rate))).collect(),
        }
    }
}
