//! Commands and HTTP entries as data, for the hash that names a policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::super::rate::Rate;
use super::super::rule::sorted;
use super::catalog::Deliveries;
use super::command::{Command, Parameter};
use super::http::{HttpEntry, Inject};
use crate::model::Reference;

/// The commands, by name. What a file leaves out stands here as it's taken.
pub(in crate::policy) fn commands(deliveries: &Deliveries) -> Vec<Value> {
    deliveries.commands().map(|command| of_command(command)).collect()
}

/// The HTTP entries, by name.
pub(in crate::policy) fn entries(deliveries: &Deliveries) -> Vec<Value> {
    deliveries.entries().map(|entry| of_entry(entry)).collect()
}

/// How often, as rules have it too.
pub(in crate::policy) fn of_rate(rate: Rate) -> Value {
    json!({ "count": rate.count.get(), "seconds": rate.per.as_secs() })
}

/// An object of those keys that have a value.
fn object<const N: usize>(keys: [(&str, Option<Value>); N]) -> Value {
    keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn of_command(command: &Command) -> Value {
    // Taken apart by name, so that no key is forgotten.
    let Command { name, description, exe, sha256, args: _, params, env, vars, stdin, fd, class, .. } = command;
    let Command { accept_exposure, output, timeout, network, cwd, read, write, sandbox, line: _, .. } = command;
    let params: Map<_, _> = params.iter().map(|(name, parameter)| (name.clone(), of_parameter(parameter))).collect();
    let fd: BTreeMap<String, &Reference> = fd.iter().map(|(fd, secret)| (fd.to_string(), secret)).collect();
    let fd = fd.into_iter().map(|(fd, secret)| (fd, json!(secret.to_string()))).collect::<Map<_, _>>();
    let env: Map<_, _> = env.iter().map(|(name, secret)| (name.clone(), json!(secret.to_string()))).collect();
    object([
        ("name", Some(json!(name.as_str()))),
        ("description", description.as_ref().map(|text| json!(text))),
        ("exe", Some(json!(exe))),
        ("sha256", sha256.map(|digest| json!(hex(&digest)))),
        ("args", Some(json!(command.written_args().collect::<Vec<_>>()))),
        ("params", (!params.is_empty()).then(|| params.into())),
        ("env", (!env.is_empty()).then(|| env.into())),
        ("vars", (!vars.is_empty()).then(|| json!(vars))),
        ("stdin", stdin.as_ref().map(|secret| json!(secret.to_string()))),
        ("fd", (!fd.is_empty()).then(|| fd.into())),
        ("class", Some(json!(class.as_str()))),
        ("accept_exposure", accept_exposure.then_some(Value::Bool(true))),
        ("output", Some(json!(output.as_str()))),
        ("timeout", Some(json!(timeout.as_secs()))),
        ("network", Some(json!(network))),
        ("cwd", cwd.as_ref().map(|folder| json!(folder))),
        ("read", folders(read)),
        ("write", folders(write)),
        ("sandbox", Some(json!(sandbox.as_str()))),
    ])
}

fn of_parameter(parameter: &Parameter) -> Value {
    let kind = parameter.kind();
    match parameter {
        Parameter::Path { under } => json!({ "kind": kind, "under": under }),
        Parameter::Enum { values } => json!({ "kind": kind, "values": sorted(values.iter().map(String::as_str)) }),
        Parameter::Regex { pattern: _ } => json!({ "kind": kind, "pattern": parameter.written_pattern() }),
        // As texts: RFC 8785 knows no numbers beyond 2^53.
        Parameter::Integer { min, max } => json!({ "kind": kind, "min": min.to_string(), "max": max.to_string() }),
    }
}

fn of_entry(entry: &HttpEntry) -> Value {
    let HttpEntry { name, description, base, methods, paths, inject, secret, rate, allow_private, timeout, line: _ } =
        entry;
    let mut slot = match inject {
        Inject::Header { name, format } => {
            object([("header", Some(json!(name.as_str()))), ("format", Some(json!(format)))])
        }
        Inject::Query { name } => object([("query", Some(json!(name)))]),
        Inject::Basic { username } => object([("basic", Some(json!(username)))]),
    };
    if let Some(slot) = slot.as_object_mut() {
        slot.insert("secret".to_owned(), json!(secret.to_string()));
    }
    object([
        ("name", Some(json!(name.as_str()))),
        ("description", description.as_ref().map(|text| json!(text))),
        ("base", Some(json!(base.as_str()))),
        ("methods", Some(json!(sorted(methods.iter().map(::http::Method::as_str))))),
        ("paths", Some(json!(sorted(paths.iter().map(String::as_str))))),
        ("inject", Some(slot)),
        ("limit", rate.map(|rate| json!({ "rate": of_rate(rate) }))),
        ("allow_private", Some(json!(allow_private))),
        ("timeout", Some(json!(timeout.as_secs()))),
    ])
}

fn folders(folders: &[PathBuf]) -> Option<Value> {
    let mut folders: Vec<&PathBuf> = folders.iter().collect();
    folders.sort_unstable();
    folders.dedup();
    (!folders.is_empty()).then(|| json!(folders))
}

fn hex(digest: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
