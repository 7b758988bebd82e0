//! What a browser must be told before it lets a listed page's scripts read an answer.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue, ORIGIN, VARY,
};

const METHODS: &str = "GET, POST, DELETE";

/// What the protocol and this server read.
const READ: &str = "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, \
last-event-id, x-vault-id, traceparent, tracestate";

/// What the protocol and this server say.
const SAID: &str = "mcp-session-id, www-authenticate, retry-after, x-request-id";

/// How long a browser may remember this, in seconds.
const REMEMBERED: &str = "600";

/// Lets the scripts of a page read the answer. Only origins that the gate has let pass come here.
pub(super) fn allow(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(READ));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SAID));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    headers.insert(VARY, HeaderValue::from(ORIGIN));
}
