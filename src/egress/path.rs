//! Paths with one spelling and one meaning.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::error::NotSent;
use crate::model::Name;

/// A path that means the same to whoever reads it.
///
/// It begins with `/`. No segment is empty (but the last, which a `/` may end) or made of dots. It's in visible ASCII, with
/// everything else escaped as UTF-8; nothing is escaped that needn't be, nor what could be taken for a separator when
/// it's unescaped once more. What doesn't hold to that is refused, never repaired.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PlainPath(String);

/// The most bytes of a path.
pub(super) const MAX_PATH: usize = 2048;

/// What stands in a path as it is, besides letters and digits. `;` isn't among it: some servers drop what follows it.
const PLAIN: &[u8] = b"-._~!$&'()*+,=:@";

/// What nothing in a path may become, when unescaped or reduced to its simplest form.
const SEPARATORS: [char; 7] = ['/', '\\', '.', '%', ';', '?', '#'];

impl PlainPath {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// [`NotSent::Invalid`], which says what can't stand in one.
    pub fn parse(text: &str) -> Result<Self, NotSent> {
        let refuse = |why: &str| Err(NotSent::Invalid(format!("the path {why}")));
        if text.len() > MAX_PATH {
            return refuse("has more than 2048 bytes");
        }
        let Some(segments) = text.strip_prefix('/') else {
            return refuse(
                "begins with `/`: it's a whole path on the host, without scheme and host; those are the policy's",
            );
        };
        let mut rest = segments.split('/').peekable();
        while let Some(segment) = rest.next() {
            if segment.is_empty() && rest.peek().is_some() {
                return refuse("has an empty segment: `//` isn't sent");
            }
            if !segment.is_empty() && segment.bytes().all(|byte| byte == b'.') {
                return refuse("has a segment of dots: write where it leads");
            }
            if let Err(why) = check(segment) {
                return refuse(why);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it lies at or below the path that a base ends with: `/v1/charges` is below `https://api.example.com/v1/`.
    #[must_use]
    pub fn is_below(&self, base: &Url) -> bool {
        let base = base.path().strip_suffix('/').unwrap_or(base.path());
        self.0.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Debug for PlainPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Says what's wrong with a segment.
fn check(segment: &str) -> Result<(), &'static str> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => decoded.push(escaped(bytes.next(), bytes.next())?),
            b'?' | b'#' => return Err("ends before `?` and `#`: the query has an argument of its own"),
            b'\\' => return Err("has a backslash"),
            b';' => return Err("has a `;`, which servers read differently"),
            byte if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) => decoded.push(byte),
            byte if byte.is_ascii_control() => return Err("has a control character"),
            byte if byte.is_ascii() => return Err("has a character that must be escaped, as a space is by `%20`"),
            _ => return Err("has characters beyond ASCII: they're written as escaped UTF-8, as `é` is by `%C3%A9`"),
        }
    }
    let decoded = String::from_utf8(decoded).map_err(|_| "has escapes that aren't UTF-8")?;
    let disguised = |c: char| !c.is_ascii() && c.nfkc().any(|c| SEPARATORS.contains(&c));
    if decoded.chars().any(disguised) {
        return Err("has a character that some servers take for a separator");
    }
    // Spaces and the like are a name's business; that it's empty, or of dots, was looked at.
    if !decoded.is_empty() && Name::new(&decoded).is_err() {
        return Err("has characters that can't be seen, or that aren't in Unicode normalization form C");
    }
    Ok(())
}

/// The byte that an escape stands for.
fn escaped(high: Option<u8>, low: Option<u8>) -> Result<u8, &'static str> {
    const BROKEN: &str = "has a `%` that two hexadecimal digits, in capitals, don't follow";
    let digit = |byte: Option<u8>| match byte {
        Some(byte @ b'0'..=b'9') => Ok(byte - b'0'),
        Some(byte @ b'A'..=b'F') => Ok(byte - b'A' + 10),
        _ => Err(BROKEN),
    };
    let byte = (digit(high)? << 4) | digit(low)?;
    match byte {
        b'/' | b'\\' | b'.' | b'%' | b';' => {
            Err("has an escaped `/`, `\\`, `.`, `%` or `;`, which servers read differently")
        }
        byte if byte.is_ascii_control() => Err("has an escaped control character"),
        byte if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) => {
            Err("has a letter, digit, `-`, `_` or `~` escaped: they stand for themselves")
        }
        byte => Ok(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paths_as_they_are() {
        for text in [
            "/",
            "/v1",
            "/v1/",
            "/v1/charges/ch_1~x-y.json",
            "/a%20b",
            "/caf%C3%A9",
            "/~me/@me/a:b,c=d+e!$&'()*",
            "/.well-known/x",
            "/a..b",
            "/..a",
            "/%40scope/x",
            "/a%3Fb",
            "/a%23b",
            "/v1/%E6%97%A5",
        ] {
            assert_eq!(PlainPath::parse(text).unwrap().as_str(), text);
        }
        assert!(PlainPath::parse(&format!("/{}", "a".repeat(2047))).is_ok());
    }

    #[test]
    fn refuses_what_could_mean_something_else() {
        for text in [
            "",
            "v1",
            "?a",
            "#a",
            "//",
            "//evil.example/x",
            "///",
            "/v1//x",
            "/v1//",
            "/.",
            "/..",
            "/...",
            "/v1/.",
            "/v1/./x",
            "/v1/../x",
            "/../../etc",
            "/%2e",
            "/%2E%2E/x",
            "/%2e%2e%2fx",
            "/.%2e/x",
            "/%252e",
            "/%2F",
            "/a%2fb",
            "/a%2Fb",
            "/a%5Cb",
            "/a%5cb",
            "/a\\b",
            "\\\\evil",
            "/\\evil.example",
            "/a%25b",
            "/a%00b",
            "/a%0d%0ab",
            "/a%0D%0AHost:x",
            "/a%7F",
            "/a%1F",
            "/a\0b",
            "/a\r\nHost: x",
            "/a\nb",
            "/a b",
            "/a\tb",
            "/a?b",
            "/a#b",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%c3%a9",
            "/%61dmin",
            "/%41",
            "/%7Eme",
            "/a%2Db",
            "/caf\u{e9}",
            "/a%C0%AFb",
            "/a%FF",
            "/a%E0%80%AF",
            "/a%ED%A0%80",
            "/a;b",
            "/..;/x",
            "/a%3Bb",
            "/a\"b",
            "/a<b>",
            "/a[b]",
            "/a{b}",
            "/a|b",
            "/a^b",
            "/a`b",
            "/a%EF%BC%8Fb",
            "/%EF%BC%8E%EF%BC%8E/x",
            "/%E2%80%A5/x",
            "/a%E2%80%A6",
            "/a%EF%BC%BCb",
            "/a%EF%BC%85b",
            "/a%E2%80%8Bb",
            "/a%E2%80%AEb",
            "/a%C2%85b",
            "/a%EF%BB%BFb",
            "/e%CC%81",
            "/a%E2%84%80b",
            "http://evil.example/",
            "https:/evil",
            "@evil.example/",
            ":80/",
            "*",
        ] {
            let error = PlainPath::parse(text).expect_err(text);
            assert!(matches!(error, NotSent::Invalid(_)), "{text}");
            assert!(!error.to_string().contains("evil"), "{error}");
        }
        assert!(PlainPath::parse(&format!("/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn lies_below_a_base_by_whole_segments() {
        let below = |path: &str, base: &str| PlainPath::parse(path).unwrap().is_below(&Url::parse(base).unwrap());
        assert!(below("/", "https://a.example"));
        assert!(below("/x/y", "https://a.example/"));
        assert!(below("/v1/x", "https://a.example/v1/"));
        assert!(below("/v1/x", "https://a.example/v1"));
        assert!(below("/v1/", "https://a.example/v1/"));
        assert!(!below("/v1", "https://a.example/v1/"));
        assert!(!below("/v10/x", "https://a.example/v1"));
        assert!(!below("/V1/x", "https://a.example/v1/"));
        assert!(!below("/x", "https://a.example/v1/"));
    }

    #[test]
    fn what_is_read_survives_an_address_unchanged() {
        let base = Url::parse("https://a.example/").unwrap();
        for byte in 0x20..0x7f_u8 {
            let text = format!("/x{}y/z", char::from(byte));
            let Ok(path) = PlainPath::parse(&text) else { continue };
            let mut url = base.clone();
            url.set_path(path.as_str());
            assert_eq!(url.path(), path.as_str());
            assert_eq!(url.host_str(), Some("a.example"));
        }
    }
}
