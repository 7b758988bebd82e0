//! The yardstick: a handler with one tool that gives back its text.

use std::sync::Arc;

use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

/// The server; its router is built once and shared.
#[derive(Clone)]
pub(crate) struct Echo {
    tools: Arc<ToolRouter<Self>>,
}

/// The tool's arguments.
#[derive(serde::Deserialize)]
struct Arguments {
    text: String,
}

impl Echo {
    /// A server with its one tool.
    pub(crate) fn new() -> Self {
        let schema = serde_json::json!({
            "type": "object",
            "properties": { "text": { "type": "string" } },
            "required": ["text"],
        });
        let schema = schema.as_object().cloned().unwrap_or_default();
        let route = ToolRoute::new_dyn(Tool::new("echo", "Gives back its text", schema), |call| {
            Box::pin(async move {
                let arguments = serde_json::Value::Object(call.arguments.unwrap_or_default());
                let arguments: Arguments = serde_json::from_value(arguments)
                    .map_err(|_| ErrorData::invalid_params("the arguments do not fit", None))?;
                Ok(CallToolResult::success(vec![ContentBlock::text(arguments.text)]).into())
            })
        });
        Self { tools: Arc::new(ToolRouter::new().with_route(route)) }
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.tools.call(ToolCallContext::new(self, request, context)).await
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.list_all()))
    }
}
