//! What exists, who may see it, how this `op` behaves and what goes wrong: all in one file of JSON.

use std::fs::{self, File};
use std::path::Path;

use serde_json::{Map, Value, json};

/// The whole state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World(Map<String, Value>);

impl World {
    /// Reads it as it is at this moment.
    pub(crate) fn read(home: &Path) -> Result<Self, String> {
        let text = fs::read(home.join("op-world.json")).map_err(|error| format!("no op-world.json: {error}"))?;
        let world = serde_json::from_slice(&text).map_err(|error| format!("op-world.json: {error}"))?;
        Ok(Self(world))
    }

    /// Changes it while nobody else does.
    ///
    /// It's replaced in one step, so that who is killed in the middle leaves the old one behind, and that's why the
    /// lock is on a file of its own.
    pub(crate) fn change<T>(home: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, String> {
        let locked = File::create(home.join("op-world.lock")).and_then(|lock| lock.lock().map(|()| lock));
        let lock = locked.map_err(|error| format!("op-world.lock: {error}"))?;
        let mut world = Self::read(home)?;
        let before = world.clone();
        let result = change(&mut world);
        if world != before {
            let new = home.join("op-world.new");
            let text = serde_json::to_vec_pretty(&world.0).map_err(|error| error.to_string())?;
            fs::write(&new, text).map_err(|error| format!("op-world.new: {error}"))?;
            fs::rename(new, home.join("op-world.json")).map_err(|error| format!("op-world.json: {error}"))?;
        }
        drop(lock);
        Ok(result)
    }

    /// The version this `op` is, for comparing.
    pub(crate) fn version(&self) -> (u32, u32, u32) {
        let mut numbers = self.version_text().split('.').map(|number| number.parse().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        (next(), next(), next())
    }

    pub(crate) fn version_text(&self) -> &str {
        self.0.get("version").and_then(Value::as_str).unwrap_or("2.30.3")
    }

    /// A setting that's a word.
    pub(crate) fn word<'a>(&'a self, name: &str, otherwise: &'a str) -> &'a str {
        self.setting(name).and_then(Value::as_str).unwrap_or(otherwise)
    }

    /// A setting that's a number.
    pub(crate) fn number(&self, name: &str, otherwise: u64) -> u64 {
        self.setting(name).and_then(Value::as_u64).unwrap_or(otherwise)
    }

    /// A setting that's on or off.
    pub(crate) fn is_on(&self, name: &str, otherwise: bool) -> bool {
        self.setting(name).and_then(Value::as_bool).unwrap_or(otherwise)
    }

    /// How far local time is from UTC, in seconds.
    pub(crate) fn utc_offset(&self) -> i64 {
        self.setting("utc_offset_s").and_then(Value::as_i64).unwrap_or(-7 * 3600)
    }

    fn setting(&self, name: &str) -> Option<&Value> {
        self.0.get("settings")?.get(name)
    }

    /// A part of the state, `null` if it isn't there.
    pub(crate) fn part(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// A part of the state, to be changed.
    pub(crate) fn part_mut(&mut self, name: &str) -> &mut Value {
        self.0.entry(name).or_insert(Value::Null)
    }

    /// A part of the state that's a list.
    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.part(name).as_array().map_or(&[], Vec::as_slice)
    }

    /// A part of the state that's a list, to be changed.
    pub(crate) fn list_mut(&mut self, name: &str) -> &mut Vec<Value> {
        let part = self.part_mut(name);
        if !part.is_array() {
            *part = json!([]);
        }
        let Value::Array(list) = part else { unreachable!("it has just been made a list") };
        list
    }

    /// An id nobody has had yet, in the shape of 1Password's.
    pub(crate) fn new_id(&mut self) -> String {
        let count = self.part("ids").as_u64().unwrap_or_default() + 1;
        *self.part_mut("ids") = json!(count);
        let letters = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut state = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(count);
            usize::try_from(state >> 59).ok().and_then(|at| letters.get(at)).map_or('a', |letter| char::from(*letter))
        };
        (0..26).map(|_| next()).collect()
    }
}

/// A text in an object, empty if it isn't there.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Objects in a list in an object.
pub(crate) fn each<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets a key of an object, or takes it away where the value is empty.
pub(crate) fn set(value: &mut Value, key: &str, to: Value) {
    if let Value::Object(map) = value {
        let empty = matches!(&to, Value::Null) || to == json!("") || to == json!([]);
        if empty {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), to);
        }
    }
}
