//! Reads `[[command]]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::super::super::diagnostics::Problems;
use super::super::super::reader::{Placed, Section, suggestion};
use super::super::bind::begins_with_dash;
use super::super::command::{Class, Command, CommandOutput, Parameter, Part, SandboxWish, takes_files};
use super::super::{program, template};
use super::{parameter, slots, words};
use crate::model::DeliveryName;

/// The keys of a command.
pub(in crate::policy) const KEYS: [&str; 19] = [
    "name",
    "description",
    "exe",
    "sha256",
    "args",
    "params",
    "env",
    "vars",
    "stdin",
    "fd",
    "class",
    "accept_exposure",
    "output",
    "timeout",
    "network",
    "cwd",
    "read",
    "write",
    "sandbox",
];

/// The most arguments.
const MOST_ARGUMENTS: usize = 256;

/// Reads one command. Everything is read before anything is given up, so that each mistake is found.
pub(super) fn read(
    section: &Section<'_, '_>,
    name: Option<DeliveryName>,
    line: usize,
    problems: &mut Problems,
) -> Option<Command> {
    let description = words::description(section, problems);
    let class = read_class(section, problems);
    let sha256 = section.string("sha256", problems).map(|written| {
        let digest = digest(written.value);
        if digest.is_none() {
            problems.add(written.span, "`sha256` has 64 hexadecimal digits", "not a digest");
        }
        digest
    });
    let params = parameter::read_all(section, class, problems);
    let exe = read_exe(section, class, params.as_ref().is_some_and(takes_files), problems);
    let args = read_args(section, params.as_ref(), problems);
    let slots = slots::read(section, problems);
    let accept_exposure = read_exposure(section, class, problems);
    let output = words::word(section, "output", &CommandOutput::ALL, CommandOutput::as_str, problems);
    let output = if section.value("output").is_some() { output } else { Some(CommandOutput::Redact) };
    let timeout = words::timeout(section, Duration::from_mins(1), Duration::from_hours(1), problems);
    let network = section.boolean("network", problems).is_some_and(|network| network.value);
    let cwd = words::path(section, "cwd", words::absolute, problems);
    let read = words::folders(section, "read", problems);
    let write = words::folders(section, "write", problems);
    let sandbox = words::word(section, "sandbox", &SandboxWish::ALL, SandboxWish::as_str, problems);
    let sandbox = if section.value("sandbox").is_some() { sandbox } else { Some(SandboxWish::Prefer) };
    let slots = slots?;
    Some(Command {
        name: name?,
        description,
        exe: exe?,
        sha256: sha256.flatten(),
        args: args?,
        params: params?,
        env: slots.env,
        vars: slots.vars,
        stdin: slots.stdin,
        fd: slots.fd,
        class: class?,
        accept_exposure,
        output: output?,
        timeout: timeout?,
        network,
        cwd,
        read: read?,
        write: write?,
        sandbox: sandbox?,
        line,
    })
}

fn read_class(section: &Section<'_, '_>, problems: &mut Problems) -> Option<Class> {
    if section.value("class").is_none() {
        let help = "how far it's trusted with a value: \"sealed\", \"parametrised\" or \"trusted-code\"";
        section.missing("class", help, problems);
    }
    words::word(section, "class", &Class::ALL, Class::as_str, problems)
}

fn read_exe(
    section: &Section<'_, '_>,
    class: Option<Class>,
    takes_files: bool,
    problems: &mut Problems,
) -> Option<PathBuf> {
    if section.value("exe").is_none() {
        section.missing("exe", "the program's absolute path: exe = \"/usr/bin/psql\"", problems);
        return None;
    }
    let exe = words::path(section, "exe", words::below_root, problems)?;
    let file_name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(why) = class.and_then(|class| program::refusal(file_name, class, takes_files)) {
        let span = section.value("exe").map_or_else(|| section.span(), toml::Spanned::span);
        problems.add_with_help(span, why, "this program", Some(program::help(file_name).to_owned()));
        return None;
    }
    Some(exe)
}

