//! Which tools there are, and what each one does.

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, JsonObject, Tool};
use serde_json::Value;

use crate::changes::Change;
use crate::content::{self, fails, says};
use crate::fixtures::Call;
use crate::{asking, jobs, rounds, schemas};

/// The tools that tell the client more than their result: how far they are, or a question.
const TALKATIVE: [&str; 9] = [
    "test_tool_with_logging",
    "test_logging_tool",
    "test_tool_with_progress",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
];

/// Whether all that a call of this tool tells the client is its result.
pub(crate) fn answers_once(name: &str) -> bool {
    // A client can only come back for an answer that's a stream; and only the crate compares arguments with headers.
    !TALKATIVE.contains(&name) && !["test_reconnection", "test_header_parameter"].contains(&name)
}

pub(crate) fn all() -> Vec<Tool> {
    let tool = |name: &'static str, what: &'static str, schema: Value| {
        let schema: JsonObject = schema.as_object().cloned().unwrap_or_default();
        Tool::new(name, what, schema)
    };
    let plain = |name: &'static str, what: &'static str| tool(name, what, schemas::nothing());
    vec![
        plain("test_simple_text", "Says something"),
        plain("test_image_content", "Shows an image"),
        plain("test_audio_content", "Plays something"),
        plain("test_embedded_resource", "Shows a resource"),
        plain("test_multiple_content_types", "Shows several things"),
        plain("test_error_handling", "Fails"),
        tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", schemas::of_2020_12()),
        tool("test_header_parameter", "Takes an argument that's in a header, too", schemas::in_header()),
        plain("test_tool_with_logging", "Logs what it does"),
        plain("test_logging_tool", "Logs what it does, to who wants that"),
        plain("test_tool_with_progress", "Says how far it is"),
        plain("test_reconnection", "Answers late"),
        tool("test_sampling", "Asks the client's model", schemas::text("prompt", "What to ask")),
        tool("test_elicitation", "Asks the user", schemas::text("message", "What to ask")),
        plain("test_elicitation_sep1034_defaults", "Asks the user, with defaults"),
        plain("test_elicitation_sep1330_enums", "Asks the user to choose"),
        plain("test_missing_capability", "Needs sampling"),
        plain("test_streaming_elicitation", "Asks in a round"),
        plain("test_input_required_result_elicitation", "Asks for a name"),
        plain("test_input_required_result_sampling", "Asks the client's model"),
        plain("test_input_required_result_list_roots", "Asks for the roots"),
        plain("test_input_required_result_request_state", "Has the client carry a state"),
        plain("test_input_required_result_tampered_state", "Notices a changed state"),
        plain("test_input_required_result_multiple_inputs", "Asks for several things"),
        plain("test_input_required_result_multi_round", "Asks twice"),
        plain("test_input_required_result_capabilities", "Asks what can be asked"),
        plain("test_trigger_tool_change", "Says that the list of tools has changed"),
        plain("test_trigger_prompt_change", "Says that the list of prompts has changed"),
        tool("greet", "Greets", schemas::text("name", "Whom")),
        tool("slow_compute", "Takes its time", schemas::seconds()),
        plain("failing_job", "Fails as a task"),
        plain("protocol_error_job", "Breaks as a task"),
        tool("confirm_delete", "Asks before it goes on", schemas::text("filename", "What to delete")),
        plain("multi_input", "Asks two things at once"),
        plain("test_tool_with_task", "Asks, then becomes a task"),
    ]
}

pub(crate) async fn call(call: Call) -> Result<CallToolResponse, ErrorData> {
    match &*call.request.name {
        "test_simple_text" => Ok(says("This is a simple text response for testing.")),
        "test_image_content" => Ok(content::image()),
        "test_audio_content" => Ok(content::audio()),
        "test_embedded_resource" => Ok(content::embedded()),
        "test_multiple_content_types" => Ok(content::mixed()),
        "test_error_handling" => Ok(fails("This tool intentionally returns an error for testing")),
        "json_schema_2020_12_tool" | "test_header_parameter" => Ok(says("taken")),
        "test_tool_with_logging" | "test_logging_tool" => content::logs(call).await,
        "test_tool_with_progress" => content::progresses(call).await,
        "test_reconnection" => content::late().await,
        "test_sampling" => asking::samples(call).await,
        "test_elicitation" => asking::elicits(call).await,
        "test_elicitation_sep1034_defaults" => asking::elicits_defaults(call).await,
        "test_elicitation_sep1330_enums" => asking::elicits_choices(call).await,
        "test_missing_capability" => rounds::needs_sampling(&call),
        "test_streaming_elicitation" | "test_input_required_result_elicitation" => rounds::elicitation(&call),
        "test_input_required_result_sampling" => rounds::sampling(&call),
        "test_input_required_result_list_roots" => rounds::list_roots(&call),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            rounds::state(&call)
        }
        "test_input_required_result_multiple_inputs" => rounds::several(&call),
        "test_input_required_result_multi_round" => rounds::multi_round(&call),
        "test_input_required_result_capabilities" => rounds::capabilities(&call),
        "test_trigger_tool_change" => announce(&call, Change::Tools).await,
        "test_trigger_prompt_change" => announce(&call, Change::Prompts).await,
        "greet" => Ok(jobs::greet(&call)),
        "slow_compute" => jobs::slow_compute(call).await,
        "failing_job" => jobs::failing(&call),
        "protocol_error_job" => jobs::protocol_error(&call),
        "confirm_delete" => jobs::confirm_delete(&call),
        "multi_input" => jobs::multi_input(&call),
        "test_tool_with_task" => jobs::after_a_round(&call),
        _ => Err(ErrorData::invalid_params("there's no such tool", None)),
    }
}

async fn announce(call: &Call, change: Change) -> Result<CallToolResponse, ErrorData> {
    call.server.changes().announce(change, call).await;
    Ok(says("announced"))
}
