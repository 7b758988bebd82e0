//! How the closed words of a record are read and written.

use serde::{Deserialize, Deserializer, Serializer};

use super::entry::{Decision, Kind};
use crate::model::{Action, Transport};

/// A closed set of words, some of which have an empty one for "not applicable".
pub(super) trait Word {
    fn word(&self) -> &'static str;
}

impl Word for Kind {
    fn word(&self) -> &'static str {
        self.as_str()
    }
}

impl Word for Decision {
    fn word(&self) -> &'static str {
        self.as_str()
    }
}

impl Word for Option<Action> {
    fn word(&self) -> &'static str {
        self.map(Action::as_str).unwrap_or_default()
    }
}

impl Word for Option<Transport> {
    fn word(&self) -> &'static str {
        self.map(Transport::as_str).unwrap_or_default()
    }
}

pub(super) fn word<S: Serializer>(value: &impl Word, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

/// An optional key is absent or has a value; `null` is neither.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn closed<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    from_word: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_word(&text).ok_or_else(|| serde::de::Error::custom("not a known word"))
}

pub(super) fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    closed(deserializer, Kind::from_word)
}

pub(super) fn decision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decision, D::Error> {
    closed(deserializer, Decision::from_word)
}

pub(super) fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Action>, D::Error> {
    closed(deserializer, |text| if text.is_empty() { Some(None) } else { Action::from_word(text).map(Some) })
}

pub(super) fn transport<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Transport>, D::Error> {
    let named = |text: &str| Transport::ALL.into_iter().find(|transport| transport.as_str() == text);
    closed(deserializer, |text| if text.is_empty() { Some(None) } else { named(text).map(Some) })
}
