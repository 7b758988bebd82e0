//! A tool's answer.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::Serialize;
use serde_json::{Value, json};

use super::server::NotSetUp;
use crate::authz::{Refusal, Settled};
use crate::broker::Done;
use crate::model::{ErrorCode, PublicError};

/// An answer to a call. It's made from the proof that what led to it was recorded, or from the
/// refusal that took its place.
#[derive(Debug)]
pub struct Reply {
    result: Result<Value, PublicError>,
}

impl Reply {
    /// An answer with its proof.
    pub(super) fn new<T: Serialize>(done: Done<T>) -> Self {
        let Done { body, settled } = done;
        Self::recorded(&body, &settled)
    }

    /// An answer made from a broker's, with the broker's proof.
    pub(super) fn recorded<T: Serialize>(body: &T, _proof: &Settled) -> Self {
        let result = serde_json::to_value(body)
            .map_err(|_| PublicError::new(ErrorCode::Internal, "the answer couldn't be written as JSON", ""));
        Self { result }
    }

    /// A refusal.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        Self { result: Err(refusal.into_error()) }
    }

    /// The answer of a server with nothing to guard yet.
    pub(super) fn not_set_up(why: &NotSetUp) -> Self {
        Self { result: Err(why.error().clone()) }
    }

    /// The answer as data.
    ///
    /// # Errors
    ///
    /// What the caller is told instead.
    pub fn into_result(self) -> Result<Value, PublicError> {
        self.result
    }

    /// The answer as the protocol has it: structured, and the same JSON as text.
    #[must_use]
    pub fn into_tool_result(self) -> CallToolResult {
        match self.result {
            Ok(value) => finished(value, CallToolResult::success),
            Err(error) => finished(error_body(&error), CallToolResult::error),
        }
    }
}

fn finished(value: Value, make: fn(Vec<ContentBlock>) -> CallToolResult) -> CallToolResult {
    let mut result = make(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(value);
    result
}

/// An error as tools answer it.
pub(super) fn error_body(error: &PublicError) -> Value {
    let mut body = JsonObject::new();
    body.insert("code".to_owned(), error.code.as_str().into());
    body.insert("message".to_owned(), error.message.as_ref().into());
    body.insert("hint".to_owned(), error.hint.as_ref().into());
    if let Some(seconds) = error.retry_after_s {
        body.insert("retry_after_s".to_owned(), seconds.into());
    }
    if let Some(rule) = &error.rule {
        body.insert("rule".to_owned(), rule.as_str().into());
    }
    json!({ "error": body })
}
