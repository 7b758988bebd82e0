//! Which revision of the protocol a request is of, and whether its head says what its body says.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use rmcp::model::{
    ClientRequest, ConstString, GetMeta, InitializeResultMethod, PingRequestMethod, ProtocolVersion,
    SetLevelRequestMethod, SubscribeRequestMethod, UnsubscribeRequestMethod,
};
use serde_json::Value;

use super::gate::single;
use super::refused::Refused;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Where a request's metadata says its revision, and what its client can do.
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// What a mirrored parameter's header begins with. None of our tools has any.
const PARAMETER: &str = "mcp-param-";

/// The methods that only protocols with sessions have.
const GONE: [&str; 5] = [
    InitializeResultMethod::VALUE,
    PingRequestMethod::VALUE,
    SetLevelRequestMethod::VALUE,
    SubscribeRequestMethod::VALUE,
    UnsubscribeRequestMethod::VALUE,
];

/// Before the revision 2026-07-28 a client opened a session first; since then each request stands for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// With a handshake and a session.
    Legacy,
    /// Without.
    Modern,
}

/// Reads the era from what the head says, and from what the body's metadata says.
///
/// # Errors
///
/// When a header stands there twice.
pub(super) fn era(headers: &HeaderMap, request: Option<&ClientRequest>) -> Result<Era, Refused> {
    let header = once(headers, &VERSION)?;
    if matches!(request, Some(ClientRequest::InitializeRequest(_))) {
        return Ok(Era::Legacy);
    }
    let is_modern = |version: &str| version >= ProtocolVersion::NO_INITIALIZE.as_str();
    let by_head = header.and_then(|version| version.to_str().ok()).is_some_and(is_modern);
    let by_body = || {
        let version = request.and_then(|request| request.get_meta().protocol_version());
        version.is_some_and(|version| is_modern(version.as_str()))
    };
    Ok(if by_head || by_body() || matches!(request, Some(ClientRequest::DiscoverRequest(_))) {
        Era::Modern
    } else {
        Era::Legacy
    })
}

/// Whether a request in a session names no revision, or one that's known. The crate has the words for others.
pub(super) fn names_no_other(headers: &HeaderMap) -> bool {
    let known = |version: &HeaderValue| ProtocolVersion::KNOWN_VERSIONS.iter().any(|known| version == known.as_str());
    single(headers, &VERSION).is_ok_and(|version| version.is_none_or(known))
}

/// The session that a request names.
///
/// # Errors
///
/// When it names two, or something that no session is called.
pub(super) fn session_id(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let Some(id) = single(headers, &SESSION_ID).map_err(|_| Refused::Session)? else { return Ok(None) };
    id.to_str().map(Some).map_err(|_| Refused::Session)
}

/// Whether a modern request says the same in its head as in its body, in the plainest way it can be said. What's said
/// in another way, or isn't, goes to the crate, which knows all ways and words for each mistake.
pub(super) fn agree(headers: &HeaderMap, request: &ClientRequest) -> bool {
    let is = |name: &HeaderName, text: &str| {
        single(headers, name).is_ok_and(|value| value.is_some_and(|value| value.as_bytes() == text.as_bytes()))
    };
    let meta = request.get_meta();
    let version = ProtocolVersion::V_2026_07_28;
    // What's in there is the handler's to read; that it's there is enough to know the way.
    let in_body = meta.get(META_CAPABILITIES).is_some_and(Value::is_object)
        && meta.get(META_VERSION).and_then(Value::as_str) == Some(version.as_str());
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other requests name nothing in their head")]
    let named = match request {
        ClientRequest::CallToolRequest(call) => is(&NAME, &call.params.name),
        ClientRequest::ReadResourceRequest(read) => is(&NAME, &read.params.uri),
        ClientRequest::GetPromptRequest(prompt) => is(&NAME, &prompt.params.name),
        ClientRequest::GetTaskRequest(task) => is(&NAME, &task.params.task_id),
        ClientRequest::UpdateTaskRequest(task) => is(&NAME, &task.params.task_id),
        ClientRequest::CancelTaskRequest(task) => is(&NAME, &task.params.task_id),
        _ => true,
    };
    let mirrored = || headers.keys().any(|name| name.as_str().starts_with(PARAMETER));
    in_body && is(&VERSION, version.as_str()) && is(&METHOD, request.method()) && named && !mirrored()
}

/// Whether the head names a method that went away with sessions: a modern request for one is unknown, whatever its
/// parameters.
pub(super) fn is_gone(headers: &HeaderMap) -> bool {
    let method = single(headers, &METHOD).ok().flatten();
    method.and_then(|method| method.to_str().ok()).is_some_and(|method| GONE.contains(&method))
}

fn once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Refused> {
    single(headers, name).map_err(|_| Refused::Repeated)
}
