//! What comes back, and what of it is withheld.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use reqwest::Response;

use super::body::{self, Body, Withheld};
use super::error::NotSent;
use super::headers::listed;

/// What came back. Values that were sent may be anywhere in it, names of headers included: it goes through redaction
/// before anybody sees it.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, without those that are withheld.
    pub headers: HeaderMap,
    /// Names of the headers that are withheld: cookies, credentials, and what's more than 16 KiB of them.
    pub headers_withheld: Vec<HeaderName>,
    /// The body, decompressed.
    pub body: Bytes,
    /// Whether there was more of it.
    pub truncated: bool,
    /// Why the body is absent, if it's withheld.
    pub body_withheld: Option<Withheld>,
    /// Names of the caller's headers that weren't sent.
    pub left_out: Vec<HeaderName>,
}

/// The most bytes of an answer's headers.
const MAX_HEADERS: usize = 16 << 10;

/// What would let the caller act as the one whom the value stands for, or says how.
const WITHHELD: [&str; 8] = [
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "proxy-authentication-info",
    "authorization",
    "proxy-authorization",
];

/// What concerns the connection alone.
const OF_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::ALT_SVC,
];

impl Answer {
    /// Reads an answer to its end, or as much of it as is kept.
    pub(super) async fn read(
        response: Response,
        method: &Method,
        left_out: Vec<HeaderName>,
        most: usize,
    ) -> Result<Self, NotSent> {
        let status = response.status();
        let mut headers = response.headers().clone();
        let Body { bytes, truncated, withheld } = body::read(response, most).await?;
        if withheld.is_none() {
            headers.remove(header::CONTENT_ENCODING);
        }
        // It's the length of what was transferred, and says nothing about what's shown.
        if method != Method::HEAD {
            headers.remove(header::CONTENT_LENGTH);
        }
        let (headers, headers_withheld) = filtered(headers);
        Ok(Self { status, headers, headers_withheld, body: bytes, truncated, body_withheld: withheld, left_out })
    }
}

/// Takes out what isn't the caller's, and says what of it the caller might miss.
fn filtered(mut headers: HeaderMap) -> (HeaderMap, Vec<HeaderName>) {
    let connection: Vec<_> = headers.get_all(header::CONNECTION).iter().cloned().collect();
    let of_connection = connection.into_iter().flat_map(|value| listed(&(header::CONNECTION, value)));
    for name in of_connection.collect::<Vec<_>>() {
        headers.remove(&name);
    }
    for name in OF_CONNECTION {
        headers.remove(name);
    }
    let mut withheld = Vec::new();
    for name in WITHHELD.map(HeaderName::from_static) {
        if headers.remove(&name).is_some() {
            withheld.push(name);
        }
    }
    let (mut kept, mut bytes) = (HeaderMap::new(), 0_usize);
    for (name, value) in &headers {
        let more = name.as_str().len() + value.len();
        if bytes + more <= MAX_HEADERS {
            bytes += more;
            kept.append(name, value.clone());
        } else if !withheld.contains(name) {
            withheld.push(name.clone());
        }
    }
    (kept, withheld)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn withholds_cookies_and_challenges_and_says_so() {
        for name in WITHHELD {
            let (kept, withheld) = filtered(map(&[(name, "k4n4ry"), (name, "k4n4ry2"), ("x-a", "b"), ("x-a", "c")]));
            assert_eq!(withheld, [name], "{name}");
            assert_eq!(kept.get_all("x-a").iter().count(), 2);
            assert_eq!(kept.len(), 2);
        }
    }

    #[test]
    fn drops_what_concerns_the_connection() {
        let (kept, withheld) = filtered(map(&[
            ("connection", "x-hop, keep-alive"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("upgrade", "h2c"),
            ("trailer", "x-t"),
            ("alt-svc", "h3=\":443\""),
            ("location", "https://elsewhere.example/"),
            ("refresh", "0"),
        ]));
        assert_eq!(kept.len(), 2);
        assert_eq!(kept["location"], "https://elsewhere.example/");
        assert!(withheld.is_empty());
    }

    #[test]
    fn keeps_no_more_than_sixteen_kib() {
        let (kept, withheld) =
            filtered(map(&[("x-long", &"a".repeat(17_000)), ("x-short", "b"), ("link", &"c".repeat(9000))]));
        assert_eq!(withheld, ["x-long"]);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept["x-short"], "b");
    }
}
