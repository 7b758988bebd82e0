//! JSON objects with one meaning.

use std::cell::Cell;

use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

use crate::model::StrictJson;

/// Reads an object in which no key is named twice, at any depth, and after which nothing comes.
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    // The parser bounds the depth, and the caller the length.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = StrictJson(&Cell::new(u32::MAX)).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    match value {
        Value::Object(object) => Some(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

/// A member that's a text, if it's there.
///
/// # Errors
///
/// When it's there and something else.
pub(super) fn text<'o>(object: &'o Map<String, Value>, key: &str) -> Result<Option<&'o str>, NotText> {
    object.get(key).map(|value| value.as_str().ok_or(NotText)).transpose()
}

/// A member that had to be a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotText;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_object_is_read_and_nothing_else() {
        assert!(object(br#" {"a":{"a":1},"b":[{"a":1},{"a":2}]} "#).is_some());
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":[{"a":1,"c":2,"a":3}]}"#,
            r#"{"a":1}{"#,
            r#"{"a":1}x"#,
            "\u{feff}{}",
            r#"{"a":NaN}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1,}"#,
            "{'a':1}",
            "[]",
            "null",
            "",
        ] {
            assert!(object(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_none());
        assert!(object("{\"a\":".repeat(4000).as_bytes()).is_none());
        assert!(object(format!("{{\"a\":{}1{}}}", "[".repeat(4000), "]".repeat(4000)).as_bytes()).is_none());
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_what_the_plain_parser_reads(text in r#"\{[\[\]{}:,"a-c0-9.eE \-truefalsn\\u]{0,40}\}"#) {
            if let Some(read) = object(text.as_bytes()) {
                proptest::prop_assert_eq!(Value::Object(read), serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
