//! What the caller may have done with values it doesn't see.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{Broker, Done};
use super::at_hand;
use crate::authz::{Call, Refusal};
use crate::custody::Catalog;
use crate::model::{Action, Delivery, Item, Reference, Target};
use crate::policy::{Command, CommandOutput, HttpEntry, Parameter};

/// The commands and the HTTP entries that the caller may use.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Actions {
    /// For `run_command`.
    pub commands: Vec<CommandView>,
    /// For `http_request`.
    pub http: Vec<RequestView>,
}

/// One command.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct CommandView {
    /// Its name.
    pub name: String,
    /// What it does, in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes, by the parameter's name.
    pub params: Map<String, Value>,
    /// The secrets it's given, of those the caller may know of.
    pub uses: Vec<String>,
    /// What's seen of its output: `redact`, `exit-code` or `none`.
    pub output: &'static str,
    /// How long it may take, in seconds.
    pub timeout_s: u64,
}

/// One place for requests.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct RequestView {
    /// Its name.
    pub name: String,
    /// What it's for, in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What every address begins with.
    pub base: String,
    /// The methods it permits.
    pub methods: Vec<String>,
    /// Patterns of the paths it permits.
    pub paths: Vec<String>,
    /// The secret that's put in, if the caller may know of it.
    pub uses: Vec<String>,
}

/// A delivery that's open to the caller, and what it delivers.
pub(in crate::broker) struct Open {
    delivery: Delivery,
    targets: Vec<Target>,
}

impl Open {
    pub(in crate::broker) fn is_of(&self, item: &Item) -> bool {
        self.targets
            .iter()
            .filter_map(|target| target.place.as_ref())
            .any(|place| place.item == item.id && place.source == item.source)
    }

    pub(in crate::broker) fn delivers(&self, target: &Target) -> bool {
        self.targets.iter().any(|own| own.path == target.path)
    }

    pub(in crate::broker) fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// As answers write it.
    pub(in crate::broker) fn word(&self) -> String {
        self.delivery.to_string()
    }
}

impl Broker {
    /// The commands and the HTTP entries that the caller may use.
    ///
    /// # Errors
    ///
    /// The recorded refusal.
    pub async fn actions(&self, call: &Call) -> Result<Done<Actions>, Refusal> {
        let entries: Vec<Entry> = entries(call).collect();
        let references: Vec<&Reference> = entries.iter().flat_map(Entry::references).collect();
        let known = self.acquaint(call, Action::Use, &references).await?;
        let pending = call.look(Action::List).await?;
        let mut actions = Actions::default();
        for entry in &entries {
            let Some(open) = self.open(call, known.catalog(), entry) else { continue };
            let listable = |target: &&Target| call.may_list(std::slice::from_ref(*target));
            let uses = open.targets.iter().filter(listable).map(|target| target.path.to_string()).collect();
            match entry {
                Entry::Command(command) => actions.commands.push(CommandView::of(command, uses)),
                Entry::Http(entry) => actions.http.push(RequestView::of(entry, uses)),
            }
        }
        Ok(Done { body: actions, settled: pending.done().await? })
    }

    /// What's open to the caller, as far as it's known without asking any source.
    pub(in crate::broker) fn open_deliveries(&self, call: &Call, catalog: &Arc<Catalog>) -> Vec<Open> {
        entries(call).filter_map(|entry| self.open(call, catalog, &entry)).collect()
    }

    fn open(&self, call: &Call, catalog: &Arc<Catalog>, entry: &Entry) -> Option<Open> {
        let delivery = entry.delivery();
        let targets: Option<Vec<Target>> =
            entry.references().into_iter().map(|reference| at_hand(self, catalog, reference)).collect();
        let targets = targets?;
        targets.iter().all(|target| call.could_use(target, &delivery)).then_some(Open { delivery, targets })
    }
}

/// One of a policy's ways to put values to use.
enum Entry {
    Command(Arc<Command>),
    Http(Arc<HttpEntry>),
}

fn entries(call: &Call) -> impl Iterator<Item = Entry> {
    call.commands().cloned().map(Entry::Command).chain(call.http_entries().cloned().map(Entry::Http))
}

impl Entry {
    fn delivery(&self) -> Delivery {
        match self {
            Self::Command(command) => command.delivery(),
            Self::Http(entry) => entry.delivery(),
        }
    }

    fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Command(command) => command.secrets().collect(),
            Self::Http(entry) => vec![&entry.secret],
        }
    }
}

impl CommandView {
    fn of(command: &Command, uses: Vec<String>) -> Self {
        Self {
            name: command.name.to_string(),
            description: command.description.clone(),
            params: command.params.iter().map(|(name, parameter)| (name.clone(), takes(parameter).into())).collect(),
            uses,
            output: match command.output {
                CommandOutput::Redact => "redact",
                CommandOutput::ExitCode => "exit-code",
                CommandOutput::None => "none",
            },
            timeout_s: command.timeout.as_secs(),
        }
    }
}

impl RequestView {
    fn of(entry: &HttpEntry, uses: Vec<String>) -> Self {
        Self {
            name: entry.name.to_string(),
            description: entry.description.clone(),
            base: entry.base.to_string(),
            methods: entry.methods.iter().map(ToString::to_string).collect(),
            paths: entry.paths.iter().map(ToString::to_string).collect(),
            uses,
        }
    }
}

/// What a parameter takes, in words.
fn takes(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Path { under } => format!("a path below {}, relative to it", under.display()),
        Parameter::Enum { values } => format!("one of: {}", values.join(", ")),
        Parameter::Regex { pattern } => format!("a text that matches {pattern} as a whole"),
        Parameter::Integer { min, max } => format!("a whole number from {min} to {max}"),
    }
}
