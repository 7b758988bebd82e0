//! `op item list` and `op item get`.

use serde_json::{Value, json};

use crate::argv::Invocation;
use crate::auth::Identity;
use crate::fields;
use crate::item;
use crate::json::print;
use crate::limits::{Cost, charge};
use crate::lookup::{self, Search};
use crate::otp;
use crate::reply::{Outcome, Refusal};
use crate::stdin::Stdin;
use crate::templates;
use crate::world::{World, each, text};

/// `op item list`.
pub(crate) fn list(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let cost = Cost::item_list(invocation.value("vault"), lookup::vaults(who, world).len());
    charge(who, cost, world)?;
    let vault = lookup::named_vault(invocation, who, world)?;
    let categories: Vec<String> = words(invocation.value("categories")).map(templates::category).collect();
    let tags: Vec<&str> = words(invocation.value("tags")).collect();
    let items = lookup::items_as_read(world);
    let wanted = |item: &&Value| {
        let in_vault = text(&item["vault"], "id");
        let state = text(item, "state");
        who.sees(in_vault)
            && vault.as_ref().is_none_or(|only| text(only, "id") == in_vault)
            && (state.is_empty() || (state == "ARCHIVED" && includes_archive(invocation)))
            && (categories.is_empty() || categories.iter().any(|category| category == text(item, "category")))
            && (tags.is_empty() || tags.iter().any(|tag| has_tag(item, tag)))
            && (!invocation.has("favorite") || item["favorite"] == true)
    };
    let found: Vec<&Value> = items.iter().filter(wanted).collect();
    if wants_json(invocation) {
        return Ok(print(&found.iter().map(|item| item::overview(item, world)).collect()).into());
    }
    let row = |item: &&Value| {
        let names = [text(item, "id"), text(item, "title"), lookup::vault_name(item, world), text(item, "updated_at")];
        names.map(str::to_owned).to_vec()
    };
    Ok(item::table(&["ID", "TITLE", "VAULT", "EDITED"], &found.iter().map(row).collect::<Vec<_>>()).into())
}

/// `op item get`.
pub(crate) fn get(invocation: &Invocation, stdin: &Stdin, who: &Identity, world: &mut World) -> Outcome {
    let query = invocation.argument(0);
    match (&stdin.text, world.word("batch_get", "ok").to_owned().as_str()) {
        (Some(objects), how @ ("ok" | "one_bad_sinks_all")) if query == "-" => {
            return get_each(objects, how == "ok", invocation, who, world);
        }
        _ => {}
    }
    charge(who, Cost::item(invocation.value("vault"), query), world)?;
    let vault = lookup::named_vault(invocation, who, world)?;
    let items = lookup::items_as_read(world);
    let found = one(&items, query, vault.as_ref(), invocation, who, world)?;
    if invocation.has("otp") {
        let seed = each(found, "fields").iter().find(|field| text(field, "type") == "OTP");
        let code = seed.and_then(|field| otp::code(text(field, "value")));
        let none = || Refusal::new(format!("item \"{}\" does not have a one-time password", text(found, "title")));
        return Ok((code.ok_or_else(none)? + "\n").into());
    }
    if invocation.has("share-link") {
        return Ok(format!("https://start.1password.com/open/i?i={}\n", text(found, "id")).into());
    }
    let whole = item::whole(found, world);
    if let Some(wanted) = invocation.value("fields") {
        return fields::show(&whole, wanted, wants_json(invocation), invocation.has("reveal"));
    }
    Ok(if wants_json(invocation) {
        print(&whole).into()
    } else {
        item::for_people(&whole, invocation.has("reveal"), world).into()
    })
}

/// Several items, named by objects on standard input: one document after the other.
fn get_each(objects: &str, goes_on: bool, invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let (mut stdout, mut failed) = (Vec::new(), None);
    for object in objects_in(objects)? {
        let id = text(&object, "id").to_owned();
        let vault = object.get("vault").map(|vault| text(vault, "id").to_owned()).filter(|vault| !vault.is_empty());
        let vault = vault.or_else(|| invocation.value("vault").map(str::to_owned));
        charge(who, Cost::item(vault.as_deref(), &id), world)?;
        let found = match vault {
            Some(query) => lookup::vault(&query, who, world).map(Some),
            None => lookup::named_vault(invocation, who, world),
        };
        let items = lookup::items_as_read(world);
        let found = found.and_then(|vault| one(&items, &id, vault.as_ref(), invocation, who, world));
        match found {
            Ok(found) => stdout.extend(print(&item::whole(found, world))),
            Err(refusal) if goes_on => failed = failed.or(Some(refusal)),
            Err(refusal) => return Err(refusal),
        }
    }
    failed.map_or_else(|| Ok(stdout.clone().into()), |refusal| Err(refusal.with_stdout(stdout.clone())))
}

/// Objects on standard input: in a list, or one after another.
pub(crate) fn objects_in(piped: &str) -> Result<Vec<Value>, Refusal> {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(piped).into_iter().collect();
    let values = values.map_err(|_| Refusal::new("invalid JSON in piped input"))?;
    let objects = values.into_iter().flat_map(|value| match value {
        Value::Array(list) => list,
        single => vec![single],
    });
    let objects: Vec<Value> = objects.collect();
    if objects.is_empty() || objects.iter().any(|object| text(object, "id").is_empty()) {
        return Err(Refusal::new("invalid JSON in piped input"));
    }
    Ok(objects)
}

fn one<'a>(
    items: &'a [Value],
    query: &str,
    vault: Option<&Value>,
    invocation: &Invocation,
    who: &Identity,
    world: &World,
) -> Result<&'a Value, Refusal> {
    let search = Search { vault, archived_by_title: includes_archive(invocation), archived_by_id: true };
    let at = lookup::item(items, query, search, who, world)?;
    items.get(at).ok_or_else(|| Refusal::new("no item"))
}

/// Whether JSON is asked for, by the flag or by the environment.
pub(crate) fn wants_json(invocation: &Invocation) -> bool {
    let variable = std::env::var("OP_FORMAT").unwrap_or_default();
    invocation.value("format").unwrap_or(&variable) == "json"
}

fn includes_archive(invocation: &Invocation) -> bool {
    invocation.has("include-archive") || std::env::var("OP_INCLUDE_ARCHIVE").is_ok_and(|value| value == "true")
}

/// A tag, or one nested in it.
fn has_tag(item: &Value, tag: &str) -> bool {
    let tags = item["tags"].as_array().map_or(&[][..], Vec::as_slice);
    let nested = format!("{tag}/");
    tags.iter().filter_map(Value::as_str).any(|own| own == tag || own.starts_with(&nested))
}

fn words(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// `op document list`.
pub(crate) fn documents(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::item_list(invocation.value("vault"), lookup::vaults(who, world).len()), world)?;
    let vault = invocation.value("vault").map(|query| lookup::vault(query, who, world)).transpose()?;
    let items = lookup::items_as_read(world);
    let wanted = items.iter().filter(|item| {
        let in_vault = text(&item["vault"], "id");
        text(item, "category") == "DOCUMENT"
            && text(item, "state").is_empty()
            && who.sees(in_vault)
            && vault.as_ref().is_none_or(|only| text(only, "id") == in_vault)
    });
    let line = |item: &Value| {
        let mut line = item::overview(item, world);
        if let Value::Object(map) = &mut line {
            map.remove("category");
            map.insert("overview.ainfo".to_owned(), json!(text(item, "additional_information")));
            map.remove("additional_information");
        }
        line
    };
    Ok(print(&wanted.map(line).collect()).into())
}
