//! Reads what a command finds around it: variables, standard input, descriptors.

use std::collections::BTreeMap;

use super::super::super::diagnostics::Problems;
use super::super::super::reader::{Placed, Section, as_string};
use super::super::variable;
use super::words::reference;
use crate::model::Reference;

/// The longest plain variable, in bytes.
const LONGEST: usize = 4096;

/// What a command is given beside its arguments.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) env: BTreeMap<String, Reference>,
    pub(super) vars: BTreeMap<String, String>,
    pub(super) stdin: Option<Reference>,
    pub(super) fd: BTreeMap<i32, Reference>,
}

/// Reads them; `None` where something's wrong.
pub(super) fn read(command: &Section<'_, '_>, problems: &mut Problems) -> Option<Slots> {
    let before = problems.count();
    let mut slots = Slots::default();
    if command.value("env").is_some()
        && let Some(section) = command.free_table("env", problems)
    {
        for (name, value) in section.entries() {
            check(&name, problems);
            let secret = as_string(value, name.value, problems).and_then(|text| reference(text, problems));
            slots.env.extend(secret.map(|secret| (name.value.to_owned(), secret)));
        }
    }
    if command.value("vars").is_some()
        && let Some(section) = command.free_table("vars", problems)
    {
        for (name, value) in section.entries() {
            check(&name, problems);
            if command
                .value("env")
                .and_then(|env| env.get_ref().as_table())
                .is_some_and(|env| env.contains_key(name.value))
            {
                problems.add(name.span.clone(), format!("`{}` stands in `env` as well", name.value), "here");
            }
            let text = as_string(value, name.value, problems).and_then(|text| plain(text, problems));
            slots.vars.extend(text.map(|text| (name.value.to_owned(), text)));
        }
    }
    slots.stdin = command.string("stdin", problems).and_then(|text| reference(text, problems));
    if command.value("fd").is_some()
        && let Some(section) = command.free_table("fd", problems)
    {
        for (name, value) in section.entries() {
            let number = descriptor(&name, problems);
            let secret = as_string(value, name.value, problems).and_then(|text| reference(text, problems));
            slots.fd.extend(number.zip(secret));
        }
    }
    let none = ["env", "stdin", "fd"].iter().all(|key| command.value(key).is_none());
    if none {
        let help = "name one: env.PGPASSWORD = \"Vault/Item/field\", stdin or fd.3".to_owned();
        problems.add_with_help(
            command.span(),
            "a command is given at least one secret",
            "this one has none",
            Some(help),
        );
    }
    (problems.count() == before).then_some(slots)
}

fn check(name: &Placed<&str>, problems: &mut Problems) {
    if let Err(error) = variable::check(name.value) {
        problems.add(name.span.clone(), format!("`{}`: {error}", name.value), "not this one");
    }
}

fn plain(Placed { value, span }: Placed<&str>, problems: &mut Problems) -> Option<String> {
    if value.len() > LONGEST || value.chars().any(char::is_control) {
        problems.add(span, "a variable has at most 4096 bytes and no control characters", "here");
        return None;
    }
    Some(value.to_owned())
}

fn descriptor(name: &Placed<&str>, problems: &mut Problems) -> Option<i32> {
    let number = (3..=9).find(|number: &i32| number.to_string() == name.value);
    if number.is_none() {
        problems.add(name.span.clone(), "a descriptor is a number from 3 to 9", "here");
    }
    number
}
