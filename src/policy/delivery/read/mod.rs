//! Reads `[[command]]`, `[[http]]` and what rules say about them.

mod command;
mod http;
mod inject;
mod parameter;
mod slots;
mod uses;
mod words;

use super::super::diagnostics::{Lines, Problems};
use super::super::reader::{Placed, Section};
use super::catalog::Deliveries;
use crate::model::DeliveryName;

#[cfg(test)]
pub(in crate::policy) use command::KEYS as COMMAND_KEYS;
#[cfg(test)]
pub(in crate::policy) use http::KEYS as HTTP_KEYS;
#[cfg(test)]
pub(in crate::policy) use uses::KEYS as USE_KEYS;
pub(in crate::policy) use uses::read as read_uses;

/// The most commands, and the most HTTP entries, of a policy.
const MOST: usize = 1000;

/// What a file delivers to, and the names that rules may use: of what can't be read, too.
#[derive(Debug, Default)]
pub(in crate::policy) struct Read {
    pub(in crate::policy) deliveries: Deliveries,
    pub(super) commands: Vec<String>,
    /// `None` where an entry's host can't be read, so that it isn't known which hosts there are.
    pub(super) hosts: Option<Vec<String>>,
}

/// Reads all commands and entries of a file.
pub(in crate::policy) fn read_deliveries(root: &Section<'_, '_>, lines: &Lines, problems: &mut Problems) -> Read {
    let mut names = Vec::new();
    let mut commands = Vec::new();
    for table in root.tables("command", problems).into_iter().take(few(root, "command", problems)) {
        let line = lines.number(table.span.start);
        let section = Section::open(table.value, table.span, "a command", &command::KEYS, problems);
        let name = read_name(&section, "commands", line, &mut names, problems);
        commands.extend(command::read(&section, name, line, problems));
    }
    let commands_named = names.drain(..).map(|(name, _)| name).collect();
    let mut entries = Vec::new();
    let mut hosts = Some(Vec::new());
    for table in root.tables("http", problems).into_iter().take(few(root, "http", problems)) {
        let line = lines.number(table.span.start);
        let section = Section::open(table.value, table.span, "an HTTP entry", &http::KEYS, problems);
        let name = read_name(&section, "HTTP entries", line, &mut names, problems);
        let entry = http::read(&section, name, line, problems);
        match (&entry, &mut hosts) {
            (Some(entry), Some(hosts)) => hosts.push(entry.host()),
            (None, _) => hosts = None,
            (Some(_), None) => {}
        }
        entries.extend(entry);
    }
    Read { deliveries: Deliveries::new(commands, entries), commands: commands_named, hosts }
}

/// How many tables of a kind are read: each is a delivery that every rule may name.
fn few(root: &Section<'_, '_>, key: &str, problems: &mut Problems) -> usize {
    let count = root.value(key).and_then(|value| value.get_ref().as_array()).map_or(0, |array| array.len());
    if let Some(span) = root.key_span(key).filter(|_| count > MOST) {
        problems.add(span, format!("a policy has at most {MOST} [[{key}]]; this has {count}"), "here");
    }
    MOST
}

/// Reads a name, which no other one of its kind has.
fn read_name(
    section: &Section<'_, '_>,
    kind: &str,
    line: usize,
    names: &mut Vec<(String, usize)>,
    problems: &mut Problems,
) -> Option<DeliveryName> {
    if section.value("name").is_none() {
        section.missing("name", "how rules and callers name it", problems);
        return None;
    }
    let Placed { value, span } = section.string("name", problems)?;
    let name = DeliveryName::parse(value).map_err(|error| problems.add(span.clone(), error.to_string(), "not a name"));
    if let Some((_, before)) = names.iter().find(|(known, _)| known == value) {
        problems.add(span, format!("two {kind} have the name `{value}`"), format!("also on line {before}"));
        return None;
    }
    names.push((value.to_owned(), line));
    name.ok()
}
