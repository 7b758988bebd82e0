//! The words of a refusal: what the rule of the house is and what a person can do about it.

use std::time::Duration;

use crate::model::{Action, ErrorCode, PrincipalName, PublicError, RuleId, Target};
use crate::policy::DenyReason;

/// The refusal of a path; what's said of it depends on whether its existence may be known.
#[expect(clippy::wildcard_enum_match_arm, reason = "a new reason is told like the lack of a rule")]
pub(super) fn denied(
    principal: &PrincipalName,
    action: Action,
    target: &Target,
    reason: &DenyReason,
    listable: bool,
) -> PublicError {
    let path = &target.path;
    match reason {
        // Neither tells anything about the path.
        DenyReason::NoPolicy => PublicError::new(
            ErrorCode::Denied,
            "no policy is in force, so everything is denied",
            "ask the owner to run `opward doctor`: the policy file is missing or has mistakes",
        ),
        DenyReason::ClockUnreadable => PublicError::new(
            ErrorCode::Denied,
            "the machine's clock can't be read, so everything is denied",
            "ask the owner to set it",
        ),
        _ if !listable => unseen(principal, action),
        DenyReason::Forbidden(rules) => PublicError::new(
            ErrorCode::Denied,
            format!("a rule forbids `{principal}` to {action} {path}"),
            "this was decided by the owner; do without it, or ask them to change the rule",
        )
        .with_rule(rules.first().cloned()),
        _ => PublicError::new(
            ErrorCode::Denied,
            format!("no rule allows `{principal}` to {action} {path}"),
            format!("ask the owner to add a rule for *{action}* on this path to their policy file"),
        ),
    }
}

/// The refusal of what isn't there and of what the principal may not know about: one text for both.
pub(super) fn unseen(principal: &PrincipalName, action: Action) -> PublicError {
    PublicError::new(
        ErrorCode::Denied,
        format!("no rule allows `{principal}` to {action} this, whether or not it exists"),
        format!("list_secrets shows what you may know of; ask the owner to add a rule for *{action}* on this path"),
    )
}

/// The refusal of a request that doesn't say why.
pub(super) fn reason_required(action: Action) -> PublicError {
    PublicError::new(
        ErrorCode::Denied,
        format!("a rule allows to {action} this only with a reason"),
        "pass `reason`: one sentence saying what you need it for; it's recorded",
    )
}

/// The refusal of a request that comes too soon.
pub(super) fn rate_limited(rule: &RuleId, wait: Duration) -> PublicError {
    let seconds = wait.as_secs().saturating_add(1);
    PublicError::new(
        ErrorCode::RateLimited,
        format!("the rule `{rule}` allows no more for now"),
        format!("try again in {seconds} s, or do with what you already have"),
    )
    .with_retry_after(seconds)
    .with_rule(Some(rule.clone()))
}
