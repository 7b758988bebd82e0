//! Bytes → one message, or why not.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequest, CallToolRequestMethod, CallToolRequestParams, CancelTaskMethod, ClientNotification, ClientRequest,
    CompleteRequestMethod, ConstString, DiscoverRequestMethod, ErrorCode, ErrorData, GetPromptRequestMethod,
    GetSkillRequestMethod, GetTaskMethod, InitializeResultMethod, JsonRpcMessage, ListPromptsRequestMethod,
    ListResourceTemplatesRequestMethod, ListResourcesRequestMethod, ListSkillsRequestMethod, ListToolsRequestMethod,
    MetaObject, PingRequestMethod, ReadResourceDirectoryRequestMethod, ReadResourceRequestMethod, RequestId,
    RequestMetaObject, SetLevelRequestMethod, SubscribeRequestMethod, SubscriptionsListenRequestMethod,
    UnsubscribeRequestMethod, UpdateTaskMethod,
};
use rmcp::service::RxJsonRpcMessage;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::SerializeStruct as _;
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::strict::{Strict, StrictMap};

/// The longest message taken: a value of 64 KiB, each byte of it escaped as `\u00XX`, and room to spare.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;

/// What a message turned out to be.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A request that has to be answered.
    Request(RequestId, ClientRequest),
    /// The client takes a request back.
    Cancelled(RequestId, RxJsonRpcMessage<RoleServer>),
    /// Another notification, or the answer to a request of ours.
    Other(RxJsonRpcMessage<RoleServer>),
    /// Nothing that wants an answer: blank text, an unknown notification, an answer to nobody's question.
    Nothing,
    /// Something that can't be served.
    Refused(Refusal),
}

/// Why a message isn't served. The text is fixed: no answer ever quotes what came in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// The request it answers, where that could be read.
    pub(super) id: Option<RequestId>,
    /// JSON-RPC's code.
    pub(super) code: ErrorCode,
    /// What's wrong.
    pub(super) message: &'static str,
}

impl Refusal {
    /// The refusal of more than [`MAX_MESSAGE`] bytes.
    pub(super) fn too_long() -> Self {
        Self::invalid(None, "the message is longer than 1 MiB")
    }

    /// A refusal of something that isn't a proper request.
    pub(super) fn invalid(id: Option<RequestId>, message: &'static str) -> Self {
        Self { id, code: ErrorCode::INVALID_REQUEST, message }
    }
}

/// As the answer that JSON-RPC has for it: with `id: null` where the crate would leave the key out.
impl serde::Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Refusal", 3)?;
        answer.serialize_field("jsonrpc", "2.0")?;
        answer.serialize_field("id", &self.id)?;
        answer.serialize_field("error", &ErrorData::new(self.code, self.message, None))?;
        answer.end()
    }
}

/// Reads one message of at most [`MAX_MESSAGE`] bytes.
pub(super) fn read(bytes: &[u8]) -> Incoming {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Incoming::Nothing;
    }
    match serde_json::from_slice::<Named<ToolCall>>(bytes) {
        Ok(Named(call)) => call.into_request(),
        Err(_) => read_any(bytes),
    }
}

/// Reads a message of any kind.
fn read_any(bytes: &[u8]) -> Incoming {
    let object = match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(object))) => object,
        Ok(Strict(Value::Array(_))) => return refuse(None, "batches are not part of this protocol"),
        Ok(_) => return refuse(None, "a message is an object"),
        Err(error) if matches!(error.classify(), Category::Data) => {
            return refuse(None, "the message names a key twice or holds too many values");
        }
        Err(_) => {
            let message = "the message is not valid JSON in UTF-8";
            return Incoming::Refused(Refusal { id: None, code: ErrorCode::PARSE_ERROR, message });
        }
    };
    let is_answer = object.contains_key("result") || object.contains_key("error");
    match (object.get("method"), object.get("id")) {
        (None, _) if is_answer => read_unanswerable(object),
        (Some(Value::String(_)), None) if !is_answer => read_unanswerable(object),
        (Some(Value::String(method)), Some(id)) if !is_answer => match read_id(id) {
            Some(id) => {
                let known = is_known(method);
                read_request(object, id, known)
            }
            None => refuse(None, "the id of a request is a whole number or a string"),
        },
        (_, id) => refuse(id.and_then(read_id), "the message is neither a request nor an answer"),
    }
}

/// Reads a request whose method and id are in order.
fn read_request(object: Map<String, Value>, id: RequestId, known: bool) -> Incoming {
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return refuse(Some(id), "the message is not JSON-RPC 2.0");
    }
    let cursor = object.get("params").and_then(|params| params.get("cursor"));
    // The crate's reader of optional parameters takes ones that don't fit for none: page two would be page one.
    let fits = cursor.is_none_or(|cursor| cursor.is_string() || cursor.is_null());
    match serde_json::from_value::<RxJsonRpcMessage<RoleServer>>(Value::Object(object)) {
        // A known method with parameters of the wrong shape comes out as a custom request.
        Ok(JsonRpcMessage::Request(request)) if fits && !matches!(request.request, ClientRequest::CustomRequest(_)) => {
            Incoming::Request(request.id, request.request)
        }
        _ if known => {
            let message = "the parameters do not fit the method";
            Incoming::Refused(Refusal { id: Some(id), code: ErrorCode::INVALID_PARAMS, message })
        }
        _ => {
            let message = "the method is not known";
            Incoming::Refused(Refusal { id: Some(id), code: ErrorCode::METHOD_NOT_FOUND, message })
        }
    }
}

