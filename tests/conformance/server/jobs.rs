//! Tools that go on while the client does something else: the protocol's tasks.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult, InputRequest, JsonObject,
};
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture, TaskOptions};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::asking::parsed;
use crate::content::says;
use crate::fixtures::Call;
use crate::rounds::{self, filled, form};

/// The longest that a client may have something computed.
const LONGEST: f64 = 60.0;

fn takes_tasks(call: &Call) -> bool {
    call.context.client_capabilities().is_some_and(|client| client.supports_tasks())
}

/// Refuses a client that can't be given a task.
fn tasks_demanded(call: &Call) -> Result<(), ErrorData> {
    if takes_tasks(call) {
        return Ok(());
    }
    Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_tasks().build()))
}

fn begin(call: &Call, work: impl FnOnce(TaskContext) -> TaskFuture) -> CallToolResponse {
    let options = TaskOptions::new().with_ttl_ms(120_000_u64).with_poll_interval_ms(100);
    CreateTaskResult::new(call.server.jobs().spawn(options, work)).into()
}

fn success(text: String) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn argument<'a>(arguments: Option<&'a JsonObject>, name: &str) -> Option<&'a Value> {
    arguments?.get(name)
}

pub(crate) fn greet(call: &Call) -> CallToolResponse {
    let name = argument(call.request.arguments.as_ref(), "name").and_then(Value::as_str).unwrap_or("World");
    says(format!("Hello, {name}!"))
}

/// Takes as long as it's told: as a task for a client that takes one.
pub(crate) async fn slow_compute(call: Call) -> Result<CallToolResponse, ErrorData> {
    let seconds = argument(call.request.arguments.as_ref(), "seconds").map_or(Some(0.0), Value::as_f64);
    let seconds = seconds.filter(|seconds| (0.0..=LONGEST).contains(seconds));
    let seconds = seconds.ok_or_else(|| ErrorData::invalid_params("seconds is no number from 0 to 60", None))?;
    let time = Duration::from_secs_f64(seconds);
    let result = success(format!("computed for {seconds} s"));
    if !takes_tasks(&call) {
        sleep(time).await;
        return Ok(result.into());
    }
    Ok(begin(&call, move |job| {
        Box::pin(async move {
            tokio::select! {
                () = sleep(time) => Ok(result),
                () = job.cancelled() => Err(TaskExit::Cancelled),
            }
        })
    }))
}

/// A task whose tool says that it failed.
pub(crate) fn failing(call: &Call) -> Result<CallToolResponse, ErrorData> {
    tasks_demanded(call)?;
    Ok(begin(call, |_| {
        Box::pin(async {
            sleep(Duration::from_secs(1)).await;
            Ok(CallToolResult::error(vec![ContentBlock::text("this job always fails")]))
        })
    }))
}

/// A task that ends in an error of the protocol.
pub(crate) fn protocol_error(call: &Call) -> Result<CallToolResponse, ErrorData> {
    tasks_demanded(call)?;
    Ok(begin(call, |_| Box::pin(async { Err(ErrorData::internal_error("this job always breaks", None).into()) })))
}

/// A task that asks before it goes on.
pub(crate) fn confirm_delete(call: &Call) -> Result<CallToolResponse, ErrorData> {
    tasks_demanded(call)?;
    rounds::Need::Elicitation.demanded(&call.context)?;
    let file = argument(call.request.arguments.as_ref(), "filename").and_then(Value::as_str).unwrap_or("a file");
    let done = success(format!("deleted {file}, which doesn't exist"));
    let question = question("confirm", &format!("Delete {file}?"), "confirm", "boolean")?;
    Ok(begin(call, move |job| {
        Box::pin(async move {
            job.request_input("confirm", question).await?;
            Ok(done)
        })
    }))
}

/// A task that asks two things at the same time.
pub(crate) fn multi_input(call: &Call) -> Result<CallToolResponse, ErrorData> {
    tasks_demanded(call)?;
    rounds::Need::Elicitation.demanded(&call.context)?;
    let first = question("first", "What is the first name?", "name", "string")?;
    let second = question("second", "What is the second name?", "name", "string")?;
    Ok(begin(call, move |job| {
        Box::pin(async move {
            let (first, second) =
                tokio::try_join!(job.request_input("first", first), job.request_input("second", second))?;
            Ok(success(json!([first, second]).to_string()))
        })
    }))
}

/// Asks in a round of its own, then becomes a task.
pub(crate) fn after_a_round(call: &Call) -> Result<CallToolResponse, ErrorData> {
    tasks_demanded(call)?;
    let answers = call.request.input_responses.as_ref();
    let Some(name) = filled(answers, "user_name").and_then(|content| content.get("name")).and_then(Value::as_str)
    else {
        let question = form("user_name", "What is your name?", "name", "string");
        return rounds::ask(&call.context, vec![question], None).map(CallToolResponse::from);
    };
    let done = success(format!("Hello, {name}!"));
    Ok(begin(call, move |_| Box::pin(async { Ok(done) })))
}

fn question(name: &'static str, message: &str, field: &str, kind: &str) -> Result<InputRequest, ErrorData> {
    let (_, _, asked) = form(name, message, field, kind);
    parsed(asked)
}
