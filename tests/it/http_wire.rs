//! The hosted server, spoken to byte by byte over connections of the test's own.

#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own tools; each target uses a part of them"
)]

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::modern;
use crate::support_robust::{Home, Server, wait_until};

/// The newest revision.
pub(crate) const MODERN: &str = "2026-07-28";
/// The newest with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// A hosted server, with a token for each of its principals.
pub(crate) struct Hosted {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) tokens: Vec<String>,
    trust: Option<Arc<ClientConfig>>,
}

/// A connection to it.
pub(crate) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    raw: TcpStream,
    host: String,
}

pub(crate) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Adds `[http]`, and principals with their tokens, to a configuration; gives the tokens.
pub(crate) fn admit(home: &Home, principals: &[&str], http: &str) -> Vec<String> {
    let file = home.file("opward.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    writeln!(text, "\n[http]\n{http}").unwrap();
    let mut tokens = Vec::new();
    for principal in principals {
        let made = home.run(&["token", "new", "--principal", principal, "--json"]);
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        writeln!(text, "[[http.token]]\nprincipal = \"{principal}\"\nsha256 = {}", made["sha256"]).unwrap();
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    fs::write(file, text).unwrap();
    tokens
}

impl Hosted {
    /// Starts a server for these principals.
    pub(crate) fn start(home: &Home, principals: &[&str], http: &str, change: impl FnOnce(&mut Command)) -> Self {
        let tokens = admit(home, principals, http);
        Self::listen(home, tokens, None, change)
    }

    /// The same behind a certificate of its own.
    pub(crate) fn start_tls(home: &Home, principals: &[&str], http: &str, change: impl FnOnce(&mut Command)) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap();
        for (name, text) in [("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())] {
            fs::write(home.file(name), text).unwrap();
            fs::set_permissions(home.file(name), Permissions::from_mode(0o600)).unwrap();
        }
        let tokens = admit(home, principals, &format!("tls = {{ cert = \"cert.pem\", key = \"key.pem\" }}\n{http}"));
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Self::listen(home, tokens, Some(Arc::new(config)), change)
    }

    fn listen(
        home: &Home,
        tokens: Vec<String>,
        trust: Option<Arc<ClientConfig>>,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut server = home.start(|command| {
            command.args(["--http", "127.0.0.1:0"]);
            change(command);
        });
        let line = server.line();
        let address = line.trim().rsplit_once("://").and_then(|(_, rest)| rest.strip_suffix("/mcp"));
        let address = address.unwrap_or_else(|| panic!("{line} {}", server.said())).parse().unwrap();
        Self { server, address, tokens, trust }
    }

    pub(crate) fn connect(&self) -> Wire {
        let raw = TcpStream::connect(self.address).unwrap();
        raw.set_nodelay(true).unwrap();
        raw.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let to = raw.try_clone().unwrap();
        let stream: Box<dyn Stream> = match &self.trust {
            None => Box::new(to),
            Some(trust) => {
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(StreamOwned::new(ClientConnection::new(Arc::clone(trust), name).unwrap(), to))
            }
        };
        Wire { stream: BufReader::new(stream), raw, host: format!("localhost:{}", self.address.port()) }
    }

    /// A connection's whole life: one modern call.
    pub(crate) fn once(&self, who: usize, tool: &str, arguments: &Value) -> Value {
        self.connect().call(&self.tokens[who], tool, arguments)
    }

    /// How many sockets it has open, besides those it listens at.
    pub(crate) fn sockets(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.server.pid().as_raw_nonzero());
        let links = fs::read_dir(folder).unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    }

    /// Waits until it has closed its side of all connections; `at_rest` is what it had without any.
    pub(crate) fn all_closed(&self, at_rest: usize) {
        wait_until("the connections are closed", || self.sockets() <= at_rest);
    }
}

impl Wire {
    /// The bytes of a POST.
    pub(crate) fn bytes(&self, token: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut text = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            self.host,
            body.len(),
        );
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        format!("{text}\r\n{body}").into_bytes()
    }

    /// The head of a request without a body.
    pub(crate) fn bodiless(&self, method: &str, token: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut text = format!(
            "{method} /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n",
            self.host
        );
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").unwrap();
        }
        format!("{text}\r\n").into_bytes()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let to = self.stream.get_mut();
        to.write_all(bytes).unwrap();
        to.flush().unwrap();
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head)
    }

    /// An answer, whole.
    pub(crate) fn response(&mut self) -> Response {
        let (status, head) = self.head();
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).map(|rest| rest.lines().next().unwrap().parse().unwrap());
        let mut body = Vec::new();
        if let Some(length) = length {
            body.resize(length, 0);
            self.stream.read_exact(&mut body).unwrap();
        } else if lower.contains("transfer-encoding: chunked") {
            loop {
                let mut line = String::new();
                self.stream.read_line(&mut line).unwrap();
                let size = usize::from_str_radix(line.trim(), 16).unwrap();
                let from = body.len();
                body.resize(from + size + 2, 0);
                self.stream.read_exact(&mut body[from..]).unwrap();
                body.truncate(from + size);
                if size == 0 {
                    break;
                }
            }
        }
        Response { status, head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) fn post(&mut self, token: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let bytes = self.bytes(token, headers, body);
        self.write(&bytes);
        self.response()
    }

    /// Sends what's answered and hung up on before all of it was read.
    pub(crate) fn post_unread(&mut self, bytes: &[u8]) -> Response {
        let to = self.stream.get_mut();
        let _refused = to.write_all(bytes).and_then(|()| to.flush());
        self.response()
    }

    /// A modern call as it's written.
    pub(crate) fn call_bytes(&self, token: &str, tool: &str, arguments: &Value) -> Vec<u8> {
        let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool)];
        self.bytes(token, &headers, &call(1, tool, arguments))
    }

    /// A modern call's structured answer.
    pub(crate) fn call(&mut self, token: &str, tool: &str, arguments: &Value) -> Value {
        let bytes = self.call_bytes(token, tool, arguments);
        self.write(&bytes);
        self.response().structured()
    }

    /// Opens a session; gives its id.
    pub(crate) fn initialize(&mut self, token: &str) -> String {
        let opened = self.post(token, &[], &initialize());
        assert_eq!(opened.status, 200, "{opened:?}");
        let id = opened.header("mcp-session-id").unwrap();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
        let said = self.post(token, &[("Mcp-Session-Id", &id)], &initialized);
        assert_eq!(said.status, 202, "{said:?}");
        id
    }

    /// A call in a session.
    pub(crate) fn call_in(&mut self, session: &str, token: &str, tool: &str, arguments: &Value) -> Value {
        let headers = [("Mcp-Session-Id", session), ("MCP-Protocol-Version", LEGACY)];
        self.post(token, &headers, &crate::support_robust::call(7, tool, arguments)).structured()
    }

    /// Hangs up.
    pub(crate) fn close(self) {
        self.raw.shutdown(Shutdown::Both).unwrap();
    }

    /// Whether the other side has closed, once what it said before is read.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).is_ok()
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    }

    /// The message in it, as a document or as an event.
    pub(crate) fn message(&self) -> Value {
        let data = self.body.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(&self.body);
        serde_json::from_str(data).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn structured(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.message()["result"]["structuredContent"].take()
    }
}

/// The message of a modern call.
pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> String {
    let params = modern(json!({ "name": tool, "arguments": arguments }));
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

pub(crate) fn initialize() -> String {
    let params =
        json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": { "name": "w", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}
