//! What the ledger reads of a line, and what that says.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::entry::Kind;
use crate::model::{Action, ErrorCode};

/// A text of a line, left where it stands if it holds no escapes.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Those parts of a record that tell of an exposure or a change.
#[derive(Debug, Deserialize)]
pub(super) struct Glimpse<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    pub(super) principal: Text<'a>,
    #[serde(borrow)]
    pub(super) request: Text<'a>,
    #[serde(borrow)]
    pub(super) rules: Vec<Text<'a>>,
    pub(super) time: Timestamp,
    #[serde(borrow)]
    pub(super) path: Option<Text<'a>>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    delivery: Option<Text<'a>>,
    #[serde(borrow)]
    sandbox: Option<Text<'a>>,
}

/// What a line means for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning<'g> {
    /// A value may be given from here on, by this delivery, or changed.
    Begins(Affair<'g>),
    /// That came to its end; whether it did what it was for.
    Ends(Affair<'g>, bool),
}

/// What a request is for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Affair<'g> {
    /// To see the value.
    Read,
    /// To put it where whoever asks can get at it.
    Deliver(&'g str),
    /// To set it.
    Write,
    /// To put another in its place, or to take it away.
    Replace(Action),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a line can matter at all. What opward writes begins with the action, and most requests are looks at names.
pub(super) fn may_matter(line: &[u8]) -> bool {
    const LOOKS: [&[u8]; 3] = [b"{\"action\":\"list\"", b"{\"action\":\"describe\"", b"{\"action\":\"\""];
    !LOOKS.iter().any(|look| line.starts_with(look))
}

impl<'a> Glimpse<'a> {
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// What it means, if anything.
    pub(super) fn meaning(&self) -> Option<Meaning<'_>> {
        let affair = match Action::from_word(self.action.as_str())? {
            Action::Read => Affair::Read,
            Action::Use => Affair::Deliver(self.delivery.as_ref().map(Text::as_str).filter(|how| exposes(how))?),
            Action::Write => Affair::Write,
            replaced @ (Action::Rotate | Action::Delete) => Affair::Replace(replaced),
            Action::List | Action::Describe => return None,
        };
        match Kind::from_word(self.kind.as_str())? {
            Kind::Intent => Some(Meaning::Begins(affair)),
            Kind::Outcome => Some(Meaning::Ends(affair, self.did(affair))),
            Kind::Start | Kind::Denied | Kind::Policy | Kind::Config | Kind::Error => None,
        }
    }

    /// Whether the value was given or changed; where a program was to get it, whether it may have been.
    fn did(&self, affair: Affair<'_>) -> bool {
        let Some(code) = &self.code else { return true };
        matches!(affair, Affair::Deliver(_)) && (self.sandbox.is_some() || !comes_before(code.as_str()))
    }
}

/// Whether who asks can get at a value by a delivery, as records write it. Any that isn't known to keep it away does.
fn exposes(delivery: &str) -> bool {
    !(delivery.starts_with("command:") || delivery.starts_with("http:"))
}

/// Whether a failure with this code comes before a program is started. `abandoned` isn't one of these.
fn comes_before(code: &str) -> bool {
    let code = ErrorCode::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(code));
    code.is_ok_and(|code| match code {
        ErrorCode::Internal => false,
        ErrorCode::Ambiguous
        | ErrorCode::ApprovalDenied
        | ErrorCode::ApprovalRequired
        | ErrorCode::AuditUnavailable
        | ErrorCode::Conflict
        | ErrorCode::Denied
        | ErrorCode::Expired
        | ErrorCode::Invalid
        | ErrorCode::NotFound
        | ErrorCode::RateLimited
        | ErrorCode::ReadOnly
        | ErrorCode::SourceUnavailable
        | ErrorCode::TooLarge
        | ErrorCode::Unauthenticated
        | ErrorCode::Unsupported => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_that_isnt_known_to_keep_a_value_away_exposes_it() {
        for kept in ["command:migrate", "http:stripe"] {
            assert!(!exposes(kept), "{kept}");
        }
        for exposed in ["trusted-code:test", "run", "run-unmasked", "", "command", "of-tomorrow:x"] {
            assert!(exposes(exposed), "{exposed}");
        }
    }

    #[test]
    fn only_a_known_code_says_that_nothing_was_started() {
        for before in ["not_found", "source_unavailable", "invalid", "unsupported", "rate_limited"] {
            assert!(comes_before(before), "{before}");
        }
        for after in ["internal", "abandoned", "", "of_tomorrow"] {
            assert!(!comes_before(after), "{after}");
        }
    }
}
