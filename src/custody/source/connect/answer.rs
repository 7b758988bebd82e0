//! What an answer means. The one place that reads the server's words, and they end here.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::health::ConnectVersion;
use super::retry_after::retry_after;
use crate::custody::source::onepassword::failure::Failure;

/// A status with what came along.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The server's version, which Connect says with each answer.
    pub(super) version: Option<ConnectVersion>,
    /// The answer itself if it's a success, else empty.
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Why it's no success.
    pub(super) refusal: Option<Refusal>,
}

/// An answer that's no success, in our own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    what: What,
    retry_after: Option<Duration>,
}

/// What a refusal comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The token isn't known.
    Token,
    /// Something in front of Connect wants a login of its own.
    Login,
    /// The token's rights don't cover it.
    Rights,
    /// Something in front of Connect refuses.
    Barred,
    Missing,
    Conflict,
    TooLarge,
    TooMany,
    /// The item isn't as it should be; says why.
    Rejected(&'static str),
    Redirect,
    /// Not an address of Connect's.
    Elsewhere,
    /// Connect isn't in sync with 1Password.
    NotSynced,
    /// Something in front of Connect can't reach it.
    Gateway,
    /// It doesn't take the change of a part; the whole may do.
    NotInPart,
    Other,
}

/// An error as Connect says it.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// What to do where the address or what stands there is in doubt.
pub(super) const CHECK_ADDRESS: &str = "ask the owner to check that the source's `url` is the Connect server's address and that nothing in front of it answers in its place";

/// What to do where the server itself is in doubt.
pub(super) const CHECK_SERVER: &str =
    "ask the owner to check that the Connect server is running; `opward doctor` shows what it says of itself";

/// What to do where the token is.
const CHECK_TOKEN: &str = "ask the owner to give the source a valid Connect token: this one is mistyped, expired, revoked or another server's";

/// What to do where trying again may do.
pub(super) const TRY_AGAIN: &str = "try again in a moment; if it stays so, ask the owner to look at the Connect server";

impl Refusal {
    /// Reads an answer that's no success; `body` is empty if it couldn't be had.
    pub(super) fn of(method: &Method, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let words = serde_json::from_slice::<ErrorBody<'_>>(body).ok();
        // Proxies answer in HTML, or not at all, and don't know Connect's version.
        let by_connect = words.is_some() || headers.contains_key(ConnectVersion::HEADER);
        let message = words.map(|body| body.message.to_ascii_lowercase()).unwrap_or_default();
        let what = What::of(method, status, by_connect, &message);
        let retry_after = (what == What::TooMany).then(|| retry_after(headers)).flatten();
        Self { status: status.as_u16(), what, retry_after }
    }

    /// Whether servers are known to refuse like this and mean nothing by it.
    pub(super) fn may_be_spurious(&self) -> Option<Spurious> {
        match (self.what, self.status) {
            (What::Rights, 403) => Some(Spurious::Rights),
            (What::Token, _) => Some(Spurious::Token),
            _ => None,
        }
    }

    /// The failure it is.
    pub(super) fn into_failure(self) -> Failure {
        let status = self.status;
        let unclear = |what: &str, remedy| Failure::Unclear { detail: format!("{what} (status {status})"), remedy };
        match self.what {
            What::Token => Failure::Unreachable {
                detail: format!("the Connect server doesn't know the token (status {status})"),
                remedy: CHECK_TOKEN,
            },
            What::Login => Failure::Unreachable {
                detail: format!("something in front of the Connect server wants another login (status {status})"),
                remedy: CHECK_ADDRESS,
            },
            What::Rights => {
                Failure::Forbidden { detail: format!("the Connect token's rights don't cover it (status {status})") }
            }
            What::Barred => Failure::Forbidden {
                detail: format!("something in front of the Connect server refuses (status {status})"),
            },
            What::Missing => Failure::Missing,
            What::Conflict => Failure::Conflict,
            What::TooLarge => Failure::TooLarge,
            What::TooMany => Failure::RateLimited { retry_after: self.retry_after },
            What::Rejected(detail) => Failure::Rejected { detail },
            What::Redirect => unclear("it redirects to another address, and the token isn't sent along", CHECK_ADDRESS),
            What::Elsewhere => unclear("what answers doesn't seem to be a Connect server", CHECK_ADDRESS),
            What::NotSynced => unclear(
                "the Connect server isn't in sync with 1Password",
                "ask the owner to look at the log of the Connect server's sync container",
            ),
            What::Gateway => unclear("a proxy can't reach the Connect server", CHECK_SERVER),
            What::NotInPart => Failure::Unsupported("the Connect server changes items only as a whole"),
            What::Other => unclear("the Connect server failed", TRY_AGAIN),
        }
    }
}

