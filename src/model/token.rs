//! What's known of a static token without having it.

use std::fmt;

/// What every static token begins with, so that people and scanners know one when they see it.
pub const TOKEN_PREFIX: &str = "opw_";

/// The SHA-256 of a token's text. With 256 random bits behind it, it gives nothing away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest([u8; 32]);

/// A text that isn't a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token's SHA-256 has 64 hexadecimal digits; `opward token new` prints it")]
pub struct TokenDigestError(());

impl TokenDigest {
    /// The digest of these bytes.
    #[must_use]
    pub const fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// When it's anything else.
    pub fn parse(text: &str) -> Result<Self, TokenDigestError> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(TokenDigestError(()));
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low).ok_or(TokenDigestError(()))?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
