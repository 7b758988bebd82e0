//! What a rule says about `use`: which deliveries it opens or, in a deny rule, closes.

use serde_json::{Map, Value, json};

use super::super::rule::{Effect, Rule, sorted};
use super::set::DeliverySet;
use crate::model::{DeliveryName, Output};

/// The `use` of a rule.
#[derive(Debug, Default)]
pub struct Uses {
    pub(super) commands: Vec<DeliveryName>,
    pub(super) hosts: Vec<String>,
    pub(super) run: Option<Output>,
    /// The same by the numbers of the policy's deliveries.
    pub(super) named: DeliverySet,
}

impl Uses {
    /// The commands it names.
    #[must_use]
    pub fn commands(&self) -> &[DeliveryName] {
        &self.commands
    }

    /// The hosts it names, each with its port unless that's the usual one of `https`.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// What it says about programs that the caller chooses. An allow rule with [`Output::Unmasked`] allows both, a deny
    /// rule with [`Output::Masked`] denies both.
    #[must_use]
    pub fn run(&self) -> Option<Output> {
        self.run
    }

    /// Whether it names no delivery.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.hosts.is_empty() && self.run.is_none()
    }

    /// The numbers of those it names.
    pub(in crate::policy) fn named(&self) -> &DeliverySet {
        &self.named
    }

    pub(in crate::policy) fn canonical(&self) -> Option<Value> {
        let mut uses = Map::new();
        if !self.commands.is_empty() {
            uses.insert("commands".to_owned(), json!(sorted(self.commands.iter().map(DeliveryName::as_str))));
        }
        if !self.hosts.is_empty() {
            uses.insert("hosts".to_owned(), json!(sorted(self.hosts.iter().map(String::as_str))));
        }
        if let Some(output) = self.run {
            uses.insert("run".to_owned(), json!(run_word(output)));
        }
        (!uses.is_empty()).then_some(Value::Object(uses))
    }
}

/// The word for what `use.run` says.
pub(super) fn run_word(output: Output) -> &'static str {
    match output {
        Output::Masked => "masked",
        Output::Unmasked => "unmasked",
    }
}

impl Rule {
    /// Whether it's a deny rule that closes every delivery there is.
    pub(in crate::policy) fn closes_all(&self) -> bool {
        self.effect == Effect::Deny && self.uses.is_empty()
    }

    /// Whether it speaks of the delivery of this number; `None` is one that the policy doesn't have.
    pub(in crate::policy) fn speaks_of(&self, delivery: Option<usize>) -> bool {
        self.closes_all() || delivery.is_some_and(|number| self.uses.named.contains(number))
    }
}
