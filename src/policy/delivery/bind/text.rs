//! What a text that a caller gave may hold.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::model::is_refused;

/// The longest value of a parameter, in bytes.
const LONGEST: usize = 4096;

/// The longest name in a path, as file systems have it.
const LONGEST_NAME: usize = 255;

/// What's wrong with a value, told about its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Flaw {
    #[error("can't be empty")]
    Empty,
    #[error("has more than 4096 bytes")]
    TooLong,
    #[error("holds a control character, an invisible one, a backslash or one that isn't in its composed form (NFC)")]
    Character,
    #[error("can't begin or end with a blank")]
    Blank,
    #[error("can't begin with a dash, for a program would take it for an option")]
    Dash,
    #[error("must be relative to its folder: it can't begin with `/` or `~`")]
    Absolute,
    #[error("can't have empty, `.` or `..` parts")]
    Traversal,
    #[error("may have letters, digits, blanks and `._-+=@,()` in its names, which are no longer than 255 bytes")]
    PathCharacter,
    #[error("isn't one of the values that the policy lists")]
    NotListed,
    #[error("doesn't have the form that the policy asks for")]
    NoMatch,
    #[error("is the second path in one argument")]
    SecondPath,
}

/// Checks what holds for every text.
pub(in super::super) fn plain(text: &str) -> Result<(), Flaw> {
    if text.is_empty() {
        Err(Flaw::Empty)
    } else if text.len() > LONGEST {
        Err(Flaw::TooLong)
    } else if text.chars().any(|c| is_refused(c) || (c.is_whitespace() && c != ' ')) || !is_nfc(text) {
        Err(Flaw::Character)
    } else if text.starts_with(' ') || text.ends_with(' ') {
        Err(Flaw::Blank)
    } else {
        Ok(())
    }
}

/// Checks a path below a folder. It must also hold for the text that a program makes of it if it takes compatible
/// characters for each other.
pub(super) fn path(text: &str) -> Result<(), Flaw> {
    names(text)?;
    let compatible: String = text.nfkc().collect();
    if compatible == text { Ok(()) } else { names(&compatible) }
}

fn names(path: &str) -> Result<(), Flaw> {
    if path.starts_with(['/', '~']) {
        return Err(Flaw::Absolute);
    }
    for name in path.split('/') {
        if matches!(name, "" | "." | "..") {
            return Err(Flaw::Traversal);
        }
        if begins_with_dash(name) {
            return Err(Flaw::Dash);
        }
        let plain = |c: char| c.is_alphanumeric() || " ._-+=@,()".contains(c) || is_dash(c);
        if !name.chars().all(plain) || name.len() > LONGEST_NAME || name.starts_with(' ') || name.ends_with(' ') {
            return Err(Flaw::PathCharacter);
        }
    }
    Ok(())
}

/// Whether a text begins with a character that is, or could be taken for, the dash of an option.
pub(in super::super) fn begins_with_dash(text: &str) -> bool {
    text.starts_with(is_dash)
}

/// Unicode's dashes, and what looks like one.
fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{ad}' | '\u{2d7}' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{207b}'
                | '\u{208b}'
                | '\u{2212}'
                | '\u{2796}'
                | '\u{2e17}'
                | '\u{2e1a}'
                | '\u{2e3a}'
                | '\u{2e3b}'
                | '\u{2e40}'
                | '\u{2e5d}'
                | '\u{301c}'
                | '\u{3030}'
                | '\u{30a0}'
                | '\u{30fc}'
                | '\u{fe31}'
                | '\u{fe32}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{ff70}'
                | '\u{10d6e}'
                | '\u{10ead}'
    )
}
