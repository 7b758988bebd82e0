//! The canonical form of rules (RFC 8785) and the hash that names a policy.

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use super::rule::Rule;
use crate::model::PolicyHash;

/// The rules as canonical JSON, sorted by id: neither their order nor comments nor spacing change it.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.id.as_str());
    let rules: Vec<Value> = sorted.into_iter().map(Rule::canonical).collect();
    let mut text = String::new();
    write(&json!({ "version": 1, "rules": rules }), &mut text);
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
