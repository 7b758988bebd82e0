//! The words of a refusal: what the rule of the house is and what a person can do about it.

use std::time::Duration;

use crate::model::{Action, Delivery, ErrorCode, Output, PrincipalName, PublicError, RuleId, SecretPath};
use crate::policy::DenyReason;

/// A denial. It names the path, and what about it was decided, only where that the path exists may be
/// known; `known` is `None` both for what isn't there and for what the principal may not know about,
/// so that the two get one text.
pub(super) fn denied(
    principal: &PrincipalName,
    action: Action,
    delivery: Option<&Delivery>,
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
            format!(
                "list_secrets shows what you may know of; ask the owner to add a rule for *{action}* on this path{}",
                lacking(action, None)
            ),
        ),
        (DenyReason::Forbidden(rules), Some(path)) => denied(
            format!("a rule forbids `{principal}` to {action} {path}"),
            "this was decided by the owner; do without it, or ask them to change the rule".to_owned(),
        )
        .with_rule(rules.first().cloned()),
        (DenyReason::NoRule, Some(path)) => denied(
            match delivery {
                Some(delivery) => format!("no rule allows `{principal}` to {action} {path} by `{delivery}`"),
                None => format!("no rule allows `{principal}` to {action} {path}"),
            },
            format!(
                "ask the owner to add a rule for *{action}* on this path to their policy file{}",
                lacking(action, delivery)
            ),
        ),
    }
}

/// What such a rule must have besides: there may be one without it. It names no entry, since not every one is the
/// caller's to know of.
const fn lacking(action: Action, delivery: Option<&Delivery>) -> &'static str {
    match (action, delivery) {
        (Action::Use, Some(Delivery::Run(Output::Masked))) => ", with `use.run = \"masked\"`",
        (Action::Use, Some(Delivery::Run(Output::Unmasked))) => ", with `use.run = \"unmasked\"`",
        (Action::Use, Some(Delivery::Command(_) | Delivery::TrustedCode(_))) => {
            ", with `use.commands` that names this command"
        }
        (Action::Use, Some(Delivery::Http(_))) => ", with `use.hosts` that names this entry's host",
        (Action::Use, None) => ", with `use.commands`, `use.hosts` or `use.run`",
        (Action::List | Action::Describe | Action::Read | Action::Write | Action::Rotate | Action::Delete, _) => "",
    }
}

/// The refusal to use an entry of the policy: the same for one that isn't there.
pub(super) fn not_open(principal: &PrincipalName) -> PublicError {
    PublicError::new(
        ErrorCode::Denied,
        format!("no rule lets `{principal}` use this entry, whether or not it exists"),
        "list_actions shows what you may use; ask the owner to add an entry and a rule with `use` for it: `use.commands` for a command, \
         `use.hosts` for a host",
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

/// The refusal to store a value that could be guessed, after as much text as is compared with such.
pub(super) fn sent_too_much(wait: Duration) -> PublicError {
    let seconds = wait.as_secs().saturating_add(1);
    PublicError::new(
        ErrorCode::RateLimited,
        "you sent more text than is compared with short values in ten minutes, so for now you can't store one",
        format!("try again in {seconds} s, and send less at once"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeliveryName;

    #[test]
    fn a_denied_use_says_what_the_rule_must_have() {
        let who = PrincipalName::parse("cli").unwrap();
        let path = SecretPath::parse("Staging/DB/password").unwrap();
        let name = || DeliveryName::parse("n4me").unwrap();
        let said = |delivery: Option<&Delivery>, known| denied(&who, Action::Use, delivery, &DenyReason::NoRule, known);
        for (delivery, message, hint) in [
            (Delivery::Run(Output::Masked), "by `run`", "with `use.run = \"masked\"`"),
            (Delivery::Run(Output::Unmasked), "by `run-unmasked`", "with `use.run = \"unmasked\"`"),
            (Delivery::Command(name()), "by `command:n4me`", "with `use.commands` that names this command"),
            (Delivery::TrustedCode(name()), "by `trusted-code:n4me`", "with `use.commands` that names this command"),
            (Delivery::Http(name()), "by `http:n4me`", "with `use.hosts` that names this entry's host"),
        ] {
            let error = said(Some(&delivery), Some(&path));
            assert!(error.message.ends_with(&format!("use Staging/DB/password {message}")), "{}", error.message);
            assert!(error.hint.ends_with(hint) && !error.hint.contains("n4me"), "{}", error.hint);
            // Nor is more said of what isn't there than of what may not be known.
            let hidden = said(Some(&delivery), None);
            assert_eq!((&hidden.message, &hidden.hint), (&said(None, None).message, &said(None, None).hint));
        }
        assert!(said(None, None).hint.ends_with("`use.commands`, `use.hosts` or `use.run`"));
        let read = denied(&who, Action::Read, None, &DenyReason::NoRule, Some(&path));
        assert_eq!(read.hint, "ask the owner to add a rule for *read* on this path to their policy file");
    }
}
