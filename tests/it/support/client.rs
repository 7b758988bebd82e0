//! A client that speaks MCP through the protocol's own crate, with a server of its own.

use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, Tool};
use rmcp::service::{Peer, RoleClient, RunningService};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::mismatch;

/// Longer than anything takes; a test that waits longer has found a server that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A session.
pub(crate) struct Client {
    session: RunningService<RoleClient, ()>,
    server: Child,
    said: JoinHandle<String>,
    tools: Vec<Tool>,
    heard: Mutex<Heard>,
}

/// All that was answered to one client.
#[derive(Debug, Default, Clone)]
pub(crate) struct Heard {
    /// What the tools answered that give values.
    pub(crate) values: String,
    /// What all the others did, and what was refused.
    pub(crate) others: String,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) is_error: bool,
}

/// Starts a server, with nothing but its home in its environment.
pub(super) fn server(home: (&str, &Path), principal: &str) -> (Child, ChildStdin, ChildStdout, JoinHandle<String>) {
    server_among(home, principal, &[])
}

/// Starts a server with more in its environment.
#[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
pub(super) fn server_among(
    (variable, home): (&str, &Path),
    principal: &str,
    variables: &[(&str, &str)],
) -> (Child, ChildStdin, ChildStdout, JoinHandle<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
    command.args(["serve", "--principal", principal]).env_clear().env(variable, home).env("OPWARD_LOG", "trace");
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut server = command.spawn().unwrap();
    let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let mut log = server.stderr.take().unwrap();
    let said = tokio::spawn(async move {
        let mut said = Vec::new();
        log.read_to_end(&mut said).await.unwrap();
        String::from_utf8(said).unwrap()
    });
    (server, input, output, said)
}

/// Waits for a server's clean end; gives what it logged.
pub(super) async fn ended(mut server: Child, said: JoinHandle<String>) -> String {
    let status = timeout(PATIENCE, server.wait()).await.expect("the server ends").unwrap();
    let said = said.await.unwrap();
    assert!(status.success(), "the server ended with {status}: {said}");
    said
}

/// Waits, but not for ever.
pub(super) async fn patiently<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("an answer")
}

impl Client {
    pub(super) async fn start(home: &Path, principal: &str) -> Self {
        Self::start_among(home, principal, &[]).await
    }

    /// Starts a server with more in its environment.
    pub(crate) async fn start_among(home: &Path, principal: &str, variables: &[(&str, &str)]) -> Self {
        let (server, input, output, said) = server_among(("OPWARD_HOME", home), principal, variables);
        let session = patiently(().serve((output, input))).await.unwrap();
        let tools = patiently(session.list_all_tools()).await.unwrap();
        Self { session, server, said, tools, heard: Mutex::default() }
    }

    /// The session itself.
    pub(crate) fn peer(&self) -> &Peer<RoleClient> {
        &self.session
    }

    /// Calls a tool. Whatever it answers has the shape it promised, twice over.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = patiently(self.session.call_tool(request)).await.unwrap();
        let value = result.structured_content.expect("a structured answer");
        let [text] = result.content.as_slice() else { panic!("one text: {:?}", result.content) };
        let text: Value = serde_json::from_str(&text.as_text().unwrap().text).unwrap();
        assert_eq!(text, value, "the text is the same JSON");
        let is_error = result.is_error.unwrap_or(false);
        let mut heard = self.heard.lock().unwrap();
        let gives_values = !is_error && matches!(tool, "get_secret" | "get_env_bundle");
        let heard = if gives_values { &mut heard.values } else { &mut heard.others };
        heard.extend([&value.to_string(), "\n"]);
        if is_error {
            assert_error(&value);
        } else {
            let tool = self.tools.iter().find(|known| known.name == tool).unwrap();
            let schema = Value::Object(tool.output_schema.as_deref().unwrap().clone());
            assert_eq!(mismatch(&schema, &value), None, "{}: {value}", tool.name);
        }
        Answer { value, is_error }
    }

    /// What a list shows, by path.
    pub(crate) async fn paths(&self, arguments: Value) -> Vec<String> {
        let list = self.call("list_secrets", arguments).await.ok();
        let path = |secret: &Value| secret["path"].as_str().unwrap().to_owned();
        list["secrets"].as_array().unwrap().iter().map(path).collect()
    }

    /// A value that's expected to be readable.
    pub(crate) async fn read(&self, path: &str) -> String {
        let answer = self.call("get_secret", serde_json::json!({ "path": path })).await.ok();
        answer["value"].as_str().unwrap().to_owned()
    }

    /// All that was answered so far.
    pub(crate) fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// Kills the server as the system would; gives what it had logged.
    pub(crate) async fn kill(self) -> String {
        let Self { session, mut server, said, .. } = self;
        patiently(server.kill()).await.unwrap();
        drop(session);
        said.await.unwrap()
    }

    /// Hangs up, waits for the server's clean end and gives what it logged.
    pub(crate) async fn end(self) -> String {
        let Self { session, server, said, .. } = self;
        patiently(session.cancel()).await.unwrap();
        ended(server, said).await
    }
}

impl Answer {
    /// The answer of a call that's expected to succeed.
    pub(crate) fn ok(self) -> Value {
        assert!(!self.is_error, "refused: {}", self.value);
        self.value
    }

    /// What's said of a call that's expected to fail with this code.
    pub(crate) fn refused(&self, code: &str) -> Value {
        assert_eq!(self.code(), code, "{}", self.value);
        self.value["error"].clone()
    }

    /// The code of a call that's expected to fail.
    pub(crate) fn code(&self) -> &str {
        assert!(self.is_error, "not refused: {}", self.value);
        self.value["error"]["code"].as_str().unwrap()
    }

    /// What the refusal says.
    pub(crate) fn message(&self) -> &str {
        assert!(self.is_error, "not refused: {}", self.value);
        self.value["error"]["message"].as_str().unwrap()
    }

    /// The answer as a whole, as it would stand in a conversation.
    pub(crate) fn text(&self) -> String {
        self.value.to_string()
    }
}

/// Errors have one shape and a closed set of codes.
fn assert_error(value: &Value) {
    const CODES: [&str; 16] = [
        "invalid",
        "unauthenticated",
        "denied",
        "approval_required",
        "approval_denied",
        "not_found",
        "ambiguous",
        "expired",
        "conflict",
        "too_large",
        "rate_limited",
        "read_only",
        "unsupported",
        "source_unavailable",
        "audit_unavailable",
        "internal",
    ];
    let error = value["error"].as_object().unwrap_or_else(|| panic!("{value}"));
    assert!(CODES.contains(&error["code"].as_str().unwrap()), "{value}");
    assert!(!error["message"].as_str().unwrap().is_empty() && error["hint"].is_string(), "{value}");
    let known = ["code", "message", "hint", "retry_after_s", "rule"];
    assert!(value.as_object().unwrap().len() == 1 && error.keys().all(|key| known.contains(&key.as_str())), "{value}");
}
