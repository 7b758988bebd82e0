//! What confined a program, as a record says it.

use std::fmt;
use std::sync::Arc;

/// The most bytes the words may have.
const MOST_BYTES: usize = 160;

/// The layers that confined a program, as plain words with a space between them: `landlock:7 seccomp no_network`, or
/// `none`.
///
/// Lower-case letters, digits, `_`, `:`, `.` and `-`: nothing a program wrote, and no secret, reads like that.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SandboxWords(Arc<str>);

/// Why a text isn't the words for what confined a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what confines a program is said in at most {MOST_BYTES} bytes of plain words, one space between them")]
pub struct SandboxWordsError(());

impl SandboxWords {
    /// Reads the words.
    ///
    /// # Errors
    ///
    /// When there are none, too many, or other characters in them.
    pub fn parse(text: &str) -> Result<Self, SandboxWordsError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b':' | b'.' | b'-');
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(allowed);
        if text.len() > MOST_BYTES || !text.split(' ').all(is_word) {
            return Err(SandboxWordsError(()));
        }
        Ok(Self(text.into()))
    }

    /// What's recorded of a program that ran, where what confined it couldn't be said in such words.
    #[must_use]
    pub fn unknown() -> Self {
        Self("unknown".into())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SandboxWords {
    type Error = SandboxWordsError;

    fn try_from(text: String) -> Result<Self, SandboxWordsError> {
        Self::parse(&text)
    }
}

impl From<SandboxWords> for String {
    fn from(words: SandboxWords) -> Self {
        words.as_str().to_owned()
    }
}

impl fmt::Display for SandboxWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SandboxWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_plain_words_and_nothing_else() {
        for good in ["none", "unknown", "landlock:7 seccomp no_new_privileges no_network", "a.b-c", &"x".repeat(160)] {
            assert_eq!(SandboxWords::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "none ", " none", "a  b", "None", "a\nb", "é", "a=b", "a/b", "a\"", &"x".repeat(161)] {
            assert!(SandboxWords::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(SandboxWords::parse(SandboxWords::unknown().as_str()), Ok(SandboxWords::unknown()));
    }
}
