//! One request, and the small names that travel with it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use uuid::Uuid;

use super::action::{ActionKind, kind::Use};
use super::delivery::Delivery;
use super::item::{Category, FieldId, ItemId, SourceName, Tag, VaultId};
use super::name::is_refused;
use super::path::SecretPath;

/// Names one request in answers, logs and records: a UUID of version 7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id, later than all before it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is different, so there is no default")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A rule's id as its policy file gives it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct RuleId(Arc<str>);

impl RuleId {
    /// Wraps an id that the policy file's reader has checked.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A policy's name: SHA-256 over the canonical form of its rules. Shown as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyHash(pub [u8; 32]);

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why the caller says it needs this: one line of at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(Arc<str>);

/// Why a text can't be a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason is one line of 1 to 200 characters without control or invisible characters")]
pub struct ReasonError(());

impl Reason {
    /// Reads a reason.
    ///
    /// # Errors
    ///
    /// When it's empty, too long, or holds characters a person can't see.
    pub fn parse(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        let length = text.chars().count();
        // A backslash can't stand in a path, but people do write it in a sentence.
        if length == 0 || length > 200 || text.chars().any(|c| c != '\\' && is_refused(c)) {
            return Err(ReasonError(()));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client says it is. It's a claim, recorded as such, and never part of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientName(Arc<str>);

impl ClientName {
    /// Keeps the first 64 harmless characters of what the client said.
    #[must_use]
    pub fn claimed(name: &str, version: &str) -> Self {
        let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ' ' | '+' | '@');
        let text: String = name
            .chars()
            .filter(harmless)
            .take(40)
            .chain(['/'])
            .chain(version.chars().filter(harmless).take(23))
            .collect();
        Self(text.trim_matches('/').into())
    }

    /// The claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a secret that exists is kept: the immutable ids behind its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The source.
    pub source: SourceName,
    /// The vault in it.
    pub vault: VaultId,
    /// The item in the vault.
    pub item: ItemId,
    /// The field in the item.
    pub field: FieldId,
}

/// What a decision is about: one secret, and what its rules may ask of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The canonical path.
    pub path: SecretPath,
    /// A second path by which rules may name it; see [`Field::title_path`](super::Field::title_path).
    pub title_path: Option<SecretPath>,
    /// Where it's kept; `None` for a secret that doesn't exist yet.
    pub place: Option<Place>,
    /// The item's category.
    pub category: Category,
    /// The item's tags.
    pub tags: Arc<[Tag]>,
}

impl Target {
    /// The paths by which rules may name it.
    pub fn paths(&self) -> impl Iterator<Item = &SecretPath> {
        std::iter::once(&self.path).chain(&self.title_path)
    }
}

/// One request for one action on one secret.
#[derive(Debug, Clone)]
pub struct Request<A> {
    /// Its name in answers and records.
    pub id: RequestId,
    /// The secret.
    pub target: Target,
    /// Why, if the caller said.
    pub reason: Option<Reason>,
    delivery: Option<Delivery>,
    action: PhantomData<fn() -> A>,
}

impl<A: ActionKind> Request<A> {
    /// A request for the action `A`.
    #[must_use]
    pub fn new(id: RequestId, target: Target, reason: Option<Reason>) -> Self {
        Self { id, target, reason, delivery: None, action: PhantomData }
    }

    /// How the value would be put where it's needed; only a request to use has one, and without one it's for nothing.
    #[must_use]
    pub fn delivery(&self) -> Option<&Delivery> {
        self.delivery.as_ref()
    }

    /// The same request, for the proof that it's allowed.
    pub(crate) fn again(&self) -> Self {
        let (target, reason, delivery) = (self.target.clone(), self.reason.clone(), self.delivery.clone());
        Self { id: self.id, target, reason, delivery, action: PhantomData }
    }
}

impl Request<Use> {
    /// A request to use a secret in one way.
    #[must_use]
    pub fn delivering(id: RequestId, target: Target, reason: Option<Reason>, delivery: Delivery) -> Self {
        Self { id, target, reason, delivery: Some(delivery), action: PhantomData }
    }
}
