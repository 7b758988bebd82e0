//! What a delivery was asked to do and what came of it, as records say it.

use std::fmt;
use std::sync::Arc;

/// The most bytes of what was asked for.
const MOST_BYTES: usize = 1024;

/// What stands at the end of what was cut.
const CUT: &str = "…";

/// What a delivery was asked to do, on one line: `POST /v1/refunds?limit`, `file=003_x.sql mode=dry`, `npm`.
///
/// It's what a caller wrote, as far as it's no value: whoever makes it has to see to that. The log's own form keeps it on
/// one visible line.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AskedWords(Arc<str>);

/// Why a text can't be what a record says was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was asked for is said in 1 to {MOST_BYTES} bytes")]
pub struct AskedWordsError(());

/// What came of a delivery: `200`, `exit 1`, `timed out` or `killed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CameTo {
    /// An answer with this status.
    Status(u16),
    /// A program's end with this code.
    Exit(i32),
    /// It was ended because it took too long.
    TimedOut,
    /// A signal ended it.
    Killed,
}

/// Why a text isn't one of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what came of it is a status, `exit` and a code, `timed out` or `killed`")]
pub struct CameToError(());

impl AskedWords {
    /// What was asked for; `None` if that's nothing. What's too long for a record is cut, and ends with `…`.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text.len() {
            0 => None,
            1..=MOST_BYTES => Some(Self(text.into())),
            _ => {
                let kept = text.floor_char_boundary(MOST_BYTES - CUT.len());
                let (kept, _) = text.split_at_checked(kept).unwrap_or_default();
                Some(Self(format!("{kept}{CUT}").into()))
            }
        }
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AskedWords {
    type Error = AskedWordsError;

    fn try_from(text: String) -> Result<Self, AskedWordsError> {
        if (1..=MOST_BYTES).contains(&text.len()) { Ok(Self(text.into())) } else { Err(AskedWordsError(())) }
    }
}

impl From<AskedWords> for String {
    fn from(words: AskedWords) -> Self {
        words.as_str().to_owned()
    }
}

impl fmt::Display for AskedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AskedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl CameTo {
    /// Reads what `Display` writes.
    ///
    /// # Errors
    ///
    /// When it's anything else.
    pub fn parse(text: &str) -> Result<Self, CameToError> {
        let read = match (text, text.strip_prefix("exit ")) {
            ("timed out", _) => Some(Self::TimedOut),
            ("killed", _) => Some(Self::Killed),
            (_, Some(code)) => code.parse().ok().map(Self::Exit),
            (status, None) => status.parse().ok().map(Self::Status),
        };
        read.filter(|read| read.to_string() == text).ok_or(CameToError(()))
    }
}

impl TryFrom<String> for CameTo {
    type Error = CameToError;

    fn try_from(text: String) -> Result<Self, CameToError> {
        Self::parse(&text)
    }
}

impl From<CameTo> for String {
    fn from(came_to: CameTo) -> Self {
        came_to.to_string()
    }
}

impl fmt::Display for CameTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Killed => f.write_str("killed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_so() {
        assert_eq!(AskedWords::of(""), None);
        let most = "x".repeat(MOST_BYTES);
        assert_eq!(AskedWords::of(&most).unwrap().as_str(), most);
        for long in [format!("{most}x"), "é".repeat(600), format!("a{}", "😀".repeat(9999))] {
            let words = AskedWords::of(&long).unwrap();
            let kept = words.as_str().strip_suffix('…').unwrap();
            assert!(long.starts_with(kept) && words.as_str().len() <= MOST_BYTES && kept.len() > MOST_BYTES - 8);
            assert_eq!(AskedWords::try_from(words.to_string()), Ok(words));
        }
        assert!(AskedWords::try_from(String::new()).is_err() && AskedWords::try_from(format!("{most}x")).is_err());
    }

    #[test]
    fn what_came_of_it_has_one_spelling() {
        let all = [CameTo::Status(200), CameTo::Exit(0), CameTo::Exit(-1), CameTo::TimedOut, CameTo::Killed];
        assert_eq!(all.map(|one| one.to_string()), ["200", "exit 0", "exit -1", "timed out", "killed"]);
        for one in all {
            assert_eq!(CameTo::parse(&one.to_string()), Ok(one));
        }
        for bad in ["", "0200", "+200", "70000", "exit", "exit ", "exit 01", "exit +1", "exit  1", "Killed", "200 OK"] {
            assert!(CameTo::parse(bad).is_err(), "{bad:?}");
        }
    }
}
