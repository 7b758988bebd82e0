//! `op://` references, and the commands that resolve them: `op read`, `op inject` and `op run`.

use std::env;

use serde_json::Value;

use crate::argv::Invocation;
use crate::auth::Identity;
use crate::item;
use crate::limits::{Cost, charge};
use crate::lookup::{self, Search, same};
use crate::otp;
use crate::reply::{Outcome, Output, Program, Refusal};
use crate::stdin::Stdin;
use crate::world::{World, each, text};

/// A reference, as the program reads it: more than 1Password's other code does.
#[derive(Debug)]
struct Reference<'a> {
    vault: &'a str,
    item: &'a str,
    section: Option<&'a str>,
    field: &'a str,
    attribute: Option<&'a str>,
    ssh_format: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let wrong = |what: &str| format!("invalid secret reference '{text}': {what}");
        let path = text.strip_prefix("op://").ok_or_else(|| wrong("it must start with op://"))?;
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let odd = path.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_. /".contains(*c)));
        if let Some(odd) = odd {
            return Err(format!("invalid character in secret reference: '{odd}'"));
        }
        let parts: Vec<&str> = path.split('/').collect();
        let (vault, item, section, field) = match *parts.as_slice() {
            [vault, item, field] => (vault, item, None, field),
            [vault, item, section, field] => (vault, item, Some(section), field),
            [] | [_] | [_, _] => {
                return Err(wrong(
                    "too few '/': secret references should have at least vault, item and field specified",
                ));
            }
            _ => {
                return Err(wrong(
                    "too many '/': secret references should match op://<vault>/<item>[/<section>]/<field>",
                ));
            }
        };
        let mut reference = Self { vault, item, section, field, attribute: None, ssh_format: None };
        if let Some(query) = query {
            let (key, value) = query.split_once('=').ok_or_else(|| wrong("invalid query parameter"))?;
            match key {
                "attribute" | "attr" => reference.attribute = Some(value),
                "ssh-format" if value == "openssh" => reference.ssh_format = Some(value),
                _ => return Err(wrong("invalid query parameter")),
            }
        }
        Ok(reference)
    }

    fn resolve(&self, items: &[Value], who: &Identity, world: &World) -> Result<String, String> {
        let missing = |refusal: Refusal| format!("could not get item {}/{}: {}", self.vault, self.item, refusal.text);
        let vault = lookup::vault(self.vault, who, world).map_err(missing)?;
        let search = Search {
            vault: Some(&vault),
            archived_by_title: world.is_on("read_archived_by_title", false),
            archived_by_id: world.is_on("read_archived_by_id", true),
        };
        let at = lookup::item(items, self.item, search, who, world).map_err(missing)?;
        let found = item::whole(items.get(at).unwrap_or(&Value::Null), world);
        let in_section = |field: &&Value| match self.section {
            None => true,
            Some(wanted) => field.get("section").is_some_and(|section| is_called(section, wanted)),
        };
        let fields = each(&found, "fields").iter();
        let fields: Vec<&Value> = fields.filter(in_section).filter(|field| is_called(field, self.field)).collect();
        match fields.as_slice() {
            [] => self.file(&found, world),
            [one] => self.value(one),
            // Which of several it takes isn't known.
            [first, ..] if world.word("read_ambiguous", "error") == "first" => self.value(first),
            _ => Err(format!(
                "item '{}/{}' has more than one field matching '{}'. Specify the field by its section or ID",
                self.vault, self.item, self.field
            )),
        }
    }

    fn value(&self, field: &Value) -> Result<String, String> {
        let no_attribute = || format!("field '{}' does not have that attribute", self.field);
        if self.ssh_format.is_some() {
            let formats = field.get("ssh_formats").and_then(|formats| formats.get("openssh"));
            return formats.map(|openssh| text(openssh, "value").to_owned()).ok_or_else(no_attribute);
        }
        match self.attribute {
            None | Some("value") => Ok(text(field, "value").to_owned()),
            Some(key @ ("type" | "id" | "purpose")) => Ok(text(field, key).to_owned()),
            Some("title") => Ok(text(field, "label").to_owned()),
            Some("otp" | "totp") if text(field, "type") == "OTP" => {
                otp::code(text(field, "value")).ok_or_else(no_attribute)
            }
            Some(_) => Err(no_attribute()),
        }
    }

    /// The name of a file may stand where a field's does.
    fn file(&self, found: &Value, world: &World) -> Result<String, String> {
        let named = |file: &&Value| text(file, "id") == self.field || same(text(file, "name"), self.field);
        let Some(file) = each(found, "files").iter().find(named) else {
            return Err(format!("item '{}/{}' does not have a field '{}'", self.vault, self.item, self.field));
        };
        match self.attribute {
            None | Some("content") => Ok(text(world.part("contents"), text(file, "id")).to_owned()),
            Some("size") => Ok(file["size"].to_string()),
            Some(key @ ("id" | "name")) => Ok(text(file, key).to_owned()),
            Some(_) => Err(format!("file '{}' does not have that attribute", self.field)),
        }
    }
}

