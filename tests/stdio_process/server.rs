//! The server: keeps one value, masked, so that its only plain copies are those that come and go with messages.

use std::sync::{Arc, Mutex};

use opward::transport::stdio::{Pipes, serve as serve_stdio};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default, Clone)]
struct Keeper(Arc<Mutex<Vec<u8>>>);

fn masked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0x5a).collect()
}

impl ServerHandler for Keeper {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let value = arguments.get("value").and_then(Value::as_str).unwrap_or_default();
        if request.name.contains("late") {
            tokio::task::yield_now().await;
        }
        let answer = match request.name.as_ref() {
            "put" | "late put" => {
                *self.0.lock().unwrap() = masked(value.as_bytes());
                String::new()
            }
            "get" | "late get" => String::from_utf8(masked(&self.0.lock().unwrap())).unwrap(),
            "fail" => return Err(ErrorData::internal_error(value.to_owned(), None)),
            _ => value.to_owned(),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(answer)]).into())
    }
}

/// Serves until the client hangs up.
pub(crate) fn serve(undumpable: bool) {
    if undumpable {
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).unwrap();
    }
    opward::telemetry::start(Some("trace"), opward::telemetry::Format::Text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { serve_stdio(Keeper::default(), Pipes::open(), CancellationToken::new()).await }).unwrap();
    runtime.shutdown_background();
}
