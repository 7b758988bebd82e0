//! Requests, as bytes that are made once and sent often.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::Result;
use crate::wire::{Answer, Connection};

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// Who asks whom.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) address: SocketAddr,
    pub(crate) bearer: Option<String>,
}

impl Asker {
    pub(crate) fn new(address: SocketAddr, bearer: &str) -> Self {
        Self { address, bearer: Some(bearer.to_owned()) }
    }

    /// A head with these headers besides the usual ones, for a body of this length.
    pub(crate) fn head(&self, method: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
        let mut head = format!(
            "{method} /mcp HTTP/1.1\r\nHost: {}\r\nAccept: application/json, text/event-stream\r\n",
            self.address
        );
        if let Some(bearer) = &self.bearer {
            head.extend(["Authorization: Bearer ", bearer, "\r\n"]);
        }
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(length) = length {
            head.extend(["Content-Type: application/json\r\nContent-Length: ", &length.to_string(), "\r\n"]);
        }
        head.push_str("\r\n");
        head
    }

    fn post(&self, headers: &[(&str, &str)], body: &Value) -> Vec<u8> {
        let body = body.to_string();
        (self.head("POST", headers, Some(body.len())) + &body).into_bytes()
    }

    /// A request of today's protocol, which stands for itself.
    pub(crate) fn modern(&self, method: &str, params: &Value, more: &[(&str, &str)]) -> Vec<u8> {
        let mut params = params.clone();
        if let Some(params) = params.as_object_mut() {
            params.insert("_meta".to_owned(), meta());
        }
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).unwrap_or_default();
        let mut headers = vec![("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)];
        if matches!(method, "tools/call" | "resources/read") {
            headers.push(("Mcp-Name", name));
        }
        headers.extend_from_slice(more);
        self.post(&headers, &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    /// A call of a tool, in today's protocol.
    pub(crate) fn call(&self, tool: &str, arguments: &Value, more: &[(&str, &str)]) -> Vec<u8> {
        self.modern("tools/call", &json!({ "name": tool, "arguments": arguments }), more)
    }

    /// A request within a session of the older lifecycle.
    pub(crate) fn within(&self, session: &str, method: &str, params: &Value) -> Vec<u8> {
        let headers = [("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", session)];
        self.post(&headers, &json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))
    }

    /// The first request of the older lifecycle.
    pub(crate) fn initialize(&self) -> Vec<u8> {
        let client = json!({ "name": "load", "version": "1" });
        let params = json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client });
        self.post(&[], &json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
    }

    /// What a client says once its session is open.
    pub(crate) fn initialized(&self, session: &str) -> Vec<u8> {
        let headers = [("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", session)];
        self.post(&headers, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
    }

    /// Takes back the request that's under way in a session.
    pub(crate) fn take_back(&self, session: &str) -> Vec<u8> {
        let headers = [("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", session)];
        let params = json!({ "requestId": 7, "reason": "no longer needed" });
        self.post(&headers, &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }))
    }

    /// Asks for a session's stream of events.
    pub(crate) fn listen(&self, session: &str) -> Vec<u8> {
        self.head("GET", &[("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", session)], None).into_bytes()
    }

    /// Ends a session.
    pub(crate) fn end(&self, session: &str) -> Vec<u8> {
        self.head("DELETE", &[("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", session)], None).into_bytes()
    }

    /// Opens a session and gives its id.
    pub(crate) async fn open_session(&self, connection: &mut Connection) -> Result<String> {
        let answer = connection.ask(&self.initialize()).await?;
        let session = answer.header("mcp-session-id").map(str::to_owned);
        let session = session.ok_or_else(|| format!("no session was opened: {}", shown(&answer)))?;
        let answer = connection.ask(&self.initialized(&session)).await?;
        if answer.status != 202 {
            return Err(format!("the session wasn't taken up: {}", shown(&answer)).into());
        }
        Ok(session)
    }
}

/// An answer for people to read.
pub(crate) fn shown(answer: &Answer<'_>) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body).chars().take(400).collect::<String>())
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "load", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