fn is_called(part: &Value, wanted: &str) -> bool {
    text(part, "id") == wanted || same(text(part, "label"), wanted) || text(part, "id").eq_ignore_ascii_case(wanted)
}

/// `op read`.
pub(crate) fn read(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let written = invocation.argument(0);
    let failed = |problem: String| Refusal::new(format!("could not read secret '{written}': {problem}"));
    let reference = Reference::parse(written).map_err(failed)?;
    charge(who, Cost::item(Some(reference.vault), reference.item), world)?;
    let items = lookup::items_as_read(world);
    let mut value = reference.resolve(&items, who, world).map_err(failed)?;
    if !invocation.has("no-newline") {
        value.push('\n');
    }
    written_out(invocation, value)
}

/// `op inject`.
pub(crate) fn inject(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    let template = match (invocation.value("in-file"), &stdin.text) {
        (None | Some("/dev/stdin"), Some(piped)) => piped.clone(),
        (Some(path), _) => std::fs::read_to_string(path).map_err(|error| Refusal::new(error.to_string()))?,
        (None, None) => return Err(Refusal::new("expected data on stdin but none found")),
    };
    let template = expand(&template)?;
    let pieces = pieces(&template)?;
    let references = pieces.iter().filter_map(|piece| piece.reference);
    let cost = if world.word("inject_cost", "flat") == "per_reference" {
        let parsed = references.filter_map(|written| Reference::parse(written).ok());
        parsed.map(|reference| Cost::item(Some(reference.vault), reference.item).reads).sum()
    } else {
        world.number("inject_reads", 2)
    };
    charge(who, Cost::reads(cost), world)?;
    let items = lookup::items_as_read(world);
    let mut text = String::new();
    for piece in pieces {
        text.push_str(piece.before);
        if let Some(written) = piece.reference {
            // One that can't be resolved and there's nothing at all.
            let value = Reference::parse(written).and_then(|reference| {
                reference.resolve(&items, who, world).map_err(|problem| unresolved(&reference, &problem))
            });
            text.push_str(&value.map_err(Refusal::new)?);
        }
    }
    text.push('\n');
    written_out(invocation, text)
}

/// Says what `op inject` says: of an item that isn't there something else than `op read` does.
fn unresolved(reference: &Reference<'_>, problem: &str) -> String {
    if problem.contains("isn't an item") {
        let Reference { vault, item, .. } = reference;
        return format!("could not resolve item UUID for item {item}: could not find item {item} in vault {vault}");
    }
    problem.to_owned()
}

