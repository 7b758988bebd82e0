//! The one place in a request for a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::error::NotSent;
use crate::memory::Payload;
use crate::model::HeaderRole;

/// The one place in a request for a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// A header, with the value where the format has `{}`.
    Header {
        /// Its name.
        name: String,
        /// Its content; `Bearer {}`.
        format: String,
    },
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
    },
    /// Basic authentication, with the value as the password.
    Basic {
        /// The user's name.
        username: String,
    },
}

impl Slot {
    /// The header that the value goes into, if it goes into one.
    pub(super) fn header(&self) -> Result<Option<HeaderName>, NotSent> {
        match self {
            Self::Header { name, .. } => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) if HeaderRole::of(&name).may_hold_a_value() => Ok(Some(name)),
                _ => Err(NotSent::invalid("the entry's header can't hold a value; the owner has to name another one")),
            },
            Self::Basic { .. } => Ok(Some(AUTHORIZATION)),
            Self::Query { .. } => Ok(None),
        }
    }

    /// The content of the header that the value goes into.
    pub(super) fn content(&self, secret: &Payload) -> Result<Option<HeaderValue>, NotSent> {
        let text = match self {
            Self::Header { format, .. } => formatted(format, secret)?,
            Self::Basic { username } => basic(username, secret)?,
            Self::Query { .. } => return Ok(None),
        };
        let Ok(mut content) = HeaderValue::from_bytes(&text) else { return Err(unfit()) };
        // Keeps it out of Debug output, and out of the reach of header compression.
        content.set_sensitive(true);
        Ok(Some(content))
    }
}

fn formatted(format: &str, secret: &Payload) -> Result<Zeroizing<Vec<u8>>, NotSent> {
    let (before, after) = match format.split_once("{}") {
        Some((before, after)) if !after.contains("{}") => (before, after),
        _ => return Err(NotSent::invalid("the entry's format hasn't exactly one `{}`; the owner has to correct it")),
    };
    secret.hand_over(|value| {
        check(value)?;
        Ok(joined(&[before.as_bytes(), value, after.as_bytes()]))
    })
}

fn basic(username: &str, secret: &Payload) -> Result<Zeroizing<Vec<u8>>, NotSent> {
    if username.contains(|c: char| c == ':' || c.is_control()) {
        return Err(NotSent::invalid("the entry's user name can't be sent; the owner has to correct it"));
    }
    secret.hand_over(|value| {
        check(value)?;
        let pair = joined(&[username.as_bytes(), b":", value]);
        let mut text = Zeroizing::new(vec![0; BASIC.len() + pair.len().div_ceil(3) * 4]);
        let (scheme, encoded) = text.split_at_mut(BASIC.len());
        scheme.copy_from_slice(BASIC);
        STANDARD.encode_slice(&*pair, encoded).map_err(|_| unfit())?;
        Ok(text)
    })
}

const BASIC: &[u8] = b"Basic ";

/// Refuses values that can't be sent in a header, or that would be another value there.
fn check(value: &[u8]) -> Result<(), NotSent> {
    // Servers read headers in one of two ways. What one of the other way sends back is no form of the value any more.
    if !value.is_ascii() {
        return Err(NotSent::invalid(
            "the value has characters beyond ASCII, which servers read differently in a header: the owner has to store \
             one without, or to have it put into the query",
        ));
    }
    let spaced = value.first() == Some(&b' ') || value.last() == Some(&b' ');
    if value.is_empty() || spaced || value.iter().any(u8::is_ascii_control) { Err(unfit()) } else { Ok(()) }
}

fn unfit() -> NotSent {
    NotSent::invalid(
        "the value can't be sent in a header: it's empty, begins or ends with a space, or has line breaks or other \
         control characters; the owner has to store it without",
    )
}

/// A vector that grows would leave the value behind where it was.
fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut all = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        all.extend_from_slice(part);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(value: &[u8]) -> Payload {
        Payload::new(Zeroizing::new(value.to_vec()))
    }

    fn header(format: &str) -> Slot {
        Slot::Header { name: "Authorization".to_owned(), format: format.to_owned() }
    }

    #[test]
    fn a_header_holds_the_value_where_the_format_says_and_shows_nothing() {
        for (format, expected) in
            [("Bearer {}", "Bearer k4n4ry"), ("{}", "k4n4ry"), ("token=\"{}\"", "token=\"k4n4ry\"")]
        {
            let content = header(format).content(&payload(b"k4n4ry")).unwrap().unwrap();
            assert_eq!(content.as_bytes(), expected.as_bytes());
            assert!(content.is_sensitive() && !format!("{content:?}").contains("k4n4ry"));
        }
        // A value is never a format.
        let content = header("Bearer {}").content(&payload(b"a{}b")).unwrap().unwrap();
        assert_eq!(content.as_bytes(), b"Bearer a{}b");
    }

    #[test]
    fn basic_is_the_base64_of_both() {
        for (value, expected) in
            [("open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("a:b", "Basic QWxhZGRpbjphOmI=")]
        {
            let slot = Slot::Basic { username: "Aladdin".to_owned() };
            let content = slot.content(&payload(value.as_bytes())).unwrap().unwrap();
            assert_eq!(content.as_bytes(), expected.as_bytes());
            assert!(content.is_sensitive());
        }
        for username in ["a:b", "a\nb"] {
            assert!(Slot::Basic { username: username.to_owned() }.content(&payload(b"x")).is_err());
        }
    }

    #[test]
    fn values_that_no_header_can_hold_are_refused_unquoted() {
        for value in ["", "k4n4ry\n", "k4n4ry\r\nX: y", "k4n\u{0}4ry", " k4n4ry", "k4n4ry ", "k4n4\x7fry", "k4n\t4ry"] {
            for slot in [header("Bearer {}"), Slot::Basic { username: "user".to_owned() }] {
                let error = slot.content(&payload(value.as_bytes())).unwrap_err();
                assert!(!format!("{error} {error:?}").contains("k4n"), "{error}");
            }
        }
        for value in ["k4n4ry-p\u{e4}ss".as_bytes(), b"k4n4ry\xff", "k4n4ry\u{1f511}".as_bytes()] {
            for slot in [header("Bearer {}"), Slot::Basic { username: "user".to_owned() }] {
                let error = slot.content(&payload(value)).unwrap_err();
                assert!(error.to_string().contains("beyond ASCII") && !format!("{error:?}").contains("k4n"), "{error}");
            }
            assert!(Slot::Query { name: "key".to_owned() }.content(&payload(value)).is_ok());
        }
    }

    #[test]
    fn formats_and_names_that_leave_a_choice_are_refused() {
        for format in ["Bearer", "{} {}", "", "{", "Bearer {}\r\nX: {}", "a\nb {}"] {
            assert!(header(format).content(&payload(b"k4n4ry")).is_err(), "{format}");
        }
        for name in
            ["Host", "Content-Length", "Transfer-Encoding", "Range", "X-Forwarded-Access-Token", "a b", "", "X:Y"]
        {
            let slot = Slot::Header { name: name.to_owned(), format: "{}".to_owned() };
            assert!(slot.header().is_err(), "{name}");
        }
    }
}
