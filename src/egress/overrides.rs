//! Names by which some servers let a request be another method's than it says: Rails, Laravel, Symfony and others take
//! them from the query or from the body of a POST.

use std::fmt;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use url::form_urlencoded;

use super::error::NotSent;

/// An object, as far as its names go: whether one of them asks for another method.
struct Object {
    asks: bool,
}

const OVERRIDES: [&str; 5] = ["_method", "_httpmethod", "x_http_method_override", "x_http_method", "x_method_override"];

/// Charsets in which ASCII is what it looks like.
const PLAIN: [&str; 7] = ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"];

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self { asks: false })
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some((name, IgnoredAny)) = members.next_entry::<String, _>()? {
            self.asks |= is_one(&name);
        }
        Ok(self)
    }
}

/// What a server may take for one name: without regard to case, to what's in brackets, and to what separates words.
pub(super) fn meant(name: &str) -> String {
    let name = name.trim().split('[').next().unwrap_or_default();
    name.chars().map(|c| if matches!(c, '.' | ' ' | '-') { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Whether a parameter of this name asks for another method.
pub(super) fn is_one(name: &str) -> bool {
    OVERRIDES.contains(&meant(name).as_str())
}

/// Refuses a body that asks for another method. Servers differ in what they take a body for, so it's read in all ways.
pub(super) fn refuse_in_body(body: &[u8], headers: &HeaderMap) -> Result<(), NotSent> {
    let word = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let (kind, coding) = (word(CONTENT_TYPE), word(CONTENT_ENCODING));
    if !matches!(coding.trim(), "" | "identity") || !charset(&kind).is_none_or(|charset| PLAIN.contains(&charset)) {
        return Err(NotSent::invalid(
            "the body is compressed, or in a charset that opward doesn't read, so that it can't tell whether it asks for \
             another method than the request's: send it as it is, in UTF-8",
        ));
    }
    let asks = in_form(body) || in_parts(body);
    let asks =
        asks || in_json(body).or_else(|unreadable| if kind.contains("json") { Err(unreadable) } else { Ok(false) })?;
    if asks { Err(asked()) } else { Ok(()) }
}

/// What's said to whoever asks for another method.
pub(super) fn asked() -> NotSent {
    NotSent::invalid(
        "the query or the body asks for another method than the request's, by a name such as `_method`: use `method`",
    )
}

fn charset(kind: &str) -> Option<&str> {
    let mut parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim() == "charset")?;
    Some(charset.trim().trim_matches(['"', '\'']))
}

/// As a form's fields.
fn in_form(body: &[u8]) -> bool {
    // Some take `;` for `&`.
    body.split(|byte| matches!(byte, b'&' | b';')).any(|field| {
        let name = field.split(|byte| *byte == b'=').next().unwrap_or_default();
        form_urlencoded::parse(name).next().is_some_and(|(name, _)| is_one(&name))
    })
}

/// As parts, each with a head. Whatever looks like a part's name counts as one.
fn in_parts(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n").replace('\r', "\n");
    // A line that begins with a blank goes on with the one before.
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    let heads = unfolded.lines().filter(|line| line.to_ascii_lowercase().contains("content-disposition"));
    heads.flat_map(|head| head.split(';')).filter_map(|parameter| parameter.split_once('=')).any(|(key, value)| {
        let key = key.trim().to_ascii_lowercase();
        let value = value.replace(['"', '\'', '\\'], "");
        // RFC 8187 has a charset and a language before it, and escapes in it.
        let decoded = form_urlencoded::parse(value.as_bytes()).next().map(|(name, _)| name.into_owned());
        let last = decoded.unwrap_or_default();
        let last = last.strip_prefix("utf-8").or_else(|| last.strip_prefix("UTF-8")).unwrap_or(&last);
        key.trim_end_matches('*') == "name" && (is_one(&value) || is_one(last))
    })
}

/// As JSON: one value, or one after the other.
fn in_json(body: &[u8]) -> Result<bool, NotSent> {
    let unreadable = |_| NotSent::invalid("the body is said to be JSON, and can't be read as such");
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<IgnoredAny>();
    let mut from = 0;
    while let Some(value) = values.next() {
        value.map_err(unreadable)?;
        let value = body.get(from..values.byte_offset()).unwrap_or_default().trim_ascii();
        from = values.byte_offset();
        if value.starts_with(b"{") {
            let Object { asks } = serde_json::from_slice(value).map_err(unreadable)?;
            if asks {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refused(kind: &str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        refuse_in_body(body.as_bytes(), &headers).is_err()
    }

    fn part(head: &str) -> String {
        format!("--b\r\n{head}\r\n\r\nDELETE\r\n--b--\r\n")
    }

    #[test]
    fn a_body_that_asks_for_another_method_is_refused_however_it_is_written() {
        let form = "application/x-www-form-urlencoded";
        for (kind, body) in [
            (form, "_method=DELETE".to_owned()),
            ("", "_method=DELETE".to_owned()),
            ("text/plain", "a=b&_METHOD=DELETE".to_owned()),
            (form, "a=b;_method=DELETE".to_owned()),
            (form, "%5Fmethod=DELETE".to_owned()),
            (form, "%5fmeth%6Fd=DELETE".to_owned()),
            (form, "+_method=DELETE".to_owned()),
            (form, "_method%5B%5D=DELETE".to_owned()),
            (form, "_method[]=DELETE".to_owned()),
            (form, "_method".to_owned()),
            (form, "X-HTTP-Method-Override=PUT".to_owned()),
            ("application/json", "{\"a\": {}, \"_method\": \"DELETE\"}".to_owned()),
            ("application/json; charset=utf-8", "\u{feff}{\"_method\": \"DELETE\"}".to_owned()),
            ("", " {\"\\u005fmethod\": 1}".to_owned()),
            ("application/x-ndjson", "{\"a\": 1}\n[2]\n{\"_method\": \"PUT\"}\n".to_owned()),
            ("application/json", format!("{{\"a\": {}{}, \"_method\": \"PUT\"}}", "[".repeat(500), "]".repeat(500))),
            // What one reads and another doesn't.
            ("application/json", "{\"\\ud800\": 1, \"_method\": \"PUT\"}".to_owned()),
            ("application/json", "/**/{\"_method\": \"PUT\"}".to_owned()),
            ("application/json", "{'_method': 'PUT'}".to_owned()),
            ("multipart/form-data; boundary=b", part("Content-Disposition: form-data; name=\"_method\"")),
            ("multipart/form-data; boundary=b", part("content-disposition:form-data;name=_method")),
            ("multipart/form-data; boundary=b", part("Content-Disposition: form-data;\r\n\tNAME = '_method'")),
            ("multipart/form-data; boundary=b", part("Content-Disposition: form-data; name=\"_me\\thod\"")),
            ("multipart/form-data; boundary=b", part("Content-Disposition: form-data; name*=utf-8''%5Fmethod")),
            (&format!("{form}; charset=utf-16le"), "a=b".to_owned()),
            (&format!("{form}; charset=\"utf-7\""), "+AF8-method=PUT".to_owned()),
        ] {
            assert!(refused(kind, &body), "{kind}: {body}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("deflate"));
        assert!(refuse_in_body(b"x", &headers).is_err());
    }

    #[test]
    fn other_bodies_are_sent() {
        for (kind, body) in [
            ("", ""),
            ("", "method=card&x_method=1&payment_method=2"),
            ("text/plain", "the value of {_method=}, and \"_method\""),
            ("application/json", "{\"method\": \"card\", \"payment_method\": {\"_method\": \"nested\"}}"),
            ("application/json", "[{\"a\": 1}]"),
            ("application/json", "\"_method\""),
            ("application/json", ""),
            ("text/plain", "{not json"),
            ("application/x-ndjson", "{\"index\": {}}\n{\"a\": 1}\n"),
            ("text/plain; charset=\"UTF-8\"", "a"),
        ] {
            assert!(!refused(kind, body), "{kind}: {body}");
        }
        let file = part("Content-Disposition: form-data; name=\"file\"; filename=\"_method\"");
        assert!(!refused("multipart/form-data; boundary=b", &file));
    }

    #[test]
    fn a_refusal_quotes_nothing() {
        let error = refuse_in_body(b"_method=k4n4ry", &HeaderMap::new()).unwrap_err();
        assert!(error.to_string().contains("_method") && !error.to_string().contains("k4n4ry"), "{error}");
    }
}
