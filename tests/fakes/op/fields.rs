//! `op item get --fields`.

use serde_json::Value;

use crate::json::print;
use crate::lookup::same;
use crate::reply::{Outcome, Refusal};
use crate::world::{each, text};

/// Shows some fields: as JSON one object for one of them and a list for several.
pub(crate) fn show(item: &Value, wanted: &str, as_json: bool, reveals: bool) -> Outcome {
    let mut found: Vec<&Value> = Vec::new();
    for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let fields = each(item, "fields").iter();
        if let Some(kind) = part.strip_prefix("type=") {
            found.extend(fields.filter(|field| same(text(field, "type"), kind)));
            continue;
        }
        let label = part.strip_prefix("label=").unwrap_or(part);
        // Where several have the same label, it takes one without a word.
        let field = fields.clone().find(|field| same(text(field, "label"), label) || text(field, "id") == label);
        let missing = || Refusal::new(format!("\"{label}\" isn't a field in the \"{}\" item", text(item, "title")));
        found.push(field.ok_or_else(missing)?);
    }
    match (as_json, found.as_slice()) {
        (true, [one]) => Ok(print(one).into()),
        (true, several) => Ok(print(&several.iter().map(|field| (*field).clone()).collect()).into()),
        (false, several) => {
            let hidden = |field: &&Value| !reveals && text(field, "type") == "CONCEALED";
            let hint = format!("[use 'op item get {} --reveal' to reveal]", text(item, "id"));
            let values: Vec<&str> =
                several.iter().map(|field| if hidden(field) { hint.as_str() } else { text(field, "value") }).collect();
            Ok((values.join(",") + "\n").into())
        }
    }
}
