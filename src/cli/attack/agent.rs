//! The attacking agent: an MCP client that keeps all that it's told.

use std::borrow::Borrow;
use std::sync::Mutex;
use std::time::Duration;

use rmcp::model::{CallToolRequestParams, ReadResourceRequestParams, Tool};
use serde_json::Value;
use tokio::time::timeout;

use super::super::failure::Failure;
use super::super::stage::{Client, Start};
use crate::model::ErrorCode;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The agent.
pub(super) struct Agent {
    client: Client,
    heard: Mutex<String>,
}

/// What it was told.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) value: Value,
    /// Whether it was refused.
    pub(super) refused: bool,
    /// All of it, as it stands in a conversation.
    pub(super) text: String,
}

impl Answer {
    /// A text in it.
    pub(super) fn text_at(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The code of a refusal.
    pub(super) fn code(&self) -> &str {
        self.text_at("/error/code")
    }
}

impl Agent {
    pub(super) async fn start(start: Start<'_>) -> Result<Self, Failure> {
        let client = timeout(PATIENCE, Client::start_as(start)).await.map_err(|_| silent("a server"))??;
        Ok(Self { client, heard: Mutex::default() })
    }

    /// Calls a tool, and remembers what's said.
    pub(super) async fn tries(&self, tool: &str, arguments: impl Borrow<Value>) -> Result<Answer, Failure> {
        let answer = self.tries_unheard(tool, arguments).await?;
        self.hear(&answer.text);
        Ok(answer)
    }

    /// Calls a tool. What's said isn't looked at again at the end.
    pub(super) async fn tries_unheard(&self, tool: &str, arguments: impl Borrow<Value>) -> Result<Answer, Failure> {
        let arguments = arguments.borrow().as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let said = timeout(PATIENCE, self.client.peer().call_tool(request)).await.map_err(|_| silent(tool))?;
        Ok(match said {
            Ok(result) => {
                let text = serde_json::to_string(&result).unwrap_or_default();
                let refused = result.is_error.unwrap_or(false);
                Answer { value: result.structured_content.unwrap_or_default(), refused, text }
            }
            Err(error) => Answer { value: Value::Null, refused: true, text: error.to_string() },
        })
    }

    /// Reads a resource.
    pub(super) async fn reads(&self, uri: &str) -> Result<Answer, Failure> {
        let read = self.client.peer().read_resource(ReadResourceRequestParams::new(uri));
        let answer = match timeout(PATIENCE, read).await.map_err(|_| silent("a resource"))? {
            Ok(result) => {
                Answer { value: Value::Null, refused: false, text: serde_json::to_string(&result).unwrap_or_default() }
            }
            Err(error) => Answer { value: Value::Null, refused: true, text: error.to_string() },
        };
        self.hear(&answer.text);
        Ok(answer)
    }

    /// The tools there are.
    pub(super) async fn tools(&self) -> Result<Vec<Tool>, Failure> {
        let tools = timeout(PATIENCE, self.client.peer().list_all_tools()).await;
        tools.map_err(|_| silent("tools/list"))?.map_err(|_| silent("tools/list"))
    }

    pub(super) fn process(&self) -> Option<u32> {
        self.client.process()
    }

    /// Hangs up; gives all that was said, and all that was logged.
    pub(super) async fn end(self) -> Result<(String, String), Failure> {
        let log = timeout(PATIENCE, self.client.end()).await.map_err(|_| silent("the end"))??;
        let heard = self.heard.into_inner().unwrap_or_default();
        Ok((heard, String::from_utf8_lossy(&log).into_owned()))
    }

    /// Waits for a server that doesn't end well; says whether it left its memory behind.
    pub(super) async fn crashed(self) -> Result<bool, Failure> {
        use std::os::unix::process::ExitStatusExt as _;
        let (status, _) = timeout(PATIENCE, self.client.ended()).await.map_err(|_| silent("the end"))??;
        Ok(status.core_dumped())
    }

    fn hear(&self, text: &str) {
        if let Ok(mut heard) = self.heard.lock() {
            heard.push_str(text);
            heard.push('\n');
        }
    }
}

fn silent(what: &str) -> Failure {
    Failure::new(ErrorCode::Internal, format!("the attack had no answer to {what}"), "")
}
