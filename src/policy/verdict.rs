//! What a decision comes to.

use std::fmt;

use super::rate::Rate;
use crate::model::{ActionKind, PolicyHash, Request, RuleId};

/// The outcome of [`Policy::decide`](super::Policy::decide).
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it's taken apart where it's made")]
pub enum Verdict<A> {
    /// Permitted, with what it takes.
    Allow(Grant<A>),
    /// Refused, and why.
    Deny(DenyReason),
}

/// The proof that a policy permits one request.
///
/// Only a decision makes one. It can't be cloned, and it carries the very request it was made for,
/// so it can't serve another.
#[must_use]
pub struct Grant<A> {
    pub(super) request: Request<A>,
    pub(super) rules: Box<[RuleId]>,
    pub(super) policy: PolicyHash,
    pub(super) obligations: Obligations,
}

/// What all matching allow rules ask for, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Obligations {
    /// The caller must say why.
    pub reason: bool,
    /// How often the principal may use each rule.
    pub rates: Vec<(RuleId, Rate)>,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenyReason {
    /// The clock can't be read, so no rule's time can be told.
    ClockUnreadable,
    /// These deny rules match.
    Forbidden(Box<[RuleId]>),
    /// No policy is loaded.
    NoPolicy,
    /// No allow rule matches.
    NoRule,
}

impl<A: ActionKind> Grant<A> {
    /// The request it was made for.
    #[must_use]
    pub fn request(&self) -> &Request<A> {
        &self.request
    }

    /// The allow rules that match, in the policy's order.
    #[must_use]
    pub fn rules(&self) -> &[RuleId] {
        &self.rules
    }

    /// The policy that decided.
    #[must_use]
    pub fn policy(&self) -> PolicyHash {
        self.policy
    }

    /// What must be met before the grant is of use.
    #[must_use]
    pub fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// Gives the request back; the proof is spent.
    #[must_use]
    pub fn into_request(self) -> Request<A> {
        self.request
    }
}

impl<A: ActionKind> fmt::Debug for Verdict<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(grant) => f.debug_tuple("Allow").field(grant).finish(),
            Self::Deny(reason) => f.debug_tuple("Deny").field(reason).finish(),
        }
    }
}

impl<A: ActionKind> fmt::Debug for Grant<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("action", &A::ACTION)
            .field("request", &self.request.id)
            .field("path", &self.request.target.path)
            .field("rules", &self.rules)
            .field("policy", &self.policy)
            .field("obligations", &self.obligations)
            .finish()
    }
}

impl DenyReason {
    /// The rules that forbid; empty where it's the lack of a rule.
    #[must_use]
    pub fn rules(&self) -> &[RuleId] {
        match self {
            Self::Forbidden(rules) => rules,
            Self::ClockUnreadable | Self::NoPolicy | Self::NoRule => &[],
        }
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockUnreadable => f.write_str("the clock can't be read"),
            Self::Forbidden(rules) => {
                f.write_str("forbidden by ")?;
                for (index, rule) in rules.iter().enumerate() {
                    let between = if index > 0 { ", " } else { "" };
                    write!(f, "{between}`{rule}`")?;
                }
                Ok(())
            }
            Self::NoPolicy => f.write_str("no policy is loaded"),
            Self::NoRule => f.write_str("no rule allows it"),
        }
    }
}
