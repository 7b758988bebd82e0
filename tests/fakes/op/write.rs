//! `op item create`, `op item edit` and `op item delete`.

use serde_json::{Value, json};

use crate::argv::Invocation;
use crate::auth::Identity;
use crate::faults;
use crate::items::{objects_in, wants_json};
use crate::json::print;
use crate::limits::{Cost, charge};
use crate::lookup::{self, Search};
use crate::reply::{Outcome, Output, Refusal};
use crate::stdin::Stdin;
use crate::world::{World, each, set, text};
use crate::{clock, item, template, templates};

/// `op item create`.
pub(crate) fn create(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::create(invocation.value("vault")), world)?;
    let vault = target_vault(invocation, who, world)?;
    let document = document(invocation, stdin, "cannot create an item from template and stdin at the same time")?;
    let category = category(invocation, document.as_ref())?;
    if !templates::can_be_made(&category) {
        return Err(Refusal::new(format!("\"{category}\" isn't a valid item category")));
    }
    let document = document.unwrap_or_else(|| json!({}));
    let mut fields = template::fields(&document, world)?;
    check_password(&category, each(&document, "fields"), !each(&document, "fields").is_empty())?;
    for own in templates::fields(&category) {
        if !fields.iter().any(|field| text(field, "id") == text(&own, "id")) {
            fields.push(own);
        }
    }
    if category == "SSH_KEY" {
        // It says so itself: a key can't be brought in this way.
        fields.iter_mut().filter(|field| text(field, "type") == "SSHKEY").for_each(|field| {
            set(field, "value", Value::Null);
            set(field, "ssh_formats", Value::Null);
        });
    }
    let now = clock::now();
    let mut new = json!({
        "id": world.new_id(),
        "title": text(&document, "title"),
        "version": 1,
        "vault": { "id": text(&vault, "id") },
        "category": category,
        "last_edited_by": text(&who.account, "user_uuid"),
        "created_at": now,
        "updated_at": now,
    });
    for key in ["tags", "urls", "favorite"] {
        set(&mut new, key, document[key].clone());
    }
    let sections = template::sections(&document, &fields);
    set(&mut new, "sections", json!(sections));
    new["fields"] = json!(fields);
    adjust(&mut new, invocation, 0, world)?;
    if text(&new, "title").is_empty() {
        set(&mut new, "title", json!(format!("Untitled {}", category.to_ascii_lowercase())));
    }
    describe(&mut new);
    if !invocation.has("dry-run") {
        world.list_mut("items").push(new.clone());
    }
    let mut shown = item::written(&new, world);
    if !world.is_on("create_section_labels", false) {
        without_section_labels(&mut shown);
    }
    Ok(answer(&shown, invocation, world))
}

/// `op item edit`.
pub(crate) fn edit(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::change(invocation.value("vault")), world)?;
    let vault = lookup::named_vault(invocation, who, world)?;
    let document = document(invocation, stdin, "cannot edit from template and stdin at the same time")?;
    let at = find(invocation.argument(0), vault.as_ref(), who, world)?;
    let Some(old) = world.list("items").get(at).cloned() else { return Err(Refusal::new("no item")) };
    may_write(who, text(&old["vault"], "id"), world)?;
    let mut new = old.clone();
    if let Some(document) = &document {
        new = replaced(&old, document, world)?;
    }
    adjust(&mut new, invocation, 1, world)?;
    let unchanged = new == old;
    keep_history(&old, &mut new);
    if !unchanged {
        new["version"] = json!(old["version"].as_u64().unwrap_or(1) + 1);
        set(&mut new, "updated_at", json!(clock::now()));
        set(&mut new, "last_edited_by", json!(text(&who.account, "user_uuid")));
        describe(&mut new);
    }
    if !invocation.has("dry-run")
        && let Some(place) = world.list_mut("items").get_mut(at)
    {
        *place = new.clone();
    }
    Ok(answer(&item::written(&new, world), invocation, world))
}

