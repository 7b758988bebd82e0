//! What the server says back.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// An answer that's complete before its first byte leaves.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Nothing,
    Json(Value),
    Text {
        kind: &'static str,
        text: String,
    },
    Bytes(Vec<u8>),
    /// JSON that goes on and on; its length is told beforehand, or not.
    Padded {
        json: Value,
        bytes: usize,
        declared: bool,
    },
}

/// A request that isn't done.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: u16,
    message: String,
}

/// What came of a request.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A request that's wrong in itself.
pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, message)
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl Answer {
    pub(crate) fn json(value: Value) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Json(value) }
    }

    pub(crate) fn text(kind: &'static str, text: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), content: Content::Text { kind, text: text.into() } }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), content: Content::Nothing }
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Its JSON, for an answer that's to be spoilt.
    pub(crate) fn into_json(self) -> Value {
        match self.content {
            Content::Json(json) | Content::Padded { json, .. } => json,
            Content::Nothing | Content::Text { .. } | Content::Bytes(_) => Value::Null,
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let (kind, body) = match self.content {
            Content::Nothing => (None, Body::empty()),
            Content::Json(json) => (Some("application/json"), Body::from(json.to_string())),
            Content::Text { kind, text } => (Some(kind), Body::from(text)),
            Content::Bytes(bytes) => (Some("application/octet-stream"), Body::from(bytes)),
            Content::Padded { json, bytes, declared } => {
                let mut text = json.to_string().into_bytes();
                text.resize(bytes.max(text.len()), b' ');
                let body = Body::from(text);
                // A stream has no length, so it goes out in chunks.
                let body = if declared { body } else { Body::from_stream(body.into_data_stream()) };
                (Some("application/json"), body)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(kind) = kind {
            response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal { status, message } = refusal;
        Self { status, headers: Vec::new(), content: Content::Json(json!({ "status": status, "message": message })) }
    }
}
