//! Reads the parameters of a command.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use toml::Spanned;
use toml::de::DeValue;

use super::super::super::diagnostics::Problems;
use super::super::super::parse::read_list;
use super::super::super::reader::{Placed, Section, list, meant, wrong};
use super::super::bind::plain;
use super::super::command::{ANCHORS, Class, Parameter};
use super::super::template::is_name;
use super::words;

/// The kinds, each with the keys it has.
const KINDS: [(&str, &[&str]); 4] =
    [("path", &["under"]), ("enum", &["values"]), ("regex", &["pattern"]), ("integer", &["min", "max"])];

const KEYS: [&str; 6] = ["kind", "under", "values", "pattern", "min", "max"];

/// The longest regular expression, in bytes, and how large it may become when it's compiled.
const LONGEST_PATTERN: usize = 1024;
const LARGEST_COMPILED: usize = 1 << 20;

/// Reads all of them; `None` where one can't be read.
pub(super) fn read_all(
    command: &Section<'_, '_>,
    class: Option<Class>,
    problems: &mut Problems,
) -> Option<BTreeMap<String, Parameter>> {
    if command.value("params").is_none() {
        return Some(BTreeMap::new());
    }
    let section = command.free_table("params", problems)?;
    let mut params = BTreeMap::new();
    let mut whole = true;
    for (name, value) in section.entries() {
        if !is_name(name.value) {
            let message = "a parameter's name begins with a letter and has up to 64 letters, digits, `_` or `-`";
            problems.add(name.span.clone(), message, "not a name");
            whole = false;
        }
        match read(&name, value, class, problems) {
            Some(parameter) => {
                params.insert(name.value.to_owned(), parameter);
            }
            None => whole = false,
        }
    }
    whole.then_some(params)
}

fn read(
    name: &Placed<&str>,
    value: &Spanned<DeValue<'_>>,
    class: Option<Class>,
    problems: &mut Problems,
) -> Option<Parameter> {
    let Some(table) = value.get_ref().as_table() else {
        return wrong(value, name.value, "a table, such as { kind = \"enum\", values = [\"…\"] }", problems);
    };
    let section = Section::open(table, name.span.clone(), "a parameter", &KEYS, problems);
    if section.value("kind").is_none() {
        section.missing("kind", "what may be given: \"path\", \"enum\", \"regex\" or \"integer\"", problems);
        return None;
    }
    let kind = section.string("kind", problems)?;
    let Some((word, keys)) = KINDS.into_iter().find(|(word, _)| *word == kind.value) else {
        let help = meant(kind.value, &KINDS.map(|(word, _)| word));
        problems.add_with_help(
            kind.span,
            format!("`{}` isn't a kind of parameter", kind.value),
            "not known",
            Some(help),
        );
        return None;
    };
    for key in KEYS.into_iter().filter(|key| *key != "kind" && !keys.contains(key)) {
        if let Some(span) = section.key_span(key) {
            let help = format!("it has {}", list(keys));
            problems.add_with_help(span, format!("a parameter of kind `{word}` has no `{key}`"), "here", Some(help));
        }
    }
    for key in keys.iter().filter(|key| section.value(key).is_none()) {
        section.missing(key, &format!("a parameter of kind `{word}` has {}", list(keys)), problems);
    }
    match word {
        "path" => Some(Parameter::Path { under: words::path(&section, "under", words::below_root, problems)? }),
        "enum" => {
            let value = |value: &str| match plain(value) {
                Ok(()) => Ok(value.to_owned()),
                Err(flaw) => Err((format!("a value {flaw}"), None)),
            };
            Some(Parameter::Enum { values: read_list(&section, "values", None, problems, value)? })
        }
        "regex" => {
            if class == Some(Class::Sealed) {
                let message = "a `sealed` command takes no free text: what it does must be said by its author";
                let help = "list the values with kind `enum`, or make the command `parametrised`";
                problems.add_with_help(kind.span, message, "here", Some(help.to_owned()));
            }
            let written = section.string("pattern", problems)?;
            compile(written.value)
                .map_err(|why| problems.add(written.span, why, "not a pattern that can be used"))
                .map(|pattern| Parameter::Regex { pattern })
                .ok()
        }
        _ => {
            let (min, max) = (whole(&section, "min", problems), whole(&section, "max", problems));
            let (min, max) = (min?, max?);
            if min > max {
                problems.add(section.span(), format!("`min` ({min}) is more than `max` ({max})"), "nothing is between");
                return None;
            }
            Some(Parameter::Integer { min, max })
        }
    }
}

/// Compiles an expression by itself, so that it can't close the group it's put into, and then between anchors.
fn compile(written: &str) -> Result<Regex, String> {
    if written.len() > LONGEST_PATTERN {
        return Err(format!("a pattern has at most {LONGEST_PATTERN} bytes"));
    }
    let build =
        |text: &str| RegexBuilder::new(text).size_limit(LARGEST_COMPILED).build().map_err(|error| reason(&error));
    build(written)?;
    build(&format!("{}{written}{}", ANCHORS.0, ANCHORS.1))
}

/// The last line of what the parser says; the ones before draw the pattern, which is shown anyway.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("`pattern` isn't a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
}

/// A whole number of either sign.
fn whole(section: &Section<'_, '_>, key: &str, problems: &mut Problems) -> Option<i64> {
    let value = section.value(key)?;
    let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
    match number {
        Some(number) => Some(number),
        None => wrong(value, key, "a whole number", problems),
    }
}
