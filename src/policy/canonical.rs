//! The canonical form of a policy (RFC 8785) and the hash that names it.

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use super::delivery::{Deliveries, canonical_commands, canonical_entries};
use super::rule::Rule;
use crate::model::PolicyHash;

/// Rules, commands and entries as canonical JSON, sorted by id or name: neither their order nor comments nor spacing
/// change it.
pub(super) fn text(rules: &[Rule], deliveries: &Deliveries) -> String {
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.id.as_str());
    let rules: Vec<Value> = sorted.into_iter().map(Rule::canonical).collect();
    let mut text = String::new();
    let mut whole = Map::from_iter([("version".to_owned(), json!(1)), ("rules".to_owned(), json!(rules))]);
    for (key, list) in [("commands", canonical_commands(deliveries)), ("http", canonical_entries(deliveries))] {
        // A policy without them has the name it always had.
        if !list.is_empty() {
            whole.insert(key.to_owned(), list.into());
        }
    }
    write(&whole.into(), &mut text);
    text
}

/// SHA-256 of a canonical text.
pub(super) fn hash(text: &str) -> PolicyHash {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    PolicyHash(bytes)
}

/// Writes JSON as RFC 8785 wants it: keys in the order of their UTF-16 units, no blanks. Rules hold
/// no fractions, and `serde_json` writes whole numbers and texts in the canonical way.
fn write(value: &Value, into: &mut String) {
    match value {
        Value::Object(map) => write_object(map, into),
        Value::Array(list) => {
            into.push('[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write(element, into);
            }
            into.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => into.push_str(&value.to_string()),
    }
}

fn write_object(map: &Map<String, Value>, into: &mut String) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    into.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            into.push(',');
        }
        write(&Value::from(key.as_str()), into);
        into.push(':');
        write(value, into);
    }
    into.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_utf16_units() {
        let mut text = String::new();
        // RFC 8785, section 3.2.3: U+1F600 begins with a surrogate, which comes before U+FB33.
        write(
            &json!({ "\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7 }),
            &mut text,
        );
        assert_eq!(text, "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}");
    }

    #[test]
    fn texts_are_escaped_as_little_as_possible() {
        let mut text = String::new();
        write(&json!(["\u{8}\t\n\u{c}\r\"\\/\u{1f}\u{7f}é"]), &mut text);
        assert_eq!(text, "[\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\u{7f}é\"]");
    }
}
