//! The plaintext of one secret.

use std::fmt;

#[expect(clippy::disallowed_methods, reason = "this file is the one place that reads plaintext")]
mod plain {
    use secrecy::{ExposeSecret, SecretBox};

    pub(super) fn expose(secret: &SecretBox<[u8]>) -> &[u8] {
        secret.expose_secret()
    }
}

use aws_lc_rs::constant_time;
use secrecy::SecretBox;

/// The most bytes a value may have.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// A secret's plaintext, wiped when dropped.
///
/// It can be made by anybody who has a text, and read only inside `custody`. It has no `Display`,
/// `Clone`, `Serialize` or `PartialEq`, and its `Debug` says nothing about it, not even its length.
pub struct SecretValue(SecretBox<[u8]>);

impl SecretValue {
    /// Takes over a text. The caller's copy is the one kept: nothing is duplicated.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretBox::new(text.into_bytes().into_boxed_slice()))
    }

    /// Takes over bytes.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(SecretBox::new(bytes.into_boxed_slice()))
    }

    /// Whether the value has more than [`MAX_VALUE_BYTES`].
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.plaintext().len() > MAX_VALUE_BYTES
    }

    /// Whether it's the same as another, in a time that tells nothing but their lengths.
    #[must_use]
    pub(in crate::custody) fn is_same(&self, other: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(self.plaintext(), other).is_ok()
    }

    /// The plaintext: the only accessor, visible only here.
    #[must_use]
    pub(in crate::custody) fn plaintext(&self) -> &[u8] {
        plain::expose(&self.0)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_about_itself() {
        assert_eq!(format!("{:?}", SecretValue::new("hunter2".to_owned())), "SecretValue");
    }

    #[test]
    fn is_the_same_as_what_has_the_same_bytes() {
        let value = SecretValue::new("abc".to_owned());
        assert!(value.is_same(b"abc"));
        assert!(!value.is_same(b"abd") && !value.is_same(b"ab") && !value.is_same(b""));
    }

    #[test]
    fn keeps_every_byte() {
        let pem = "-----BEGIN X-----\r\nabc\n-----END X-----\n";
        assert_eq!(SecretValue::new(pem.to_owned()).plaintext(), pem.as_bytes());
        assert!(!SecretValue::from_bytes(vec![b'x'; MAX_VALUE_BYTES]).is_too_large());
        assert!(SecretValue::from_bytes(vec![b'x'; MAX_VALUE_BYTES + 1]).is_too_large());
    }
}
