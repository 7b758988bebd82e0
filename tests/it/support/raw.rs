//! A client that writes lines and reads lines, to see exactly what's on the wire.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::client::{ended, patiently, server, server_among};

/// A connection.
pub(crate) struct Raw {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    said: JoinHandle<String>,
    id: u64,
}

/// Parameters of a request of the stateless revision.
pub(crate) fn modern(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    params
}

impl Raw {
    pub(crate) fn start(home: &Path, principal: &str) -> Self {
        Self::start_in("OPWARD_HOME", home, principal)
    }

    /// Starts a server that knows its home by this variable.
    pub(crate) fn start_in(variable: &str, home: &Path, principal: &str) -> Self {
        let (server, input, output, said) = server((variable, home), principal);
        Self { server, input, output: BufReader::new(output), said, id: 0 }
    }

    /// Starts a server with more in its environment.
    pub(crate) fn start_among(home: &Path, principal: &str, variables: &[(&str, &str)]) -> Self {
        let (server, input, output, said) = server_among(("OPWARD_HOME", home), principal, variables);
        Self { server, input, output: BufReader::new(output), said, id: 0 }
    }

    pub(crate) async fn line(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// The next line, exactly as it was written.
    pub(crate) async fn next(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(patiently(self.output.read_line(&mut line)).await.unwrap(), 0, "the server ended");
        line
    }

    /// Asks, and gives the answer's line.
    pub(crate) async fn ask_line(&mut self, method: &str, params: Value) -> String {
        self.id += 1;
        self.line(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }).to_string()).await;
        self.next().await
    }

    /// Asks, and gives the answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let line = self.ask_line(method, params).await;
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(self.id)), "{answer}");
        answer
    }

    /// Shakes hands in an older revision.
    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        let client = json!({ "name": "raw", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let answer = self.ask("initialize", params).await;
        self.line(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        answer
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.server.id().unwrap()
    }

    /// Goes away without a word, and waits for the server's end.
    pub(crate) async fn vanish(self) -> String {
        let Self { server, input, output, said, .. } = self;
        drop((input, output));
        ended(server, said).await
    }

    /// Hangs up; gives whatever else was written to stdout, and the log.
    pub(crate) async fn end(self) -> (String, String) {
        let Self { server, input, mut output, said, .. } = self;
        drop(input);
        let mut rest = String::new();
        patiently(output.read_to_string(&mut rest)).await.unwrap();
        (rest, ended(server, said).await)
    }
}
