//! A policy's commands and HTTP entries, by name, and all deliveries by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::Command;
use super::http::HttpEntry;
use crate::model::{Delivery, Output, SecretPath};

/// What a policy delivers to.
#[derive(Debug, Default)]
pub(in crate::policy) struct Deliveries {
    commands: BTreeMap<String, Arc<Command>>,
    entries: BTreeMap<String, Arc<HttpEntry>>,
    /// Sorted: a delivery's number is its place.
    all: Vec<Delivery>,
}

impl Deliveries {
    /// Takes commands and entries, each with a name of its own.
    pub(super) fn new(commands: Vec<Command>, entries: Vec<HttpEntry>) -> Self {
        let run = [Output::Masked, Output::Unmasked].map(Delivery::Run);
        let mut all: Vec<Delivery> = commands.iter().map(Command::delivery).collect();
        all.extend(entries.iter().map(HttpEntry::delivery).chain(run));
        all.sort_unstable();
        let by_name = |command: Command| (command.name.as_str().to_owned(), Arc::new(command));
        let by_its_name = |entry: HttpEntry| (entry.name.as_str().to_owned(), Arc::new(entry));
        Self {
            commands: commands.into_iter().map(by_name).collect(),
            entries: entries.into_iter().map(by_its_name).collect(),
            all,
        }
    }

    /// The commands, by name.
    pub(in crate::policy) fn commands(&self) -> impl Iterator<Item = &Arc<Command>> {
        self.commands.values()
    }

    /// The HTTP entries, by name.
    pub(in crate::policy) fn entries(&self) -> impl Iterator<Item = &Arc<HttpEntry>> {
        self.entries.values()
    }

    /// The command of a name.
    pub(in crate::policy) fn command(&self, name: &str) -> Option<&Arc<Command>> {
        self.commands.get(name)
    }

    /// The HTTP entry of a name.
    pub(in crate::policy) fn entry(&self, name: &str) -> Option<&Arc<HttpEntry>> {
        self.entries.get(name)
    }

    /// The entry that a delivery goes by.
    pub(in crate::policy) fn entry_of(&self, delivery: &Delivery) -> Option<&HttpEntry> {
        match delivery {
            Delivery::Http(name) => self.entry(name.as_str()).map(|entry| &**entry),
            Delivery::Command(_) | Delivery::TrustedCode(_) | Delivery::Run(_) => None,
        }
    }

    /// Whether a delivery may be one of the secret at a path, as far as that can be told from its own entry.
    pub(in crate::policy) fn may_deliver(&self, delivery: &Delivery, path: &SecretPath) -> bool {
        match delivery {
            Delivery::Command(name) | Delivery::TrustedCode(name) => {
                self.command(name.as_str()).is_some_and(|command| command.secrets().any(|own| own.may_mean(path)))
            }
            Delivery::Http(name) => self.entry(name.as_str()).is_some_and(|entry| entry.secret.may_mean(path)),
            Delivery::Run(_) => true,
        }
    }

    /// The number of a delivery, if the policy has it.
    pub(in crate::policy) fn number(&self, delivery: &Delivery) -> Option<usize> {
        self.all.binary_search(delivery).ok()
    }

    /// Every delivery with its number, in order.
    pub(in crate::policy) fn all(&self) -> impl Iterator<Item = (usize, &Delivery)> {
        self.all.iter().enumerate()
    }
}
