//! The echo tool on the protocol crate's own streamable HTTP: what opward is measured against over HTTP.
//!
//! As opward sets it: JSON where there's nothing to stream, sessions for clients of the older lifecycle, hosts and
//! origins compared, `TCP_NODELAY`, and as many worker threads as the process has cores.

#![expect(clippy::print_stdout, reason = "whoever starts it is told the address")]

mod echo;

use std::sync::Arc;

use axum::serve::ListenerExt as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts([address.to_string()])
        .with_allowed_origins([format!("http://{address}")])
        .enforce_origin_validation()
        .with_json_response(true)
        .with_max_request_body_bytes(1024 * 1024);
    let echo = echo::Echo::new();
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(echo.clone()), sessions, config);
    println!("listening on http://{address}/mcp");
    let listener = listener.tap_io(|stream| {
        // A connection that's gone already is noticed when it's read from.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