/// A refusal that may be the server's own mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spurious {
    /// As if rights were missing.
    Rights,
    /// As if the token were unknown.
    Token,
}

impl What {
    fn of(method: &Method, status: StatusCode, by_connect: bool, message: &str) -> Self {
        let says = |words: &str| message.contains(words);
        let changes = !matches!(*method, Method::GET);
        match status.as_u16() {
            300..=399 => Self::Redirect,
            // Newer servers say 403 for missing rights, older ones 401.
            401 if says("token does not have") => Self::Rights,
            401 if by_connect => Self::Token,
            401 | 407 => Self::Login,
            403 if by_connect => Self::Rights,
            403 => Self::Barred,
            // Nothing of 1Password's own changes items in part, so a server may well not.
            400 | 405 | 501 if *method == Method::PATCH => Self::NotInPart,
            // Only ids of the right shape are sent: the server knows better which exist.
            400 if says("invalid vault uuid") || says("invalid item uuid") => Self::Missing,
            400 if changes && by_connect => Self::Rejected(Self::wrong_with(message)),
            404 if by_connect => Self::Missing,
            400 | 404 | 405 | 410 => Self::Elsewhere,
            409 => Self::Conflict,
            413 if changes => Self::TooLarge,
            429 => Self::TooMany,
            // A write that got in the way of this one.
            500 if *method == Method::DELETE && says("something went wrong") => Self::Conflict,
            500 if says("failed to initiate") => Self::NotSynced,
            502..=504 => Self::Gateway,
            _ => Self::Other,
        }
    }

    fn wrong_with(message: &str) -> &'static str {
        if message.contains("unsupported field type") {
            "1Password Connect doesn't take a field of such a type; nothing was written"
        } else if message.contains("invalid item category") {
            "1Password Connect can't make items of this category; nothing was written"
        } else {
            "1Password Connect refuses the item as it is; nothing was written"
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{DATE, HeaderValue, RETRY_AFTER};

    use super::*;

    const HTML: &str = "<html><body>k4n4ry</body></html>";

    fn failure(method: &Method, status: u16, message: &str) -> Failure {
        let body = serde_json::json!({"status": status, "message": format!("{message} k4n4ry")}).to_string();
        raw(method, status, &HeaderMap::new(), &body)
    }

    fn raw(method: &Method, status: u16, headers: &HeaderMap, body: &str) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        let failure = Refusal::of(method, status, headers, body.as_bytes()).into_failure();
        assert!(!format!("{failure} {failure:?}").contains("k4n4ry"), "{failure:?}");
        failure
    }

    #[test]
    fn missing_rights_are_told_from_a_wrong_token() {
        for (status, message) in [
            (401, "Unauthorized Request, token does not have write access to the Vault"),
            (401, "Authorization: token does not have permission to perform create on vault x"),
            (403, "Authorization: token does not have access to vault x"),
            (403, "vault x is not in scope"),
            (403, ""),
        ] {
            for method in [Method::GET, Method::PUT] {
                assert!(matches!(failure(&method, status, message), Failure::Forbidden { .. }), "{status} {message}");
            }
        }
        for message in ["Invalid bearer token", "Invalid token signature", ""] {
            let failure = failure(&Method::GET, 401, message);
            assert!(matches!(failure, Failure::Unreachable { remedy: CHECK_TOKEN, .. }), "{failure:?}");
        }
    }

