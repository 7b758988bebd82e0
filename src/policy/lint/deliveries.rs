//! What deserves a second look about commands, HTTP entries and the rules that name them.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::Policy;
use super::super::delivery::{Class, Command, CommandOutput, HttpEntry, Parameter, SandboxWish, is_client};
use super::super::rule::{Effect, Rule};
use super::folders::Folder;
use super::{About, Warning, WarningKind, covers_everything};
use crate::model::Action;

/// Where people and their programs put files.
const HOMES: [&str; 7] = ["/home", "/root", "/Users", "/tmp", "/var/tmp", "/private/tmp", "/dev/shm"];

/// What's said about a rule.
pub(super) fn of_rule(rule: &Rule, policy: &Policy, warn: &mut impl FnMut(WarningKind, String, &str)) {
    if rule.effect == Effect::Deny || !rule.actions.contains(Action::Use) {
        return;
    }
    let uses = rule.uses();
    if uses.is_empty() {
        let message = "has `use` among its actions and permits no delivery".to_owned();
        warn(WarningKind::NoDelivery, message, "name what may be done: use.commands, use.hosts or use.run");
    }
    let trusted = uses.commands().iter().filter_map(|name| policy.command(name.as_str()));
    let trusted = trusted.filter(|command| command.class == Class::TrustedCode).map(|command| command.name.to_string());
    let exposing = uses.run().map(|_| "`use.run`".to_owned());
    let exposing = exposing.or_else(|| trusted.map(|name| format!("the trusted-code command `{name}`")).next());
    let everything = rule.paths.iter().find(|pattern| covers_everything(pattern));
    if let (Some(exposing), Some(pattern)) = (exposing, everything)
        && rule.categories.is_empty()
        && rule.tags.is_empty()
    {
        let message = format!("lets values of all secrets be got at (`{pattern}` with {exposing})");
        warn(WarningKind::Wide, message, "name the vaults or items that are needed");
    }
}

/// What's said about commands and entries.
pub(super) fn of_policy(policy: &Policy, warnings: &mut Vec<Warning>) {
    for command in policy.commands() {
        let mut warn = |kind, message: &str, help: &str| {
            let about = About::Command(command.name.clone());
            let (message, help) = (message.to_owned(), help.to_owned());
            warnings.push(Warning { about, line: command.line, kind, message, help });
        };
        of_command(command, policy, &mut warn);
    }
    for entry in policy.http_entries() {
        let mut warn = |kind, message: &str, help: &str| {
            let about = About::Http(entry.name.clone());
            let (message, help) = (message.to_owned(), help.to_owned());
            warnings.push(Warning { about, line: entry.line, kind, message, help });
        };
        of_entry(entry, policy, &mut warn);
    }
}

fn of_command(command: &Command, policy: &Policy, warn: &mut impl FnMut(WarningKind, &str, &str)) {
    let mut naming = allowing(policy).filter(|rule| rule.uses().commands().contains(&command.name)).peekable();
    if naming.peek().is_none() {
        warn(WarningKind::Unused, "is named by no rule, so nobody may use it", "name it in use.commands, or remove it");
    }
    let oracle = command.class == Class::Parametrised && command.output == CommandOutput::Redact;
    if oracle && naming.any(|rule| rule.rate.is_none()) {
        let message = "shows what it answers to what its caller asks, as often as it's asked";
        warn(WarningKind::Unlimited, message, "limit the rules that name it (limit.rate), or its output (exit-code)");
    }
    if command.sha256.is_none() && HOMES.iter().any(|home| command.exe.starts_with(Path::new(home))) {
        let message = "runs a program from where anyone's programs are put, without a digest";
        warn(WarningKind::Unpinned, message, "pin it with sha256, or install it where only root writes");
    }
    if command.sandbox == SandboxWish::Off {
        let message = "runs without being confined, so its program can send or keep what it's given";
        warn(WarningKind::Unconfined, message, "leave `sandbox` out, or say \"require\"");
    }
    if command.class == Class::Sealed {
        let folders: BTreeSet<&Path> = command.params.values().filter_map(folder).collect();
        for folder in folders {
            steered(command, folder, warn);
        }
    }
}

/// What's said about a folder of which a caller chooses files.
fn steered(command: &Command, folder: &Path, warn: &mut impl FnMut(WarningKind, &str, &str)) {
    let program = command.exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (at, stands) = (folder.display(), Folder::at(folder));
    let unseen = "which isn't there or can't be looked at";
    if is_client(program) {
        let stands = match stands {
            Folder::Shut => String::new(),
            Folder::Open => ", and the user that runs opward can".to_owned(),
            Folder::Unseen => format!(" ({unseen})"),
        };
        let message = format!(
            "has `{program}` do what files below {at} say: who can write there decides what runs, and can get the \
             value{stands}"
        );
        warn(WarningKind::Steered, &message, "keep that folder from the agent: let root own it and all that's in it");
        return;
    }
    let message = match stands {
        Folder::Shut => return,
        Folder::Open => format!(
            "takes files from below {at}, where the user that runs opward can write, and so can an agent that runs as \
             that user"
        ),
        Folder::Unseen => format!("takes files from below {at}, {unseen}: who will write there isn't known"),
    };
    warn(WarningKind::Steered, &message, "let root own that folder and all that's in it");
}

/// The folder of a parameter that names files.
fn folder(parameter: &Parameter) -> Option<&Path> {
    match parameter {
        Parameter::Path { under } => Some(under),
        Parameter::Enum { .. } | Parameter::Regex { .. } | Parameter::Integer { .. } => None,
    }
}

fn of_entry(entry: &HttpEntry, policy: &Policy, warn: &mut impl FnMut(WarningKind, &str, &str)) {
    let host = entry.host();
    if !allowing(policy).any(|rule| rule.uses().hosts().contains(&host)) {
        warn(
            WarningKind::Unused,
            "has a host that no rule names, so nobody may use it",
            "name its host in use.hosts, or remove it",
        );
    }
    if entry.base.scheme() == "http" && !entry.is_this_machine() {
        warn(WarningKind::Unencrypted, "sends its value without encryption", "use https if the host can");
    }
}

/// The rules that allow something to be used.
fn allowing(policy: &Policy) -> impl Iterator<Item = &Rule> {
    policy.rules().filter(|rule| rule.effect == Effect::Allow && rule.actions.contains(Action::Use))
}