/// `op item delete`.
pub(crate) fn delete(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    let query = invocation.argument(0);
    let queries = match &stdin.text {
        Some(objects) if query == "-" => {
            objects_in(objects)?.iter().map(|object| text(object, "id").to_owned()).collect()
        }
        _ => vec![query.to_owned()],
    };
    for query in queries {
        charge(who, Cost::change(invocation.value("vault")), world)?;
        let vault = lookup::named_vault(invocation, who, world)?;
        let at = find(&query, vault.as_ref(), who, world)?;
        let in_vault = world.list("items").get(at).map(|item| text(&item["vault"], "id").to_owned());
        may_write(who, &in_vault.unwrap_or_default(), world)?;
        let state = if invocation.has("archive") { "ARCHIVED" } else { "DELETED" };
        if let Some(item) = world.list_mut("items").get_mut(at) {
            set(item, "state", json!(state));
            item["version"] = json!(item["version"].as_u64().unwrap_or(1) + 1);
            set(item, "updated_at", json!(clock::now()));
        }
    }
    Ok(Output::default())
}

/// Where an item is that may be changed: what's archived may not.
pub(crate) fn find(query: &str, vault: Option<&Value>, who: &Identity, world: &World) -> Result<usize, Refusal> {
    let search = Search { vault, archived_by_title: false, archived_by_id: false };
    lookup::item(world.list("items"), query, search, who, world)
}

/// The vault a new item goes to: without a word about it, a person's own.
pub(crate) fn target_vault(invocation: &Invocation, who: &Identity, world: &World) -> Result<Value, Refusal> {
    let named = lookup::named_vault(invocation, who, world)?;
    let visible = lookup::vaults(who, world);
    let own = || visible.iter().find(|vault| text(vault, "type") == "PERSONAL").or(visible.first()).cloned();
    let vault = named.or_else(own).ok_or_else(|| Refusal::new("there is no vault to create the item in"))?;
    may_write(who, text(&vault, "id"), world)?;
    Ok(vault)
}

/// Refuses who may only read.
pub(crate) fn may_write(who: &Identity, vault: &str, world: &World) -> Result<(), Refusal> {
    if who.may_write(vault) {
        return Ok(());
    }
    Err(match world.word("write_denied", "403") {
        "101" => Refusal::new("(101) you do not have permission to perform this action"),
        status => faults::named(status, world),
    })
}

/// The document to work with, from a file or from standard input, but not from both.
fn document(invocation: &Invocation, stdin: &Stdin, both: &str) -> Result<Option<Value>, Refusal> {
    match (invocation.value("template"), &stdin.text) {
        (Some(_), Some(_)) => Err(Refusal::new(both)),
        (Some(file), None) => {
            let text = std::fs::read_to_string(file).map_err(|error| Refusal::new(error.to_string()))?;
            template::parse(&text).map(Some)
        }
        (None, Some(piped)) if !piped.trim().is_empty() => template::parse(piped).map(Some),
        (None, _) => Ok(None),
    }
}

fn category(invocation: &Invocation, document: Option<&Value>) -> Result<String, Refusal> {
    let in_document = document.map(|document| text(document, "category")).filter(|category| !category.is_empty());
    match (invocation.value("category"), in_document) {
        (Some(_), Some(_)) => Err(Refusal::new(
            "unable to process line 1: cannot provide the item category with both the JSON template and the \
             `--category` flag. Use only one of them",
        )),
        (Some(one), None) | (None, Some(one)) => Ok(templates::category(one)),
        (None, None) => Err(Refusal::new("provide the item category with '--category' flag")),
    }
}

/// A password item must have its password.
fn check_password(category: &str, fields: &[Value], from_document: bool) -> Result<(), Refusal> {
    let has = fields.iter().any(|field| text(field, "purpose") == "PASSWORD");
    if category == "PASSWORD" && from_document && !has {
        return Err(template::invalid("Password item requires ps value"));
    }
    Ok(())
}

