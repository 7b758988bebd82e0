//! PATCH: a list of changes, all or none. Fields are named by their ids, tags by their places.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome, Refusal, invalid};
use crate::call::Call;
use crate::check;
use crate::faults::Twist;
use crate::field::{self, Around};
use crate::item::{Item, id_in, objects, text};
use crate::settings::Settings;
use crate::state::State;
use crate::writes;

/// What's to be done.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    Add(&'a Value),
    Replace(&'a Value),
    Remove,
}

pub(crate) fn patch(state: &mut State, call: &Call, vault: &str, id: &str, twist: Option<&Twist>) -> Outcome {
    let stored = writes::find(state, vault, id, twist)?;
    let operations = call.json()?;
    let operations = operations.as_array().ok_or_else(|| invalid("Invalid request body"))?;
    if operations.is_empty() {
        return Ok(Answer::json(stored.details()));
    }
    let mut new = stored.clone();
    for operation in operations {
        new = apply(new, operation, &state.world.settings)?;
    }
    check::check_purposes(text(&new.0, "category").unwrap_or_default(), objects(&new.0, "fields"))?;
    Ok(writes::store(state, stored, new, twist))
}

fn apply(mut item: Item, operation: &Value, settings: &Settings) -> Result<Item, Refusal> {
    let operation = operation.as_object().ok_or_else(|| invalid("Invalid patch operation"))?;
    let value = || operation.get("value").ok_or_else(|| invalid("Invalid patch operation: it has no value"));
    let change = match text(operation, "op") {
        Some("add") => Change::Add(value()?),
        Some("replace") => Change::Replace(value()?),
        Some("remove") => Change::Remove,
        _ => return Err(invalid("Invalid patch operation: only add, remove and replace are supported")),
    };
    let path = text(operation, "path").and_then(|path| path.strip_prefix('/'));
    let path: Vec<&str> = path.ok_or_else(|| invalid("Invalid patch path"))?.split('/').collect();
    match (path.as_slice(), change) {
        ([""], Change::Replace(Value::Object(whole))) => return writes::replacement(whole, &item, settings),
        (["favorite"], Change::Add(Value::Bool(yes)) | Change::Replace(Value::Bool(yes))) => {
            if *yes {
                item.0.insert("favorite".to_owned(), json!(true))
            } else {
                item.0.remove("favorite")
            };
        }
        (["favorite"], Change::Remove) => drop(item.0.remove("favorite")),
        (["title"], Change::Add(Value::String(title)) | Change::Replace(Value::String(title))) => {
            item.0.insert("title".to_owned(), json!(title));
        }
        (["tags"], Change::Add(tags) | Change::Replace(tags)) => set_tags(&mut item, Some(tags))?,
        (["tags"], Change::Remove) => set_tags(&mut item, None)?,
        (["tags", place], change) => tag(&mut item, place, change)?,
        (["fields"], Change::Add(Value::Object(field))) => add_field(&mut item, field, settings)?,
        (["fields", id], change) => whole_field(&mut item, id, change, settings)?,
        (["fields", id, key @ ("label" | "value" | "type" | "purpose")], change) => {
            part_of_field(&mut item, id, key, change, settings)?;
        }
        _ => return Err(invalid("Invalid patch path")),
    }
    Ok(item)
}

fn set_tags(item: &mut Item, tags: Option<&Value>) -> Result<(), Refusal> {
    let tags = check::tags(tags)?;
    if tags.is_empty() {
        item.0.remove("tags")
    } else {
        item.0.insert("tags".to_owned(), Value::Array(tags))
    };
    Ok(())
}

fn tag(item: &mut Item, place: &str, change: Change<'_>) -> Result<(), Refusal> {
    let mut tags: Vec<Value> = item.tags().map(|tag| json!(tag)).collect();
    let end = tags.len();
    let nowhere = || invalid("Invalid patch path");
    let at = if place == "-" { end } else { place.parse().map_err(|_| nowhere())? };
    match change {
        Change::Add(tag) if at <= end => tags.insert(at, tag.clone()),
        Change::Replace(tag) => *tags.get_mut(at).ok_or_else(nowhere)? = tag.clone(),
        Change::Remove if at < end => drop(tags.remove(at)),
        Change::Add(_) | Change::Remove => return Err(nowhere()),
    }
    set_tags(item, Some(&Value::Array(tags)))
}

