//! An MCP client and the server it started, as any agent has them.

use std::path::Path;
use std::process::Stdio;

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{RoleClient, RunningService};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::super::failure::Failure;
use crate::model::ErrorCode;

/// A session with a server of its own.
pub(super) struct Client {
    session: RunningService<RoleClient, ()>,
    server: Child,
}

impl Client {
    /// Starts this very program as a server, with nothing but the demo's folder in its environment.
    pub(super) async fn start(home: &Path, principal: &str) -> Result<Self, Failure> {
        let program =
            std::env::current_exe().map_err(|error| broken(format!("this program can't be found: {error}")))?;
        #[expect(clippy::disallowed_methods, reason = "the demo is its own client, and clients start servers")]
        let mut command = Command::new(program);
        // What the server warns of is part of the story, and told there.
        command.args(["--log", "error", "serve", "--principal", principal]).env_clear().env("OPWARD_HOME", home);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut server = command.spawn().map_err(|error| broken(format!("the server can't be started: {error}")))?;
        let (Some(output), Some(input)) = (server.stdout.take(), server.stdin.take()) else {
            return Err(broken("the server has no standard streams".to_owned()));
        };
        let session = ().serve((output, input)).await.map_err(|_| broken("the server doesn't speak MCP".to_owned()))?;
        Ok(Self { session, server })
    }

    /// Calls a tool; the answer's structured content, and whether it's an error.
    pub(super) async fn call(&self, tool: &'static str, arguments: JsonObject) -> Result<(Value, bool), Failure> {
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.session.call_tool(request).await.map_err(|_| broken(format!("{tool} wasn't answered")))?;
        let failed = result.is_error.unwrap_or(false);
        Ok((result.structured_content.unwrap_or_default(), failed))
    }

    /// Hangs up, and waits for the server to end well.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        let _ = self.session.cancel().await;
        match self.server.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(broken(format!("the server ended badly: {status}"))),
            Err(error) => Err(broken(format!("the server can't be waited for: {error}"))),
        }
    }
}

fn broken(message: String) -> Failure {
    Failure::new(ErrorCode::Internal, message, "")
}
