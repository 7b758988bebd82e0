//! Starts the stand-in for a Connect server (`tests/fakes/connect`), and steers it.
//!
//! `cargo test` builds it; after `cargo test --test …` or `--lib`, which don't, build it with
//! `cargo build --example fake_connect`.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a test that can't start has failed")]

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A running server, stopped when it's dropped.
#[derive(Debug)]
pub(crate) struct FakeConnect {
    /// Where it is: `http://127.0.0.1:…`.
    pub(crate) url: String,
    /// Its token; in a world with tokens of its own, the first.
    pub(crate) token: String,
    child: Child,
    _world: Option<tempfile::NamedTempFile>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl FakeConnect {
    /// Starts it with the world that's built in.
    pub(crate) fn built_in() -> Self {
        Self::spawn(None)
    }

    /// Starts it with a world: `tests/fakes/connect/world.rs` says what that is.
    pub(crate) fn start(world: &Value) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(world.to_string().as_bytes()).unwrap();
        let mut started = Self::spawn(Some(file));
        if let Some(token) = world.pointer("/tokens/0/token").and_then(Value::as_str) {
            token.clone_into(&mut started.token);
        }
        started
    }

    fn spawn(world: Option<tempfile::NamedTempFile>) -> Self {
        // Examples are two folders up from tests, and down again.
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.set_file_name("examples");
        program.push(format!("fake_connect{}", std::env::consts::EXE_SUFFIX));
        let mut command = Command::new(&program);
        if let Some(world) = &world {
            command.arg("--world").arg(world.path());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; cargo build --example fake_connect", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let word = |key: &str| told.get(key).and_then(Value::as_str).unwrap().to_owned();
        Self { url: word("url"), token: word("token"), child, _world: world }
    }

    /// The requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let requests = self.control("GET", "requests", None);
        requests.as_array().unwrap().clone()
    }

    /// How many requests there were of a method whose path holds a text.
    pub(crate) fn count(&self, method: &str, part_of_path: &str) -> usize {
        let text = |request: &Value, key: &str| request.get(key).and_then(Value::as_str).unwrap().to_owned();
        let fits = |request: &&Value| text(request, "method") == method && text(request, "path").contains(part_of_path);
        self.requests().iter().filter(fits).count()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.control("DELETE", "requests", None);
    }

    /// Appends a fault: `tests/fakes/connect/faults.rs` lists them.
    pub(crate) fn fault(&self, fault: &Value) {
        self.control("POST", "faults", Some(&json!([fault])));
    }

    /// Takes all faults away.
    pub(crate) fn clear_faults(&self) {
        self.control("DELETE", "faults", None);
    }

    /// Changes some settings: `tests/fakes/connect/settings.rs` lists them.
    pub(crate) fn settings(&self, settings: &Value) {
        self.control("PUT", "settings", Some(settings));
    }

    /// All there is now.
    pub(crate) fn world(&self) -> Value {
        self.control("GET", "world", None)
    }

    /// An item as it's stored now, with all that's in it.
    pub(crate) fn stored(&self, id: &str) -> Option<Value> {
        let world = self.world();
        let items = world.get("items").and_then(Value::as_array).unwrap();
        items.iter().find(|item| item.get("id").and_then(Value::as_str) == Some(id)).cloned()
    }

    /// Changes an item behind everybody's back, or adds it.
    pub(crate) fn put_item(&self, item: &Value) {
        self.control("PUT", "item", Some(item));
    }

    /// Destroys an item behind everybody's back.
    pub(crate) fn remove_item(&self, id: &str) {
        self.control("DELETE", &format!("item?id={id}"), None);
    }

    /// Changes a vault behind everybody's back, or adds it.
    pub(crate) fn put_vault(&self, vault: &Value) {
        self.control("PUT", "vault", Some(vault));
    }

    /// Gives a token these rights: `{"<vault id>": "rw" or "r"}`.
    pub(crate) fn grant(&self, token: &str, vaults: &Value) {
        self.control("PUT", "token", Some(&json!({ "token": token, "vaults": vaults })));
    }

    /// Revokes a token.
    pub(crate) fn revoke(&self, token: &str) {
        self.control("DELETE", &format!("token?token={token}"), None);
    }

    /// Ends it as a parent does that goes away, and waits for it.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().unwrap()
    }

    /// Asks it something, with its token.
    pub(crate) fn send(&self, method: &str, target: &str, body: Option<&Value>) -> io::Result<Reply> {
        self.send_with(&self.token, method, target, body)
    }

    /// Asks it something, with another token.
    pub(crate) fn send_with(&self, token: &str, method: &str, target: &str, body: Option<&Value>) -> io::Result<Reply> {
        let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/json".to_owned())];
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.exchange(method, target, &headers, &body, PATIENCE)
    }

    /// Sends a request as it's given, and waits no longer than told for each piece of the answer.
    pub(crate) fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, String)],
        body: &[u8],
        patience: Duration,
    ) -> io::Result<Reply> {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        request.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str("\r\n");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(&[request.as_bytes(), body].concat())?;
        Reply::read(BufReader::new(stream))
    }

    fn control(&self, method: &str, what: &str, body: Option<&Value>) -> Value {
        let reply = self.send(method, &format!("/_fake/{what}"), body).unwrap();
        assert_eq!(reply.status, 200, "{method} {what}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }
}

impl Drop for FakeConnect {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(mut stream: impl io::BufRead) -> io::Result<Self> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let status = line(&mut stream)?.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
        let mut headers = Vec::new();
        loop {
            let line = line(&mut stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Self { status, headers, body: Vec::new() };
        if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&line(&mut stream)?, 16).map_err(|_| wrong())?;
                reply.body.extend(exactly(&mut stream, length)?);
                line(&mut stream)?;
                if length == 0 {
                    return Ok(reply);
                }
            }
        }
        let length = reply.header("content-length").map_or(Ok(0), str::parse).map_err(|_| wrong())?;
        reply.body = exactly(&mut stream, length)?;
        Ok(reply)
    }
}

/// A line without its end. It's an error if it has none.
fn line(stream: &mut impl io::BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
