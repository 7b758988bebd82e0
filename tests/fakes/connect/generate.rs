//! Values made at random, by Connect's recipes.

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::{Map, Value};

use crate::answer::{Refusal, invalid};
use crate::item::text;

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const SYMBOLS: &str = "!@.-_*";
const LONGEST: u64 = 64;

/// So many characters of an alphabet.
pub(crate) fn pick(alphabet: &str, length: usize) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    (0..length).filter_map(|_| characters.get(below(characters.len())).copied()).collect()
}

/// A value by a recipe, or by the usual one.
pub(crate) fn value(recipe: Option<&Map<String, Value>>) -> Result<String, Refusal> {
    let empty = Map::new();
    let recipe = recipe.unwrap_or(&empty);
    let length = match recipe.get("length") {
        None | Some(Value::Null) => 32,
        Some(length) => length
            .as_u64()
            .filter(|length| (1..=LONGEST).contains(length))
            .ok_or_else(|| invalid("Invalid recipe: the length of a generated value is 1 to 64"))?,
    };
    let sets = sets(recipe.get("characterSets"))?;
    let excluded = text(recipe, "excludeCharacters").unwrap_or_default();
    let mut characters = String::new();
    let mut sure = String::new();
    for set in sets {
        let left: String = set.chars().filter(|character| !excluded.contains(*character)).collect();
        if left.is_empty() {
            return Err(invalid("Invalid recipe: it excludes every character of a set"));
        }
        sure.push_str(&pick(&left, 1));
        characters.push_str(&left);
    }
    let length = usize::try_from(length).unwrap_or(32);
    let rest = length.saturating_sub(sure.len());
    let value = sure + &pick(&characters, rest);
    // One of each set if there's room, in no order that tells.
    let mut value: Vec<char> = value.chars().collect();
    for at in (1..value.len()).rev() {
        value.swap(at, below(at + 1));
    }
    Ok(value.into_iter().take(length).collect())
}

fn sets(named: Option<&Value>) -> Result<Vec<&'static str>, Refusal> {
    let all = vec![LETTERS, DIGITS, SYMBOLS];
    let named = match named {
        None | Some(Value::Null) => return Ok(all),
        Some(named) => named.as_array().ok_or_else(|| invalid("Invalid recipe: characterSets is a list"))?,
    };
    let mut sets = Vec::new();
    for name in named {
        let set = match name.as_str() {
            Some("LETTERS") => LETTERS,
            Some("DIGITS") => DIGITS,
            Some("SYMBOLS") => SYMBOLS,
            _ => return Err(invalid("Invalid recipe: unknown character set")),
        };
        if sets.contains(&set) {
            return Err(invalid("Invalid recipe: a character set is named twice"));
        }
        sets.push(set);
    }
    Ok(if sets.is_empty() { all } else { sets })
}

/// A number below another. The slight lean towards the low ones is of no account here.
fn below(bound: usize) -> usize {
    let random = SysRng.try_next_u64().unwrap_or_default();
    let bound = u64::try_from(bound.max(1)).unwrap_or(1);
    usize::try_from(random % bound).unwrap_or_default()
}
