//! `op document create`, `get`, `edit` and `delete`: items whose value is a file.

use serde_json::{Value, json};

use crate::argv::Invocation;
use crate::auth::Identity;
use crate::clock;
use crate::json::print;
use crate::limits::{Cost, charge};
use crate::lookup;
use crate::reply::{Outcome, Output, Refusal};
use crate::stdin::Stdin;
use crate::world::{World, each, set, text};
use crate::write::{find, may_write, target_vault};

/// `op document create`.
pub(crate) fn create(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::create(invocation.value("vault")), world)?;
    let vault = target_vault(invocation, who, world)?;
    let content = content(invocation.argument(0), stdin)?;
    let (id, file, now) = (world.new_id(), world.new_id(), clock::now());
    let name = invocation.value("file-name").unwrap_or("file").to_owned();
    world.list_mut("items").push(json!({
        "id": id,
        "title": invocation.value("title").unwrap_or(&name),
        "version": 1,
        "vault": { "id": text(&vault, "id") },
        "category": "DOCUMENT",
        "last_edited_by": text(&who.account, "user_uuid"),
        "created_at": now,
        "updated_at": now,
        "fields": [{ "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain" }],
        "files": [],
    }));
    keep(&id, &file, &name, &content, world);
    Ok(print(&json!({ "uuid": id, "createdAt": now, "updatedAt": now, "vaultUuid": text(&vault, "id") })).into())
}

/// `op document get`.
pub(crate) fn get(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let query = invocation.argument(0);
    charge(who, Cost::item(invocation.value("vault"), query), world)?;
    let vault = invocation.value("vault").map(|query| lookup::vault(query, who, world)).transpose()?;
    let at = find(query, vault.as_ref(), who, world)?;
    let item = world.list("items").get(at).cloned().unwrap_or_default();
    let file = each(&item, "files").first().map(|file| text(file, "id")).unwrap_or_default();
    let content = text(world.part("contents"), file);
    match invocation.value("output").or_else(|| invocation.value("out-file")) {
        None => Ok(content.to_owned().into()),
        Some(path) => {
            std::fs::write(path, content).map_err(|error| Refusal::new(error.to_string()))?;
            Ok(format!("{path}\n").into())
        }
    }
}

/// `op document edit`.
pub(crate) fn edit(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    let at = changed(invocation, who, world)?;
    let content = content(invocation.argument(1), stdin)?;
    let mut id = String::new();
    if let Some(item) = world.list_mut("items").get_mut(at) {
        id = text(item, "id").to_owned();
        item["version"] = json!(item["version"].as_u64().unwrap_or(1) + 1);
        set(item, "updated_at", json!(clock::now()));
        if let Some(title) = invocation.value("title") {
            set(item, "title", json!(title));
        }
    }
    let file = world.new_id();
    keep(&id, &file, invocation.value("file-name").unwrap_or("file"), &content, world);
    Ok(Output::default())
}

/// `op document delete`.
pub(crate) fn delete(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let at = changed(invocation, who, world)?;
    let state = if invocation.has("archive") { "ARCHIVED" } else { "DELETED" };
    if let Some(item) = world.list_mut("items").get_mut(at) {
        set(item, "state", json!(state));
    }
    Ok(Output::default())
}

fn changed(invocation: &Invocation, who: &Identity, world: &mut World) -> Result<usize, Refusal> {
    charge(who, Cost::change(invocation.value("vault")), world)?;
    let vault = invocation.value("vault").map(|query| lookup::vault(query, who, world)).transpose()?;
    let at = find(invocation.argument(0), vault.as_ref(), who, world)?;
    let in_vault = world.list("items").get(at).map(|item| text(&item["vault"], "id").to_owned());
    may_write(who, &in_vault.unwrap_or_default(), world)?;
    Ok(at)
}

/// From a file, or from standard input where no file is named.
fn content(path: &str, stdin: &Stdin) -> Result<String, Refusal> {
    match (path, &stdin.text) {
        ("" | "-", Some(piped)) => Ok(piped.clone()),
        ("" | "-", None) => Err(Refusal::new("provide a file path or pipe the document's content in")),
        (path, _) => std::fs::read_to_string(path).map_err(|error| Refusal::new(error.to_string())),
    }
}

fn keep(item: &str, file: &str, name: &str, content: &str, world: &mut World) {
    let contents = world.part_mut("contents");
    if !contents.is_object() {
        *contents = json!({});
    }
    contents[file] = json!(content);
    let found = world.list_mut("items").iter_mut().find(|known| text(known, "id") == item);
    if let Some(found) = found {
        let path = format!("/v1/vaults/{}/items/{item}/files/{file}/content", text(&found["vault"], "id"));
        found["files"] =
            Value::from(vec![json!({ "id": file, "name": name, "size": content.len(), "content_path": path })]);
    }
}
