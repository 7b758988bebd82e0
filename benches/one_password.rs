//! Measures what 1Password costs, both ways and beside the local vault, with the tests' stand-ins for it.
//!
//! `one_password OPWARD [CORE]` prints a table. `benches/one_password.sh` builds what it needs and runs it.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool says what's wrong and stops"
)]

#[path = "../tests/support/fake_connect.rs"]
mod fake_connect;
#[path = "../tests/support/fake_op.rs"]
mod fake_op;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_connect::FakeConnect;
use crate::fake_op::FakeOp;

/// How many secrets, readers of one, reads of all, and cached reads of each source.
const SECRETS: usize = 20;
const READERS: usize = 1_000;
const READS: usize = 1_000;
const CACHED: usize = 10_000;
/// How often what depends on the machine's mood is measured.
const ROUNDS: usize = 7;
/// How long a call of `op` takes.
const DELAY_MS: u64 = 100;

const VAULT: &str = "benchvaultaaaaaaaaaaaaaaaa";
const CONNECT_TOKEN: &str = "bench.connect.token";

const POLICY: &str = r#"version = 1
[[rule]]
id = "all"
principals = ["*"]
actions = ["list", "describe", "read", "write"]
paths = ["**"]
"#;

/// A home with three sources, each with the same secrets in a vault of its own.
struct Bench {
    opward: PathBuf,
    home: tempfile::TempDir,
    op: FakeOp,
    connect: FakeConnect,
}

/// A server that was just started, and has shaken hands.
struct Server {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    next: u64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let opward = fs::canonicalize(arguments.next().unwrap()).unwrap();
    let core = arguments.next().map(|core| core.parse().unwrap());
    let bench = Bench::new(opward);

    println!("| same stand-ins, one run | wanted | `op` | Connect |");
    println!("|---|---|---|---|");
    let both = |count: fn(&Bench, &str) -> usize| ["Op", "Connect"].map(|vault| count(&bench, vault));
    let [op, connect] = both(Bench::reads);
    println!("| requests for {READS} reads of {SECRETS} secrets, after listing | ≤ {SECRETS} | {op} | {connect} |");
    let [op, connect] = both(Bench::bundle);
    println!("| requests for one bundle of {SECRETS} secrets, after listing | ≤ {SECRETS} | {op} | {connect} |");
    let [op, connect] = both(Bench::readers);
    println!("| requests for {READERS} readers of one cold secret at once | 1 | {op} | {connect} |");
    println!();

    bench.op.settings(&json!({ "delay_ms": DELAY_MS }));
    let (mut bundles, mut singles, mut sequential) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bundles.push(bench.cold_bundle());
        singles.push(bench.cold_singles());
        sequential.push(bench.one_after_another());
    }
    bench.op.settings(&json!({ "delay_ms": 0 }));
    let base = median(&mut sequential);
    println!(
        "| {SECRETS} cold secrets, `op` takes {DELAY_MS} ms a call | wanted | median | slowest of {ROUNDS} | ratio |"
    );
    println!("|---|---|---|---|---|");
    for (what, wanted, times) in [
        ("`op read` one after another", "", &mut sequential),
        ("one `get_env_bundle`, fresh server", "≤ 0.4 s", &mut bundles),
        ("20 `get_secret` at once, fresh server", "≤ 0.4 s", &mut singles),
    ] {
        let median = median(times);
        let (ratio, slowest) = (median.as_secs_f64() / base.as_secs_f64(), times.last().unwrap().as_secs_f64());
        println!("| {what} | {wanted} | {:.3} s | {slowest:.3} s | {ratio:.2} |", median.as_secs_f64());
    }
    println!();

    let vaults = ["Local", "Op", "Connect"];
    let mut times = bench.cached(vaults, core);
    let rank = |times: &mut Vec<Duration>, percent: usize| {
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e6
    };
    let figures: Vec<_> = times.iter_mut().map(|times| (rank(times, 50), rank(times, 99))).collect();
    println!("| a cached `get_secret`, {CACHED} each in turn | median | 99 % | ratio of medians | of 99 % |");
    println!("|---|---|---|---|---|");
    for (vault, (half, most)) in vaults.iter().zip(&figures) {
        let ratios = (half / figures[0].0, most / figures[0].1);
        println!("| {vault} | {half:.1} µs | {most:.1} µs | {:.2} | {:.2} |", ratios.0, ratios.1);
    }
}

