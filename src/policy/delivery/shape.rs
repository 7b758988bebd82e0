//! Patterns of the paths that may be asked for at a place on the network.
//!
//! They're matched against a path as it will be sent, which has one spelling: a path that could be read in two ways
//! matches nothing.

use unicode_normalization::UnicodeNormalization;

use crate::model::is_refused;

/// The segment that a `/` at the end makes.
const AT_THE_END: &str = "";

/// The longest path or pattern.
const LONGEST: usize = 2048;

/// Why a text isn't a pattern of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShapeError {
    #[error("a path begins with `/`")]
    Relative,
    #[error("a path has no empty segments: no `//`")]
    Empty,
    #[error("a path has no `.` or `..` in it")]
    Dots,
    #[error("`**` stands for whole segments, so nothing else can stand beside it")]
    Depth,
    #[error(
        "a path has letters, digits and `-._~!$&'()+,;=:@`, others as %XX; of patterns only `*` and `**` are known"
    )]
    Character,
    #[error("a path has at most 2048 bytes")]
    TooLong,
}

/// Checks a pattern.
pub(super) fn check(pattern: &str) -> Result<(), ShapeError> {
    if pattern.len() > LONGEST {
        return Err(ShapeError::TooLong);
    }
    for segment in split(pattern)? {
        if segment == AT_THE_END {
            continue;
        }
        if segment.contains("**") {
            if segment != "**" {
                return Err(ShapeError::Depth);
            }
            continue;
        }
        // A star stands for what's harmless, so a harmless letter stands for it here.
        judge(&segment.replace('*', "x")).map_err(|_| judge_literally(segment))?;
    }
    Ok(())
}

/// Whether a path has one spelling and one reading.
pub(super) fn is_plain(path: &str) -> bool {
    path.len() <= LONGEST
        && split(path).is_ok_and(|segments| segments.into_iter().all(|it| it == AT_THE_END || judge(it).is_ok()))
}

/// Whether a pattern covers a path, both plain. `*` is any run of characters in one segment, `**` any number of segments.
/// A `/` at the end is part of a path: `/x/` isn't `/x`, and `/x/*` covers neither. `/x/**` covers both.
pub(super) fn covers(pattern: &str, path: &str) -> bool {
    let (Ok(pattern), Ok(path)) = (split(pattern), split(path)) else { return false };
    whole(&pattern, &path)
}

/// Whether everything a pattern covers lies below a folder, which ends with `/`.
pub(super) fn lies_below(pattern: &str, folder: &str) -> bool {
    let (Ok(pattern), Ok(folder)) = (split(pattern), split(folder.trim_end_matches('/'))) else { return folder == "/" };
    folder.len() <= pattern.len() && folder.iter().zip(&pattern).all(|(folder, segment)| folder == segment)
}

/// The segments; `/` alone has none. One `/` at the end makes an empty one there, and nowhere else is one.
fn split(path: &str) -> Result<Vec<&str>, ShapeError> {
    let path = path.strip_prefix('/').ok_or(ShapeError::Relative)?;
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let segments: Vec<&str> = path.split('/').collect();
    let all_but_last = segments.split_last().map(|(_, before)| before).unwrap_or_default();
    if all_but_last.contains(&AT_THE_END) { Err(ShapeError::Empty) } else { Ok(segments) }
}

/// Judges one segment: no character that isn't plain, no escape that's needless or could mean a separator or a dot.
fn judge(segment: &str) -> Result<(), ShapeError> {
    let decoded = decode(segment)?;
    // A server may take the part before `;` for the segment, or another form of a character for the usual one.
    let compatible: String = decoded.nfkc().collect();
    for text in [decoded.as_str(), &compatible] {
        if text.contains(['/', '\\', '%']) || text.chars().any(is_refused) {
            return Err(ShapeError::Character);
        }
        if matches!(text.split(';').next(), None | Some("" | "." | "..")) {
            return Err(ShapeError::Dots);
        }
    }
    Ok(())
}

/// What's wrong with a segment of a pattern.
fn judge_literally(segment: &str) -> ShapeError {
    if matches!(segment, "." | "..") { ShapeError::Dots } else { ShapeError::Character }
}

fn decode(segment: &str) -> Result<String, ShapeError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = rest.next().zip(rest.next()).ok_or(ShapeError::Character)?;
            let (high, low) = hex(digits.0).zip(hex(digits.1)).ok_or(ShapeError::Character)?;
            let decoded = high * 16 + low;
            // What needs no escape has none, or there'd be two spellings.
            if is_unreserved(decoded) {
                return Err(ShapeError::Character);
            }
            bytes.push(decoded);
        } else if is_unreserved(byte) || b"!$&'()+,;=:@".contains(&byte) {
            bytes.push(byte);
        } else {
            return Err(ShapeError::Character);
        }
    }
    String::from_utf8(bytes).map_err(|_| ShapeError::Character)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Walks pattern and path once, and comes back to the last `**` where they part: no pattern makes it slow.
fn whole(pattern: &[&str], path: &[&str]) -> bool {
    let (mut at, mut on) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), path.get(on)) {
            (Some(&"**"), _) => {
                back = Some((at + 1, on));
                at += 1;
            }
            (Some(segment), Some(name)) if star(segment.as_bytes(), name.as_bytes()) => {
                at += 1;
                on += 1;
            }
            (None, None) => return true,
            _ => match back {
                Some((after, skipped)) if skipped < path.len() => {
                    back = Some((after, skipped + 1));
                    at = after;
                    on = skipped + 1;
                }
                _ => return false,
            },
        }
    }
}

/// The same within a segment, with `*`.
fn star(pattern: &[u8], text: &[u8]) -> bool {
    // Only what's written so matches the `/` at an end: a collection isn't one of its own members.
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut on) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), text.get(on)) {
            (Some(b'*'), _) => {
                back = Some((at + 1, on));
                at += 1;
            }
            (Some(wanted), Some(found)) if wanted == found => {
                at += 1;
                on += 1;
            }
            (None, None) => return true,
            _ => match back {
                Some((after, skipped)) if skipped < text.len() => {
                    back = Some((after, skipped + 1));
                    at = after;
                    on = skipped + 1;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
