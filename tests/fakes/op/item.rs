//! How an item is shown: whole, as a line of a list, as the answer to a write, and to a person.

use serde_json::{Value, json};

use crate::clock;
use crate::lookup::vault_name;
use crate::otp;
use crate::world::{World, each, set, text};

/// What a list has of an item.
const OVERVIEW: [&str; 13] = [
    "id",
    "title",
    "tags",
    "favorite",
    "version",
    "state",
    "vault",
    "category",
    "last_edited_by",
    "created_at",
    "updated_at",
    "additional_information",
    "urls",
];

/// An item with what's worked out for each reader: references, codes, the name of its vault.
pub(crate) fn whole(item: &Value, world: &World) -> Value {
    let mut shown = with_vault_name(item, world);
    let address =
        (segment(vault_name(item, world), text(&item["vault"], "id")), segment(text(item, "title"), text(item, "id")));
    if let Some(Value::Array(fields)) = shown.get_mut("fields") {
        for field in fields {
            let reference = reference(field, address.0, address.1);
            if text(field, "type") == "OTP" {
                let code = otp::code(text(field, "value"));
                set(field, "totp", code.map_or(Value::Null, Value::from));
            }
            if let Some(openssh) = field.get_mut("ssh_formats").and_then(|formats| formats.get_mut("openssh")) {
                set(openssh, "reference", json!(format!("{reference}?ssh-format=openssh")));
            }
            set(field, "reference", json!(reference));
            if text(field, "value").is_empty() {
                set(field, "value", Value::Null);
            }
        }
    }
    shown
}

/// An item as the answer to a write has it: with local time.
pub(crate) fn written(item: &Value, world: &World) -> Value {
    let mut shown = whole(item, world);
    for key in ["created_at", "updated_at"] {
        let local = clock::local(text(item, key), world.utc_offset());
        set(&mut shown, key, json!(local));
    }
    shown
}

/// A line of a list.
pub(crate) fn overview(item: &Value, world: &World) -> Value {
    let shown = with_vault_name(item, world);
    let keys = OVERVIEW.iter().filter_map(|key| Some(((*key).to_owned(), shown.get(*key)?.clone())));
    Value::Object(keys.collect())
}

/// What a person sees in a terminal.
pub(crate) fn for_people(item: &Value, reveals: bool, world: &World) -> String {
    let mut text_ = String::new();
    let mut line = |name: &str, value: &str| text_.push_str(&format!("{:<15}{value}\n", format!("{name}:")));
    line("ID", text(item, "id"));
    line("Title", text(item, "title"));
    line("Vault", &format!("{} ({})", vault_name(item, world), text(&item["vault"], "id")));
    line("Category", text(item, "category"));
    line("Version", &item["version"].to_string());
    line("Fields", "");
    for field in each(item, "fields").iter().filter(|field| !text(field, "value").is_empty()) {
        let hidden = !reveals && matches!(text(field, "type"), "CONCEALED" | "SSHKEY" | "OTP");
        let hint = format!("[use 'op item get {} --reveal' to reveal]", text(item, "id"));
        line(&format!("  {}", name(field)), if hidden { &hint } else { text(field, "value") });
    }
    text_
}

/// A table for a person: a heading and rows.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        cells.iter().map(|cell| format!("{cell:<30}")).collect::<String>().trim_end().to_owned() + "\n"
    };
    let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    line(&headings) + &rows.iter().map(|row| line(row)).collect::<String>()
}

fn with_vault_name(item: &Value, world: &World) -> Value {
    let mut shown = item.clone();
    if let Some(vault) = shown.get_mut("vault") {
        let name = vault_name(item, world).to_owned();
        set(vault, "name", json!(name));
    }
    shown
}

/// A field's own name, or its id where it has none.
fn name(field: &Value) -> &str {
    if text(field, "label").is_empty() { text(field, "id") } else { text(field, "label") }
}

/// The reference to a field: each part by its name if a reference can carry it, else by its id.
fn reference(field: &Value, vault: &str, item: &str) -> String {
    let own = segment(name(field), text(field, "id"));
    match field.get("section") {
        None => format!("op://{vault}/{item}/{own}"),
        Some(section) => {
            let section = segment(text(section, "label"), text(section, "id"));
            format!("op://{vault}/{item}/{section}/{own}")
        }
    }
}

fn segment<'a>(name: &'a str, id: &'a str) -> &'a str {
    let carried = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_. ".contains(c));
    if carried { name } else { id }
}
