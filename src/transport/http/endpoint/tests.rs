//! The endpoint as a whole, with a handler that says who it was asked by.

use axum::Router;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientRequest, ContentBlock, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;
use crate::identity::{Bearers, NewToken, StaticToken};
use crate::model::{ClientName, Clock, PrincipalName};
use crate::transport::http::quota::Allowance;

#[derive(Clone)]
struct WhoAmI;

#[derive(Clone)]
struct Caller(PrincipalName);

impl ServerHandler for WhoAmI {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let head = context.extensions.get::<http::request::Parts>().unwrap();
        assert!(!head.headers.contains_key("authorization"), "the token went further than it should");
        if request.name == "wait" {
            context.ct.cancelled().await;
        }
        let client = head.extensions.get::<ClientName>().map_or("-", ClientName::as_str);
        let who = head.extensions.get::<Caller>().unwrap().0.as_str();
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("{who} by {client}"))]).into())
    }
}

struct Fixture;

impl Host for Fixture {
    type Handler = WhoAmI;

    fn handler(&self) -> WhoAmI {
        WhoAmI
    }

    fn admit(&self, admitted: Admitted) -> http::Extensions {
        let mut extensions = http::Extensions::new();
        extensions.insert(Caller(admitted.who.principal().name.clone()));
        extensions
    }

    fn answers_once(&self, request: &ClientRequest) -> bool {
        matches!(request, ClientRequest::CallToolRequest(_) | ClientRequest::ListToolsRequest(_))
    }
}

/// A server with a token for each of two principals.
struct Server {
    router: Router,
    tokens: [String; 2],
}

impl Server {
    fn start() -> Self {
        let tokens = [NewToken::generate().unwrap(), NewToken::generate().unwrap()];
        let known = ["ann", "bob"].into_iter().zip(&tokens).map(|(name, token)| StaticToken {
            principal: PrincipalName::parse(name).unwrap(),
            sha256: token.digest(),
            expires: None,
        });
        let bearers = Bearers::new(known.collect(), Vec::new(), Clock::system()).unwrap();
        let settings = Settings {
            gate: Gate::new(["vault.test".to_owned()], ["https://app.test".to_owned()]),
            resource: Resource {
                url: Some("https://vault.test/mcp".to_owned()),
                scheme: "https",
                path: "/mcp".to_owned(),
                authorization_servers: vec!["https://idp.test".to_owned()],
                scopes: Vec::new(),
            },
            admission: Admission::Bearers(bearers),
            trusted_proxies: Vec::new(),
            only_proxies: false,
            quota: Allowance {
                requests: 1000.try_into().unwrap(),
                per: std::time::Duration::from_secs(1),
                burst: 1000.try_into().unwrap(),
                concurrent: 100.try_into().unwrap(),
            },
            access_log: false,
            sessions: SessionLimits { all: 100, per_principal: 10, idle: std::time::Duration::from_mins(30) },
        };
        let endpoint = Endpoint::new(Fixture, settings, Arc::default(), &CancellationToken::new());
        Self {
            router: endpoint.router(Arc::new(|| (true, String::new()))),
            tokens: tokens.map(|token| token.reveal().to_owned()),
        }
    }

    async fn send(&self, request: Request<String>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A message of the first or second principal.
    async fn post(&self, who: usize, headers: &[(&str, &str)], message: &Value) -> Answer {
        let token = format!("Bearer {}", self.tokens[who]);
        let request = Request::post("/mcp")
            .header("host", "vault.test")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", token);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(message.to_string()).unwrap()).await
    }

    async fn open(&self, who: usize) -> String {
        let answer = self.post(who, &[], &initialize()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.header("mcp-session-id").unwrap().to_owned()
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    async fn of(response: Response<axum::body::Body>) -> Self {
        let (head, body) = response.into_parts();
        assert_eq!(head.headers.get("cache-control").unwrap(), "no-store");
        assert!(head.headers.contains_key("x-request-id"));
        let bytes = body.collect().await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The code and the text that a client sees.
    fn error(&self) -> (StatusCode, i64) {
        (self.status, self.json()["error"]["code"].as_i64().unwrap())
    }
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "older", "version": "1"}}})
}

