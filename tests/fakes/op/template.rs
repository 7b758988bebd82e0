//! What a new or changed item is made of: a document of JSON, or assignments as `section.field[type]=value`.

use serde_json::{Map, Value, json};

use crate::lookup::same;
use crate::reply::Refusal;
use crate::world::{World, each, set, text};

/// The kinds of fields that survive being written as a document.
const KINDS: [&str; 16] = [
    "ADDRESS",
    "CONCEALED",
    "CREDIT_CARD_NUMBER",
    "CREDIT_CARD_TYPE",
    "DATE",
    "EMAIL",
    "FILE",
    "GENDER",
    "MENU",
    "MONTH_YEAR",
    "OTP",
    "PHONE",
    "REFERENCE",
    "SSHKEY",
    "STRING",
    "URL",
];

/// What of a field in a document is kept; the rest is worked out anew or lost.
const FIELD_KEYS: [&str; 8] = ["id", "section", "type", "purpose", "label", "value", "entropy", "ssh_formats"];

/// Reads the document that came on standard input or in a file.
pub(crate) fn parse(document: &str) -> Result<Value, Refusal> {
    let value: Value = serde_json::from_str(document).map_err(|_| Refusal::new("invalid JSON in piped input"))?;
    if value.is_object() { Ok(value) } else { Err(Refusal::new("invalid JSON in piped input")) }
}

/// The fields of a document as they're stored.
pub(crate) fn fields(document: &Value, world: &mut World) -> Result<Vec<Value>, Refusal> {
    let mut stored = Vec::new();
    for (at, field) in each(document, "fields").iter().enumerate() {
        let mut kept: Map<String, Value> = FIELD_KEYS
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), field.get(*key)?.clone())))
            .filter(|(key, value)| !value.is_null() && (key == "id" || *value != json!("")))
            .collect();
        let kind = text(field, "type").to_ascii_uppercase();
        if kind == "SSO_LOGIN" {
            return Err(invalid(&format!("details.fields[{at}] has unsupported field type: ssologin")));
        }
        if kind.is_empty() || KINDS.contains(&kind.as_str()) {
            kept.insert("type".to_owned(), json!(if kind.is_empty() { "STRING" } else { &kind }));
        } else {
            // What it doesn't know, it can't keep: the reason why a careful client refuses such items.
            kept.insert("type".to_owned(), json!("UNKNOWN"));
            kept.remove("value");
        }
        if !kept.contains_key("id") {
            kept.insert("id".to_owned(), json!(world.new_id()));
        }
        stored.push(Value::Object(kept));
    }
    Ok(stored)
}

/// The sections of a document, and those that only its fields name.
pub(crate) fn sections(document: &Value, fields: &[Value]) -> Vec<Value> {
    let mut sections: Vec<Value> = each(document, "sections").to_vec();
    for section in fields.iter().filter_map(|field| field.get("section")) {
        if !sections.iter().any(|known| text(known, "id") == text(section, "id")) {
            sections.push(section.clone());
        }
    }
    sections
}

pub(crate) fn invalid(what: &str) -> Refusal {
    Refusal::new(format!("Couldn't validate the item: \"[ItemValidator] has found 1 errors: {{1. {what}}}\""))
}

