//! Parts of a value that give it away by themselves: its lines, and the values in a value.

use zeroize::Zeroizing;

use super::Bytes;
use crate::redact::SHORTEST;

/// How many values in a value are looked for.
const MOST: usize = 64;

/// The lines of a value that has several, those that are long enough.
pub(super) fn lines(value: &[u8]) -> Vec<Bytes> {
    let lines = value.split(|byte| matches!(byte, b'\n' | b'\r'));
    let lines: Vec<_> = lines.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    if lines.len() < 2 {
        return Vec::new();
    }
    // `-----BEGIN PRIVATE KEY-----` is in every key.
    let telling = lines.into_iter().filter(|line| line.len() >= SHORTEST && !line.starts_with(b"-----"));
    telling.map(|line| Zeroizing::new(line.to_vec())).collect()
}

/// The values in a value: of a JSON object, of an environment file, and the password in an address.
pub(super) fn leaves(value: &[u8]) -> Vec<Bytes> {
    let mut found = Vec::new();
    if value.first().is_some_and(|first| b"{[".contains(first))
        && let Ok(json) = serde_json::from_slice(value)
    {
        strings(json, &mut found);
    } else {
        for line in value.split(|byte| matches!(byte, b'\n' | b'\r')) {
            found.extend(assigned(line).map(|text| Zeroizing::new(text.to_vec())));
        }
    }
    found.extend(password(value).map(|text| Zeroizing::new(text.to_vec())));
    found.retain(|leaf| leaf.len() >= SHORTEST && !public(leaf));
    found.truncate(MOST);
    found
}

fn strings(json: serde_json::Value, found: &mut Vec<Bytes>) {
    match json {
        serde_json::Value::String(text) => found.push(Zeroizing::new(text.into_bytes())),
        serde_json::Value::Array(items) => items.into_iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(fields) => fields.into_iter().for_each(|(_, field)| strings(field, found)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// What a line like `NAME=value` assigns.
fn assigned(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (name, text) = line.split_at_checked(equals)?;
    let a_name = name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let text = text.strip_prefix(b"=")?.trim_ascii();
    let quoted = |quote: &[u8]| text.strip_prefix(quote)?.strip_suffix(quote);
    a_name.then(|| quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(text))
}

/// The password in an address like `postgres://user:password@host/`.
fn password(value: &[u8]) -> Option<&[u8]> {
    let start = value.windows(3).position(|three| three == b"://")?;
    let rest = value.get(start + 3..)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte) || byte.is_ascii_whitespace()).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority.iter().position(|byte| *byte == b':').filter(|colon| *colon < at)?;
    authority.get(colon + 1..at)
}

/// Whether it's an address that holds nothing secret: service accounts come with the ones they're used at.
fn public(leaf: &[u8]) -> bool {
    (leaf.starts_with(b"https://") || leaf.starts_with(b"http://")) && !leaf.iter().any(|byte| b"@?".contains(byte))
}
