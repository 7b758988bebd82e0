//! What a header does to a request, by its name: who may set it, and whether a value may go into it.

use http::HeaderName;

/// What a header does to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderRole {
    /// It frames the message, concerns one connection alone, says where a request came from, or asks for a part of an
    /// answer, in which a value could be cut in two.
    Frames,
    /// Some servers take the method, the host or the path from it.
    Steers,
    /// It says as whom a request is made, or proves it.
    Authorizes,
    /// It says what the body is.
    Describes,
    /// Anything else.
    Tells,
}

const FRAMES: [&str; 27] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "expect",
    "via",
    "forwarded",
    "max-forwards",
    "accept-encoding",
    "alt-used",
    "early-data",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "range",
    "if-range",
    "request-range",
    "x-range",
    "x-ms-range",
];

const FRAMES_FAMILIES: [&str; 3] = ["proxy-", "x-forwarded-", "x-envoy-"];

const STEERS: [&str; 16] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-method",
    "x-original-method",
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-rewrite-url",
    "x-rewrite-uri",
    "x-override-url",
    "x-host",
    "x-http-host-override",
    "x-http-destinationurl",
    "x-proxy-url",
    "destination",
];

const AUTHORIZES: [&str; 19] = [
    "authorization",
    "cookie",
    "cookie2",
    "api-key",
    "apikey",
    "token",
    "auth",
    "dpop",
    "sudo",
    "as-user",
    "x-as-user",
    "on-behalf-of",
    "x-on-behalf-of",
    "mscrmcallerid",
    "callerobjectid",
    "client-cert",
    "x-client-cert",
    "x-impersonate",
    "x-goog-iap-jwt-assertion",
];

/// Beginnings of the names by which gateways tell a server whom they let in, and callers whom they stand for.
const AUTHORIZES_FAMILIES: [&str; 16] = [
    "impersonate-",
    "x-impersonate-",
    "remote-",
    "x-remote-",
    "x-webauth-",
    "x-authenticated-",
    "x-auth-request-",
    "x-goog-authenticated-user-",
    "x-goog-iam-",
    "x-amzn-oidc-",
    "x-ms-client-principal",
    "x-ms-token-",
    "cf-access-",
    "tailscale-user-",
    "x-consumer-",
    "x-ssl-client-",
];

/// Ends of the names of credentials.
const AUTHORIZES_ENDS: [&str; 13] = [
    "api-key",
    "apikey",
    "-application-key",
    "-access-key",
    "-auth-key",
    "-subscription-key",
    "-token",
    "-auth",
    "-authorization",
    "-secret",
    "-password",
    "-credential",
    "-jwt",
];

const DESCRIBES: [&str; 2] = ["content-type", "content-encoding"];

impl HeaderRole {
    /// The role of a header.
    #[must_use]
    pub fn of(name: &HeaderName) -> Self {
        let meant = one_spelling(name.as_str());
        let name = meant.as_str();
        let begins = |families: &[&str]| families.iter().any(|family| name.starts_with(family));
        if FRAMES.contains(&name) || begins(&FRAMES_FAMILIES) {
            Self::Frames
        } else if STEERS.contains(&name) {
            Self::Steers
        } else if AUTHORIZES.contains(&name)
            || begins(&AUTHORIZES_FAMILIES)
            || AUTHORIZES_ENDS.iter().any(|end| name.ends_with(end))
        {
            Self::Authorizes
        } else if DESCRIBES.contains(&name) {
            Self::Describes
        } else {
            Self::Tells
        }
    }

    /// Whether a value may go into it: it would change nothing about where the request and its parts end.
    #[must_use]
    pub const fn may_hold_a_value(self) -> bool {
        matches!(self, Self::Authorizes | Self::Tells)
    }
}

/// What a server may take for one name: some hand headers on as variables, in which case doesn't count and `-` is `_`.
pub(crate) fn one_spelling(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> HeaderRole {
        HeaderRole::of(&HeaderName::from_bytes(name.as_bytes()).unwrap())
    }

    #[test]
    fn whatever_a_request_needs_and_whom_it_stands_for_are_told_apart() {
        for (expected, names) in [
            (
                HeaderRole::Tells,
                &[
                    "Accept",
                    "Accept-Language",
                    "Idempotency-Key",
                    "If-Match",
                    "If-None-Match",
                    "Prefer",
                    "Stripe-Version",
                    "Stripe-Account",
                    "X-GitHub-Api-Version",
                    "X-Request-Id",
                    "X-Auth-Email",
                    "User-Agent",
                    "Content-Range",
                    "Content-Language",
                ][..],
            ),
            (HeaderRole::Describes, &["Content-Type", "content_encoding"]),
            (
                HeaderRole::Frames,
                &[
                    "Host",
                    "Content_Length",
                    "Range",
                    "If-Range",
                    "request_range",
                    "X-Forwarded-Access-Token",
                    "Proxy-Authorization",
                ],
            ),
            (HeaderRole::Steers, &["X_HTTP_Method_Override", "Destination"]),
            (
                HeaderRole::Authorizes,
                &[
                    "Authorization",
                    "Cookie",
                    "X-Api-Key",
                    "x_api_key",
                    "Api-Key",
                    "ApiKey",
                    "X-RapidAPI-Key",
                    "DD-APPLICATION-KEY",
                    "Private-Token",
                    "Job-Token",
                    "X-Vault-Token",
                    "X-Amz-Security-Token",
                    "X-Custom-Auth",
                    "X-Authorization",
                    "CF-Access-Client-Secret",
                    "Impersonate-User",
                    "Impersonate-Extra-Scopes",
                    "Sudo",
                    "X-Remote-User",
                    "X_Remote_Group",
                    "Remote-User",
                    "X-WEBAUTH-USER",
                    "X-Goog-IAM-Authority-Selector",
                ],
            ),
        ] {
            for name in names {
                assert_eq!(role(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn no_value_goes_where_it_would_frame_or_steer_a_request() {
        for name in ["Authorization", "Cookie", "X-Api-Key", "Private-Token", "X-Anything"] {
            assert!(role(name).may_hold_a_value(), "{name}");
        }
        let never = ["content-type", "content-encoding", "x-forwarded-access-token", "proxy-authorization"];
        for name in FRAMES.iter().chain(&STEERS).chain(&never) {
            assert!(!role(name).may_hold_a_value(), "{name}");
        }
    }
}
