//! Finding vaults and items by what a person writes.

use serde_json::Value;

use crate::argv::Invocation;
use crate::auth::{Identity, Kind};
use crate::reply::Refusal;
use crate::world::{World, each, text};

/// Whether a text has the shape of 1Password's ids.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The vaults someone sees.
pub(crate) fn vaults(who: &Identity, world: &World) -> Vec<Value> {
    world.list("vaults").iter().filter(|vault| who.sees(text(vault, "id"))).cloned().collect()
}

/// One of the vaults someone sees, by its id or name.
pub(crate) fn vault(query: &str, who: &Identity, world: &World) -> Result<Value, Refusal> {
    let vaults = vaults(who, world);
    if let Some(found) = vaults.iter().find(|vault| text(vault, "id") == query) {
        return Ok(found.clone());
    }
    let named: Vec<&Value> = vaults.iter().filter(|vault| same(text(vault, "name"), query)).collect();
    match named.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(Refusal::new(format!(
            "\"{query}\" isn't a vault in this account. Specify the vault with its ID or name."
        ))),
        several => {
            let lines = several.iter().map(|vault| format!("\n\t* {}: {}", text(vault, "name"), text(vault, "id")));
            let head = format!("More than one vault matches \"{query}\". Try again and specify the vault by its ID: ");
            Err(Refusal::new(head + &lines.collect::<String>()))
        }
    }
}

/// The vault that a command names, if it does. A service account that sees several has to.
pub(crate) fn named_vault(invocation: &Invocation, who: &Identity, world: &World) -> Result<Option<Value>, Refusal> {
    if let Some(query) = invocation.value("vault") {
        return vault(query, who, world).map(Some);
    }
    let visible = vaults(who, world).len();
    let needed = invocation.command() != "item list" || world.is_on("list_needs_vault", false);
    if who.kind == Kind::ServiceAccount && visible > 1 && needed {
        return Err(Refusal::new("a vault query must be provided when this command is called by a service account"));
    }
    Ok(None)
}

/// How an item is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) vault: Option<&'a Value>,
    /// Whether a title finds archived ones.
    pub(crate) archived_by_title: bool,
    /// Whether an id finds archived ones.
    pub(crate) archived_by_id: bool,
}

/// Where an item stands in a list, by its id, its title or the host of its website.
pub(crate) fn item(
    items: &[Value],
    query: &str,
    search: Search<'_>,
    who: &Identity,
    world: &World,
) -> Result<usize, Refusal> {
    let within = |item: &&Value| {
        let vault = text(&item["vault"], "id");
        who.sees(vault) && search.vault.is_none_or(|only| text(only, "id") == vault)
    };
    let at = |wanted: &Value| items.iter().position(|item| std::ptr::eq(item, wanted)).unwrap_or_default();
    if let Some(found) = items.iter().filter(within).find(|item| text(item, "id") == query) {
        let state = text(found, "state");
        if state == "DELETED" || (state == "ARCHIVED" && !search.archived_by_id) {
            let vault = text(&found["vault"], "id");
            return Err(Refusal::new(format!(
                "could not find item {query} in vault {vault}, because it has been deleted or archived."
            )));
        }
        return Ok(at(found));
    }
    let shown = |item: &&Value| match text(item, "state") {
        "" => true,
        "ARCHIVED" => search.archived_by_title,
        _ => false,
    };
    let titled: Vec<&Value> =
        items.iter().filter(within).filter(shown).filter(|item| same(text(item, "title"), query)).collect();
    let hosted = || -> Vec<&Value> {
        let on = |item: &&Value| each(item, "urls").iter().any(|url| same(host(text(url, "href")), query));
        items.iter().filter(within).filter(shown).filter(on).collect()
    };
    let found = if titled.is_empty() { hosted() } else { titled };
    match found.as_slice() {
        [one] => Ok(at(one)),
        [] => Err(Refusal::new(match search.vault {
            Some(vault) => format!(
                "\"{query}\" isn't an item in the \"{}\" vault. Specify the item with its UUID, name, or domain.",
                text(vault, "name")
            ),
            None => format!("\"{query}\" isn't an item. Specify the item with its UUID, name, or domain."),
        })),
        several => {
            let line = |item: &&Value| {
                let vault = vault_name(item, world);
                format!("\n\t* for the item \"{}\" in vault {vault}: {}", text(item, "title"), text(item, "id"))
            };
            let head = format!("More than one item matches \"{query}\". Try again and specify the item by its ID: ");
            Err(Refusal::new(head + &several.iter().map(line).collect::<String>()))
        }
    }
}

/// The name that an item's vault has now.
pub(crate) fn vault_name<'a>(item: &'a Value, world: &'a World) -> &'a str {
    let id = text(&item["vault"], "id");
    let known = world.list("vaults").iter().find(|vault| text(vault, "id") == id);
    known.map_or_else(|| text(&item["vault"], "name"), |vault| text(vault, "name"))
}

/// `op` doesn't tell upper from lower case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// The items as they're read at this moment: for a while after a write, a stale read gives the old ones.
pub(crate) fn items_as_read(world: &mut World) -> Vec<Value> {
    let mut items = world.list("items").to_vec();
    for stale in world.list_mut("stale") {
        let left = stale["left"].as_u64().unwrap_or_default();
        if left == 0 {
            continue;
        }
        stale["left"] = (left - 1).into();
        let id = text(stale, "id").to_owned();
        let old = stale["item"].clone();
        let place = items.iter().position(|item| text(item, "id") == id);
        match (place, old.is_null()) {
            (Some(at), true) => drop(items.remove(at)),
            (Some(at), false) => {
                if let Some(item) = items.get_mut(at) {
                    *item = old;
                }
            }
            (None, false) => items.push(old),
            (None, true) => {}
        }
    }
    items
}

fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', ':', '?']).next().unwrap_or_default()
}
