//! An MCP client and the server it started, as any agent has them.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{Peer, RoleClient, RunningService};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::super::failure::Failure;
use crate::model::ErrorCode;

/// The most of a server's log that's kept.
const MOST_LOG: u64 = 16 << 20;

/// A session with a server of its own.
pub(in crate::cli) struct Client {
    session: RunningService<RoleClient, ()>,
    server: Child,
    log: Option<JoinHandle<Vec<u8>>>,
}

/// How a server is started.
pub(in crate::cli) struct Start<'a> {
    pub(in crate::cli) principal: &'a str,
    /// What it logs.
    pub(in crate::cli) level: &'a str,
    /// Whether the log is kept, instead of shown.
    pub(in crate::cli) keeps_log: bool,
    /// All of its environment.
    pub(in crate::cli) variables: Vec<(&'a str, OsString)>,
    pub(in crate::cli) directory: &'a Path,
}

impl Client {
    /// Starts this very program as a server, with nothing but a folder in its environment.
    pub(in crate::cli) async fn start(home: &Path, principal: &str) -> Result<Self, Failure> {
        // What the server warns of is part of the story, and told there.
        let variables = vec![("OPWARD_HOME", home.into())];
        Self::start_as(Start { principal, level: "error", keeps_log: false, variables, directory: Path::new(".") })
            .await
    }

    /// Starts this very program as a server.
    pub(in crate::cli) async fn start_as(start: Start<'_>) -> Result<Self, Failure> {
        let program =
            std::env::current_exe().map_err(|error| broken(format!("this program can't be found: {error}")))?;
        #[expect(clippy::disallowed_methods, reason = "whoever is its own client starts its own server")]
        let mut command = Command::new(program);
        command.args(["--log", start.level, "serve", "--principal", start.principal]).env_clear();
        command.envs(start.variables).current_dir(start.directory);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if start.keeps_log {
            command.stderr(Stdio::piped());
        }
        let mut server = command.spawn().map_err(|error| broken(format!("the server can't be started: {error}")))?;
        let log = server.stderr.take().map(|stderr| {
            tokio::spawn(async move {
                let (mut kept, mut stderr) = (Vec::new(), stderr.take(MOST_LOG));
                let _ = stderr.read_to_end(&mut kept).await;
                kept
            })
        });
        let (Some(output), Some(input)) = (server.stdout.take(), server.stdin.take()) else {
            return Err(broken("the server has no standard streams".to_owned()));
        };
        let session = ().serve((output, input)).await.map_err(|_| broken("the server doesn't speak MCP".to_owned()))?;
        Ok(Self { session, server, log })
    }

    /// Calls a tool; the answer's structured content, and whether it's an error.
    pub(in crate::cli) async fn call(&self, tool: &str, arguments: JsonObject) -> Result<(Value, bool), Failure> {
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.session.call_tool(request).await.map_err(|_| broken(format!("{tool} wasn't answered")))?;
        let failed = result.is_error.unwrap_or(false);
        Ok((result.structured_content.unwrap_or_default(), failed))
    }

    /// The session itself.
    pub(in crate::cli) fn peer(&self) -> &Peer<RoleClient> {
        &self.session
    }

    /// The server's number.
    pub(in crate::cli) fn process(&self) -> Option<u32> {
        self.server.id()
    }

    /// Hangs up, and waits for the server to end well.
    pub(in crate::cli) async fn end(self) -> Result<Vec<u8>, Failure> {
        match self.ended().await? {
            (status, log) if status.success() => Ok(log),
            (status, _) => Err(broken(format!("the server ended badly: {status}"))),
        }
    }

    /// Hangs up, and waits for the server to end in whatever way; gives the log that was kept.
    pub(in crate::cli) async fn ended(self) -> Result<(ExitStatus, Vec<u8>), Failure> {
        let Self { session, mut server, log } = self;
        let _ = session.cancel().await;
        let status = server.wait().await.map_err(|error| broken(format!("the server can't be waited for: {error}")))?;
        let log = match log {
            Some(log) => log.await.unwrap_or_default(),
            None => Vec::new(),
        };
        Ok((status, log))
    }
}

fn broken(message: String) -> Failure {
    Failure::new(ErrorCode::Internal, message, "")
}
