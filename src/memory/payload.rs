//! A plaintext on its way out of custody, to where it's used.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes for a program or a request. Wiped when dropped; it says nothing about itself and can't be cloned.
pub struct Payload(Zeroizing<Vec<u8>>);

impl Payload {
    /// Takes over bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Shows the bytes to whoever puts them where they're needed. Only `runner` and `egress` do.
    pub(crate) fn hand_over<R>(&self, to: impl FnOnce(&[u8]) -> R) -> R {
        to(&self.0)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload")
    }
}
