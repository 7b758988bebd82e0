//! Parts of a value that give it away by themselves: its lines, and the values in a value.

use zeroize::Zeroizing;

use super::Bytes;
use crate::redact::SHORTEST;

/// How many values in a value are looked for.
const MOST: usize = 64;

/// Names in front of secrets contain one of these.
const TELLING: [&str; 8] = ["pass", "pwd", "secret", "token", "key", "auth", "cred", "sig"];
/// And don't end in one of these, which stand for where it is, or for something public.
const HARMLESS: [&str; 9] = ["name", "file", "path", "id", "url", "uri", "ref", "type", "author"];

/// A name without a password in an address is one, if it's so long and has a digit: tokens stand there.
const SHORTEST_TOKEN: usize = 16;

/// The lines of a value that has several, those that are long enough.
pub(super) fn lines(value: &[u8]) -> Vec<Bytes> {
    let lines: Vec<_> = split(value).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    if lines.len() < 2 {
        return Vec::new();
    }
    // `-----BEGIN PRIVATE KEY-----` is in every key.
    let telling = lines.into_iter().filter(|line| line.len() >= SHORTEST && !line.starts_with(b"-----"));
    telling.map(kept).collect()
}

/// The values in a value: of a JSON text, of a file of settings, of a connection string, and what's in an address.
pub(super) fn leaves(value: &[u8]) -> Vec<Bytes> {
    let mut found = Vec::new();
    let text = value.trim_ascii();
    if text.first().is_some_and(|first| b"{[".contains(first))
        && let Ok(json) = serde_json::from_slice(text)
    {
        strings(json, &mut found);
        let inner: Vec<Bytes> = found.iter().flat_map(|leaf| settings(leaf)).collect();
        found.extend(inner);
    } else {
        found.extend(settings(value));
    }
    let mut all: Vec<Bytes> = Vec::new();
    for leaf in found {
        if leaf.len() >= SHORTEST && !public(&leaf) && all.len() < MOST && !all.contains(&leaf) {
            all.push(leaf);
        }
    }
    all
}

fn strings(json: serde_json::Value, found: &mut Vec<Bytes>) {
    match json {
        serde_json::Value::String(text) => found.push(Zeroizing::new(text.into_bytes())),
        serde_json::Value::Array(items) => items.into_iter().for_each(|item| strings(item, found)),
        serde_json::Value::Object(fields) => fields.into_iter().for_each(|(_, field)| strings(field, found)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// What's set in a text, line by line.
fn settings(text: &[u8]) -> Vec<Bytes> {
    let mut found = Vec::new();
    for line in split(text) {
        found.extend(assigned(line).map(kept));
        found.extend(named(line, b"=").or_else(|| named(line, b": ")).map(kept));
        // `AccountName=…;AccountKey=…`, `host=… password=…`, `…?user=…&password=…`.
        let pieces = line.split(|byte| b";&?".contains(byte) || byte.is_ascii_whitespace());
        let pieces: Vec<_> = pieces.filter(|piece| !piece.is_empty()).collect();
        if pieces.len() > 1 {
            found.extend(pieces.iter().filter_map(|piece| named(piece, b"=")).map(kept));
        }
        // `machine … login … password …`.
        for pair in pieces.windows(2) {
            if let [b"password" | b"passwd", text] = pair {
                found.push(kept(text));
            }
        }
        addresses(line, &mut found);
    }
    found
}

/// What a line like `NAME=value` assigns, whatever the name.
fn assigned(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    let (name, text) = cut(line, b"=")?;
    let a_name = name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    a_name.then(|| unquoted(text))
}

/// What follows the sign, if it's the name of a secret that stands before it: in `_authToken=…`, `secret_key = …`,
/// `- token: …`, `"password": "…",`.
fn named<'a>(text: &'a [u8], sign: &[u8]) -> Option<&'a [u8]> {
    let (name, text) = cut(text, sign)?;
    let name = name.trim_ascii();
    let name = name.strip_prefix(b"- ").unwrap_or(name);
    // What's before a path's last part or a colon says where it's for: `//registry.npmjs.org/:_authToken`.
    let name = name.rsplit(|byte| b"/:".contains(byte)).next()?;
    let name = Zeroizing::new(unquoted(name).to_ascii_lowercase());
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let is_secret = name.iter().all(plain)
        && TELLING.iter().any(|part| name.windows(part.len()).any(|window| window == part.as_bytes()))
        && !HARMLESS.iter().any(|end| name.ends_with(end.as_bytes()));
    let text = text.trim_ascii();
    let text = text.strip_suffix(b",").unwrap_or(text);
    // A comment, as far as there can be one after something without quotes.
    let end =
        text.windows(2).position(|two| two == b" #").filter(|_| !text.starts_with(b"\"") && !text.starts_with(b"'"));
    is_secret.then(|| unquoted(end.and_then(|end| text.get(..end)).unwrap_or(text)))
}

/// What an address holds, such as `postgres://user:password@host/` or `https://token@host/`.
fn addresses(line: &[u8], found: &mut Vec<Bytes>) {
    let mut rest = line;
    while let Some((_, after)) = cut(rest, b"://") {
        rest = after;
        let ends = |byte: &u8| b"/?#".contains(byte) || byte.is_ascii_whitespace();
        let authority = rest.split(ends).next().unwrap_or_default();
        let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else { continue };
        let Some(user) = authority.get(..at) else { continue };
        let (user, password) = cut(user, b":").unwrap_or((user, b""));
        let a_token = user.len() >= SHORTEST_TOKEN && user.iter().any(u8::is_ascii_digit);
        for text in [a_token.then_some(user), Some(password)].into_iter().flatten() {
            found.push(kept(text));
            if text.contains(&b'%') {
                found.push(decoded(text));
            }
        }
    }
}

/// With what's escaped in an address undone.
fn decoded(text: &[u8]) -> Bytes {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let pair = (digit(after.first()), digit(after.get(1)));
        match (*byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            (byte, _) => {
                out.push(byte);
                rest = after;
            }
        }
    }
    out
}

/// Whether it's an address that holds nothing secret: service accounts come with the ones they're used at.
fn public(leaf: &[u8]) -> bool {
    (leaf.starts_with(b"https://") || leaf.starts_with(b"http://")) && !leaf.iter().any(|byte| b"@?".contains(byte))
}

fn split(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b'\n' | b'\r'))
}

/// What's before the sign, and what's after it.
fn cut<'a>(text: &'a [u8], sign: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(sign.len()).position(|window| window == sign)?;
    Some((text.get(..at)?, text.get(at + sign.len()..)?))
}

fn unquoted(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let quoted = |quote: &[u8]| text.strip_prefix(quote)?.strip_suffix(quote);
    quoted(b"\"").or_else(|| quoted(b"'")).unwrap_or(text)
}

fn kept(text: &[u8]) -> Bytes {
    Zeroizing::new(text.to_vec())
}
