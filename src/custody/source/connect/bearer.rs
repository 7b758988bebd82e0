//! The access token.

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use super::error::ConnectSetupError;
use crate::custody::value::SecretValue;

/// A Connect access token, fit to be sent.
pub(super) struct Bearer(SecretValue);

impl Bearer {
    /// Checks that a text can be a token. It's never repaired: whoever reads it from a file knows
    /// about the line's end.
    pub(super) fn parse(token: SecretValue) -> Result<Self, ConnectSetupError> {
        let refuse = |why| Err(ConnectSetupError::Token(why));
        let text = token.plaintext();
        if text.is_empty() {
            return refuse("is empty");
        }
        if !text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte)) {
            return refuse("has characters that no token has: it's one line, with nothing around it");
        }
        if text.starts_with(b"ops_") {
            return refuse("is a service account's: such a source is of kind `op`");
        }
        Ok(Self(token))
    }

    /// The header it's sent in, one for each request; `None` never comes of a parsed token.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + self.0.plaintext().len()));
        text.extend_from_slice(SCHEME);
        text.extend_from_slice(self.0.plaintext());
        let mut header = HeaderValue::from_bytes(&text).ok()?;
        // Keeps it out of Debug output, and out of the reach of header compression.
        header.set_sensitive(true);
        Some(header)
    }
}

const SCHEME: &[u8] = b"Bearer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_into_a_header_that_shows_nothing() {
        let bearer = Bearer::parse(SecretValue::new("k4n4ry.k4n4ry-k4n4ry_~+/=".to_owned())).unwrap();
        let header = bearer.header().unwrap();
        assert_eq!(header.as_bytes(), b"Bearer k4n4ry.k4n4ry-k4n4ry_~+/=");
        assert!(header.is_sensitive());
        assert!(!format!("{header:?}").contains("k4n4ry"));
    }

    #[test]
    fn refuses_what_no_token_is() {
        for text in ["", "k4n4ry\n", " k4n4ry", "k4n4ry\r\nX-Evil: 1", "k4n4rý", "\"k4n4ry\"", "ops_k4n4ry"] {
            let error = Bearer::parse(SecretValue::new(text.to_owned())).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("k4n"), "{error}");
        }
    }
}
