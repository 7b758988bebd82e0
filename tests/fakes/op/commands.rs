//! Which command does what, and those that fit in a few lines.

use serde_json::{Value, json};

use crate::argv::Invocation;
use crate::auth::{self, Identity, Kind};
use crate::clock;
use crate::items::{self, wants_json};
use crate::json::print;
use crate::limits::{self, Cost, charge};
use crate::lookup;
use crate::reply::{Outcome, Refusal};
use crate::stdin::Stdin;
use crate::world::{World, text};
use crate::{documents, item, references, templates, write};

/// Does what was asked.
pub(crate) fn run(invocation: &Invocation, stdin: &Stdin, world: &mut World) -> Outcome {
    match invocation.command() {
        "--version" => return Ok(format!("{}\n", world.version_text()).into()),
        "account list" => return Ok(accounts(invocation, world)),
        _ => {}
    }
    let who = auth::sign_in(invocation, world)?;
    let outcome = match invocation.command() {
        "whoami" => return whoami(invocation, &who, world),
        "vault list" => vaults(invocation, &who, world),
        "vault get" => vault(invocation, &who, world),
        "item list" => items::list(invocation, &who, world),
        "item get" => items::get(invocation, stdin, &who, world),
        "item create" => write::create(invocation, stdin, &who, world),
        "item edit" => write::edit(invocation, stdin, &who, world),
        "item delete" => write::delete(invocation, stdin, &who, world),
        "item template list" => charge(&who, Cost::reads(1), world).map(|()| templates::list().into()),
        "item template get" => {
            charge(&who, Cost::reads(1), world).and_then(|()| templates::get(invocation.argument(0)))
        }
        "read" => references::read(invocation, &who, world),
        "inject" => references::inject(invocation, stdin, &who, world),
        "run" => references::run(invocation, &who, world),
        "service-account ratelimit" => ratelimit(invocation, &who, world),
        "document list" => items::documents(invocation, &who, world),
        "document get" => documents::get(invocation, &who, world),
        "document create" => documents::create(invocation, stdin, &who, world),
        "document edit" => documents::edit(invocation, stdin, &who, world),
        "document delete" => documents::delete(invocation, &who, world),
        "events-api create" => events_api(invocation, &who, world),
        other => Err(Refusal::new(format!("no such command: {other}")).with_exit(crate::UNEXPECTED)),
    };
    // Some versions don't know who they are before they have done something.
    if who.kind == Kind::ServiceAccount {
        *world.part_mut("authenticated") = json!(true);
    }
    outcome
}

fn whoami(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::reads(1), world)?;
    let account = &who.account;
    let told = match (world.word("whoami", "ok"), who.kind) {
        ("not_yet", Kind::ServiceAccount) if world.part("authenticated").is_null() => {
            return Err(Refusal::new("service account token set, but not authenticated yet"));
        }
        ("not_signed_in", _) => return Err(Refusal::new("account is not signed in")),
        (_, Kind::ServiceAccount) if world.version() < (2, 20, 0) => {
            json!({ "URL": text(account, "url").trim_end_matches('/'), "ServiceAccountType": "SERVICE_ACCOUNT" })
        }
        (_, Kind::ServiceAccount) => json!({
            "url": text(account, "url").trim_end_matches('/'),
            "user_uuid": text(account, "user_uuid"),
            "account_uuid": text(account, "account_uuid"),
            "user_type": "SERVICE_ACCOUNT",
        }),
        _ => json!({
            "url": text(account, "url"),
            "email": text(account, "email"),
            "user_uuid": text(account, "user_uuid"),
            "account_uuid": text(account, "account_uuid"),
        }),
    };
    if wants_json(invocation) {
        return Ok(print(&told).into());
    }
    let lines = told.as_object().into_iter().flatten();
    Ok(lines.map(|(key, value)| format!("{key}: {}\n", value.as_str().unwrap_or_default())).collect::<String>().into())
}

fn accounts(invocation: &Invocation, world: &World) -> crate::reply::Output {
    let known = ["url", "email", "user_uuid", "account_uuid", "shorthand"];
    let shown = world.list("accounts").iter().map(|account| {
        let keys = known.iter().filter_map(|key| Some(((*key).to_owned(), account.get(*key)?.clone())));
        Value::Object(keys.collect())
    });
    let shown: Vec<Value> = shown.collect();
    if wants_json(invocation) {
        return print(&shown.into()).into();
    }
    let row = |account: &Value| ["url", "email", "user_uuid"].map(|key| text(account, key).to_owned()).to_vec();
    item::table(&["URL", "EMAIL", "USER ID"], &shown.iter().map(row).collect::<Vec<_>>()).into()
}