/// An item with a document put in its place: what the document doesn't have is gone, but for the notes.
fn replaced(old: &Value, document: &Value, world: &mut World) -> Result<Value, Refusal> {
    if !clock::is_after_1970(text(document, "updated_at")) {
        return Err(template::invalid("Item updatedAt must be > 1970-01-01"));
    }
    if world.is_on("edit_checks_version", false) && document["version"] != old["version"] {
        return Err(faults::named("409", world));
    }
    let mut fields = template::fields(document, world)?;
    check_password(text(old, "category"), &fields, true)?;
    let notes = each(old, "fields").iter().find(|field| text(field, "id") == "notesPlain");
    if let Some(notes) = notes.filter(|_| !fields.iter().any(|field| text(field, "id") == "notesPlain")) {
        fields.push(notes.clone());
    }
    let mut new = json!({});
    // Passkeys, and whatever else no document can carry, end here.
    for key in ["id", "version", "vault", "category", "last_edited_by", "created_at", "updated_at", "files"] {
        set(&mut new, key, old[key].clone());
    }
    set(&mut new, "additional_information", old["additional_information"].clone());
    for key in ["title", "tags", "urls", "favorite"] {
        set(&mut new, key, document[key].clone());
    }
    let sections = template::sections(document, &fields);
    set(&mut new, "sections", json!(sections));
    new["fields"] = json!(fields);
    Ok(new)
}

/// What flags and assignments say.
fn adjust(item: &mut Value, invocation: &Invocation, from: usize, world: &mut World) -> Result<(), Refusal> {
    if let Some(title) = invocation.value("title") {
        set(item, "title", json!(title));
    }
    if let Some(tags) = invocation.value("tags") {
        let mut tags: Vec<&str> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        tags.sort_unstable();
        set(item, "tags", json!(tags));
    }
    if invocation.value("favorite").is_some() {
        set(item, "favorite", if invocation.has("favorite") { json!(true) } else { Value::Null });
    }
    if let Some(url) = invocation.value("url") {
        let others = each(item, "urls").iter().filter(|url| url["primary"] != true).cloned();
        let urls: Vec<Value> = std::iter::once(json!({ "primary": true, "href": url })).chain(others).collect();
        set(item, "urls", json!(urls));
    }
    for assignment in invocation.arguments_from(from).iter().filter(|word| *word != "-") {
        template::assign(item, assignment, world)?;
    }
    if invocation.value("generate-password").is_some() {
        let made: String = [world.new_id(), world.new_id()].concat().chars().take(32).collect();
        let field =
            item["fields"].as_array_mut().into_iter().flatten().find(|field| text(field, "purpose") == "PASSWORD");
        if let Some(field) = field {
            set(field, "value", json!(made));
            set(field, "password_details", json!({ "entropy": 150, "generated": true, "strength": "FANTASTIC" }));
        }
    }
    Ok(())
}

/// A password that was replaced is kept in its field's history.
fn keep_history(old: &Value, new: &mut Value) {
    for field in new["fields"].as_array_mut().into_iter().flatten() {
        let same =
            |other: &&Value| text(other, "id") == text(field, "id") && other.get("section") == field.get("section");
        let Some(before) = each(old, "fields").iter().find(same) else { continue };
        if text(field, "purpose") != "PASSWORD" && before.get("password_details").is_none() {
            continue;
        }
        let mut details = before["password_details"].clone();
        if !details.is_object() {
            details = json!({ "strength": "GOOD" });
        }
        let (was, is) = (text(before, "value").to_owned(), text(field, "value").to_owned());
        if was != is && !was.is_empty() {
            let mut history = each(&details, "history").to_vec();
            history.insert(0, json!(was));
            set(&mut details, "history", json!(history));
        }
        set(field, "password_details", details);
    }
}

/// What lists show besides the title: the username of a login, the beginning of a note.
fn describe(item: &mut Value) {
    let id = match text(item, "category") {
        "LOGIN" => "username",
        "SECURE_NOTE" => "notesPlain",
        _ => return,
    };
    let field = each(item, "fields").iter().find(|field| text(field, "id") == id);
    let shown: String = field.map(|field| text(field, "value").chars().take(60).collect()).unwrap_or_default();
    set(item, "additional_information", json!(shown));
}

fn without_section_labels(item: &mut Value) {
    for section in item["sections"].as_array_mut().into_iter().flatten() {
        set(section, "label", Value::Null);
    }
    let fields = item["fields"].as_array_mut().into_iter().flatten();
    for section in fields.filter_map(|field| field.get_mut("section")) {
        set(section, "label", Value::Null);
    }
}

fn answer(shown: &Value, invocation: &Invocation, world: &World) -> Output {
    if wants_json(invocation) {
        print(shown).into()
    } else {
        item::for_people(shown, invocation.has("reveal"), world).into()
    }
}
