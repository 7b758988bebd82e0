//! JSON with one meaning.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many values one message may hold. No request of this protocol comes near, and each costs far more memory than
/// the two bytes it takes to write one.
const MAX_VALUES: u32 = 10_000;

/// Any JSON value whose objects name each key once.
///
/// Parsers differ in which of two equal keys they believe, so a message with both would mean one thing to whoever
/// inspected it on its way and another here.
#[derive(Debug, PartialEq)]
pub(super) struct Strict(pub(super) Value);

/// A JSON object whose keys, at every depth, are named once.
#[derive(Debug, PartialEq)]
pub(super) struct StrictMap(pub(super) Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed(&Cell::new(MAX_VALUES)).deserialize(deserializer).map(Self)
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
                Seed(&Cell::new(MAX_VALUES)).object(access)
            }
        }

        deserializer.deserialize_map(Object).map(Self)
    }
}

/// Reads one value; the cell counts down the values still allowed.
#[derive(Clone, Copy)]
struct Seed<'c>(&'c Cell<u32>);

impl Seed<'_> {
    fn object<'de, A: MapAccess<'de>>(self, mut access: A) -> Result<Map<String, Value>, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if object.insert(key, access.next_value_seed(self)?).is_some() {
                return Err(A::Error::custom("a key is named twice"));
            }
        }
        Ok(object)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        self.object(access).map(Value::Object)
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
