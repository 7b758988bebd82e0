//! Tools that answer at once, or say how far they are meanwhile.

// Logging is on its way out of the protocol; the suite still asks for it.
#![expect(deprecated)]

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, LoggingLevel, LoggingMessageNotificationParam,
    ProgressNotificationParam, ResourceContents,
};
use serde_json::json;
use tokio::time::sleep;

use crate::fixtures::{Call, modern};

/// One red pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// Half a millisecond of silence.
const WAV: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQgAAAAAAAAAAAAAAA==";

/// The pause between two messages of one call: the suite wants to see them come one by one.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) fn says(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

pub(crate) fn fails(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(text)]).into()
}

pub(crate) fn image() -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::image(PNG, "image/png")]).into()
}

pub(crate) fn audio() -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::audio(WAV, "audio/wav")]).into()
}

pub(crate) fn embedded() -> CallToolResponse {
    let resource = ResourceContents::text("This is an embedded resource content.", "test://embedded-resource");
    CallToolResult::success(vec![ContentBlock::resource(resource.with_mime_type("text/plain"))]).into()
}

pub(crate) fn mixed() -> CallToolResponse {
    let text = json!({ "test": "data", "value": 123 }).to_string();
    let resource = ResourceContents::text(text, "test://mixed-content-resource");
    CallToolResult::success(vec![
        ContentBlock::text("Multiple content types test:"),
        ContentBlock::image(PNG, "image/png"),
        ContentBlock::resource(resource.with_mime_type("application/json")),
    ])
    .into()
}

/// Sends three log messages, to a client that wants them: one with a session does, another says so in its request.
pub(crate) async fn logs(call: Call) -> Result<CallToolResponse, ErrorData> {
    let wanted = !modern(&call.context) || call.context.meta.log_level().is_some_and(covers);
    for (step, text) in
        ["Tool execution started", "Tool processing data", "Tool execution completed"].iter().enumerate()
    {
        if step > 0 {
            sleep(PAUSE).await;
        }
        if wanted {
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
            // A client that's gone ends the call.
            let _ = call.context.peer.notify_logging_message(message).await;
        }
    }
    Ok(says("logged"))
}

/// Whether a client that wants messages from this level on wants one at `info`.
fn covers(least: LoggingLevel) -> bool {
    matches!(least, LoggingLevel::Debug | LoggingLevel::Info)
}

pub(crate) async fn progresses(call: Call) -> Result<CallToolResponse, ErrorData> {
    let token = call.context.meta.get_progress_token();
    for done in [0.0, 50.0, 100.0] {
        if done > 0.0 {
            sleep(PAUSE).await;
        }
        if let Some(token) = token.clone() {
            let progress = ProgressNotificationParam::new(token, done).with_total(100.0);
            let _ = call.context.peer.notify_progress(progress).await;
        }
    }
    Ok(says("done"))
}

/// Answers late enough for a client to lose the connection and come back for the answer.
pub(crate) async fn late() -> Result<CallToolResponse, ErrorData> {
    sleep(2 * PAUSE).await;
    Ok(says("Reconnection test completed"))
}
