//! What can be changed.

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome, Refusal, invalid};
use crate::call::Call;
use crate::check;
use crate::faults::Twist;
use crate::field;
use crate::item::{HIDDEN, Item, new_id, now, objects, text};
use crate::settings::{Settings, Unknown};
use crate::state::State;

/// What a document says of an item. All else is the server's own, and so is the vault's name.
const SAID: [&str; 9] = ["category", "title", "favorite", "urls", "tags", "sections", "fields", "files", HIDDEN];

pub(crate) fn create(state: &mut State, call: &Call, vault: &str, twist: Option<&Twist>) -> Outcome {
    let mut item = Item(check::accept(&call.object()?, vault, None, &state.world.settings)?);
    item.0.insert("id".to_owned(), json!(new_id()));
    item.0.insert("createdAt".to_owned(), json!(now()));
    item.set_version(1);
    item.touch();
    let answer = Answer::json(item.details());
    match twist {
        Some(Twist::AcceptedButLost) => return Ok(answer),
        Some(Twist::MissingAfterCreate(reads) | Twist::StaleReads(reads)) => state.lag(item.id(), None, *reads),
        Some(Twist::VersionBump { .. }) | None => {}
    }
    state.world.put(item);
    Ok(answer)
}

pub(crate) fn replace(state: &mut State, call: &Call, vault: &str, id: &str, twist: Option<&Twist>) -> Outcome {
    let stored = find(state, vault, id, twist)?;
    let new = replacement(&call.object()?, &stored, &state.world.settings)?;
    Ok(store(state, stored, new, twist))
}

pub(crate) fn delete(state: &mut State, vault: &str, id: &str, twist: Option<&Twist>) -> Outcome {
    let stored = find(state, vault, id, twist)?;
    match twist {
        Some(Twist::AcceptedButLost) => return Ok(Answer::no_content()),
        Some(Twist::StaleReads(reads)) => state.lag(id, Some(stored), *reads),
        Some(Twist::MissingAfterCreate(_) | Twist::VersionBump { .. }) | None => {}
    }
    state.world.remove(id);
    Ok(Answer::no_content())
}

/// The item that's to be changed, after somebody else got there first, should that be the fault.
pub(crate) fn find(state: &mut State, vault: &str, id: &str, twist: Option<&Twist>) -> Result<Item, Refusal> {
    if let Some(Twist::VersionBump { field, value }) = twist {
        meddle(state, id, field, value);
    }
    state.world.item(vault, id).cloned().ok_or_else(|| Refusal::new(404, format!("item {id} not found")))
}

/// Puts an item in the place of a stored one. The answer shows what's stored, under the version before.
pub(crate) fn store(state: &mut State, stored: Item, mut new: Item, twist: Option<&Twist>) -> Answer {
    new.touch();
    let answer = Answer::json(new.details());
    new.set_version(stored.version() + 1);
    match twist {
        Some(Twist::AcceptedButLost) => return answer,
        Some(Twist::StaleReads(reads)) => state.lag(stored.id().to_owned().as_str(), Some(stored), *reads),
        Some(Twist::MissingAfterCreate(_) | Twist::VersionBump { .. }) | None => {}
    }
    state.world.put(new);
    answer
}

/// What a whole document makes of a stored item: what isn't in it is gone, but for what's the server's own.
pub(crate) fn replacement(sent: &Map<String, Value>, stored: &Item, settings: &Settings) -> Result<Item, Refusal> {
    if text(sent, "id").is_some_and(|id| id != stored.id()) {
        return Err(invalid("Invalid Item UUID"));
    }
    let version = sent.get("version").and_then(Value::as_u64);
    if settings.put_compares_version && version.is_some_and(|version| version != stored.version()) {
        return Err(Refusal::new(409, "Conflict: the item has changed since it was read"));
    }
    let accepted = check::accept(sent, stored.vault(), Some(stored), settings)?;
    let mut new = Item(accepted);
    for (key, value) in stored.0.iter().filter(|(key, _)| !SAID.contains(&key.as_str())) {
        new.0.insert(key.clone(), value.clone());
    }
    if settings.files_survive_put || sent.contains_key("files") {
        new.0.extend(stored.0.get("files").map(|files| ("files".to_owned(), files.clone())));
    }
    keep_unknown(&mut new, stored, settings);
    Ok(new)
}

fn keep_unknown(new: &mut Item, stored: &Item, settings: &Settings) {
    let keep = settings.put_unknown_fields == Unknown::Keep;
    let mut fields: Vec<Value> = match new.0.remove("fields") {
        Some(Value::Array(fields)) => fields,
        _ => Vec::new(),
    };
    fields.retain(|field| field.as_object().is_none_or(field::is_known));
    for field in objects(&stored.0, "fields") {
        let notes = settings.notes_survive_put && text(field, "purpose") == Some("NOTES");
        let sent = fields.iter().any(|other| other.get("id") == field.get("id"));
        if (keep && !field::is_known(field)) || (notes && !sent) {
            fields.push(Value::Object(field.clone()));
        }
    }
    if !fields.is_empty() {
        new.0.insert("fields".to_owned(), Value::Array(fields));
    }
    if keep {
        new.0.extend(stored.0.get(HIDDEN).map(|hidden| (HIDDEN.to_owned(), hidden.clone())));
    }
}

/// Somebody else changes a field.
pub(crate) fn meddle(state: &mut State, id: &str, field: &str, value: &str) {
    let Some(mut item) = state.world.items.iter().find(|item| item.id() == id).cloned() else { return };
    let fields = item.0.entry("fields").or_insert_with(|| json!([]));
    if let Some(fields) = fields.as_array_mut() {
        let found = fields.iter_mut().filter_map(Value::as_object_mut).find(|known| text(known, "id") == Some(field));
        match found {
            Some(found) => drop(found.insert("value".to_owned(), json!(value))),
            None if field == "notesPlain" => fields.push(json!({
                "id": field, "type": "STRING", "purpose": "NOTES", "label": field, "value": value,
            })),
            None => fields.push(json!({ "id": field, "type": "STRING", "label": field, "value": value })),
        }
    }
    item.set_version(item.version() + 1);
    item.touch();
    state.world.put(item);
}
