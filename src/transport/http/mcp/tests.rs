//! What whoever may ask can do to the sessions.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::HeaderValue;
use rmcp::ServerHandler;
use rmcp::model::{CallToolRequestParams, CallToolResponse, ServerConfig};
use serde_json::{Value, json};

use super::super::sessions::SessionLimits;
use super::*;
use crate::transport::http::Admitted;

/// Never answers a call.
struct Silent;

impl ServerHandler for Silent {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::default()
    }

    async fn call_tool(
        &self,
        _request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        std::future::pending().await
    }
}

struct Fixture;

impl Host for Fixture {
    type Handler = Silent;

    fn handler(&self) -> Silent {
        Silent
    }

    fn admit(&self, _admitted: Admitted) -> http::Extensions {
        http::Extensions::new()
    }

    fn answers_once(&self, request: &ClientRequest) -> bool {
        !matches!(request, ClientRequest::InitializeRequest(_) | ClientRequest::SubscriptionsListenRequest(_))
    }
}

fn mcp() -> Mcp<Fixture> {
    let limits = SessionLimits { all: 10, per_principal: 5, idle: Duration::from_mins(30) };
    let sessions = Arc::new(Sessions::new(limits));
    Mcp::new(Arc::new(Fixture), sessions, Duration::from_mins(1), &CancellationToken::new())
}

impl Mcp<Fixture> {
    async fn send(
        &self,
        wanted: Wanted,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Response<Body>, Refused> {
        let (mut head, ()) = Request::post("/mcp").body(()).unwrap().into_parts();
        head.method = if wanted == Wanted::End { http::Method::DELETE } else { http::Method::POST };
        head.headers.insert("host", HeaderValue::from_static("vault.test"));
        head.headers.insert("content-type", HeaderValue::from_static("application/json"));
        head.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        for (name, value) in headers {
            head.headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let ann = PrincipalName::parse("ann").unwrap();
        self.answer(wanted, &ann, head, Bytes::from(body.to_owned()), &mut Method::Other).await
    }

    async fn post(&self, headers: &[(&'static str, &str)], message: &Value) -> (StatusCode, String, String) {
        let response = self.send(Wanted::Message, headers, &message.to_string()).await.unwrap();
        let (head, body) = response.into_parts();
        let kind = head.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
        (head.status, kind, String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap())
    }

    async fn open_one(&self) -> String {
        let response = self.send(Wanted::Message, &[], &initialize().to_string()).await.unwrap();
        response.headers().get(&SESSION_ID).unwrap().to_str().unwrap().to_owned()
    }

    /// How many sessions there are: those that have an owner, and the crate's.
    async fn count(&self) -> (usize, usize) {
        (self.sessions.len(), self.manager.sessions.read().await.len())
    }
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "older", "version": "1"},
    }})
}

#[tokio::test]
async fn no_session_is_opened_without_an_owner() {
    let mcp = mcp();
    let mut cursor = initialize();
    cursor["params"]["protocolVersion"] = "2026-07-28".into();
    let twice =
        cursor.to_string().replace(r#""capabilities":{}"#, r#""capabilities":{"experimental":{"a":{},"a":{}}}"#);
    cursor["params"]["cursor"] = 5.into();
    for (body, status) in [(cursor.to_string(), StatusCode::NOT_FOUND), (twice, StatusCode::BAD_REQUEST)] {
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "initialize")];
        let response = mcp.send(Wanted::Message, &headers, &body).await.unwrap();
        assert_eq!(response.status(), status, "{body}");
        assert!(!response.headers().contains_key(&SESSION_ID));
        assert_eq!(mcp.count().await, (0, 0), "{body}");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_is_ended_whatever_else_the_head_says() {
    let mcp = mcp();
    for version in ["2026-07-28", "1999-01-01", "\"", "2025-11-25"] {
        let id = mcp.open_one().await;
        assert_eq!(mcp.count().await, (1, 1));
        let headers = [("mcp-session-id", id.as_str()), ("mcp-protocol-version", version)];
        mcp.send(Wanted::End, &headers, "").await.unwrap();
        assert_eq!(mcp.count().await, (0, 0), "{version}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_while_its_session_is_opened_leaves_none() {
    let mcp = mcp();
    for _ in 0..7 {
        let body = initialize().to_string();
        let mut opening = Box::pin(mcp.send(Wanted::Message, &[], &body));
        let polled = poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx).is_pending())).await;
        assert!(polled, "nothing is dropped halfway");
        drop(opening);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(mcp.count().await, (0, 0));
    }
    mcp.open_one().await;
    assert_eq!(mcp.count().await, (1, 1));
}

#[tokio::test]
async fn the_crates_sessions_are_asked_nothing_that_is_answered_here() {
    let mcp = mcp();
    let id = mcp.open_one().await;
    let headers = [("mcp-session-id", id.as_str()), ("mcp-protocol-version", "2025-11-25")];
    for (method, params, code) in [
        ("ping", json!({}), Value::Null),
        ("logging/setLevel", json!({"level": "info"}), json!(-32601)),
        ("resources/subscribe", json!({"uri": "a://b"}), json!(-32601)),
        ("prompts/list", json!({}), Value::Null),
        ("subscriptions/listen", json!({"notifications": {}}), json!(-32601)),
        ("no/such", json!({}), json!(-32601)),
    ] {
        let message = json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params});
        let (status, kind, text) = mcp.post(&headers, &message).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/json"), "{method}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(9), &code), "{method}");
    }
    let (status, kind, _) = mcp.post(&headers, &initialize()).await;
    assert_eq!((status, kind.as_str()), (StatusCode::BAD_REQUEST, "application/json"), "it's open already");
}

#[tokio::test(start_paused = true)]
async fn the_long_way_takes_no_longer_than_the_short_one() {
    let mcp = mcp();
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait", "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    for name in ["wait", "=?base64?d2FpdA==?="] {
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", name)];
        let body = message.to_string();
        let mut sent = pin!(mcp.send(Wanted::Message, &headers, &body));
        let answered = tokio::time::timeout(Duration::from_mins(2), &mut sent).await;
        assert_eq!(answered.expect("it took longer").err(), Some(Refused::Deadline), "{name}");
    }
}
