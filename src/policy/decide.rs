//! The decision: a pure function of principal, request, time and rules.

use jiff::Timestamp;

use super::Policy;
use super::compiled::Compiled;
use super::delivery::{DeliverySet, HttpEntry};
use super::rule::{Effect, Rule};
use super::trie::Segments;
use super::verdict::{DenyReason, Grant, Obligations, Verdict};
use crate::model::{Action, ActionKind, Delivery, Principal, Request, RuleId, Target};

/// What's asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// An action that needs no delivery.
    Plain(Action),
    /// To use in one way; `None` is for nothing.
    Use(Option<&'a Delivery>),
    /// To use in whatever way there is.
    Somehow,
}

/// What carries a request.
#[derive(Debug)]
pub(super) struct Carried<'p> {
    /// The allow rules that match, in the policy's order.
    pub(super) rules: Vec<&'p Rule>,
    /// The HTTP entries by which it's delivered.
    pub(super) entries: Vec<&'p HttpEntry>,
}

impl<'a> Asked<'a> {
    /// An action without a word about its delivery.
    pub(super) fn of(action: Action) -> Self {
        if action == Action::Use { Self::Somehow } else { Self::Plain(action) }
    }

    /// An action by this delivery, if it's one that needs one.
    pub(super) fn by(action: Action, delivery: Option<&'a Delivery>) -> Self {
        if action == Action::Use { Self::Use(delivery) } else { Self::Plain(action) }
    }

    pub(super) fn action(self) -> Action {
        match self {
            Self::Plain(action) => action,
            Self::Use(_) | Self::Somehow => Action::Use,
        }
    }
}

impl Policy {
    /// Decides one request. Deny wins; else at least one allow is needed, and the obligations of all
    /// that match add up. A time that couldn't be read (`None`) denies, and so does a use for no delivery.
    pub fn decide<A: ActionKind>(&self, who: &Principal, request: &Request<A>, now: Option<Timestamp>) -> Verdict<A> {
        match self.judge(who, Asked::by(A::ACTION, request.delivery()), &request.target, now) {
            Err(reason) => Verdict::Deny(reason),
            Ok(carried) => Verdict::Allow(Grant {
                request: request.again(),
                rules: ids(&carried.rules),
                policy: self.hash(),
                obligations: Obligations::of(&carried),
            }),
        }
    }

    /// What [`Policy::decide`] would come to, without a grant: nothing can be done with it. For `use` it says what holds
    /// if there's any delivery at all, with the obligations of each that there is.
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
        let carried = self.judge(who, Asked::of(action), target, now)?;
        Ok((ids(&carried.rules), Obligations::of(&carried)))
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

    /// What carries a request, or why it's refused.
    pub(super) fn judge(
        &self,
        who: &Principal,
        asked: Asked<'_>,
        target: &Target,
        now: Option<Timestamp>,
    ) -> Result<Carried<'_>, DenyReason> {
        let (compiled, now) = self.in_force(now)?;
        let candidates = candidates(compiled, who, asked.action(), target).into_iter();
        let matching = candidates
            .filter_map(|position| compiled.rule(position))
            .filter(|rule| rule.unmet_by_item(target).is_none() && rule.unmet_by_caller(who, now).is_none());
        let (mut denies, mut allows): (Vec<&Rule>, Vec<&Rule>) = matching.partition(|rule| rule.effect == Effect::Deny);
        let mut entries = Vec::new();
        match asked {
            Asked::Plain(_) => {}
            Asked::Use(delivery) => {
                let number = delivery.and_then(|delivery| compiled.deliveries().number(delivery));
                denies.retain(|rule| rule.speaks_of(number));
                allows.retain(|rule| rule.speaks_of(number));
                entries.extend(delivery.and_then(|delivery| compiled.deliveries().entry_of(delivery)));
            }
            Asked::Somehow => {
                let mut opened = DeliverySet::default();
                for rule in &allows {
                    opened.take_in(rule.uses().named());
                }
                // What forbids is what closes all, or something that would be open.
                denies.retain(|rule| rule.closes_all() || rule.uses().named().meets(&opened));
                let open = open(compiled, &denies, &opened);
                allows.retain(|rule| open.iter().any(|(number, _)| rule.speaks_of(Some(*number))));
                entries.extend(open.iter().filter_map(|(_, delivery)| compiled.deliveries().entry_of(delivery)));
                // What's denied in one way and allowed in another is allowed.
                if !open.is_empty() {
                    denies.clear();
                }
            }
        }
        if !denies.is_empty() {
            return Err(DenyReason::Forbidden(ids(&denies)));
        }
        if allows.is_empty() { Err(DenyReason::NoRule) } else { Ok(Carried { rules: allows, entries }) }
    }
}

/// The deliveries that are opened and that none of the deny rules closes.
fn open<'p>(compiled: &'p Compiled, denies: &[&Rule], opened: &DeliverySet) -> Vec<(usize, &'p Delivery)> {
    if denies.iter().any(|rule| rule.closes_all()) {
        return Vec::new();
    }
    let mut closed = DeliverySet::default();
    for rule in denies {
        closed.take_in(rule.uses().named());
    }
    let all = compiled.deliveries().all();
    all.filter(|(number, _)| opened.contains(*number) && !closed.contains(*number)).collect()
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
    pub(super) fn of(Carried { rules, entries }: &Carried<'_>) -> Self {
        let by_rules = rules.iter().filter_map(|rule| rule.rate.map(|rate| (rule.id.clone(), rate)));
        // An id of a rule has no colon, so that the two never count for each other.
        let counter = |entry: &HttpEntry| RuleId::new(&entry.delivery().to_string());
        let by_entries = entries.iter().filter_map(|entry| entry.rate.map(|rate| (counter(entry), rate)));
        Self { reason: rules.iter().any(|rule| rule.require_reason), rates: by_rules.chain(by_entries).collect() }
    }
}
