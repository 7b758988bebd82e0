//! Why a request is allowed or denied, rule by rule.

use jiff::Timestamp;

use super::Policy;
use super::compiled::Compiled;
use super::condition::Unmet;
use super::decide::{Asked, candidates, ids};
use super::rule::{Effect, Rule};
use super::verdict::{DenyReason, Obligations};
use crate::model::{Action, Delivery, Principal, RuleId, Target};

/// A decision with everything that led to it, for people and programs to read.
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What [`Policy::decide`] would say.
    pub decision: Effect,
    /// Why, in a sentence.
    pub why: String,
    /// The rules that made the decision: the matching denies, else the matching allows.
    pub deciding: Vec<RuleId>,
    /// What the caller must meet.
    pub obligations: Owed,
    /// Whether a reason is needed and none was given: the request would be refused for that.
    pub reason_missing: bool,
    /// For `use`: the ways in which the secret may be used now. An entry that names its own by an id may be one of them,
    /// as far as a path tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Vec<String>>,
    /// The policy's hash.
    pub policy: String,
    /// Every rule, in the file's order.
    pub rules: Vec<Explained>,
}

/// Obligations as they're shown.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Owed {
    /// The caller must say why.
    pub reason: bool,
    /// How often, by rule.
    pub rates: Vec<OwedRate>,
}

/// How often one rule may be used.
#[derive(Debug, Clone, serde::Serialize)]
pub struct OwedRate {
    /// The rule.
    pub rule: RuleId,
    /// Such as `30/1h`.
    pub rate: String,
}

/// What one rule had to say.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Explained {
    /// The rule.
    pub rule: RuleId,
    /// What it does when it matches.
    pub effect: Effect,
    /// Where it stands in the file.
    pub line: usize,
    /// Whether it matched.
    pub matched: bool,
    /// The first thing that kept it from matching.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet: Option<Unmet>,
}

impl Policy {
    /// Explains a decision. It's made by the same code as [`Policy::decide`]'s. For `use`, `delivery` is the way that's
    /// asked about; without it, the answer is whether there's any.
    #[must_use]
    pub fn explain(
        &self,
        who: &Principal,
        action: Action,
        delivery: Option<&Delivery>,
        target: &Target,
        reason_given: bool,
        now: Option<Timestamp>,
    ) -> Explanation {
        let asked = if delivery.is_some() { Asked::by(action, delivery) } else { Asked::of(action) };
        let rules = self.compiled().map(|compiled| explained(compiled, who, asked, target, now)).unwrap_or_default();
        let mut judged = self.judge(who, asked, target, now);
        // What's open to others' secrets isn't to this one.
        if let (Ok(carried), Asked::Somehow) = (&mut judged, asked) {
            carried.entries.retain(|entry| entry.secret.may_mean(&target.path));
        }
        let delivers = |delivery: &Delivery| {
            self.compiled().is_some_and(|compiled| compiled.deliveries().may_deliver(delivery, &target.path))
        };
        let open = || self.deliveries(who, target, now).into_iter().filter(delivers);
        let words = || open().map(|delivery| delivery.to_string()).collect();
        let (decision, why, deciding, obligations) = match &judged {
            Ok(carried) => {
                let rules = &carried.rules;
                (Effect::Allow, allowed(rules), ids(rules).into_vec(), Obligations::of(carried))
            }
            Err(reason) => (Effect::Deny, denied(reason, asked), reason.rules().to_vec(), Obligations::default()),
        };
        let rates =
            obligations.rates.iter().map(|(rule, rate)| OwedRate { rule: rule.clone(), rate: rate.to_string() });
        Explanation {
            decision,
            why,
            deciding,
            reason_missing: obligations.reason && !reason_given,
            obligations: Owed { reason: obligations.reason, rates: rates.collect() },
            deliveries: (action == Action::Use).then(words),
            policy: self.hash().to_string(),
            rules,
        }
    }
}

fn allowed(allows: &[&Rule]) -> String {
    let ids: Vec<String> = allows.iter().map(|rule| format!("`{}`", rule.id)).collect();
    format!("allowed by {}", ids.join(", "))
}

fn denied(reason: &DenyReason, asked: Asked<'_>) -> String {
    match (reason, asked) {
        (DenyReason::NoRule, Asked::Use(Some(delivery))) => format!("no rule allows `use` by `{delivery}` here"),
        (DenyReason::NoRule, _) => format!("no rule allows `{}` here", asked.action()),
        (DenyReason::ClockUnreadable | DenyReason::Forbidden(_) | DenyReason::NoPolicy, _) => reason.to_string(),
    }
}

fn explained(
    compiled: &Compiled,
    who: &Principal,
    asked: Asked<'_>,
    target: &Target,
    now: Option<Timestamp>,
) -> Vec<Explained> {
    let candidates = candidates(compiled, who, asked.action(), target);
    let unmet = |position: usize, rule: &Rule| {
        if candidates.binary_search(&position).is_err() {
            return Some(not_a_candidate(rule, who, asked.action()));
        }
        if !speaks_of(compiled, rule, asked) {
            return Some(Unmet::Delivery);
        }
        rule.unmet_by_item(target).or_else(|| now.map_or(Some(Unmet::Clock), |now| rule.unmet_by_caller(who, now)))
    };
    let rules = compiled.rules().iter().enumerate();
    rules
        .map(|(position, rule)| {
            let unmet = unmet(position, rule);
            Explained { rule: rule.id.clone(), effect: rule.effect, line: rule.line, matched: unmet.is_none(), unmet }
        })
        .collect()
}

/// Whether a rule says something about the delivery that's asked for.
fn speaks_of(compiled: &Compiled, rule: &Rule, asked: Asked<'_>) -> bool {
    match asked {
        Asked::Plain(_) => true,
        Asked::Use(delivery) => rule.speaks_of(delivery.and_then(|delivery| compiled.deliveries().number(delivery))),
        Asked::Somehow => rule.closes_all() || !rule.uses().is_empty(),
    }
}

/// Which of the three things that make a candidate it lacks.
fn not_a_candidate(rule: &Rule, who: &Principal, action: Action) -> Unmet {
    if !rule.principals.iter().any(|pattern| pattern.matches(who.name.as_str())) {
        Unmet::Principal
    } else if !rule.actions.contains(action) {
        Unmet::Action
    } else {
        Unmet::Path
    }
}
