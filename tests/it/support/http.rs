//! The program as it serves HTTP, and what it takes to talk to it: connections, tokens, and what it says meanwhile.

mod tokens;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(crate) use self::tokens::{AUDIENCE, Draft, ISSUER, Key, issuer, jwks, now, token, tokens};
pub(crate) use self::wire::{Ask, Reply, Wire};
use super::client::patiently;
use super::{Home, modern};

/// A server, and where it is.
pub(crate) struct Hosted {
    server: Child,
    output: BufReader<ChildStdout>,
    said: Arc<Said>,
    listening: JoinHandle<()>,
    /// The line it printed once it could be reached.
    pub(crate) printed: String,
    pub(crate) address: SocketAddr,
}

/// What a server has said on standard error so far.
#[derive(Default)]
struct Said {
    text: Mutex<String>,
    more: Notify,
}

impl Home {
    /// Serves over HTTP, with this in the configuration.
    pub(crate) async fn host(&self, http: &str) -> Hosted {
        self.configure(http);
        Hosted::start(self.folder(), &[]).await
    }

    /// The audit log's records of requests, without those of the program itself.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.records().into_iter().filter(|record| record["request"] != "").collect()
    }
}

/// A call of a tool in the stateless revision.
pub(crate) fn call(tool: &str, arguments: &Value) -> Ask {
    let params = modern(serde_json::json!({ "name": tool, "arguments": arguments }));
    Ask::message(&serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }))
}

impl Hosted {
    /// Starts it with more arguments, and waits until it can be reached.
    pub(crate) async fn start(home: &Path, more: &[&str]) -> Self {
        Self::start_among(home, more, &[]).await
    }

    /// The same, with more in its environment.
    #[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
    pub(crate) async fn start_among(home: &Path, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
        command.args(["serve", "--http", "127.0.0.1:0"]).args(more);
        command.env_clear().env("OPWARD_HOME", home).env("OPWARD_LOG", "trace").envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut server = command.spawn().unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let said = Arc::<Said>::default();
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let hears = Arc::clone(&said);
        let listening = tokio::spawn(async move {
            let mut line = Vec::new();
            while log.read_until(b'\n', &mut line).await.unwrap() > 0 {
                hears.text.lock().unwrap().push_str(str::from_utf8(&line).unwrap());
                hears.more.notify_waiters();
                line.clear();
            }
        });
        let mut printed = String::new();
        patiently(output.read_line(&mut printed)).await.unwrap();
        let place = printed.trim().rsplit_once("://").and_then(|(_, place)| place.split_once('/'));
        let Some((address, _path)) = place else {
            patiently(listening).await.unwrap();
            panic!("it didn't start: {}", said.text.lock().unwrap());
        };
        let address = address.parse().unwrap();
        Self { server, output, said, listening, printed, address }
    }

    /// The protocol's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Wire {
        Wire::open(self.address).await
    }

    /// Asks over a connection of its own.
    pub(crate) async fn ask(&self, ask: &Ask) -> Reply {
        self.connect().await.ask(ask).await
    }

    /// Asks with exactly these bytes, over a connection of its own.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Reply {
        let mut wire = self.connect().await;
        wire.send(bytes.as_ref()).await;
        wire.reply().await.expect("an answer")
    }

    /// Calls a tool in the stateless revision, and gives what it answered: the result, or an object with `error`.
    pub(crate) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let reply = self.ask(&call(tool, &arguments).bearer(token)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["result"]["structuredContent"].take()
    }

    /// A value that's expected to be readable.
    pub(crate) async fn read(&self, token: &str, path: &str) -> String {
        let answer = self.call(token, "get_secret", serde_json::json!({ "path": path })).await;
        answer["value"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The code that asking for a value is refused with; "none" if it's given.
    pub(crate) async fn code(&self, token: &str, path: &str) -> String {
        let answer = self.call(token, "get_secret", serde_json::json!({ "path": path })).await;
        answer["error"]["code"].as_str().unwrap_or("none").to_owned()
    }

    /// Opens a session of an older revision; gives its id.
    pub(crate) async fn open(&self, token: &str, version: &str) -> String {
        let reply = self.ask(&Ask::initialize(version).bearer(token)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.header("mcp-session-id").unwrap().to_owned()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        self.said.text.lock().unwrap().clone()
    }

    /// Waits until it has said something, and gives all it has said.
    pub(crate) async fn says(&self, text: &str) -> String {
        let heard = async {
            loop {
                let more = self.said.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                let said = self.said();
                if said.contains(text) {
                    return said;
                }
                more.await;
            }
        };
        patiently(heard).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.server.id().expect("it's there")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for its end; gives how it ended, and all it has said.
    pub(crate) async fn ended(self) -> (ExitStatus, String) {
        let Self { mut server, mut output, said, listening, .. } = self;
        let status = patiently(server.wait()).await.unwrap();
        let mut rest = String::new();
        patiently(output.read_to_string(&mut rest)).await.unwrap();
        assert_eq!(rest, "", "nothing else is printed");
        patiently(listening).await.unwrap();
        let said = said.text.lock().unwrap().clone();
        (status, said)
    }

    /// Tells it to end, waits for that, and gives all it has said.
    pub(crate) async fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (status, said) = self.ended().await;
        assert!(status.success(), "it ended with {status}: {said}");
        assert!(!said.contains("panicked") && !said.contains("a fault in opward itself"), "{said}");
        said
    }
}
