//! Requests and answers as they are on the wire.

use std::fmt;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::super::client::patiently;

/// A stream in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// A connection to a server.
pub(crate) struct Wire {
    stream: BufReader<Box<dyn Duplex>>,
    /// What the server is called.
    host: String,
}

/// A request, before it's sent.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What was answered.
#[derive(Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A message of the protocol. One of the stateless revision says in its head what its body says.
    pub(crate) fn message(message: &Value) -> Self {
        let ask = Self::new("POST", "/mcp").header("Content-Type", "application/json");
        let mut ask = ask.header("Accept", "application/json, text/event-stream").body(message.to_string());
        let params = &message["params"];
        if let Some(version) = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str() {
            ask = ask.header("MCP-Protocol-Version", version);
            ask = ask.header("Mcp-Method", message["method"].as_str().unwrap());
            if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
                ask = ask.header("Mcp-Name", name);
            }
        }
        ask
    }

    /// What opens a session of an older revision.
    pub(crate) fn initialize(version: &str) -> Self {
        let client = json!({ "name": "raw", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        Self::message(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// With a header in the place of the one there was.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    /// In a session.
    pub(crate) fn session(self, id: &str) -> Self {
        self.with("Mcp-Session-Id", id)
    }

    pub(crate) fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    pub(crate) fn by(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Its head for a server of this name, with these lines for the body's length.
    pub(crate) fn head(&self, host: &str, length: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.extend(["Host: ", host, "\r\n"]);
        }
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.extend([length, "\r\n"]);
        head.into_bytes()
    }

    /// All of it, for a server of this name.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let length = format!("Content-Length: {}\r\n", self.body.len());
        let has_body = !self.body.is_empty() || self.method == "POST";
        [self.head(host, if has_body { &length } else { "" }), self.body.clone()].concat()
    }

    /// All of it, with its body in pieces of a size.
    pub(crate) fn chunked(&self, host: &str, size: usize) -> Vec<u8> {
        let mut bytes = self.head(host, "Transfer-Encoding: chunked\r\n");
        for piece in self.body.chunks(size) {
            bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = patiently(TcpStream::connect(address)).await.unwrap();
        Self::over(stream, &address.to_string())
    }

    /// A connection that was made some other way.
    pub(crate) fn over(stream: impl Duplex + 'static, host: &str) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), host: host.to_owned() }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Sends bytes. A server that has closed already is no mistake here: what it answered can still be read.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _closed = patiently(async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await;
    }

    /// Sends a request up to its body, and waits until the server wants that, so that the request is under way.
    pub(crate) async fn begin(&mut self, ask: &Ask) {
        let length = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", ask.body.len());
        self.send(&ask.head(&self.host, &length)).await;
        assert_eq!(self.line().await.as_deref(), Some("HTTP/1.1 100 Continue"));
        assert_eq!(self.line().await.as_deref(), Some(""));
    }

    /// Sends the body of a request that was begun, and gives the answer.
    pub(crate) async fn finish(&mut self, ask: &Ask) -> Reply {
        self.send(&ask.body).await;
        self.reply().await.expect("an answer")
    }

    /// Asks, and gives the answer.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Reply {
        self.send(&ask.bytes(&self.host)).await;
        let Some(mut head) = self.head().await else { panic!("closed without an answer: {ask:?}") };
        if ask.method != "HEAD" {
            self.read_body(&mut head).await;
        }
        head
    }

    /// The next answer, or `None` where there's no more.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        let mut reply = self.head().await?;
        self.read_body(&mut reply).await;
        Some(reply)
    }

    /// All answers until the server closes. Whoever is reset by a server that has said all reads no more.
    pub(crate) async fn replies(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(reply) = self.reply().await {
            replies.push(reply);
        }
        replies
    }

    /// Reads until the server closes, or the answer in several pieces that's being read ends.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = String::new();
        while let Some(line) = self.line().await.filter(|line| line != "0") {
            rest.extend([&line, "\n"]);
        }
        rest
    }

    /// The head of the next answer: final, as those before are only on the way.
    pub(crate) async fn head(&mut self) -> Option<Reply> {
        loop {
            let first = self.line().await?;
            let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).expect("a status");
            let mut reply = Reply { status: status.parse().unwrap(), headers: Vec::new(), body: Vec::new() };
            while let Some(line) = self.line().await.filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').expect("a header");
                reply.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            if reply.status != 100 {
                return Some(reply);
            }
        }
    }

    async fn read_body(&mut self, reply: &mut Reply) {
        if let Some(length) = reply.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            patiently(self.stream.read_exact(&mut body)).await.expect("the whole body");
            reply.body = body;
        } else if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.line().await.expect("a chunk");
                let mut piece = vec![0; usize::from_str_radix(&size, 16).unwrap()];
                patiently(self.stream.read_exact(&mut piece)).await.expect("a whole chunk");
                assert_eq!(self.line().await.as_deref(), Some(""));
                if piece.is_empty() {
                    break;
                }
                reply.body.extend(piece);
            }
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match patiently(self.stream.read_line(&mut line)).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches("\r\n").to_owned()),
        }
    }
}

impl Reply {
    /// A header's value. None of those we ask for is ever there twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// The names of its headers, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The code of the protocol's error.
    pub(crate) fn rpc_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// The code of our own error, in what's refused before any tool is asked.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["data"]["error"]["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// All of it as text, to look for what mustn't be there.
    pub(crate) fn all(&self) -> String {
        let line = |text: String, (name, value): &(String, String)| format!("{text}{name}: {value}\n");
        let head = self.headers.iter().fold(format!("{}\n", self.status), line);
        format!("{head}\n{}", String::from_utf8_lossy(&self.body))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.all())
    }
}