impl Bench {
    fn new(opward: PathBuf) -> Self {
        let home = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str], input: &str| {
            let mut child = Command::new(&opward)
                .args(arguments)
                .env("OPWARD_HOME", home.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success(), "opward {arguments:?}");
        };
        run(&["init", "--client", "cursor"], "");
        private(&home.path().join("policy.toml"), POLICY);
        for index in 0..SECRETS {
            run(&["secret", "put", &format!("Local/Item {index:02}/credential")], &value(index));
        }
        let op_home = home.path().join("op");
        fs::create_dir(&op_home).unwrap();
        let op = fake_op::install(&op_home, &op_world());
        let connect = FakeConnect::start(&connect_world());
        private(&home.path().join("op.token"), fake_op::TOKEN);
        private(&home.path().join("connect.token"), CONNECT_TOKEN);
        let mut config = format!(
            "version = 1\n\
             [[source]]\nname = \"home\"\nkind = \"local\"\nfile = \"vault.kdbx\"\nkey_file = \"vault.keyx\"\n\
             [[source]]\nname = \"op\"\nkind = \"op\"\ncommand = \"{}\"\ntoken_file = \"op.token\"\nplan = \"business\"\n\
             [[source]]\nname = \"connect\"\nkind = \"connect\"\nurl = \"{}\"\ntoken_file = \"connect.token\"\n",
            op.command.display(),
            connect.url
        );
        for vault in ["Op", "Connect"] {
            config.extend(["[env_bundle.", vault, "]\n"]);
            for index in 0..SECRETS {
                config.extend([format!("V{index:02} = \"{}\"\n", path(vault, index))]);
            }
        }
        private(&home.path().join("opward.toml"), &config);
        Self { opward, home, op, connect }
    }

    fn serve(&self) -> Server {
        Server::start(&self.opward, self.home.path())
    }

    /// A server that has listed what there is, with nothing counted yet.
    fn listed(&self) -> Server {
        let mut server = self.serve();
        server.call("list_secrets", &json!({}));
        self.op.forget_calls();
        self.connect.forget_requests();
        server
    }

    fn asked(&self, vault: &str) -> usize {
        if vault == "Op" { self.op.calls().len() } else { self.connect.requests().len() }
    }

    fn reads(&self, vault: &str) -> usize {
        let mut server = self.listed();
        for read in 0..READS {
            server.read(vault, read % SECRETS);
        }
        self.asked(vault)
    }

    fn bundle(&self, vault: &str) -> usize {
        let mut server = self.listed();
        server.bundle(vault);
        self.asked(vault)
    }

    fn readers(&self, vault: &str) -> usize {
        let mut server = self.listed();
        server.reads_at_once(vault, &vec![0; READERS]);
        self.asked(vault)
    }

    fn cold_bundle(&self) -> Duration {
        let mut server = self.serve();
        let start = Instant::now();
        server.bundle("Op");
        start.elapsed()
    }

    fn cold_singles(&self) -> Duration {
        let mut server = self.serve();
        let start = Instant::now();
        server.reads_at_once("Op", &(0..SECRETS).collect::<Vec<_>>());
        start.elapsed()
    }

    /// What a tool does that asks `op` for one secret after the other.
    fn one_after_another(&self) -> Duration {
        let start = Instant::now();
        for index in 0..SECRETS {
            let output = Command::new(&self.op.command)
                .args(["read", "--no-newline", &format!("op://{}", path("Op", index))])
                .env_clear()
                .env("OP_SERVICE_ACCOUNT_TOKEN", fake_op::TOKEN)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert_eq!(output.stdout, value(index).into_bytes());
        }
        start.elapsed()
    }

    /// The times of cached reads, each vault's in turn; on one core, if it's named.
    fn cached(&self, vaults: [&str; 3], core: Option<usize>) -> [Vec<Duration>; 3] {
        if let Some(core) = core {
            let mut set = rustix::thread::CpuSet::new();
            set.set(core);
            rustix::thread::sched_setaffinity(None, &set).unwrap();
        }
        let mut server = self.serve();
        let mut times = vaults.map(|_| Vec::with_capacity(CACHED));
        for round in 0..CACHED + 500 {
            for (vault, times) in vaults.iter().zip(&mut times) {
                let took = server.read(vault, 0);
                // The first ones warm up.
                if round >= 500 {
                    times.push(took);
                }
            }
        }
        times
    }
}

