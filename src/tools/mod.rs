//! The MCP tools, one a file: schema, text for the model, and a few lines of body.
//!
//! A tool parses its arguments, hands them to the broker and shows the answer. It can't name
//! `custody`, and it can't answer without the proof that what it answers was recorded.

#![expect(
    clippy::doc_markdown,
    reason = "doc comments of arguments become their descriptions, where backticks cost context"
)]

mod arguments;
mod check_access;
mod cursor;
mod delete_secret;
mod describe_secret;
mod get_env_bundle;
mod get_secret;
mod guarded;
mod http_request;
mod list_actions;
mod list_secrets;
mod list_vaults;
mod put_secret;
mod reply;
mod resources;
mod rotate_and_store;
mod run_command;
mod schema;
mod server;

pub use reply::Reply;
pub use server::{Caller, NotSetUp, Server};

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool};

use self::arguments::Asked;
use crate::authz::Session;
use crate::broker::Broker;
use crate::model::{ClientName, ErrorCode, PublicError};

/// The tools for one principal.
#[derive(Debug, Clone)]
pub struct Toolbox {
    broker: Broker,
    session: Session,
}

/// The name and the shape of one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolName {
    /// `check_access`
    CheckAccess,
    /// `delete_secret`
    DeleteSecret,
    /// `describe_secret`
    DescribeSecret,
    /// `get_env_bundle`
    GetEnvBundle,
    /// `get_secret`
    GetSecret,
    /// `http_request`
    HttpRequest,
    /// `list_actions`
    ListActions,
    /// `list_secrets`
    ListSecrets,
    /// `list_vaults`
    ListVaults,
    /// `put_secret`
    PutSecret,
    /// `rotate_and_store`
    RotateAndStore,
    /// `run_command`
    RunCommand,
}

impl ToolName {
    /// Every tool, in the order lists show them.
    pub const ALL: [Self; 12] = [
        Self::CheckAccess,
        Self::DeleteSecret,
        Self::DescribeSecret,
        Self::GetEnvBundle,
        Self::GetSecret,
        Self::HttpRequest,
        Self::ListActions,
        Self::ListSecrets,
        Self::ListVaults,
        Self::PutSecret,
        Self::RotateAndStore,
        Self::RunCommand,
    ];

    /// The name clients call it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckAccess => "check_access",
            Self::DeleteSecret => "delete_secret",
            Self::DescribeSecret => "describe_secret",
            Self::GetEnvBundle => "get_env_bundle",
            Self::GetSecret => "get_secret",
            Self::HttpRequest => "http_request",
            Self::ListActions => "list_actions",
            Self::ListSecrets => "list_secrets",
            Self::ListVaults => "list_vaults",
            Self::PutSecret => "put_secret",
            Self::RotateAndStore => "rotate_and_store",
            Self::RunCommand => "run_command",
        }
    }

    /// The tool of a name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == word)
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::DeleteSecret | Self::PutSecret | Self::RotateAndStore)
    }

    /// What a client is told about it.
    #[must_use]
    pub fn tool(self) -> Tool {
        match self {
            Self::CheckAccess => check_access::tool(),
            Self::DeleteSecret => delete_secret::tool(),
            Self::DescribeSecret => describe_secret::tool(),
            Self::GetEnvBundle => get_env_bundle::tool(),
            Self::GetSecret => get_secret::tool(),
            Self::HttpRequest => http_request::tool(),
            Self::ListActions => list_actions::tool(),
            Self::ListSecrets => list_secrets::tool(),
            Self::ListVaults => list_vaults::tool(),
            Self::PutSecret => put_secret::tool(),
            Self::RotateAndStore => rotate_and_store::tool(),
            Self::RunCommand => run_command::tool(),
        }
    }
}

impl Toolbox {
    /// The tools of a broker for the principal of a session.
    #[must_use]
    pub fn new(broker: Broker, session: Session) -> Self {
        Self { broker, session }
    }

    /// Calls a tool. Every failure is an answer, too.
    pub async fn call(&self, tool: ToolName, arguments: JsonObject, client: ClientName) -> Reply {
        let asked = Asked::new(self, client, arguments);
        // A future is as large as its largest part, is moved as a whole and wiped as a whole. What's called most stands
        // in it, and the rest, which is larger, elsewhere.
        let answer = match tool {
            ToolName::CheckAccess => Box::pin(check_access::call(asked)).await,
            ToolName::DeleteSecret => Box::pin(delete_secret::call(asked)).await,
            ToolName::DescribeSecret => Box::pin(describe_secret::call(asked)).await,
            ToolName::GetEnvBundle => Box::pin(get_env_bundle::call(asked)).await,
            ToolName::GetSecret => get_secret::call(asked).await,
            ToolName::HttpRequest => Box::pin(http_request::call(asked)).await,
            ToolName::ListActions => Box::pin(list_actions::call(asked)).await,
            ToolName::ListSecrets => Box::pin(list_secrets::call(asked)).await,
            ToolName::ListVaults => Box::pin(list_vaults::call(asked)).await,
            ToolName::PutSecret => Box::pin(put_secret::call(asked)).await,
            ToolName::RotateAndStore => Box::pin(rotate_and_store::call(asked)).await,
            ToolName::RunCommand => Box::pin(run_command::call(asked)).await,
        };
        answer.unwrap_or_else(Reply::refused)
    }
}

/// The schemas and the tools, made once for the process.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<[Tool]>);

impl Catalogue {
    /// Makes the schemas.
    #[must_use]
    pub fn new() -> Self {
        Self(ToolName::ALL.into_iter().map(ToolName::tool).collect())
    }

    /// The tools, by name.
    #[must_use]
    pub fn tools(&self) -> &[Tool] {
        &self.0
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}

/// The error for arguments that can't be understood.
fn invalid(
    message: impl Into<std::borrow::Cow<'static, str>>,
    hint: impl Into<std::borrow::Cow<'static, str>>,
) -> PublicError {
    PublicError::new(ErrorCode::Invalid, message, hint)
}