#[expect(clippy::needless_pass_by_value, reason = "it's made where it's passed")]
fn call(id: u32, tool: &str, meta: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}, "_meta": meta}})
}

fn modern_call(id: u32, tool: &str) -> Value {
    call(
        id,
        tool,
        json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "newer", "version": "1"},
        }),
    )
}

const MODERN: [(&str, &str); 3] =
    [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "who")];

#[tokio::test]
async fn a_modern_request_is_answered_with_one_document() {
    let server = Server::start();
    let answer = server.post(0, &MODERN, &modern_call(7, "who")).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, Some("application/json")));
    let result = &answer.json()["result"];
    assert_eq!(result["content"][0]["text"], "ann by -");
    assert_eq!(result["resultType"], "complete");
    assert_eq!(answer.json()["id"], 7);
}

#[tokio::test]
async fn a_head_that_differs_from_its_body_is_refused_and_nothing_is_called() {
    let server = Server::start();
    let changed = |at: usize, value: &'static str| {
        let mut headers = MODERN.to_vec();
        headers[at].1 = value;
        headers
    };
    for headers in [
        changed(0, "2025-11-25"),
        changed(1, "tools/list"),
        changed(1, "TOOLS/CALL"),
        changed(2, "harmless"),
        changed(2, ""),
        MODERN[..2].to_vec(),
        vec![MODERN[0], MODERN[2]],
        MODERN[1..].to_vec(),
    ] {
        let answer = server.post(0, &headers, &modern_call(1, "who")).await;
        assert_eq!(answer.error(), (StatusCode::BAD_REQUEST, -32020), "{headers:?}");
    }
    for twice in MODERN {
        let mut headers = MODERN.to_vec();
        headers.push(twice);
        let answer = server.post(0, &headers, &modern_call(1, "who")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{headers:?}");
    }
    let encoded = server.post(0, &changed(2, "=?base64?d2hv?="), &modern_call(1, "who")).await;
    assert_eq!(encoded.status, StatusCode::OK, "the crate knows how else a name can be written");
}

#[tokio::test]
async fn an_older_client_opens_a_session_and_is_answered_in_it() {
    let server = Server::start();
    let session = server.open(0).await;
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(server.post(0, &headers, &note).await.status, StatusCode::ACCEPTED);
    let answer = server.post(0, &headers, &call(1, "who", json!({}))).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["result"]["content"][0]["text"], "ann by older/1");
    assert!(answer.json()["result"].get("resultType").is_none());
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
    assert_eq!(server.post(0, &headers, &ping).await.status, StatusCode::OK);
    let odd = [headers[0], ("mcp-protocol-version", "1999-01-01")];
    assert_eq!(server.post(0, &odd, &call(4, "who", json!({}))).await.status, StatusCode::BAD_REQUEST);
    let end = Request::delete("/mcp").header("host", "vault.test").header("mcp-session-id", &session);
    let end = end.header("authorization", format!("Bearer {}", server.tokens[0]));
    assert!(server.send(end.body(String::new()).unwrap()).await.status.is_success());
    let gone = server.post(0, &headers, &call(3, "who", json!({}))).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_session_of_another_principal_is_as_unknown_as_none() {
    let server = Server::start();
    let session = server.open(0).await;
    let messages = [
        call(1, "who", json!({})),
        json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
        json!({"jsonrpc": "2.0", "id": 3, "result": {}}),
        json!({"jsonrpc": "2.0", "id": 4, "method": "no/such"}),
        json!([1]),
        initialize(),
    ];
    for message in &messages {
        let foreign = server.post(1, &[("mcp-session-id", &session)], message).await;
        let unknown = server.post(1, &[("mcp-session-id", "00000000-0000-4000-8000-000000000000")], message).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{message}");
        assert_eq!((foreign.status, &foreign.text), (unknown.status, &unknown.text));
    }
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method).uri("/mcp").header("host", "vault.test");
        let request = request.header("accept", "text/event-stream").header("mcp-session-id", &session);
        let request = request.header("authorization", format!("Bearer {}", server.tokens[1]));
        assert_eq!(server.send(request.body(String::new()).unwrap()).await.status, StatusCode::NOT_FOUND);
    }
    let own = server.post(0, &[("mcp-session-id", &session)], &call(1, "who", json!({}))).await;
    assert_eq!(own.status, StatusCode::OK, "and it's still there");
}

