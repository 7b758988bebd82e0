//! The caller's headers: which are sent, which are left out, which are refused.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::error::NotSent;
use super::placeholder;
use crate::model::{HeaderRole, one_spelling};

/// What's sent of a caller's headers.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// To be sent.
    pub(super) sent: HeaderMap,
    /// Names of those that aren't the caller's to set.
    pub(super) left_out: Vec<HeaderName>,
}

/// The most headers of a caller's.
const MAX_HEADERS: usize = 64;

/// The most bytes of their names and values.
const MAX_BYTES: usize = 16 << 10;

/// Sorts a caller's headers. `slot` is the header that the value goes into.
pub(super) fn sort(given: &[(String, String)], slot: Option<&HeaderName>) -> Result<Headers, NotSent> {
    if given.len() > MAX_HEADERS {
        return Err(NotSent::Invalid(format!("there are more than {MAX_HEADERS} headers")));
    }
    let bytes: usize = given.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_BYTES {
        return Err(NotSent::Invalid(format!("the headers have more than {MAX_BYTES} bytes")));
    }
    let parsed = given.iter().map(|(name, value)| parse(name, value)).collect::<Result<Vec<_>, _>>()?;
    let of_connection: Vec<String> = parsed.iter().filter(|(name, _)| name == "connection").flat_map(listed).collect();
    let mut headers = Headers::default();
    for (name, value) in parsed {
        let meant = one_spelling(name.as_str());
        let role = HeaderRole::of(&name);
        // Without it another request would be made than the caller asked for; with it, another than the policy looked at.
        if role == HeaderRole::Steers {
            return Err(NotSent::Invalid(format!(
                "the header `{name}` asks some servers for another method, host or path than the request's: leave it out"
            )));
        }
        // The request means the same without them: it's made as whom the value stands for.
        let not_the_callers = matches!(role, HeaderRole::Frames | HeaderRole::Authorizes)
            || of_connection.contains(&meant)
            || slot.is_some_and(|slot| one_spelling(slot.as_str()) == meant);
        if not_the_callers {
            if !headers.left_out.contains(&name) {
                headers.left_out.push(name);
            }
        } else if headers.sent.insert(name.clone(), value).is_some() {
            return Err(NotSent::Invalid(format!("the header `{name}` is given twice: join its values with commas")));
        }
    }
    Ok(headers)
}

/// The names that a `Connection` header lists.
pub(super) fn listed((_, value): &(HeaderName, HeaderValue)) -> Vec<String> {
    let names = value.to_str().unwrap_or_default().split(',');
    names.map(|name| one_spelling(name.trim())).collect()
}

fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), NotSent> {
    placeholder::refuse("header", name.as_bytes())?;
    let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(NotSent::invalid("the name of a header has characters that can't stand in one"));
    };
    placeholder::refuse("header", value.as_bytes())?;
    // Stricter than a header must be: bytes beyond ASCII have no meaning that servers agree on.
    match HeaderValue::from_str(value) {
        Ok(sent) if value.is_ascii() => Ok((parsed, sent)),
        _ => Err(NotSent::Invalid(format!(
            "the header `{parsed}` has line breaks, other control characters, or characters beyond ASCII"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(given: &[(&str, &str)], slot: Option<&str>) -> Result<Headers, NotSent> {
        let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        sort(&given, slot.map(|name| HeaderName::from_bytes(name.as_bytes()).unwrap()).as_ref())
    }

    #[test]
    fn sends_plain_headers_as_they_are() {
        let headers = sorted(&[("Accept", "a/b, c/d"), ("X-Id", "{} ${x} {{y}}"), ("User-Agent", "me")], None).unwrap();
        assert_eq!(headers.sent.len(), 3);
        assert_eq!(headers.sent["x-id"], "{} ${x} {{y}}");
        assert!(headers.left_out.is_empty());
    }

    #[test]
    fn leaves_out_credentials_framing_origins_and_ranges() {
        for name in [
            "Authorization",
            "AUTHORIZATION",
            "Cookie",
            "X-Api-Key",
            "Private-Token",
            "Impersonate-User",
            "Sudo",
            "Host",
            "Content_Length",
            "Proxy-Authorization",
            "Proxy-Connection",
            "X-Forwarded-For",
            "x_forwarded_for",
            "X_Real_IP",
            "Range",
            "If-Range",
            "Request_Range",
        ] {
            let headers = sorted(&[(name, "x"), ("Accept", "y")], None).unwrap();
            assert_eq!(headers.sent.len(), 1, "{name}");
            assert_eq!(headers.left_out, [name.to_ascii_lowercase().as_str()]);
        }
    }

    #[test]
    fn sends_what_apis_ask_for() {
        for name in [
            "Accept",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "Prefer",
            "Stripe-Version",
            "X-GitHub-Api-Version",
            "X-Request-Id",
            "Content-Range",
        ] {
            let headers = sorted(&[(name, "x")], Some("authorization")).unwrap();
            assert_eq!((headers.sent.len(), headers.left_out.len()), (1, 0), "{name}");
        }
    }

    #[test]
    fn leaves_out_what_connection_lists_and_the_values_own() {
        let headers =
            sorted(&[("Connection", "close, X-Hop , x_under"), ("X-Hop", "1"), ("X-Under", "1"), ("X-B", "2")], None);
        let headers = headers.unwrap();
        assert_eq!(headers.sent.keys().collect::<Vec<_>>(), ["x-b"]);
        assert_eq!(headers.left_out, ["connection", "x-hop", "x-under"]);
        for name in ["X-Api-Key", "x_api_key", "X-API_KEY"] {
            assert!(sorted(&[(name, "mine")], Some("x-api-key")).unwrap().sent.is_empty(), "{name}");
        }
    }

    #[test]
    fn refuses_what_changes_the_request() {
        for name in ["X-HTTP-METHOD-OVERRIDE", "X_HTTP_Method", "x_original_url", "Destination"] {
            assert!(matches!(sorted(&[(name, "DELETE")], None), Err(NotSent::Invalid(_))), "{name}");
        }
        assert!(sorted(&[("Accept", "a"), ("accept", "b")], None).is_err());
        assert!(sorted(&[("Content-Type", "a"), ("content-type", "b")], None).is_err());
    }

    #[test]
    fn refuses_breaks_controls_and_references_without_quoting_values() {
        for (name, value) in [
            ("X-A", "k4n4ry\r\nHost: evil"),
            ("X-A", "k4n4ry\nX: y"),
            ("X-A", "k4n4ry\0"),
            ("X-A", "k4n4ry\r"),
            ("X-A\r\nHost", "k4n4ry"),
            ("X-A:", "k4n4ry"),
            ("X A", "k4n4ry"),
            ("", "k4n4ry"),
            ("X-\u{e9}", "k4n4ry"),
            ("X-A", "k4n4ry\u{e9}"),
            ("X-A", "k4n4ry\u{10d}\u{10a}"),
            ("X-A", "k4n4ry\u{7f}"),
            (":path", "k4n4ry"),
            ("X-A", "op://k4n4ry/x"),
            ("X-A", "{{ op://k4n4ry/x }}"),
            ("op://k4n4ry", "x"),
        ] {
            let error = sorted(&[(name, value)], None).expect_err(name);
            assert!(!format!("{error} {error:?}").contains("k4n4ry"), "{error}");
        }
    }

    #[test]
    fn bounds_their_number_and_size() {
        let many: Vec<_> = (0..65).map(|n| (format!("x-{n}"), String::new())).collect();
        assert!(sort(&many, None).is_err());
        assert!(sort(&many[..64], None).is_ok());
        assert!(sorted(&[("x", &"y".repeat(MAX_BYTES))], None).is_err());
    }
}
