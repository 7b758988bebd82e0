//! A home of its own for each test, and servers that are talked to line by line.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test's own tools"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Everybody may do everything.
pub(crate) const ALL: &str = r#"version = 1
[[rule]]
id = "all"
principals = ["*"]
actions = ["list", "describe", "read", "write", "rotate", "delete"]
paths = ["**"]
"#;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with a configuration, a policy that allows everything, and an empty vault.
pub(crate) struct Home(tempfile::TempDir);

/// The program, with nothing of this process's environment.
#[expect(clippy::disallowed_methods, reason = "tests start the program")]
pub(crate) fn opward(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
    command.env_clear().env("OPWARD_HOME", home).stdin(Stdio::null());
    command
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let made = home.opward().args(["init", "--client", "cursor"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        home.write_policy(ALL);
        home
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn opward(&self) -> Command {
        opward(self.folder())
    }

    pub(crate) fn write_policy(&self, text: &str) {
        let next = self.file("policy.next");
        fs::write(&next, text).unwrap();
        fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(next, self.file("policy.toml")).unwrap();
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.opward().args(arguments).output().unwrap()
    }

    /// Runs a command to its end with something on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        self.opward().args(arguments).stdin(file).output().unwrap()
    }

    /// Runs a shell script that starts the program with `"$@"`.
    #[expect(clippy::disallowed_methods, reason = "limits are set by a shell")]
    pub(crate) fn shell(&self, script: &str, arguments: &[&str]) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_opward")]).args(arguments);
        shell.env("OPWARD_HOME", self.folder()).output().unwrap()
    }

    pub(crate) fn put(&self, path: &str, value: &str) {
        let done = self.run_with(&["secret", "put", path], value.as_bytes());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Starts a server and says hello to it.
    pub(crate) fn serve(&self) -> Server {
        self.serve_with(|_| {})
    }

    pub(crate) fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Server {
        let mut server = self.start(change);
        server.hello();
        server
    }

    /// Starts a server and says nothing to it.
    pub(crate) fn start(&self, change: impl FnOnce(&mut Command)) -> Server {
        let said = tempfile::tempfile().unwrap();
        let mut command = self.opward();
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said.try_clone().unwrap());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Server { child, to, from, said, next: 1 }
    }

    /// The records of the log, in order.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file("audit.jsonl")).unwrap_or_default();
        // A record that's just being written has no end yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Checks the log with the program itself.
    pub(crate) fn verify(&self) {
        let done = self.run(&["audit", "verify"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
}

/// A server and the streams to it.
pub(crate) struct Server {
    child: Child,
    pub(crate) to: Option<ChildStdin>,
    pub(crate) from: BufReader<ChildStdout>,
    said: File,
    next: u64,
}

/// A call of a tool as the protocol has it.
pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

impl Server {
    pub(crate) fn hello(&mut self) {
        let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
        }});
        self.write(&hello.to_string());
        assert_eq!(self.read()["id"], 0);
        self.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Writes a line; a server that's gone is no mistake here.
    pub(crate) fn write(&mut self, line: &str) {
        if let Some(to) = &mut self.to {
            let _gone = to.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// The next message, which must come.
    pub(crate) fn read(&mut self) -> Value {
        let line = self.line();
        assert!(!line.is_empty(), "the server ended; it said: {}", self.said());
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a message: {line}"))
    }

    /// The next line, or what's left of one; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line
    }

    /// Calls a tool and gives its structured answer; an error has `error`.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.write(&call(id, tool, arguments));
        let mut answer = self.read();
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"]["structuredContent"].take()
    }

    pub(crate) fn put(&mut self, path: &str, value: &str) -> Value {
        self.call("put_secret", &json!({ "path": path, "value": value }))
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.call("get_secret", &json!({ "path": path }))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let _gone = kill_process(self.pid(), signal);
    }

    /// Hangs up and waits for the end, with everything that still came.
    pub(crate) fn end(mut self) -> (ExitStatus, String, String) {
        drop(self.to.take());
        self.finish()
    }

    /// Waits for the end, with everything that still came on both streams.
    pub(crate) fn finish(mut self) -> (ExitStatus, String, String) {
        let mut rest = Vec::new();
        self.from.read_to_end(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        (status, String::from_utf8_lossy(&rest).into_owned(), self.said())
    }

    /// What it has said on standard error.
    pub(crate) fn said(&mut self) -> String {
        let mut text = Vec::new();
        // The server writes through the same position, so it's read as a file of its own.
        let mut said = File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.said))).unwrap();
        said.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// One figure of `/proc/PID/status`, in its own unit.
    pub(crate) fn status(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits until the server has nothing left to do: each thread sleeps, and did so before we looked again.
    pub(crate) fn settle(&self) {
        let tasks = || {
            let mut seen = Vec::new();
            for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
                let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default();
                let asleep = status.contains("State:\tS");
                let turns = status.lines().filter(|line| line.contains("ctxt_switches")).collect::<String>();
                seen.push((asleep, turns));
            }
            seen
        };
        let (mut same, mut before) = (0, tasks());
        wait_until("the server rests", || {
            std::thread::yield_now();
            let now = tasks();
            same = if now == before && now.iter().all(|(asleep, _)| *asleep) { same + 1 } else { 0 };
            before = now;
            same > 20
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits for something that must come about.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The refusal's code in an answer.
pub(crate) fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("none")
}

/// Small, seeded, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Whether tests run as one who may do anything, so that taking a right away proves nothing.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