fn vaults(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    charge(who, Cost::reads(1), world)?;
    let vaults = lookup::vaults(who, world);
    if !wants_json(invocation) {
        let row = |vault: &Value| ["id", "name"].map(|key| text(vault, key).to_owned()).to_vec();
        return Ok(item::table(&["ID", "NAME"], &vaults.iter().map(row).collect::<Vec<_>>()).into());
    }
    let long = match world.word("vault_list", "auto") {
        "auto" => world.version() >= (2, 30, 0),
        how => how == "long",
    };
    let keys: &[&str] = if long {
        &["id", "name", "content_version", "created_at", "updated_at", "items"]
    } else {
        &["id", "name", "content_version"]
    };
    let line = |vault: &Value| {
        let whole = whole_vault(vault, world);
        Value::Object(keys.iter().filter_map(|key| Some(((*key).to_owned(), whole.get(*key)?.clone()))).collect())
    };
    Ok(print(&vaults.iter().map(line).collect()).into())
}

fn vault(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    let query = invocation.argument(0);
    charge(who, Cost::reads(if lookup::is_id(query) { 1 } else { 2 }), world)?;
    let vault = whole_vault(&lookup::vault(query, who, world)?, world);
    if wants_json(invocation) {
        return Ok(print(&vault).into());
    }
    Ok(format!("ID:     {}\nName:   {}\n", text(&vault, "id"), text(&vault, "name")).into())
}

/// A vault with all it always has.
fn whole_vault(vault: &Value, world: &World) -> Value {
    let id = text(vault, "id");
    let within = |item: &&Value| text(&item["vault"], "id") == id && text(item, "state").is_empty();
    let mut whole = json!({
        "content_version": 1,
        "attribute_version": 1,
        "items": world.list("items").iter().filter(within).count(),
        "type": "USER_CREATED",
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": "2026-01-05T09:00:00Z",
    });
    if let (Value::Object(whole), Some(own)) = (&mut whole, vault.as_object()) {
        whole.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    whole
}

fn ratelimit(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    if world.version() < (2, 26, 0) {
        return Err(
            Refusal::new("unknown command \"ratelimit\" for \"op service-account\"").with_exit(crate::UNEXPECTED)
        );
    }
    charge(who, Cost::reads(world.number("ratelimit_reads", 1)), world)?;
    let table = limits::table(world);
    if wants_json(invocation) {
        return Ok(print(&table).into());
    }
    let row = |row: &Value| {
        let number = |key: &str| row[key].to_string();
        let reset = match row["reset"].as_u64() {
            None | Some(0) => "N/A".to_owned(),
            Some(seconds) => format!("{} minutes from now", seconds.div_ceil(60)),
        };
        let names = [text(row, "type").to_owned(), text(row, "action").to_owned()];
        names.into_iter().chain([number("limit"), number("used"), number("remaining"), reset]).collect::<Vec<_>>()
    };
    let rows: Vec<_> = table.as_array().into_iter().flatten().map(row).collect();
    Ok(item::table(&["TYPE", "ACTION", "LIMIT", "USED", "REMAINING", "RESET"], &rows).into())
}

fn events_api(invocation: &Invocation, who: &Identity, world: &mut World) -> Outcome {
    if who.kind == Kind::ServiceAccount {
        return Err(Refusal::new("this command is not available to service accounts"));
    }
    charge(who, Cost { reads: 0, writes: 1 }, world)?;
    let lasts = invocation.value("expires-in").unwrap_or("1d");
    let well_formed = lasts.trim_end_matches(['s', 'm', 'h', 'd', 'w']).parse::<u32>().is_ok();
    if !well_formed {
        let text = format!("invalid argument \"{lasts}\" for \"--expires-in\" flag: unknown unit in duration");
        return Err(Refusal::new(text).with_usage("events-api create"));
    }
    Ok(format!("fake.{}.{}\n", world.new_id(), clock::unix_seconds()).into())
}
