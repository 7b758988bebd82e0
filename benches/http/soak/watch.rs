//! Searches what somebody receives for what's others'.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::world::{LENGTH, MARK, World};
use crate::Result;
use crate::wire::find;

/// The shortest text that may be something encoded.
const ENCODED: usize = 28;

/// What a search found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Own canaries: in names, in values, and in what was encoded.
    pub(super) names: usize,
    pub(super) values: usize,
    pub(super) encoded: usize,
    /// Others' canaries, or the mark with something unknown behind it.
    pub(super) foreign: Vec<String>,
}

/// Searches bytes that somebody received; nobody's anything is for whoever has no name.
pub(super) fn search(world: &World, reader: Option<usize>, bytes: &[u8]) -> Seen {
    let mut seen = Seen::default();
    look(world, reader, bytes, &mut seen);
    let of_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/');
    for run in bytes.split(|byte| !of_alphabet(byte)).filter(|run| run.len() >= ENCODED) {
        let whole = run.len().saturating_sub(run.len() % 4);
        let plain: Vec<u8> = run
            .iter()
            .take(whole)
            .map(|byte| match byte {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        if let Ok(decoded) = URL_SAFE_NO_PAD.decode(plain) {
            let before = seen.names.saturating_add(seen.values);
            look(world, reader, &decoded, &mut seen);
            let found = seen.names.saturating_add(seen.values).saturating_sub(before);
            seen.encoded = seen.encoded.saturating_add(found);
        }
    }
    seen
}

fn look(world: &World, reader: Option<usize>, bytes: &[u8], seen: &mut Seen) {
    let bytes = bytes.to_ascii_lowercase();
    let mut rest = bytes.as_slice();
    while let Some(at) = find(rest, MARK.as_bytes()) {
        rest = rest.get(at..).unwrap_or_default();
        let found = rest.get(..LENGTH).unwrap_or(rest);
        let own = reader.and_then(|owner| world.principal(owner).ok());
        // What was cut off in the middle may be the beginning of one's own.
        if own.is_some_and(|own| own.name_canary.as_bytes().starts_with(found)) {
            seen.names = seen.names.saturating_add(1);
        } else if own.is_some_and(|own| own.value_canary.as_bytes().starts_with(found)) {
            seen.values = seen.values.saturating_add(1);
        } else {
            seen.foreign.push(describe(world, found));
        }
        rest = rest.get(MARK.len()..).unwrap_or_default();
    }
}

fn describe(world: &World, found: &[u8]) -> String {
    let whose = world.principals().iter().enumerate().find_map(|(owner, principal)| {
        let (name, value) = (principal.name_canary.as_bytes(), principal.value_canary.as_bytes());
        if name.starts_with(found) {
            Some(format!("a name of team-{owner}"))
        } else {
            value.starts_with(found).then(|| format!("a value of team-{owner}"))
        }
    });
    whose.unwrap_or_else(|| "a canary that's nobody's".to_owned())
}

/// A search that finds nothing, whatever there is, would make everything look well.
pub(super) fn prove_it_bites(world: &World) -> Result<()> {
    let (one, other) = (world.principal(0)?, world.principal(1)?);
    for (name, value) in [(&one.name_canary, &one.value_canary), (&other.name_canary, &other.value_canary)] {
        let encoded = URL_SAFE_NO_PAD.encode(format!("{{\"after\":\"{name}\"}}"));
        let text = format!(
            "HTTP/1.1 200 OK\r\n\r\n{{\"a\":\"X{}\",\"b\":\"{value}-1\",\"c\":\"{encoded}\"}}",
            name.to_uppercase()
        );
        let owner = usize::from(name == &other.name_canary);
        let own = search(world, Some(owner), text.as_bytes());
        let others = search(world, Some(1 - owner), text.as_bytes()).foreign.len();
        let nobodys = search(world, None, text.as_bytes()).foreign.len();
        if own != (Seen { names: 2, values: 1, encoded: 1, foreign: Vec::new() }) || (others, nobodys) != (3, 3) {
            return Err(format!("the search is blind: {own:?}, {others}, {nobodys}").into());
        }
    }
    Ok(())
}
