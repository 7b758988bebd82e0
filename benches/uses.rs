//! What an agent's calls to use a value cost, through the real server: `run_command` beside a plain spawn of the same
//! program, and `http_request` beside a plain client's call to the same server of this machine.
//!
//! `cargo bench --bench uses` prints medians of calls in turn, and their ratios: whatever else the machine does befalls
//! all of them.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Calls of each kind, and those before that aren't counted.
const ROUNDS: usize = 300;
const WARMING: usize = 20;

/// What's waited before each program, so that none pays for what an earlier one leaves to be done, the start of the
/// next supervisor: calls of agents are further apart.
const PAUSE: Duration = Duration::from_millis(20);

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || serve(&listener));
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start(home.path(), &format!("http://{address}/"));

    println!("/bin/true, {ROUNDS} of each in turn, {PAUSE:?} apart:");
    let mut spawned = |kind: usize| match kind {
        0 => assert!(Command::new("/bin/true").status().unwrap().success()),
        1 => server.call("run_command", &json!({ "name": "open" })),
        _ => server.call("run_command", &json!({ "name": "confined" })),
    };
    show(["plain spawn", "run_command, sandbox off", "run_command"], PAUSE, &mut spawned);

    println!("1 KiB of JSON from this machine, {ROUNDS} of each in turn:");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}/v1/charges");
    let mut sent = |kind: usize| match kind {
        0 => runtime.block_on(async {
            let request = client.get(&url).bearer_auth("sk_test_0123456789abcdef").send();
            assert_eq!(request.await.unwrap().bytes().await.unwrap().len(), 1024);
        }),
        _ => server.call("http_request", &json!({ "name": "local", "method": "GET", "path": "/v1/charges" })),
    };
    show(["plain client", "http_request"], Duration::ZERO, &mut sent);
    println!("a call that does nothing else:");
    show(["check_access"], Duration::ZERO, &mut |_| {
        server.call("check_access", &json!({ "path": "Bench/Key/credential", "action": "use" }));
    });
    server.end();
}

/// Makes each kind in turn, and prints what they took.
fn show<const KINDS: usize>(names: [&str; KINDS], pause: Duration, make: &mut impl FnMut(usize)) {
    let mut taken: [Vec<Duration>; KINDS] = std::array::from_fn(|_| Vec::new());
    for round in 0..ROUNDS + WARMING {
        for (kind, taken) in taken.iter_mut().enumerate() {
            sleep(pause);
            let begun = Instant::now();
            make(kind);
            if round >= WARMING {
                taken.push(begun.elapsed());
            }
        }
    }
    let at = |taken: &mut Vec<Duration>, part: usize| {
        taken.sort_unstable();
        taken.get(taken.len() / part).unwrap().as_secs_f64() * 1e3
    };
    let figures = taken.map(|mut taken| (at(&mut taken, 2), at(&mut taken, 10)));
    let (first, first_fast) = *figures.first().unwrap();
    for (name, (median, fast)) in names.iter().zip(figures) {
        let (times, fast_times) = (median / first, fast / first_fast);
        println!(
            "  {name:24}  median {median:.3} ms, {times:.2} times  fastest tenth {fast:.3} ms, {fast_times:.2} times"
        );
    }
}

/// Answers every request with 1 KiB of JSON, on connections that stay.
fn serve(listener: &TcpListener) {
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(1013));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\n\r\n";
    let answer = format!("{head}{body}");
    for stream in listener.incoming() {
        let (mut stream, answer): (TcpStream, String) = (stream.unwrap(), answer.clone());
        stream.set_nodelay(true).unwrap();
        spawn(move || {
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                seen.extend_from_slice(buffer.get(..read).unwrap());
                if seen.ends_with(b"\r\n\r\n") {
                    seen.clear();
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
    }
}

/// `opward serve` over a vault of its own, and a client of it.
struct Server {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    line: String,
    next: u64,
}

impl Server {
    fn start(home: &Path, base: &str) -> Self {
        run(home, &["init"], "");
        run(home, &["secret", "put", "Bench/Key/credential"], "sk_test_0123456789abcdef");
        let mut policy = fs::read_to_string(home.join(".config/opward/policy.toml")).unwrap();
        policy.push_str(&uses(base));
        fs::write(home.join(".config/opward/policy.toml"), policy).unwrap();
        run(home, &["policy", "check"], "");
        let mut child = opward(home, &["serve"]).stderr(Stdio::null()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Self { child, to, from, line: String::new(), next: 0 };
        let client = json!({ "name": "bench", "version": "1" });
        server.ask("initialize", &json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client }));
        writeln!(server.to, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#).unwrap();
        server
    }

    fn call(&mut self, tool: &str, arguments: &Value) {
        self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let answer: Value = serde_json::from_str(&self.line).unwrap();
        assert_eq!(answer.pointer("/result/isError"), Some(&Value::Bool(false)), "{answer}");
    }

    fn ask(&mut self, method: &str, params: &Value) {
        self.next += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params });
        writeln!(self.to, "{request}").unwrap();
        self.line.clear();
        assert!(self.from.read_line(&mut self.line).unwrap() > 0);
        assert!(self.line.contains("\"result\""), "{}", self.line);
    }

    fn end(self) {
        let Self { mut child, to, .. } = self;
        drop(to);
        assert!(child.wait().unwrap().success());
    }
}

fn uses(base: &str) -> String {
    let confined = r#"env.TOKEN = "Bench/Key/credential""#;
    format!(
        r#"
[[rule]]
id = "bench"
principals = ["agent"]
actions = ["use"]
paths = ["Bench/**"]
use.commands = ["confined", "open"]
use.hosts = ["{host}"]

[[command]]
name = "confined"
exe = "/bin/true"
class = "sealed"
{confined}

[[command]]
name = "open"
exe = "/bin/true"
class = "sealed"
sandbox = "off"
{confined}

[[http]]
name = "local"
base = "{base}"
methods = ["GET"]
paths = ["/v1/**"]
allow_private = true
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Bench/Key/credential" }}
"#,
        host = base.trim_start_matches("http://").trim_end_matches('/'),
    )
}

fn opward(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
    command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn run(home: &Path, arguments: &[&str], input: &str) {
    let mut child = opward(home, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success(), "opward {arguments:?}");
}
