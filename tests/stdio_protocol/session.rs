//! A handler with known manners, and a client that counts.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opward::transport::stdio::{ServeError, serve_streams};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What happens inside the handler, for the test to see and to steer.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) started: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) finished: AtomicUsize,
    pub(crate) gate: Semaphore,
}

#[derive(Debug, Clone)]
pub(crate) struct Handler(pub(crate) Arc<Watch>);

impl Handler {
    pub(crate) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self(Arc::new(Watch {
            started: zero(),
            running: zero(),
            most: zero(),
            finished: zero(),
            gate: Semaphore::new(0),
        }))
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(vec![Tool::new("echo", "Gives back its text", serde_json::Map::new())]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let watch = &self.0;
        watch.started.fetch_add(1, Ordering::SeqCst);
        let running = watch.running.fetch_add(1, Ordering::SeqCst) + 1;
        watch.most.fetch_max(running, Ordering::SeqCst);
        let text = request.arguments.as_ref().and_then(|arguments| arguments.get("text")).and_then(Value::as_str);
        let text = text.unwrap_or_default().to_owned();
        match request.name.as_ref() {
            "echo" => {}
            "later" => tokio::task::yield_now().await,
            "gated" => watch.gate.acquire().await.unwrap().forget(),
            "polite" => tokio::select! {
                () = context.ct.cancelled() => {}
                () = pending() => {}
            },
            "never" => pending().await,
            "panic" => panic!("{text}"),
            "late panic" => {
                tokio::task::yield_now().await;
                panic!("{text}")
            }
            "progress" => {
                let token = context.meta.get_progress_token().expect("a token");
                for step in 0..3 {
                    let told = ProgressNotificationParam::new(token.clone(), f64::from(step));
                    context.peer.notify_progress(told).await.expect("the client listens");
                }
            }
            name => panic!("no tool {name}"),
        }
        watch.running.fetch_sub(1, Ordering::SeqCst);
        watch.finished.fetch_add(1, Ordering::SeqCst);
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// A client at the other end of two in-memory pipes.
pub(crate) struct Session {
    pub(crate) to: Option<WriteHalf<DuplexStream>>,
    pub(crate) from: Option<BufReader<ReadHalf<DuplexStream>>>,
    pub(crate) server: JoinHandle<Result<(), ServeError>>,
    pub(crate) stop: CancellationToken,
    pub(crate) watch: Arc<Watch>,
}

impl Session {
    /// A connection on which nothing was said yet.
    pub(crate) fn new() -> Self {
        let (ours, theirs) = duplex(16 * 1024);
        let (input, output) = split(theirs);
        let (from, to) = split(ours);
        let (handler, stop) = (Handler::new(), CancellationToken::new());
        let watch = Arc::clone(&handler.0);
        let server = tokio::spawn(serve_streams(handler, input, output, stop.clone()));
        Self { to: Some(to), from: Some(BufReader::new(from)), server, stop, watch }
    }

    /// A connection after the handshake.
    pub(crate) async fn open() -> Self {
        let mut session = Self::new();
        session.initialize("2025-11-25").await;
        session
    }

    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let answer = self.ask(json!("hello"), "initialize", params).await;
        self.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        answer
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.to.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    pub(crate) async fn line(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes()).await;
    }

    pub(crate) async fn ask(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await;
        let answer = self.answer().await;
        assert_eq!(answer.get("id"), Some(&id), "{answer}");
        answer
    }

    pub(crate) async fn call(&mut self, id: u64, tool: &str, text: &str) {
        self.line(&call(id, tool, text)).await;
    }

    /// The next line, which has to be JSON-RPC.
    pub(crate) async fn answer(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(self.from.as_mut().unwrap().read_line(&mut line).await.unwrap(), 0, "the server ended");
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer.get("jsonrpc"), Some(&json!("2.0")));
        answer
    }

    /// Asks for an echo and takes the answer: the connection is alive and owes nothing.
    pub(crate) async fn is_well(&mut self) {
        self.call(4242, "echo", "still here").await;
        let answer = self.answer().await;
        assert_eq!(text(&answer), Some("still here"), "{answer}");
        assert_eq!(answer.get("id"), Some(&json!(4242)));
    }

    /// Closes the client's side.
    pub(crate) async fn hang_up(&mut self) {
        self.to.take().unwrap().shutdown().await.unwrap();
    }

    /// What the server still says before it ends, and how it ends.
    pub(crate) async fn rest(mut self) -> (Vec<Value>, Result<(), ServeError>) {
        let mut rest = String::new();
        self.from.take().unwrap().read_to_string(&mut rest).await.unwrap();
        let lines = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (lines, self.server.await.unwrap())
    }
}

/// Waits until every task waits; needs a paused clock.
pub(crate) async fn all_is_quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub(crate) fn call(id: u64, tool: &str, text: &str) -> String {
    let params = json!({ "name": tool, "arguments": { "text": text } });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

pub(crate) fn text(answer: &Value) -> Option<&str> {
    answer.pointer("/result/content/0/text")?.as_str()
}

pub(crate) fn code(answer: &Value) -> Option<i64> {
    answer.pointer("/error/code")?.as_i64()
}
