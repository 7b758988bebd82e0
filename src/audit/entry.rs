//! What can be told to the log. Every part is a parsed name, a closed word or a digest, or what a caller wrote and was
//! looked through for values: there's no field for one.

use super::asked::{AskedWords, CameTo};
use super::sandbox::SandboxWords;
use crate::model::{
    Action, ClientName, Delivery, ErrorCode, ItemPath, PolicyHash, PrincipalName, Reason, Reference, RequestId, RuleId,
    SecretPath, SourceName, Transport,
};

/// One request, as the log tells it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The request's name in answers and logs.
    pub request: RequestId,
    /// Who asks, as proven.
    pub principal: &'a PrincipalName,
    /// What the client says it is.
    pub client: &'a ClientName,
    /// How the request came.
    pub transport: Transport,
    /// What's asked for.
    pub action: Action,
    /// What it's asked of.
    pub path: Subject<'a>,
    /// The source that keeps it, once that's known.
    pub source: Option<&'a SourceName>,
    /// How the value would be put where it's needed, for a request to use one.
    pub delivery: Option<&'a Delivery>,
    /// What it was to do there, once its caller may have it done.
    pub asked: Option<&'a AskedWords>,
    /// What was decided.
    pub decision: Decision,
    /// The rules that decided.
    pub rules: &'a [RuleId],
    /// The policy they stand in.
    pub policy: PolicyHash,
    /// Why, in the caller's words.
    pub reason: Option<&'a Reason>,
}

/// What a request is about. Only parsed things: there's no variant for free text.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// One secret, by its canonical path.
    Secret(&'a SecretPath),
    /// A whole item, by its canonical path.
    Item(&'a ItemPath),
    /// What the caller wrote, before or instead of being resolved.
    Reference(&'a Reference),
    /// Nothing in particular.
    None,
}

/// What was decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
    /// It may not: it carries a value that its caller was never given.
    Leak,
    /// It never got as far as a decision.
    None,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Deny, Self::Leak, Self::None];

    /// The word for it; empty where nothing was decided.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Leak => "leak",
            Self::None => "",
        }
    }
}

/// Something that happened to the program itself, outside any request.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A server or a command started.
    Start {
        /// Who its requests come from, if that's fixed from the start.
        principal: Option<&'a PrincipalName>,
        /// How they come.
        transport: Transport,
        /// The policy in force, if one could be loaded.
        policy: Option<PolicyHash>,
        /// Words for the protections that hold in this process, such as `no_core_dumps`.
        protections: &'a [&'static str],
    },
    /// A policy came into force.
    PolicyLoaded(PolicyHash),
    /// A policy file was refused.
    PolicyRejected {
        /// The policy that stays in force, if there is one.
        kept: Option<PolicyHash>,
    },
    /// The configuration was read.
    ConfigLoaded,
    /// The configuration was refused.
    ConfigRejected,
}

/// What the record of a write says that left the value as it was.
const UNCHANGED: &str = "unchanged";

/// How a request that was let through ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    code: Option<ErrorCode>,
    is_unchanged: bool,
    sandbox: Option<SandboxWords>,
    result: Option<CameTo>,
}

impl Outcome {
    /// It did what it was asked.
    #[must_use]
    pub const fn done() -> Self {
        Self { code: None, is_unchanged: false, sandbox: None, result: None }
    }

    /// It set a value to what that was before. Its record bears the code `unchanged`, so that it isn't read as a change.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self { code: None, is_unchanged: true, sandbox: None, result: None }
    }

    /// It failed.
    #[must_use]
    pub const fn failed(code: ErrorCode) -> Self {
        Self { code: Some(code), is_unchanged: false, sandbox: None, result: None }
    }

    /// The same, where a program had been started, confined by these layers.
    #[must_use]
    pub fn within(self, sandbox: SandboxWords) -> Self {
        Self { sandbox: Some(sandbox), ..self }
    }

    /// The same, where this came of it.
    #[must_use]
    pub fn with(self, result: CameTo) -> Self {
        Self { result: Some(result), ..self }
    }

    /// The code it failed with.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// The code of its record.
    pub(super) const fn word(&self) -> Option<&'static str> {
        match self.code {
            Some(code) => Some(code.as_str()),
            None if self.is_unchanged => Some(UNCHANGED),
            None => None,
        }
    }

    pub(super) const fn result(&self) -> Option<CameTo> {
        self.result
    }

    pub(super) fn into_sandbox(self) -> Option<SandboxWords> {
        self.sandbox
    }
}

/// What kind of record a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A server or a command started.
    Start,
    /// A request was allowed and is about to be carried out.
    Intent,
    /// How it ended.
    Outcome,
    /// A request was refused.
    Denied,
    /// A policy was loaded or refused.
    Policy,
    /// The configuration, or the acceptance of a broken chain.
    Config,
    /// A request that never got as far as a decision, or a damage to the log that was repaired.
    Error,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Intent, Self::Outcome, Self::Denied, Self::Policy, Self::Config, Self::Error];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Denied => "denied",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Error => "error",
        }
    }

    /// The kind a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