/// Reads a notification or an answer. JSON-RPC never answers these, so what isn't understood is dropped.
fn read_unanswerable(object: Map<String, Value>) -> Incoming {
    let Ok(message) = serde_json::from_value::<RxJsonRpcMessage<RoleServer>>(Value::Object(object)) else {
        return Incoming::Nothing;
    };
    let JsonRpcMessage::Notification(notification) = &message else { return Incoming::Other(message) };
    if matches!(notification.notification, ClientNotification::CustomNotification(_)) {
        return Incoming::Nothing;
    }
    let ClientNotification::CancelledNotification(cancelled) = &notification.notification else {
        return Incoming::Other(message);
    };
    match cancelled.params.request_id.clone() {
        Some(id) => Incoming::Cancelled(id, message),
        None => Incoming::Other(message),
    }
}

fn refuse(id: Option<RequestId>, message: &'static str) -> Incoming {
    Incoming::Refused(Refusal::invalid(id, message))
}

fn read_id(id: &Value) -> Option<RequestId> {
    serde::Deserialize::deserialize(id).ok()
}

/// Whether this is one of the protocol's methods, so that a failure to read it is its parameters' fault.
fn is_known(method: &str) -> bool {
    [
        CallToolRequestMethod::VALUE,
        CancelTaskMethod::VALUE,
        CompleteRequestMethod::VALUE,
        DiscoverRequestMethod::VALUE,
        GetPromptRequestMethod::VALUE,
        GetSkillRequestMethod::VALUE,
        GetTaskMethod::VALUE,
        InitializeResultMethod::VALUE,
        ListPromptsRequestMethod::VALUE,
        ListResourceTemplatesRequestMethod::VALUE,
        ListResourcesRequestMethod::VALUE,
        ListSkillsRequestMethod::VALUE,
        ListToolsRequestMethod::VALUE,
        PingRequestMethod::VALUE,
        ReadResourceDirectoryRequestMethod::VALUE,
        ReadResourceRequestMethod::VALUE,
        SetLevelRequestMethod::VALUE,
        SubscribeRequestMethod::VALUE,
        SubscriptionsListenRequestMethod::VALUE,
        UnsubscribeRequestMethod::VALUE,
        UpdateTaskMethod::VALUE,
    ]
    .contains(&method)
}

/// A `tools/call` as nearly every client writes it.
///
/// It's nearly all the traffic, and reading it this way takes a quarter of the time of finding it among all message
/// kinds. Whatever isn't exactly this shape fails here and is read by [`read_any`], which gives the same message for
/// everything both can read; a test compares the two.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCall {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: Exactly<Version>,
    id: Id,
    #[serde(rename = "method")]
    _method: Exactly<CallToolRequestMethod>,
    params: Named<ToolCallParams>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolCallParams {
    #[serde(rename = "_meta")]
    meta: Option<StrictMap>,
    name: String,
    arguments: Option<StrictMap>,
}

impl ToolCall {
    fn into_request(self) -> Incoming {
        let Named(asked) = self.params;
        let mut params = CallToolRequestParams::new(asked.name);
        params.arguments = asked.arguments.map(|StrictMap(arguments)| arguments);
        let mut request = CallToolRequest::new(params);
        if let Some(StrictMap(meta)) = asked.meta {
            request.extensions.insert(RequestMetaObject(MetaObject(meta)));
        }
        Incoming::Request(self.id.0, ClientRequest::CallToolRequest(request))
    }
}

/// A struct written as an object. Derived readers also take its values alone, in an array.
struct Named<T>(T);

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(access))
            }
        }

        deserializer.deserialize_map(Object(PhantomData)).map(Self)
    }
}

#[derive(Default)]
struct Version;

impl ConstString for Version {
    const VALUE: &str = "2.0";
}

/// One fixed string, read without copying it.
struct Exactly<S>(S);

impl<'de, S: ConstString> serde::Deserialize<'de> for Exactly<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<S>(S);

        impl<S: ConstString> Visitor<'_> for Text<S> {
            type Value = Exactly<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(S::VALUE)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == S::VALUE { Ok(Exactly(self.0)) } else { Err(E::custom("another string")) }
            }
        }

        deserializer.deserialize_str(Text(S::default()))
    }
}

/// A request's id in one of its two plain forms.
struct Id(RequestId);

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = RequestId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a string")
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<Self::Value, E> {
                Ok(RequestId::Number(id))
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<Self::Value, E> {
                i64::try_from(id).map(RequestId::Number).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<Self::Value, E> {
                Ok(RequestId::String(Arc::from(id)))
            }
        }

        deserializer.deserialize_any(NumberOrText).map(Self)
    }
}

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
