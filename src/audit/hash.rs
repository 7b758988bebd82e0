//! The digest that links one record to the next.

use std::fmt;

use aws_lc_rs::digest;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256 digest of a record, or of a log's bytes. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordHash([u8; 32]);

/// Why a text isn't a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 lower-case hexadecimal digits")]
pub struct RecordHashError(());

impl RecordHash {
    /// What the first record of a log names as the one before it.
    pub const GENESIS: Self = Self([0; 32]);

    /// Reads a digest.
    ///
    /// # Errors
    ///
    /// When the text isn't exactly 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, RecordHashError> {
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(RecordHashError(())),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(RecordHashError(()));
        };
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() {
            return Err(RecordHashError(()));
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::from(digest::digest(&digest::SHA256, bytes))
    }

    pub(super) fn hex(self) -> [u8; 64] {
        let mut text = [0; 64];
        hex_into(&self.0, &mut text);
        text
    }
}

impl From<digest::Digest> for RecordHash {
    fn from(digest: digest::Digest) -> Self {
        let mut bytes = [0; 32];
        // SHA-256 has 32 bytes, so the two have one length.
        bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

/// Writes each byte as two digits; `text` has twice the length of `bytes`.
pub(super) fn hex_into(bytes: &[u8], text: &mut [u8]) {
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    for (byte, [high, low]) in bytes.iter().zip(text.as_chunks_mut::<2>().0) {
        *high = digit(byte >> 4);
        *low = digit(byte & 15);
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hex().into_iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(digit)))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for RecordHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RecordHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_shows() {
        let hash = RecordHash::of(b"abc");
        assert_eq!(hash.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(RecordHash::parse(&hash.to_string()), Ok(hash));
    }

    #[test]
    fn refuses_other_lengths_and_upper_case() {
        let good = "ab".repeat(32);
        assert!(RecordHash::parse(&good).is_ok());
        for bad in ["", "0", &"a".repeat(63), &good.to_uppercase(), &format!("{good}00"), &"zz".repeat(32)] {
            assert!(RecordHash::parse(bad).is_err(), "{bad:?}");
        }
    }
}