/// Carries out one assignment.
pub(crate) fn assign(item: &mut Value, assignment: &str, world: &mut World) -> Result<(), Refusal> {
    let (path, value) = match split_unescaped(assignment, '=') {
        Some(parts) => parts,
        // To delete, nothing needs to be assigned.
        None if assignment.ends_with("[delete]") => (assignment, ""),
        None => return Err(Refusal::new(format!("invalid item assignment: '{}'", unescape(assignment)))),
    };
    let (path, kind) = match path.strip_suffix(']').and_then(|path| path.rsplit_once('[')) {
        Some((path, kind)) => (path, Some(kind)),
        None => (path, None),
    };
    let (section, label) =
        split_unescaped(path, '.').map_or((None, path), |(section, label)| (Some(unescape(section)), label));
    let label = unescape(label);
    if label.is_empty() {
        return Err(Refusal::new("invalid item assignment: the field has no name"));
    }
    let kind = match kind {
        None => None,
        Some("delete") => {
            remove(item, section.as_deref(), &label);
            return Ok(());
        }
        Some(word) => Some(kind_of(word)?),
    };
    let section = section.map(|name| section_named(item, &name, world));
    let at = each(item, "fields").iter().position(|field| is_meant(field, section.as_ref(), &label));
    let new = world.new_id();
    if !item["fields"].is_array() {
        set(item, "fields", Value::Null);
        item["fields"] = json!([]);
    }
    let Some(fields) = item["fields"].as_array_mut() else { return Ok(()) };
    if let Some(field) = at.and_then(|at| fields.get_mut(at)) {
        if let Some(kind) = kind {
            set(field, "type", json!(kind));
        }
        set(field, "value", json!(value));
        return Ok(());
    }
    let mut field = json!({ "id": new, "type": kind.unwrap_or("CONCEALED"), "label": label });
    set(&mut field, "section", section.unwrap_or_default());
    set(&mut field, "value", json!(value));
    fields.push(field);
    Ok(())
}

fn kind_of(word: &str) -> Result<&'static str, Refusal> {
    Ok(match word {
        "password" | "concealed" => "CONCEALED",
        "text" => "STRING",
        "email" => "EMAIL",
        "url" => "URL",
        "date" => "DATE",
        "monthYear" => "MONTH_YEAR",
        "phone" => "PHONE",
        "otp" => "OTP",
        "file" => "FILE",
        other => return Err(Refusal::new(format!("unknown field type \"{other}\""))),
    })
}

fn is_meant(field: &Value, section: Option<&Value>, label: &str) -> bool {
    let there = match (section, field.get("section")) {
        (None, _) => true,
        (Some(wanted), Some(own)) => text(wanted, "id") == text(own, "id"),
        (Some(_), None) => false,
    };
    there && (text(field, "id") == label || same(text(field, "label"), label))
}

fn section_named(item: &mut Value, name: &str, world: &mut World) -> Value {
    let known =
        each(item, "sections").iter().find(|section| same(text(section, "label"), name) || text(section, "id") == name);
    if let Some(known) = known {
        return known.clone();
    }
    let section = json!({ "id": format!("Section_{}", world.new_id()), "label": name });
    let mut sections = each(item, "sections").to_vec();
    sections.push(section.clone());
    set(item, "sections", json!(sections));
    section
}

/// Takes a field away, and its section if nothing else is in it.
fn remove(item: &mut Value, section: Option<&str>, label: &str) {
    let in_section = |field: &Value| {
        let own = &field["section"];
        section.is_none_or(|wanted| same(text(own, "label"), wanted) || text(own, "id") == wanted)
    };
    let fields = each(item, "fields").iter();
    let fields: Vec<Value> =
        fields.filter(|field| !(in_section(field) && is_meant(field, None, label))).cloned().collect();
    let used = |section: &&Value| fields.iter().any(|field| text(&field["section"], "id") == text(section, "id"));
    let sections: Vec<Value> = each(item, "sections").iter().filter(used).cloned().collect();
    set(item, "sections", json!(sections));
    set(item, "fields", json!(fields));
}

/// Splits at the first such letter that no backslash stands before.
fn split_unescaped(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (position, letter) in text.char_indices() {
        if letter == at && !escaped {
            let (head, tail) = text.split_at(position);
            return Some((head, tail.strip_prefix(at).unwrap_or(tail)));
        }
        escaped = letter == '\\' && !escaped;
    }
    None
}

fn unescape(text: &str) -> String {
    let (mut plain, mut escaped) = (String::new(), false);
    for letter in text.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(letter);
            escaped = false;
        }
    }
    plain
}