fn read_exposure(section: &Section<'_, '_>, class: Option<Class>, problems: &mut Problems) -> bool {
    let accepted = section.boolean("accept_exposure", problems);
    match (class, &accepted) {
        (Some(Class::TrustedCode), None) if section.value("accept_exposure").is_none() => {
            let message =
                "a `trusted-code` command runs what its caller may have written, so the caller can get the value";
            let span = section.value("class").map_or_else(|| section.span(), toml::Spanned::span);
            let help = "if that's accepted, write accept_exposure = true".to_owned();
            problems.add_with_help(span, message, "here", Some(help));
        }
        (Some(Class::TrustedCode), Some(Placed { value: false, span })) => {
            problems.add(span.clone(), "a `trusted-code` command needs `accept_exposure = true`", "here");
        }
        (Some(Class::Sealed | Class::Parametrised), Some(Placed { span, .. })) => {
            problems.add(span.clone(), "`accept_exposure` belongs to `trusted-code` alone", "nothing is exposed");
        }
        _ => {}
    }
    accepted.is_some_and(|accepted| accepted.value)
}

/// The arguments. `params` is `None` where they can't be read: then nothing is said about their use.
fn read_args(
    section: &Section<'_, '_>,
    params: Option<&BTreeMap<String, Parameter>>,
    problems: &mut Problems,
) -> Option<Vec<Vec<Part>>> {
    let mut args = Vec::new();
    let mut whole = true;
    if section.value("args").is_some() {
        let texts = section.strings("args", problems)?;
        if texts.value.len() > MOST_ARGUMENTS {
            problems.add(texts.span, format!("a command has at most {MOST_ARGUMENTS} arguments"), "too many");
            return None;
        }
        for text in texts.value {
            match template::parse(text.value) {
                Ok(parts) => {
                    whole &= params.is_none_or(|params| fits(&parts, params, &text, problems));
                    args.push(parts);
                }
                Err(error) => {
                    problems.add(text.span, error.to_string(), "here");
                    whole = false;
                }
            }
        }
    }
    if let Some(params) = params.filter(|_| whole) {
        whole = all_used(section, params, &args, problems);
    }
    whole.then_some(args)
}

/// Whether an argument's parameters are declared, are at most one path, and can't make an option of it.
fn fits(parts: &[Part], params: &BTreeMap<String, Parameter>, text: &Placed<&str>, problems: &mut Problems) -> bool {
    let before = problems.count();
    let names = || parts.iter().filter_map(|part| if let Part::Parameter(name) = part { Some(name) } else { None });
    for name in names().filter(|name| !params.contains_key(*name)) {
        let help = suggestion(name, params.keys().map(String::as_str)).map_or_else(
            || format!("declare it: params.{name} = {{ kind = \"…\" }}"),
            |it| format!("did you mean `{{{it}}}`?"),
        );
        problems.add_with_help(text.span.clone(), format!("`{{{name}}}` isn't declared"), "here", Some(help));
    }
    let is_path = |name: &&String| matches!(params.get(*name), Some(Parameter::Path { .. }));
    if names().filter(is_path).count() > 1 {
        problems.add(text.span.clone(), "an argument has at most one parameter of kind `path`", "here");
    }
    let dash = match parts.first() {
        Some(Part::Parameter(name)) => params.get(name).is_some_and(may_begin_with_dash),
        Some(Part::Text(_)) | None => false,
    };
    if dash {
        let message = "a parameter at an argument's start can't begin with a dash: it would be taken for an option";
        let help = "put it behind a text, as in \"--count={n}\", or leave out what begins with a dash";
        problems.add_with_help(text.span.clone(), message, "here", Some(help.to_owned()));
    }
    problems.count() == before
}

/// Whether the author said that a value may begin with a dash. What a caller gives is looked at when it's bound.
fn may_begin_with_dash(parameter: &Parameter) -> bool {
    match parameter {
        Parameter::Enum { values } => values.iter().any(|value| begins_with_dash(value)),
        Parameter::Integer { min, .. } => *min < 0,
        Parameter::Path { .. } | Parameter::Regex { .. } => false,
    }
}

fn all_used(
    section: &Section<'_, '_>,
    params: &BTreeMap<String, Parameter>,
    args: &[Vec<Part>],
    problems: &mut Problems,
) -> bool {
    let used = |name: &String| args.iter().flatten().any(|part| matches!(part, Part::Parameter(one) if one == name));
    let mut all = true;
    for name in params.keys().filter(|name| !used(name)) {
        let span = section.key_span("params").unwrap_or_else(|| section.span());
        let help = format!("write {{{name}}} where it belongs in `args`, or leave it out");
        problems.add_with_help(span, format!("the parameter `{name}` stands in no argument"), "here", Some(help));
        all = false;
    }
    all
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let mut digits = text.bytes().map(|b| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
    for byte in &mut digest {
        *byte = digits.next()??.checked_mul(16)?.checked_add(digits.next()??)?;
    }
    digits.next().is_none().then_some(digest)
}