    #[test]
    fn only_connect_itself_can_say_that_something_is_missing() {
        let none = HeaderMap::new();
        assert_eq!(failure(&Method::GET, 404, "item x not found"), Failure::Missing);
        let elsewhere = raw(&Method::GET, 404, &none, HTML);
        assert!(matches!(elsewhere, Failure::Unclear { remedy: CHECK_ADDRESS, .. }), "{elsewhere:?}");
        assert!(matches!(raw(&Method::DELETE, 404, &none, ""), Failure::Unclear { .. }));
        let versioned =
            HeaderMap::from_iter([(ConnectVersion::HEADER.parse().unwrap(), HeaderValue::from_static("1.8.1"))]);
        assert_eq!(raw(&Method::GET, 404, &versioned, ""), Failure::Missing);
        assert!(matches!(raw(&Method::GET, 401, &none, HTML), Failure::Unreachable { remedy: CHECK_ADDRESS, .. }));
    }

    #[test]
    fn an_item_that_cannot_be_kept_says_why_in_fixed_words() {
        for (message, says) in [
            ("details.sections[1].fields[0] has unsupported field type: totp", "type"),
            ("Invalid item category", "category"),
            ("anything", "as it is"),
        ] {
            let Failure::Rejected { detail } = failure(&Method::POST, 400, message) else { panic!("{message}") };
            assert!(detail.contains(says), "{detail}");
        }
        assert_eq!(failure(&Method::PUT, 400, "Invalid Item UUID"), Failure::Missing);
        assert!(matches!(failure(&Method::GET, 400, "anything"), Failure::Unclear { .. }));
        // What a web server says to plain HTTP at its HTTPS port.
        assert!(matches!(raw(&Method::POST, 400, &HeaderMap::new(), HTML), Failure::Unclear { .. }));
    }

    #[test]
    fn conflicts_and_sizes_are_known_by_status_and_method() {
        assert_eq!(failure(&Method::PUT, 409, ""), Failure::Conflict);
        assert_eq!(failure(&Method::DELETE, 500, "Something went wrong"), Failure::Conflict);
        assert!(matches!(failure(&Method::PUT, 500, "Something went wrong"), Failure::Unclear { .. }));
        assert_eq!(failure(&Method::PUT, 413, ""), Failure::TooLarge);
        assert!(matches!(failure(&Method::GET, 413, ""), Failure::Unclear { .. }));
    }

    #[test]
    fn too_many_requests_come_with_the_time_to_wait() {
        let headers = HeaderMap::from_iter([
            (RETRY_AFTER, HeaderValue::from_static("Wed, 21 Oct 2015 07:29:30 GMT")),
            (DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT")),
        ]);
        let wait = |headers| raw(&Method::GET, 429, headers, HTML);
        assert_eq!(wait(&headers), Failure::RateLimited { retry_after: Some(Duration::from_secs(90)) });
        assert_eq!(wait(&HeaderMap::new()), Failure::RateLimited { retry_after: None });
    }

    #[test]
    fn a_server_may_take_only_whole_items() {
        for status in [400, 405, 501] {
            assert!(matches!(failure(&Method::PATCH, status, ""), Failure::Unsupported(_)), "{status}");
        }
        assert_eq!(failure(&Method::PATCH, 404, ""), Failure::Missing);
    }

    #[test]
    fn what_is_not_known_is_unclear_and_says_where_to_look() {
        let remedy = |method: &Method, status, message: &str| {
            let failure = failure(method, status, message);
            let Failure::Unclear { remedy, .. } = failure else { panic!("{status}: {failure:?}") };
            remedy
        };
        assert!(remedy(&Method::GET, 500, "failed to initiate, review service logs for details").contains("sync"));
        assert_eq!(remedy(&Method::POST, 502, ""), CHECK_SERVER);
        assert_eq!(remedy(&Method::GET, 307, ""), CHECK_ADDRESS);
        assert_eq!(remedy(&Method::PUT, 405, ""), CHECK_ADDRESS);
        for status in [402, 418, 422, 500, 501, 505, 599] {
            assert_eq!(remedy(&Method::PUT, status, ""), TRY_AGAIN);
        }
    }
}
