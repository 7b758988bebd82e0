//! What a caller is told of what it doesn't get of an answer, or can't ask for.

use http::header::{CONTENT_TYPE, HeaderMap};

/// The most names that are listed.
const MOST: usize = 16;

/// The most bytes of them.
const LONGEST: usize = 512;

/// Why a body that isn't UTF-8 isn't shown.
pub(super) fn not_text(headers: &HeaderMap) -> &'static str {
    let kinds = headers.get_all(CONTENT_TYPE);
    let charset = |kind: &http::HeaderValue| {
        let kind = kind.to_str().ok()?.to_ascii_lowercase();
        let (_, charset) = kind.split_once("charset=")?;
        let charset = charset.split(';').next()?.trim().trim_matches('"');
        Some(!matches!(charset, "utf-8" | "utf8"))
    };
    if kinds.iter().filter_map(charset).any(|foreign| foreign) {
        "the answer is text in another charset than UTF-8 (see content-type), in which opward can't look for values, so \
         there's no body"
    } else {
        "the answer isn't text, so there's no body"
    }
}

/// That headers are withheld, and which.
pub(super) fn withheld(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("headers withheld: {}", listed(names)))
}

/// Names in a row, no more than can be read.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    let mut row = String::new();
    for (at, name) in names.iter().map(AsRef::as_ref).enumerate() {
        if at == MOST || row.len() + name.len() > LONGEST {
            return format!("{row}{}{} more", if at == 0 { "" } else { " and " }, names.len() - at);
        }
        row.push_str(if at == 0 { "" } else { ", " });
        row.push_str(name);
    }
    row
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_row_of_names_is_bounded() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        let many: Vec<String> = (0..40).map(|n| format!("x-{n}")).collect();
        assert!(listed(&many).ends_with(", x-15 and 24 more"), "{}", listed(&many));
        assert_eq!(listed(&["a".repeat(600)]), "1 more");
        assert_eq!(listed(&["a".to_owned(), "b".repeat(600)]), "a and 1 more");
        assert_eq!(withheld(&[]), None);
    }

    #[test]
    fn another_charset_is_named_as_the_reason() {
        for (kind, because) in [
            ("application/json; charset=ISO-8859-1", true),
            ("text/html; a=b;charset=\"windows-1252\"", true),
            ("text/plain; charset=utf-8", false),
            ("image/png", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(not_text(&headers).contains("charset"), because, "{kind}");
        }
        assert!(!not_text(&HeaderMap::new()).contains("charset"));
    }
}
