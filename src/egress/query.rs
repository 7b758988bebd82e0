//! Queries, escaped by us.

use zeroize::Zeroizing;

use super::error::NotSent;
use super::overrides::meant;
use super::{overrides, placeholder};

/// The most parameters of a query.
const MAX_PAIRS: usize = 100;

/// The most bytes of a query, escaped.
const MAX_QUERY: usize = 8 << 10;

/// Writes a query. The value's own parameter, if it has one, comes last; nobody else may give its name.
pub(super) fn write(
    pairs: &[(String, String)],
    slot: Option<(&str, &[u8])>,
) -> Result<Option<Zeroizing<String>>, NotSent> {
    if pairs.is_empty() && slot.is_none() {
        return Ok(None);
    }
    if pairs.len() > MAX_PAIRS {
        return Err(NotSent::Invalid(format!("the query has more than {MAX_PAIRS} parameters")));
    }
    for (name, value) in pairs {
        check(name, value, slot.map(|(name, _)| name))?;
    }
    let slot = slot.map(|(name, value)| (name.as_bytes(), value));
    let all = || pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).chain(slot);
    // A text that grows would leave the value behind where it was.
    let length = all().map(|(name, value)| escaped_length(name) + escaped_length(value) + 2).sum();
    if length > MAX_QUERY {
        return Err(NotSent::Invalid(format!("the query has more than {MAX_QUERY} bytes when it's escaped")));
    }
    let mut query = Zeroizing::new(String::with_capacity(length));
    for (name, value) in all() {
        if !query.is_empty() {
            query.push('&');
        }
        escape(name, &mut query);
        query.push('=');
        escape(value, &mut query);
    }
    Ok(Some(query))
}

fn check(name: &str, value: &str, reserved: Option<&str>) -> Result<(), NotSent> {
    if name.is_empty() {
        return Err(NotSent::invalid("a parameter of the query has no name"));
    }
    placeholder::refuse("query", name.as_bytes())?;
    placeholder::refuse("query", value.as_bytes())?;
    let unfit = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if name.contains(char::is_control) || value.contains(unfit) {
        return Err(NotSent::invalid("the query has control characters"));
    }
    if reserved.is_some_and(|reserved| meant(name) == meant(reserved)) {
        return Err(NotSent::invalid("the query has the parameter that opward puts the value into: leave it out"));
    }
    if overrides::is_one(name) {
        return Err(overrides::asked());
    }
    Ok(())
}

fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn escaped_length(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| if stays(*byte) { 1 } else { 3 }).sum()
}

fn escape(bytes: &[u8], into: &mut String) {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default().to_ascii_uppercase();
    for &byte in bytes {
        if stays(byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(digit(byte >> 4));
            into.push(digit(byte & 15));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn escapes_whatever_could_end_a_parameter() {
        let query = write(&pairs(&[("a b", "c&d=e#f"), ("x[]", "é/?%2F+\r\n"), ("empty", "")]), None).unwrap().unwrap();
        assert_eq!(*query, "a%20b=c%26d%3De%23f&x%5B%5D=%C3%A9%2F%3F%252F%2B%0D%0A&empty=");
        assert_eq!(write(&[], None).unwrap(), None);
    }

    #[test]
    fn puts_the_value_last_without_growing() {
        let query = write(&pairs(&[("a", "b")]), Some(("key", b"k4n4ry &\xff"))).unwrap().unwrap();
        assert_eq!(*query, "a=b&key=k4n4ry%20%26%FF");
        assert!(query.capacity() <= query.len() + 2);
    }

    #[test]
    fn nobody_else_gives_the_values_name() {
        for name in ["api_key", "API_KEY", "api_key[]", "api_key[0]", "api.key", "api key", " api_key", "api-key"] {
            assert!(write(&pairs(&[(name, "x")]), Some(("api_key", b"k4n4ry"))).is_err(), "{name}");
        }
        assert!(write(&pairs(&[("api_keys", "x"), ("key", "y")]), Some(("api_key", b"k4n4ry"))).is_ok());
    }

    #[test]
    fn refuses_other_methods_references_controls_and_floods() {
        for (name, value) in [
            ("_method", "DELETE"),
            ("_METHOD", "DELETE"),
            ("_method[]", "DELETE"),
            ("_method[x]", "DELETE"),
            (" _method", "DELETE"),
            ("X-HTTP-Method-Override", "PUT"),
            ("x_http_method_override", "PUT"),
            ("", "x"),
            ("a", "op://V/I/f"),
            ("op://V/I/f", "a"),
            ("a", "{{ op://V/I/f }}"),
            ("a\0", "b"),
            ("a", "b\0"),
            ("a\n", "b"),
            ("a", "\u{1b}[1m"),
        ] {
            assert!(matches!(write(&pairs(&[(name, value)]), None), Err(NotSent::Invalid(_))), "{name}={value}");
        }
        assert!(write(&vec![("a".to_owned(), "b".to_owned()); 101], None).is_err());
        assert!(write(&pairs(&[("a", &" ".repeat(3000))]), None).is_err());
        assert!(write(&[], Some(("key", &[b'x'; 9000]))).is_err());
    }
}
