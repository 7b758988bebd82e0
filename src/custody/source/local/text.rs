//! Texts that come back from an XML document byte for byte.

use super::error::LocalError;
use crate::custody::value::SecretValue;
use crate::model::{Name, Tag};

/// A value as a text that comes back from an XML document byte for byte.
pub(super) fn of_value(value: &SecretValue) -> Result<String, LocalError> {
    if value.is_too_large() {
        return Err(LocalError::TooLarge);
    }
    let text = std::str::from_utf8(value.plaintext())
        .map_err(|_| LocalError::Invalid("a local vault keeps text: this value isn't valid UTF-8"))?;
    if text.chars().all(is_xml) {
        Ok(text.to_owned())
    } else {
        Err(LocalError::Invalid("a local vault can't keep this value: it holds a NUL or another control character"))
    }
}

/// Whether XML 1.0 has the character at all.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a text would be changed by a program that writes it as plain XML: line ends are
/// normalised, and nothing but white space is taken for nothing. Protected, it's carried as bytes.
pub(super) fn is_fragile(text: &str) -> bool {
    text.contains('\r') || text.chars().all(char::is_whitespace) || text.trim() != text
}

/// Whether a name survives other programs, which may trim it.
pub(super) fn check_name(name: &Name) -> Result<(), LocalError> {
    let text = name.as_str();
    if text.trim() == text && text.chars().all(is_xml) {
        Ok(())
    } else {
        Err(LocalError::Invalid("in a local vault a name can't begin or end with a space"))
    }
}

/// Tags as the file keeps them: in one text, with separators of which none may stand in a tag.
pub(super) fn of_tags(tags: &[Tag]) -> Result<Vec<String>, LocalError> {
    let keep = |tag: &Tag| {
        let text = tag.as_str();
        if text.contains([',', ';', '\t']) || text.trim() != text || !text.chars().all(is_xml) {
            Err(LocalError::Invalid(
                "in a local vault a tag can't hold a comma or semicolon, nor begin or end with a space",
            ))
        } else {
            Ok(text.to_owned())
        }
    };
    tags.iter().map(keep).collect()
}
