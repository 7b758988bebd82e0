//! A request's bearer token, and what's said to who has none.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use zeroize::Zeroizing;

use super::gate::single;

/// The longest token that's looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// Takes the token out of a request's headers, so that nobody further on sees it. `None` where there isn't exactly one
/// of the right form.
pub(super) fn take(headers: &mut HeaderMap) -> Option<Zeroizing<String>> {
    let token = single(headers, &AUTHORIZATION).ok().flatten().and_then(read);
    headers.remove(AUTHORIZATION);
    token
}

fn read(value: &HeaderValue) -> Option<Zeroizing<String>> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    let fits = !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(allowed);
    (scheme.eq_ignore_ascii_case("bearer") && fits).then(|| Zeroizing::new(token.to_owned()))
}

/// Why a challenge is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// There was no token.
    Token,
    /// There was one that isn't valid.
    ValidToken,
    /// The token lacks a scope.
    Scope,
}

/// The challenge of RFC 6750, with RFC 9728's pointer to where tokens come from.
pub(super) fn challenge(lacking: Lacking, metadata: Option<&str>, scopes: &str) -> Option<HeaderValue> {
    let mut text = String::from("Bearer realm=\"opward\"");
    match lacking {
        Lacking::Token => {}
        Lacking::ValidToken => text.push_str(", error=\"invalid_token\""),
        Lacking::Scope => text.push_str(", error=\"insufficient_scope\""),
    }
    if !scopes.is_empty() {
        text.push_str(", scope=\"");
        text.push_str(scopes);
        text.push('"');
    }
    if let Some(metadata) = metadata {
        text.push_str(", resource_metadata=\"");
        text.push_str(metadata);
        text.push('"');
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        let token = take(&mut headers).map(|token| token.to_string());
        assert!(!headers.contains_key(AUTHORIZATION));
        token
    }

    #[test]
    fn a_token_stands_once_after_its_scheme() {
        assert_eq!(taken(&["Bearer abc.d-e_f~+/="]).as_deref(), Some("abc.d-e_f~+/="));
        assert_eq!(taken(&["bEARER  abc"]).as_deref(), Some("abc"));
        for bad in [&["Bearer"][..], &["Bearer "], &["Basic abc"], &["Bearer a b"], &["Bearer a,b"], &["Bearer abc "]] {
            assert_eq!(taken(bad), None, "{bad:?}");
        }
        assert_eq!(taken(&["Bearer abc", "Bearer abc"]), None);
        assert_eq!(taken(&[]), None);
    }

    #[test]
    fn a_challenge_says_what_is_needed_and_where_it_comes_from() {
        let text =
            |lacking, metadata, scopes| challenge(lacking, metadata, scopes).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(Lacking::Token, None, ""), r#"Bearer realm="opward""#);
        assert_eq!(
            text(Lacking::ValidToken, Some("https://v/.well-known/oauth-protected-resource/mcp"), "opward"),
            r#"Bearer realm="opward", error="invalid_token", scope="opward", resource_metadata="https://v/.well-known/oauth-protected-resource/mcp""#
        );
        assert!(text(Lacking::Scope, None, "a b").contains(r#"error="insufficient_scope", scope="a b""#));
    }
}
