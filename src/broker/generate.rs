//! Making new values that no one has seen.

use diceware_wordlists::EFF_LONG_WORDLIST;
use rand::TryRng as _;
use rand::rngs::{SysError, SysRng};

use crate::custody::SecretValue;
use crate::model::{ErrorCode, PublicError};

const LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Symbols that survive shells, URLs' user parts and connection strings better than others.
const SYMBOLS: &[u8] = b"!#%+,-.:=@^_~";

/// What a generated value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Random characters.
    Characters {
        /// How many: 16 to 256.
        length: u16,
        /// Whether there are symbols among them.
        symbols: bool,
    },
    /// Random words of the EFF's long list, joined by `-`; each adds 12.9 bits.
    Words {
        /// How many: 6 to 32.
        words: u16,
    },
}

impl Default for Recipe {
    fn default() -> Self {
        Self::Characters { length: 32, symbols: false }
    }
}

impl Recipe {
    /// Reads what a caller asked for.
    ///
    /// # Errors
    ///
    /// When the numbers would make a weak or an unwieldy value, or exclude each other.
    pub fn new(length: Option<u16>, symbols: Option<bool>, words: Option<u16>) -> Result<Self, PublicError> {
        let invalid = |message: &'static str| Err(PublicError::new(ErrorCode::Invalid, message, ""));
        match (length, symbols, words) {
            (None, None, Some(words @ 6..=32)) => Ok(Self::Words { words }),
            (None, None, Some(_)) => invalid("`words` is 6 to 32"),
            (_, _, Some(_)) => invalid("`words` goes without `length` and `symbols`"),
            (length, symbols, None) => match length.unwrap_or(32) {
                length @ 16..=256 => Ok(Self::Characters { length, symbols: symbols.unwrap_or(false) }),
                _ => invalid("`length` is 16 to 256"),
            },
        }
    }

    /// Makes a value from the operating system's randomness.
    ///
    /// # Errors
    ///
    /// When the operating system gives none.
    pub(super) fn generate(self) -> Result<SecretValue, PublicError> {
        self.draw().map_err(|_: SysError| {
            PublicError::new(ErrorCode::Internal, "the operating system gave no randomness; nothing was changed", "")
        })
    }

    fn draw(self) -> Result<SecretValue, SysError> {
        match self {
            Self::Characters { length, symbols } => {
                let alphabet =
                    if symbols { [LETTERS_AND_DIGITS, SYMBOLS].concat() } else { LETTERS_AND_DIGITS.to_vec() };
                let mut value = Vec::with_capacity(length.into());
                for _ in 0..length {
                    value.push(*pick(&alphabet)?);
                }
                Ok(SecretValue::from_bytes(value))
            }
            Self::Words { words } => {
                // The longest word has 9 letters; room for all, so that no growing leaves a part behind.
                let mut value = String::with_capacity(usize::from(words) * 10);
                for index in 0..words {
                    if index > 0 {
                        value.push('-');
                    }
                    value.push_str(pick(&EFF_LONG_WORDLIST)?);
                }
                Ok(SecretValue::new(value))
            }
        }
    }
}

/// One of several, each as likely as the others. The lists above are never empty.
fn pick<T>(from: &[T]) -> Result<&T, SysError> {
    let count = u32::try_from(from.len()).unwrap_or(u32::MAX);
    // Numbers above the largest multiple would make the first choices likelier.
    let limit = u32::MAX - u32::MAX % count;
    loop {
        let number = SysRng.try_next_u32()?;
        if number < limit
            && let Some(choice) = usize::try_from(number % count).ok().and_then(|index| from.get(index))
        {
            return Ok(choice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_weak_and_contradictory_recipes() {
        assert_eq!(Recipe::new(None, None, None).unwrap(), Recipe::default());
        assert_eq!(Recipe::new(Some(20), Some(true), None).unwrap(), Recipe::Characters { length: 20, symbols: true });
        assert_eq!(Recipe::new(None, None, Some(6)).unwrap(), Recipe::Words { words: 6 });
        for (length, symbols, words) in
            [(Some(15), None, None), (Some(257), None, None), (None, None, Some(5)), (Some(20), None, Some(6))]
        {
            assert!(Recipe::new(length, symbols, words).is_err());
        }
    }

    #[test]
    fn picks_every_choice() {
        let choices = [0, 1, 2, 3, 4];
        let mut seen = [false; 5];
        for _ in 0..1000 {
            seen[*pick(&choices).unwrap()] = true;
        }
        assert_eq!(seen, [true; 5]);
    }
}
