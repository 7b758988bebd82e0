//! Who may do what: a file's rules, compiled once and decided without I/O, clock or scan.
//!
//! `file` → `parse` → `rule` and `delivery` → `compiled` → `decide`. Nothing is permitted that a rule doesn't
//! permit, a deny rule wins whatever else matches, and a file that can't be read whole never
//! replaces one that could.

mod actions;
mod canonical;
mod compiled;
mod condition;
mod decide;
mod delivery;
mod diagnostics;
mod explain;
mod file;
mod gain;
mod hidden;
mod hours;
mod lint;
mod parse;
mod rate;
pub(crate) mod reader;
mod rule;
mod schema;
mod shadow;
mod store;
mod survey;
mod trie;
mod trusted;
mod verdict;
mod watch;
mod when;
mod wildcards;

use std::sync::Arc;

pub use actions::ActionSet;
pub use condition::{Unmet, When};
pub use delivery::{
    BindError, Bound, Class, Command, CommandOutput, HttpEntry, Inject, Parameter, Part, SandboxWish, Uses,
};
pub(crate) use diagnostics::Problems;
pub use diagnostics::{Diagnostics, Problem};
pub use explain::{Explained, Explanation, Owed, OwedRate};
pub use file::LoadError;
pub use hours::Hours;
pub use lint::{About, Warning, WarningKind};
pub(crate) use parse::read_version;
pub use rate::Rate;
pub(crate) use rate::parse_duration;
pub use rule::{Effect, Rule};
pub use schema::schema;
pub use store::{PolicyStore, ReloadEvent};
pub use survey::Survey;
pub use trusted::ReadError;
pub(crate) use trusted::{Stamp, read as read_trusted, read_private};
pub use verdict::{DenyReason, Grant, Obligations, Verdict};
pub use watch::watch;
pub(crate) use when::{read_net, read_time};

use compiled::Compiled;

use crate::model::PolicyHash;

/// A compiled policy; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Policy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hash: PolicyHash,
    /// `None` where no policy is loaded.
    compiled: Option<Compiled>,
}

impl Policy {
    /// The absence of a policy: it denies everything, and its hash is all zeros.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Arc::new(Inner { hash: PolicyHash([0; 32]), compiled: None }))
    }

    /// Reads a policy file's text; `origin` is how errors name the file.
    ///
    /// # Errors
    ///
    /// Everything that's wrong with it, with places.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Diagnostics> {
        let file = parse::parse(text, origin)?;
        let hash = canonical::hash(&canonical::text(&file.rules, &file.deliveries));
        Ok(Self(Arc::new(Inner { hash, compiled: Some(Compiled::new(file)) })))
    }

    /// The policy's name: SHA-256 over the RFC 8785 form of its rules, commands and HTTP entries, sorted by name.
    #[must_use]
    pub fn hash(&self) -> PolicyHash {
        self.0.hash
    }

    /// The text the hash is made of.
    #[must_use]
    pub fn canonical(&self) -> String {
        let text = |compiled: &Compiled| canonical::text(compiled.rules(), compiled.deliveries());
        self.compiled().map(text).unwrap_or_default()
    }

    /// Whether a policy is loaded at all.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.0.compiled.is_some()
    }

    /// The rules, in the file's order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.compiled().into_iter().flat_map(Compiled::rules)
    }

    /// The commands, by name.
    pub fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.compiled().into_iter().flat_map(|compiled| compiled.deliveries().commands())
    }

    /// The HTTP entries, by name.
    pub fn http_entries(&self) -> impl Iterator<Item = &Arc<HttpEntry>> {
        self.compiled().into_iter().flat_map(|compiled| compiled.deliveries().entries())
    }

    /// The command of a name.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&Arc<Command>> {
        self.compiled()?.deliveries().command(name)
    }

    /// The HTTP entry of a name.
    #[must_use]
    pub fn http_entry(&self, name: &str) -> Option<&Arc<HttpEntry>> {
        self.compiled()?.deliveries().entry(name)
    }

    fn compiled(&self) -> Option<&Compiled> {
        self.0.compiled.as_ref()
    }
}

#[cfg(test)]
mod tests;