fn add_field(item: &mut Item, sent: &Map<String, Value>, settings: &Settings) -> Result<(), Refusal> {
    let named = id_in(sent, "section").map(str::to_owned);
    if let Some(id) = named.filter(|_| settings.patch_adds_sections)
        && !objects(&item.0, "sections").any(|section| text(section, "id") == Some(&id))
    {
        let section = sent.get("section").cloned().unwrap_or_else(|| json!({ "id": id }));
        if let Some(sections) = item.0.entry("sections").or_insert_with(|| json!([])).as_array_mut() {
            sections.push(section);
        }
    }
    if text(sent, "id").is_some_and(|id| check::find_field(item, id).is_some()) {
        return Err(field::rejected("the item has a field with this id already"));
    }
    let field = accept(item, sent, None, settings)?;
    if let Some(fields) = item.0.entry("fields").or_insert_with(|| json!([])).as_array_mut() {
        fields.push(Value::Object(field));
    }
    Ok(())
}

fn whole_field(item: &mut Item, id: &str, change: Change<'_>, settings: &Settings) -> Result<(), Refusal> {
    let stored = check::find_field(item, id).cloned().ok_or_else(|| no_field(id))?;
    match change {
        Change::Replace(Value::Object(sent)) => {
            let mut sent = sent.clone();
            sent.insert("id".to_owned(), json!(id));
            let field = accept(item, &sent, Some(&stored), settings)?;
            put_field(item, id, Some(field));
        }
        Change::Remove => put_field(item, id, None),
        Change::Add(_) | Change::Replace(_) => return Err(invalid("Invalid patch operation")),
    }
    Ok(())
}

fn part_of_field(item: &mut Item, id: &str, key: &str, change: Change<'_>, settings: &Settings) -> Result<(), Refusal> {
    let stored = check::find_field(item, id).cloned().ok_or_else(|| no_field(id))?;
    let mut sent = stored.clone();
    match change {
        Change::Add(value @ Value::String(_)) | Change::Replace(value @ Value::String(_)) => {
            sent.insert(key.to_owned(), value.clone());
        }
        Change::Remove => drop(sent.remove(key)),
        Change::Add(_) | Change::Replace(_) => return Err(invalid("Invalid patch operation")),
    }
    let field = accept(item, &sent, Some(&stored), settings)?;
    put_field(item, id, Some(field));
    Ok(())
}

fn accept(
    item: &Item,
    sent: &Map<String, Value>,
    stored: Option<&Map<String, Value>>,
    settings: &Settings,
) -> Result<Map<String, Value>, Refusal> {
    let label = |section: &Map<String, Value>| section.get("label").and_then(Value::as_str).map(str::to_owned);
    let sections: Vec<(String, Option<String>)> = objects(&item.0, "sections")
        .map(|section| (text(section, "id").unwrap_or_default().to_owned(), label(section)))
        .collect();
    let section = id_in(sent, "section");
    let index = objects(&item.0, "fields")
        .filter(|other| id_in(other, "section") == section)
        .take_while(|other| text(other, "id") != text(sent, "id"))
        .count();
    let category = text(&item.0, "category").unwrap_or_default();
    field::accept(sent, &Around { category, sections: &sections, settings, stored, index })
}

/// Puts a field in the place of the one with this id, or takes that away.
fn put_field(item: &mut Item, id: &str, field: Option<Map<String, Value>>) {
    if let Some(fields) = item.0.get_mut("fields").and_then(Value::as_array_mut)
        && let Some(at) = fields.iter().position(|known| known.get("id").and_then(Value::as_str) == Some(id))
    {
        fields.splice(at..=at, field.map(Value::Object));
    }
}

fn no_field(id: &str) -> Refusal {
    invalid(format!("The item doesn't have a {id} field."))
}
