//! Messages in JSON with one meaning, and of bounded weight.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed as _, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::model::StrictJson;

/// How many values one message may hold. No request of this protocol comes near, and each costs far more memory than
/// the two bytes it takes to write one.
const MAX_VALUES: u32 = 10_000;

/// Any JSON value whose objects name each key once.
#[derive(Debug, PartialEq)]
pub(super) struct Strict(pub(super) Value);

/// A JSON object whose keys, at every depth, are named once.
#[derive(Debug, PartialEq)]
pub(super) struct StrictMap(pub(super) Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictJson(&Cell::new(MAX_VALUES)).deserialize(deserializer).map(Self)
    }
}

impl<'de> serde::Deserialize<'de> for StrictMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Map<String, Value>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
                StrictJson(&Cell::new(MAX_VALUES)).object(access)
            }
        }

        deserializer.deserialize_map(Object).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::error::Category;

    use super::*;

    fn refusal(text: &str) -> Option<Category> {
        serde_json::from_str::<Strict>(text).err().map(|error| error.classify())
    }

    #[test]
    fn a_key_named_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"c":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(refusal(text), Some(Category::Data), "{text}");
        }
        assert_eq!(refusal(r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#), None);
    }

    #[test]
    fn a_message_of_too_many_values_is_refused_before_it_is_built() {
        let many = format!("[{}0]", "0,".repeat(500_000));
        assert_eq!(refusal(&many), Some(Category::Data));
        assert_eq!(refusal(&format!("[{}0]", "0,".repeat(5_000))), None);
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(refusal(&"[".repeat(100_000)), Some(Category::Syntax));
    }

    proptest::proptest! {
        #[test]
        fn what_is_accepted_is_what_the_plain_parser_reads(text in r#"[\[\]{}:,"a-c0-9.eE \-truefalsn\\u]{0,40}"#) {
            if let Ok(Strict(value)) = serde_json::from_str(&text) {
                proptest::prop_assert_eq!(value, serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
