//! What's refused before any tool is asked, and what whoever sent it is told.

use http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use rmcp::model::ErrorCode as RpcCode;
use serde_json::json;

use super::answer::{self, Body};
use super::bearer::Lacking;
use super::quota::Quota;
use crate::model::ErrorCode;

/// Why a request isn't served. Nothing of what it brought is ever quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// There's no `Host`, or more than one.
    HostMissing,
    /// It's for another host.
    Host,
    /// It's from a page that isn't listed.
    Origin,
    /// There's nothing at this path.
    Path,
    /// Something stands after `?`.
    Query,
    /// A header of the protocol stands there twice.
    Repeated,
    /// Another method is needed here.
    Method(&'static str),
    /// The body isn't said to be JSON.
    ContentType,
    /// The body is said to be compressed.
    ContentEncoding,
    /// The answer's type isn't welcome.
    Accept,
    /// A trusted proxy's `X-Forwarded-For` can't be read.
    Forwarded,
    /// It didn't come by a trusted proxy, and had to.
    NotByProxy,
    /// `X-Vault-ID` names no vault.
    VaultId,
    /// There's no bearer token, or one that isn't good enough.
    Token(Lacking),
    /// The keys that tokens are checked with can't be had.
    KeysUnavailable,
    /// More requests than the principal may send.
    Quota(Quota),
    /// The body is too big.
    TooLarge,
    /// The body comes too slowly.
    TooSlow,
    /// The body ended early.
    Broken,
    /// The session isn't there, or isn't this principal's.
    Session,
    /// No more sessions can be opened.
    SessionsFull,
    /// It took too long.
    Deadline,
}

impl Refused {
    /// The answer's status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::HostMissing | Self::Query | Self::Repeated | Self::Forwarded | Self::VaultId | Self::Broken => {
                StatusCode::BAD_REQUEST
            }
            Self::Host | Self::Origin | Self::NotByProxy | Self::Token(Lacking::Scope) => StatusCode::FORBIDDEN,
            Self::Path | Self::Session => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Accept => StatusCode::NOT_ACCEPTABLE,
            Self::Token(Lacking::Token | Lacking::ValidToken) => StatusCode::UNAUTHORIZED,
            Self::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::KeysUnavailable | Self::SessionsFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::Deadline => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Which of the closed set of codes.
    fn code(&self) -> ErrorCode {
        match self {
            Self::Token(Lacking::Token | Lacking::ValidToken) | Self::KeysUnavailable => ErrorCode::Unauthenticated,
            Self::Host | Self::Origin | Self::NotByProxy | Self::Token(Lacking::Scope) => ErrorCode::Denied,
            Self::Path | Self::Session => ErrorCode::NotFound,
            Self::Quota(_) | Self::SessionsFull => ErrorCode::RateLimited,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Deadline => ErrorCode::SourceUnavailable,
            Self::HostMissing
            | Self::Query
            | Self::Repeated
            | Self::Method(_)
            | Self::ContentType
            | Self::ContentEncoding
            | Self::Accept
            | Self::Forwarded
            | Self::VaultId
            | Self::TooSlow
            | Self::Broken => ErrorCode::Invalid,
        }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::HostMissing => ("a request names its host once", ""),
            Self::Host => {
                ("this server doesn't answer to that host", "its owner can list the name in `[http] allowed_hosts`")
            }
            Self::Origin => ("pages of that origin may not ask", "its owner can list it in `[http] allowed_origins`"),
            Self::Path => {
                ("there's nothing here", "the server's address ends with the path its owner gave, such as /mcp")
            }
            Self::Repeated => ("a header of the protocol is there twice", ""),
            Self::Query => ("nothing may stand after `?`", "a token goes into the Authorization header"),
            Self::Method(_) => ("this method isn't used here", "see Allow"),
            Self::ContentType => ("the body must be application/json", ""),
            Self::ContentEncoding => ("a body may not be compressed", ""),
            Self::Accept => ("no type that's accepted can be given", "accept application/json and text/event-stream"),
            Self::Forwarded => {
                ("the proxy's X-Forwarded-For can't be read", "this is for the owner of the proxy to mend")
            }
            Self::NotByProxy => {
                ("this server is reached through its proxy only", "use the address that the server's owner gave")
            }
            Self::VaultId => ("X-Vault-ID doesn't name a vault", "write a vault's name or id, as list_vaults shows it"),
            Self::Token(Lacking::Token | Lacking::ValidToken) => {
                ("a valid bearer token is needed", "send Authorization: Bearer TOKEN; the server's owner gives tokens")
            }
            Self::Token(Lacking::Scope) => {
                ("the token lacks a scope", "ask for a token with the scopes that WWW-Authenticate names")
            }
            Self::KeysUnavailable => ("the keys that tokens are checked with can't be had now", "try again later"),
            Self::Quota(Quota::Rate { .. }) => ("too many requests", "wait as long as Retry-After says"),
            Self::Quota(Quota::Concurrency) => ("too many requests at a time", "wait for one that's under way"),
            Self::TooLarge => ("the body is larger than 1 MiB", ""),
            Self::TooSlow => ("the body came too slowly", ""),
            Self::Broken => ("the body ended early", ""),
            Self::Session => ("there's no such session", "open one with initialize"),
            Self::SessionsFull => ("no more sessions can be opened now", "end one with DELETE, or try again later"),
            Self::Deadline => {
                ("it took too long", "what was begun to be changed may still be finished; look before trying again")
            }
        }
    }

    /// After how many seconds trying again makes sense.
    #[expect(clippy::wildcard_enum_match_arm, reason = "of the others, none ends by waiting")]
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Quota(quota) => Some(quota.retry_after_s()),
            Self::KeysUnavailable => Some(10),
            Self::SessionsFull => Some(60),
            _ => None,
        }
    }

    /// The answer: an error of JSON-RPC that belongs to no request, with the tools' error in it.
    pub(super) fn answer(&self) -> Response<Body> {
        let (message, hint) = self.words();
        let mut error = json!({ "code": self.code().as_str(), "message": message, "hint": hint });
        let retry_after = self.retry_after();
        if let (Some(seconds), Some(error)) = (retry_after, error.as_object_mut()) {
            error.insert("retry_after_s".to_owned(), seconds.into());
        }
        let body = json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": { "code": RpcCode::INVALID_REQUEST.0, "message": message, "data": { "error": error } },
        });
        let mut response = answer::json(self.status(), body.to_string());
        let headers = response.headers_mut();
        if let Self::Method(allowed) = self {
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
