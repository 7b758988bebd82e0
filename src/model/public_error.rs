//! What a caller is told when something can't be done.

use std::borrow::Cow;
use std::fmt;

use super::request::RuleId;

/// The closed set of codes. The same code stands in a tool's answer, in the audit log and, on the
/// command line, after `error:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// More than one thing bears that name.
    Ambiguous,
    /// A person said no.
    ApprovalDenied,
    /// A person must be asked first.
    ApprovalRequired,
    /// The audit log can't be written, so nothing is opened.
    AuditUnavailable,
    /// Somebody changed it meanwhile; nothing was written.
    Conflict,
    /// No rule allows it, or one forbids it.
    Denied,
    /// Past its expiry.
    Expired,
    /// A fault of this program.
    Internal,
    /// The request itself is wrong.
    Invalid,
    /// There's no such thing.
    NotFound,
    /// Too often.
    RateLimited,
    /// The place can't be written to.
    ReadOnly,
    /// The source of the value doesn't answer.
    SourceUnavailable,
    /// More than fits.
    TooLarge,
    /// The caller isn't known.
    Unauthenticated,
    /// Not possible with this source or this version.
    Unsupported,
}

impl ErrorCode {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::ApprovalDenied => "approval_denied",
            Self::ApprovalRequired => "approval_required",
            Self::AuditUnavailable => "audit_unavailable",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Internal => "internal",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ReadOnly => "read_only",
            Self::SourceUnavailable => "source_unavailable",
            Self::TooLarge => "too_large",
            Self::Unauthenticated => "unauthenticated",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error with the caller's face: what happened and what can be done, and nothing from upstream.
///
/// Texts are written in this program; the only foreign words in them are names the caller may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct PublicError {
    /// Which of the closed set.
    pub code: ErrorCode,
    /// What happened.
    pub message: Cow<'static, str>,
    /// What the agent or its human can do next; empty if nothing.
    pub hint: Cow<'static, str>,
    /// Seconds after which trying again makes sense.
    pub retry_after_s: Option<u64>,
    /// The rule that decided, where the caller may know it.
    pub rule: Option<RuleId>,
}

impl PublicError {
    /// An error with a message and a hint.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), retry_after_s: None, rule: None }
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn with_rule(self, rule: Option<RuleId>) -> Self {
        Self { rule, ..self }
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}
