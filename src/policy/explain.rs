//! Why a request is allowed or denied, rule by rule.

use jiff::Timestamp;

use super::Policy;
use super::compiled::Compiled;
use super::condition::Unmet;
use super::decide::{candidates, ids};
use super::rule::{Effect, Rule};
use super::verdict::{DenyReason, Obligations};
use crate::model::{Action, Principal, RuleId, Target};

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
    /// Explains a decision. It's made by the same code as [`Policy::decide`]'s.
    #[must_use]
    pub fn explain(
        &self,
        who: &Principal,
        action: Action,
        target: &Target,
        reason_given: bool,
        now: Option<Timestamp>,
    ) -> Explanation {
        let judged = self.judge(who, action, target, now);
        let rules = self.compiled().map(|compiled| explained(compiled, who, action, target, now)).unwrap_or_default();
        let (decision, why, deciding, obligations) = match &judged {
            Ok(allows) => (Effect::Allow, allowed(allows), ids(allows).into_vec(), Obligations::of(allows)),
            Err(reason) => (Effect::Deny, denied(reason, action), reason.rules().to_vec(), Obligations::default()),
        };
        let rates =
            obligations.rates.iter().map(|(rule, rate)| OwedRate { rule: rule.clone(), rate: rate.to_string() });
        Explanation {
            decision,
            why,
            deciding,
            reason_missing: obligations.reason && !reason_given,
            obligations: Owed { reason: obligations.reason, rates: rates.collect() },
            policy: self.hash().to_string(),
            rules,
        }
    }
}

fn allowed(allows: &[&Rule]) -> String {
    let ids: Vec<String> = allows.iter().map(|rule| format!("`{}`", rule.id)).collect();
    format!("allowed by {}", ids.join(", "))
}

fn denied(reason: &DenyReason, action: Action) -> String {
    match reason {
        DenyReason::NoRule => format!("no rule allows `{action}` here"),
        DenyReason::ClockUnreadable | DenyReason::Forbidden(_) | DenyReason::NoPolicy => reason.to_string(),
    }
}

fn explained(
    compiled: &Compiled,
    who: &Principal,
    action: Action,
    target: &Target,
    now: Option<Timestamp>,
) -> Vec<Explained> {
    let candidates = candidates(compiled, who, action, target);
    let unmet = |position: usize, rule: &Rule| {
        if candidates.binary_search(&position).is_err() {
            return Some(not_a_candidate(rule, who, action));
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