impl Server {
    fn start(opward: &Path, home: &Path) -> Self {
        let mut child = Command::new(opward)
            .arg("serve")
            .env_clear()
            .env("OPWARD_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take(), BufReader::with_capacity(1 << 20, child.stdout.take().unwrap()));
        let mut server = Self { child, to, from, next: 0 };
        let client = json!({ "name": "bench", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        server.write("initialize", &params);
        server.answer();
        server.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        server
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.write("tools/call", &json!({ "name": tool, "arguments": arguments }));
        self.answer()["result"]["structuredContent"].take()
    }

    /// Reads one secret; gives the time until its answer was there.
    fn read(&mut self, vault: &str, index: usize) -> Duration {
        self.write("tools/call", &get(vault, index));
        let start = Instant::now();
        let line = self.line();
        let took = start.elapsed();
        assert!(line.contains(&value(index)), "{line}");
        took
    }

    /// Sends all the requests before it looks for an answer.
    fn reads_at_once(&mut self, vault: &str, indexes: &[usize]) {
        let mut lines = String::new();
        for index in indexes {
            self.next += 1;
            let params = get(vault, *index);
            lines.push_str(
                &json!({ "jsonrpc": "2.0", "id": self.next, "method": "tools/call", "params": params }).to_string(),
            );
            lines.push('\n');
        }
        let mut to = self.to.take().unwrap();
        let writer = std::thread::spawn(move || {
            to.write_all(lines.as_bytes()).unwrap();
            to
        });
        for _ in indexes {
            let line = self.line();
            assert!(line.contains("value-"), "{line}");
        }
        self.to = Some(writer.join().unwrap());
    }

    fn bundle(&mut self, vault: &str) {
        let bundle = self.call("get_env_bundle", &json!({ "path": vault }));
        for index in 0..SECRETS {
            assert_eq!(bundle["env"][format!("V{index:02}")], value(index).as_str(), "{bundle}");
        }
    }

    fn write(&mut self, method: &str, params: &Value) {
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }).to_string());
    }

    fn send(&mut self, line: &str) {
        self.to.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn answer(&mut self) -> Value {
        let answer: Value = serde_json::from_str(&self.line()).unwrap();
        assert_eq!(answer["id"], self.next, "{answer}");
        answer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.from.read_line(&mut line).unwrap() > 0, "the server ended");
        line
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn get(vault: &str, index: usize) -> Value {
    json!({ "name": "get_secret", "arguments": { "path": path(vault, index) } })
}

fn path(vault: &str, index: usize) -> String {
    format!("{vault}/Item {index:02}/credential")
}

fn value(index: usize) -> String {
    format!("value-{index:02}-of-a-usual-length")
}

fn private(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The items, as both show them but for the names of their times.
fn items(made: &str, changed: &str) -> Value {
    let item = |index: usize| {
        let fields = json!([
            { "id": "credential", "type": "CONCEALED", "label": "credential", "value": value(index) },
            { "id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain", "value": "notes" },
        ]);
        json!({
            "id": format!("item{index:02}aaaaaaaaaaaaaaaaaaaa"), "title": format!("Item {index:02}"), "version": 1,
            "vault": { "id": VAULT }, "category": "API_CREDENTIAL", "fields": fields,
            made: "2026-01-01T00:00:00Z", changed: "2026-01-01T00:00:00Z",
        })
    };
    (0..SECRETS).map(item).collect()
}

fn op_world() -> Value {
    let mut world = fake_op::seed();
    world["vaults"] = json!([{ "id": VAULT, "name": "Op", "content_version": 1 }]);
    world["tokens"] = json!({ fake_op::TOKEN: { "vaults": { VAULT: "rw" } } });
    world["items"] = items("created_at", "updated_at");
    world
}

fn connect_world() -> Value {
    json!({
        "tokens": [{ "token": CONNECT_TOKEN, "vaults": { VAULT: "rw" } }],
        "vaults": [{ "id": VAULT, "name": "Connect" }],
        "items": items("createdAt", "updatedAt"),
    })
}