/// `op run`.
pub(crate) fn run(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    if invocation.program.is_empty() {
        return Err(Refusal::new("expected a command to run after '--'").with_usage("run -- <command>"));
    }
    let mut variables: Vec<(String, String)> = env::vars().collect();
    for path in invocation.values("env-file") {
        let file = std::fs::read_to_string(path).map_err(|error| Refusal::new(error.to_string()))?;
        let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        variables
            .extend(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned())));
    }
    charge(who, Cost::reads(world.number("run_reads", 2)), world)?;
    let items = lookup::items_as_read(world);
    let mut set = Vec::new();
    for (name, written) in variables.iter().filter(|(_, value)| value.starts_with("op://")) {
        let value = Reference::parse(written).and_then(|reference| reference.resolve(&items, who, world));
        let value = value.map_err(|problem| Refusal::new(format!("could not resolve {name}: {problem}")))?;
        set.push((name.clone(), value));
    }
    let mask = !invocation.has("no-masking") && env::var("OP_RUN_NO_MASKING").is_err();
    Ok(Output { stdout: Vec::new(), program: Some(Program { words: invocation.program.clone(), set, mask }) })
}

fn written_out(invocation: &Invocation, text: String) -> Outcome {
    let Some(path) = invocation.value("out-file") else { return Ok(text.into()) };
    if std::path::Path::new(path).exists() && !invocation.has("force") {
        return Err(Refusal::new(format!("file {path} already exists, use --force to overwrite it")));
    }
    std::fs::write(path, text).map_err(|error| Refusal::new(error.to_string()))?;
    Ok(format!("{path}\n").into())
}

/// A stretch of a template, and the reference that follows it.
struct Piece<'a> {
    before: &'a str,
    reference: Option<&'a str>,
}

/// Takes a template apart: `{{ op://… }}` may hold blanks, and a bare `op://…` ends at the first letter no
/// reference has.
fn pieces(template: &str) -> Result<Vec<Piece<'_>>, Refusal> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.find("op://").map(|at| rest.split_at(at)) {
        let braces = before.trim_end().strip_suffix("{{").zip(tail.split_once("}}"));
        if let Some((before, (inner, after))) = braces {
            let inner = inner.trim_end();
            check(template, inner)?;
            pieces.push(Piece { before, reference: Some(inner) });
            rest = after;
            continue;
        }
        let skip = "op://".len();
        let end = tail.char_indices().skip(skip).find(|(_, c)| !(c.is_ascii_alphanumeric() || "-_./?=".contains(*c)));
        let (reference, after) = tail.split_at(end.map_or(tail.len(), |(end, _)| end));
        pieces.push(Piece { before, reference: Some(reference) });
        rest = after;
    }
    pieces.push(Piece { before: rest, reference: None });
    Ok(pieces)
}

/// Refuses a reference with a letter no reference has, and says where.
fn check(template: &str, reference: &str) -> Result<(), Refusal> {
    let path = reference.strip_prefix("op://").unwrap_or(reference);
    let odd = path.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || "-_. /?=".contains(*c)));
    let Some((at, odd)) = odd else { return Ok(()) };
    let offset = template.find(reference).unwrap_or_default() + "op://".len() + at;
    let before = template.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Err(Refusal::new(format!("parsing error at {line}:{column}: invalid character: {odd}")))
}

/// Puts variables in: `$NAME`, `${NAME}` and `${NAME:-otherwise}`.
fn expand(template: &str) -> Result<String, Refusal> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let (name, otherwise, after) =
            if let Some((inner, after)) = after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                let parts = inner.split_once(":-");
                parts.map_or((inner, None, after), |(name, otherwise)| (name, Some(otherwise), after))
            } else {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                (name, None, after)
            };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            text.push('$');
            text.push_str(name);
        } else {
            let value = env::var(name).ok().or_else(|| otherwise.map(str::to_owned));
            let unset = || Refusal::new(format!("could not resolve variable {name}: it isn't set"));
            text.push_str(&value.ok_or_else(unset)?);
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}
