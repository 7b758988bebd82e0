//! JSON as `op` prints it: its order of keys, two spaces, short lists of plain values on one line.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The order in which keys come. Those it doesn't name come after them, by name.
const ORDER: [&str; 55] = [
    "id",
    "title",
    "uuid",
    "name",
    "url",
    "URL",
    "email",
    "user_uuid",
    "account_uuid",
    "shorthand",
    "user_type",
    "ServiceAccountType",
    "createdAt",
    "updatedAt",
    "vaultUuid",
    "content_version",
    "description",
    "attribute_version",
    "items",
    "section",
    "type",
    "action",
    "limit",
    "used",
    "remaining",
    "reset",
    "purpose",
    "label",
    "primary",
    "href",
    "value",
    "entropy",
    "generated",
    "strength",
    "history",
    "totp",
    "reference",
    "password_details",
    "ssh_formats",
    "size",
    "content_path",
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
    "sections",
    "fields",
    "files",
];

/// Prints one value, and a newline.
pub(crate) fn print(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    write(&mut text, value, 0, false);
    text.push('\n');
    text.into_bytes()
}

fn write(text: &mut String, value: &Value, depth: usize, reversed: bool) {
    match value {
        Value::Object(map) if map.is_empty() => text.push_str("{}"),
        Value::Object(map) => write_object(text, map, depth, reversed),
        Value::Array(list) if list.iter().all(|each| !each.is_object() && !each.is_array()) => {
            text.push('[');
            for (at, each) in list.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { ", " });
                write(text, each, depth, false);
            }
            text.push(']');
        }
        Value::Array(list) => {
            text.push('[');
            for (at, each) in list.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                new_line(text, depth + 1);
                write(text, each, depth + 1, false);
            }
            new_line(text, depth);
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

fn write_object(text: &mut String, map: &Map<String, Value>, depth: usize, reversed: bool) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by_key(|key| (ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()), (*key).clone()));
    // The one place where the reference comes before the value.
    if reversed {
        keys.reverse();
    }
    text.push('{');
    for (at, key) in keys.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "," });
        new_line(text, depth + 1);
        let _ = write!(text, "{}: ", Value::from(key.as_str()));
        if let Some(value) = map.get(*key) {
            write(text, value, depth + 1, *key == "openssh");
        }
    }
    new_line(text, depth);
    text.push('}');
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}
