//! The words of a refusal: what the rule of the house is and what a person can do about it.

use std::time::Duration;

use crate::model::{Action, ErrorCode, PrincipalName, PublicError, RuleId, SecretPath};
use crate::policy::DenyReason;

/// A denial. It names the path, and what about it was decided, only where that the path exists may be
/// known; `known` is `None` both for what isn't there and for what the principal may not know about,
/// so that the two get one text.
pub(super) fn denied(
    principal: &PrincipalName,
    action: Action,
    reason: &DenyReason,
    known: Option<&SecretPath>,
) -> PublicError {
    let denied = |message: String, hint: String| PublicError::new(ErrorCode::Denied, message, hint);
    match (reason, known) {
        // These two deny everything, so they tell nothing about a path.
        (DenyReason::NoPolicy, _) => PublicError::new(
            ErrorCode::Denied,
            "no policy is in force, so everything is denied",
            "ask the owner to run `opward doctor`: the policy file is missing or has mistakes",
        ),
        (DenyReason::ClockUnreadable, _) => PublicError::new(
            ErrorCode::Denied,
            "the machine's clock can't be read, so everything is denied",
            "ask the owner to set it",
        ),
        (_, None) => denied(
            format!("no rule allows `{principal}` to {action} this, whether or not it exists"),
            format!("list_secrets shows what you may know of; ask the owner to add a rule for *{action}* on this path"),
        ),
        (DenyReason::Forbidden(rules), Some(path)) => denied(
            format!("a rule forbids `{principal}` to {action} {path}"),
            "this was decided by the owner; do without it, or ask them to change the rule".to_owned(),
        )
        .with_rule(rules.first().cloned()),
        (DenyReason::NoRule, Some(path)) => denied(
            format!("no rule allows `{principal}` to {action} {path}"),
            format!("ask the owner to add a rule for *{action}* on this path to their policy file"),
        ),
    }
}

/// The refusal to use an entry of the policy: the same for one that isn't there.
pub(super) fn not_open(principal: &PrincipalName) -> PublicError {
    PublicError::new(
        ErrorCode::Denied,
        format!("no rule lets `{principal}` use this entry, whether or not it exists"),
        "list_actions shows what you may use; ask the owner to add an entry and a rule with `use` for it",
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

/// The refusal of a request that carries a value its caller was never given. `known` is the value's path, where the
/// caller may know it.
pub(super) fn leaked(argument: Option<&str>, known: Option<&SecretPath>) -> PublicError {
    let argument = argument.map_or_else(|| "an argument".to_owned(), |name| format!("`{name}`"));
    let value = known.map_or_else(|| "a value of a vault".to_owned(), |path| format!("the value of {path}"));
    PublicError::new(
        ErrorCode::Denied,
        format!("{argument} holds {value}, which you were never given; nothing was done, and it's recorded"),
        "don't pass it on; tell your human where you have it from: it has leaked, so the owner should rotate it. What \
         needs it gets it through run_command or http_request, without you seeing it",
    )
}

/// The refusal of all that comes from a principal after several of those.
pub(super) fn leaked_too_often(wait: Duration) -> PublicError {
    let seconds = wait.as_secs().saturating_add(1);
    PublicError::new(
        ErrorCode::RateLimited,
        "you passed on values you were never given several times, so nothing is taken from you for a while",
        "tell your human: the audit log names the values, and they should be rotated",
    )
    .with_retry_after(seconds)
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
