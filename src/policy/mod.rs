//! Who may do what: a file's rules, compiled once and decided without I/O, clock or scan.
//!
//! `file` → `parse` → `rule` → `compiled` → `decide`. Nothing is permitted that a rule doesn't
//! permit, a deny rule wins whatever else matches, and a file that can't be read whole never
//! replaces one that could.

mod actions;
mod canonical;
mod compiled;
mod condition;
mod decide;
mod diagnostics;
mod explain;
mod file;
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
pub(crate) use diagnostics::Problems;
pub use diagnostics::{Diagnostics, Problem};
pub use explain::{Explained, Explanation, Owed, OwedRate};
pub use file::LoadError;
pub use hours::Hours;
pub use lint::{Warning, WarningKind};
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
        let rules = parse::parse(text, origin)?;
        let hash = canonical::hash(&canonical::text(&rules));
        Ok(Self(Arc::new(Inner { hash, compiled: Some(Compiled::new(rules)) })))
    }

    /// The policy's name: SHA-256 over the RFC 8785 form of its rules, sorted by id.
    #[must_use]
    pub fn hash(&self) -> PolicyHash {
        self.0.hash
    }

    /// The text the hash is made of.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.compiled().map(|compiled| canonical::text(compiled.rules())).unwrap_or_default()
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

    fn compiled(&self) -> Option<&Compiled> {
        self.0.compiled.as_ref()
    }
}

#[cfg(test)]
mod tests;