#[tokio::test]
async fn a_modern_request_has_no_session_whatever_it_says() {
    let server = Server::start();
    let session = server.open(0).await;
    let mut headers = MODERN.to_vec();
    headers.push(("mcp-session-id", &session));
    let answer = server.post(1, &headers, &modern_call(1, "who")).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "bob by -");
}

#[tokio::test]
async fn what_is_not_one_proper_message_is_refused_without_being_quoted() {
    let server = Server::start();
    for (body, code) in [
        ("{", -32700),
        ("\u{feff}{}", -32700),
        ("[]", -32600),
        ("1", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","name":"hunter2"}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
    ] {
        let request = Request::post("/mcp")
            .header("host", "vault.test")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", server.tokens[0]));
        let answer = server.send(request.body(body.to_owned()).unwrap()).await;
        assert_eq!(answer.error(), (StatusCode::BAD_REQUEST, code), "{body}");
        assert!(!answer.text.contains("hunter2"));
    }
}

#[tokio::test]
async fn who_has_no_valid_token_is_told_where_they_come_from_and_nothing_else() {
    let server = Server::start();
    let send = |authorization: Option<&str>| {
        let request = Request::post("/mcp").header("host", "vault.test").header("content-type", "application/json");
        let request = authorization.into_iter().fold(request, |request, value| request.header("authorization", value));
        server.send(request.body(modern_call(1, "who").to_string()).unwrap())
    };
    let none = send(None).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        none.header("www-authenticate"),
        Some(
            r#"Bearer realm="opward", resource_metadata="https://vault.test/.well-known/oauth-protected-resource/mcp""#
        )
    );
    assert_eq!(none.json()["error"]["data"]["error"]["code"], "unauthenticated");
    let other = NewToken::generate().unwrap();
    for wrong in [format!("Bearer {}", other.reveal()), "Bearer x".to_owned(), "Basic x".to_owned(), String::new()] {
        let answer = send(Some(&wrong)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(answer.header("www-authenticate").unwrap().contains(r#"error="invalid_token""#), "{wrong}");
    }
    let metadata = Request::get("/.well-known/oauth-protected-resource/mcp").header("host", "vault.test");
    let metadata = server.send(metadata.body(String::new()).unwrap()).await;
    assert_eq!(metadata.json()["resource"], "https://vault.test/mcp");
}

#[tokio::test]
async fn a_listed_page_may_ask_and_another_may_not() {
    let server = Server::start();
    let preflight = |origin: &str| {
        let request = Request::options("/mcp").header("host", "vault.test").header("origin", origin);
        server.send(request.header("access-control-request-method", "POST").body(String::new()).unwrap())
    };
    let listed = preflight("https://app.test").await;
    assert_eq!(listed.status, StatusCode::NO_CONTENT);
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.test"));
    assert!(listed.header("access-control-allow-credentials").is_none());
    let other = preflight("https://evil.test").await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    assert!(other.header("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_request_is_taken_back_by_its_session() {
    let server = Server::start();
    let session = server.open(0).await;
    let headers = [("mcp-session-id", session.as_str())];
    let waiting = call(5, "wait", json!({}));
    let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
    let take_back = async {
        // The first poll of the other has begun the request.
        server.post(0, &headers, &cancelled).await
    };
    let (answer, note) = tokio::join!(biased; server.post(0, &headers, &waiting), take_back);
    assert_eq!(note.status, StatusCode::ACCEPTED);
    assert_eq!(answer.status, StatusCode::OK, "the handler was told to stop, and did");
}
