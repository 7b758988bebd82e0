//! One name inside a path: a vault's, an item's, a section's or a field's.

use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// One decoded segment of a path.
///
/// A `Name` is non-empty, in Unicode normalization form C, isn't `.` or `..`, and holds no control,
/// bidirectional or zero-width character and no backslash. Within it `/` and `%` are plain
/// characters; [`Name::escaped`] gives the form a path is written in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

/// Why a text isn't a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The segment has no characters.
    #[error("a name can't be empty")]
    Empty,
    /// The segment is `.` or `..`.
    #[error("`.` and `..` aren't names")]
    Dots,
    /// A control, bidirectional or zero-width character.
    #[error("a name can't contain the character U+{:04X}", u32::from(*.0))]
    Character(char),
    /// The text isn't in normalization form C.
    #[error("a name must be in Unicode normalization form C (NFC)")]
    NotNfc,
    /// `%` that doesn't begin `%2F` or `%25`.
    #[error("`%` must be written `%25`, and `/` inside a name `%2F`")]
    Escape,
    /// The text would be read as `?attribute=…`, which asks for something else than the field.
    #[error("a name can't contain `?attribute=`, `?attr=` or `?ssh-format=`")]
    Attribute,
}

impl Name {
    /// Reads a name as a source stores it, unescaped.
    ///
    /// # Errors
    ///
    /// Says which rule of the path syntax the text breaks.
    pub fn new(decoded: &str) -> Result<Self, NameError> {
        if decoded.is_empty() {
            return Err(NameError::Empty);
        }
        if decoded == "." || decoded == ".." {
            return Err(NameError::Dots);
        }
        if let Some(character) = decoded.chars().find(|&c| is_refused(c)) {
            return Err(NameError::Character(character));
        }
        if !is_nfc(decoded) {
            return Err(NameError::NotNfc);
        }
        if ["?attribute=", "?attr=", "?ssh-format="].iter().any(|query| decoded.contains(query)) {
            return Err(NameError::Attribute);
        }
        Ok(Self(decoded.into()))
    }

    /// Reads a name as a path writes it, with `%2F` and `%25`.
    ///
    /// # Errors
    ///
    /// Says which rule of the path syntax the text breaks.
    pub fn unescape(written: &str) -> Result<Self, NameError> {
        Self::new(&decode(written)?)
    }

    /// The name as its source stores it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a path writes it.
    #[must_use]
    pub fn escaped(&self) -> String {
        self.0.replace('%', "%25").replace('/', "%2F")
    }

    /// The form in which two names are compared: without regard to case, and free of `/`.
    #[must_use]
    pub fn matching(&self) -> String {
        matching(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Folds case for comparison: lower case, then normalization form C again.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).nfc().collect() }
}

/// The matching form of a decoded name. A `/` inside it becomes U+001F: a name can't hold that
/// character, so the form stays unambiguous and a segment boundary is the only `/` in a path's.
pub(crate) fn matching(decoded: &str) -> String {
    let folded = fold(decoded);
    if folded.contains('/') { folded.replace('/', "\u{1f}") } else { folded }
}

/// Undoes `%2F` and `%25`; every other use of `%` is refused.
pub(crate) fn decode(written: &str) -> Result<String, NameError> {
    let mut parts = written.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) =
            match (part.strip_prefix("2F").or_else(|| part.strip_prefix("2f")), part.strip_prefix("25")) {
                (Some(rest), _) => ('/', rest),
                (None, Some(rest)) => ('%', rest),
                (None, None) => return Err(NameError::Escape),
            };
        decoded.push(character);
        decoded.push_str(rest);
    }
    Ok(decoded)
}

/// Characters no name may hold, because a person can't see them or a terminal acts on them:
/// controls, format characters (bidirectional and zero-width ones among them), line and paragraph
/// separators, fillers that render as nothing, private use, and the backslash.
pub(crate) fn is_refused(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\\'
            | '\u{ad}' | '\u{34f}' | '\u{61c}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Whether a text can name something that people write in configuration and policy: 1 to 64 letters, digits, `.`, `_`
/// or `-`.
pub(crate) fn is_plain_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_only_slash_and_percent() {
        let name = Name::new("a/b%c?d").unwrap();
        assert_eq!(name.escaped(), "a%2Fb%25c?d");
        assert_eq!(Name::unescape(&name.escaped()).unwrap(), name);
    }

    #[test]
    fn refuses_what_a_person_cannot_see() {
        for bad in
            ["", ".", "..", "a\0", "a\u{202e}b", "a\u{200b}", "\u{feff}a", "a\\b", "e\u{301}", "a\tb", "x?attr=otp"]
        {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refuses_other_escapes() {
        for bad in ["%", "a%2", "%2e", "%00", "%zz", "%%"] {
            assert_eq!(Name::unescape(bad), Err(NameError::Escape), "{bad:?}");
        }
    }

    #[test]
    fn compares_without_regard_to_case() {
        assert_eq!(Name::new("ÉCLAIR/A").unwrap().matching(), Name::new("éclair/a").unwrap().matching());
        assert_ne!(Name::new("a/b").unwrap().matching(), "a/b");
    }
}
