//! Measures MCP servers on standard input and output, side by side.
//!
//! ```text
//! load --cpu 0 --server echo=target/release/examples/echo_server --call 'echo={"name":"echo","arguments":{"text":"hi"}}' …
//! ```
//!
//! Each round starts every server afresh, in turn, so that a slow spell of the machine falls on all of them. The
//! client is single-threaded and blocking, and with `--cpu` it shares one core with the server: then the figures
//! don't depend on how quickly the other core wakes up. Ratios are to the first server.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "this is a measuring tool, not the product")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};

/// Measures MCP servers on standard input and output, side by side.
#[derive(Parser)]
struct Options {
    /// A server as `name=command`; may be repeated, the first is the yardstick.
    #[arg(long = "server", required = true)]
    servers: Vec<String>,
    /// The parameters of the `tools/call` a server gets, as `name=json`.
    #[arg(long = "call", required = true)]
    calls: Vec<String>,
    /// Which lifecycle to speak.
    #[arg(long, default_value = "legacy", value_parser = ["legacy", "modern"])]
    mode: String,
    /// Sequential calls per server and round.
    #[arg(long, default_value_t = 5_000)]
    sequential: usize,
    /// Pipelined calls per server and round.
    #[arg(long, default_value_t = 20_000)]
    pipelined: usize,
    /// How many pipelined calls are unanswered at a time.
    #[arg(long, default_value_t = 64)]
    window: usize,
    /// How often every server is started and measured.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Pins the client and the servers to this core.
    #[arg(long)]
    cpu: Option<usize>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What was measured of one server over all rounds.
#[derive(Default)]
struct Samples {
    start: Vec<Duration>,
    call: Vec<Duration>,
    pipelined_per_second: Vec<u64>,
    cpu_per_call: Vec<Duration>,
    idle_kib: Vec<u64>,
    busy_kib: Vec<u64>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(cpu) = options.cpu {
        let mut set = rustix::thread::CpuSet::new();
        set.set(cpu);
        rustix::thread::sched_setaffinity(None, &set)?;
    }
    let servers = pairs(&options.servers)?;
    let calls: BTreeMap<_, _> = pairs(&options.calls)?.into_iter().collect();
    let mut samples: Vec<Samples> = servers.iter().map(|_| Samples::default()).collect();
    for _ in 0..options.rounds {
        for ((name, command), samples) in servers.iter().zip(&mut samples) {
            let call: Value = serde_json::from_str(calls.get(name).ok_or("each server needs its --call")?)?;
            measure(&options, command, &call, samples)?;
        }
    }
    let results: Vec<_> = samples.iter_mut().map(Samples::summary).collect();
    let first = results.first().cloned().unwrap_or_default();
    let report: serde_json::Map<String, Value> = servers
        .iter()
        .zip(results)
        .map(|((name, _), result)| {
            let ratios: BTreeMap<_, _> =
                result.iter().map(|(key, value)| (key, round(value / first.get(key).unwrap_or(&f64::NAN)))).collect();
            let figures: BTreeMap<_, _> = result.iter().map(|(key, value)| (key, round(*value))).collect();
            (name.clone(), json!({ "figures": figures, "ratios": ratios }))
        })
        .collect();
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn pairs(given: &[String]) -> Result<Vec<(String, String)>> {
    let split = |text: &String| text.split_once('=').map(|(name, rest)| (name.to_owned(), rest.to_owned()));
    Ok(given.iter().map(split).collect::<Option<_>>().ok_or("expected name=value")?)
}

/// Starts a server once and adds what it showed to the samples.
fn measure(options: &Options, command: &str, call: &Value, samples: &mut Samples) -> Result<()> {
    let mut client = Client::start(command)?;
    samples.start.push(client.shake_hands(&options.mode)?);
    for _ in 0..500 {
        client.call(call, &options.mode)?;
    }
    samples.idle_kib.push(client.resident_kib()?);
    let before = client.cpu_time()?;
    for _ in 0..options.sequential {
        samples.call.push(client.call(call, &options.mode)?);
    }
    let spent = client.cpu_time()?.saturating_sub(before);
    samples.cpu_per_call.push(spent / u32::try_from(options.sequential.max(1))?);
    samples.pipelined_per_second.push(client.pipelined(call, options)?);
    samples.busy_kib.push(client.resident_kib()?);
    client.end()
}

/// A session with a server that was just started.
struct Client {
    child: Child,
    started: Instant,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    line: String,
    next: u64,
}

impl Client {
    fn start(command: &str) -> Result<Self> {
        let mut words = command.split_whitespace();
        let started = Instant::now();
        let mut child = Command::new(words.next().ok_or("empty command")?)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let to = BufWriter::with_capacity(256 * 1024, child.stdin.take().ok_or("no stdin")?);
        let from = BufReader::with_capacity(256 * 1024, child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, started, to, from, line: String::new(), next: 0 })
    }

    /// The time from starting the process to its first answer.
    fn shake_hands(&mut self, mode: &str) -> Result<Duration> {
        if mode == "modern" {
            let id = self.write("server/discover", &json!({ "_meta": modern_meta() }))?;
            self.to.flush()?;
            self.answer(id)?;
            return Ok(self.started.elapsed());
        }
        let client = json!({ "name": "load", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let id = self.write("initialize", &params)?;
        self.to.flush()?;
        self.answer(id)?;
        let start = self.started.elapsed();
        writeln!(self.to, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#)?;
        Ok(start)
    }

    fn call(&mut self, params: &Value, mode: &str) -> Result<Duration> {
        let id = self.write_call(params, mode)?;
        let sent = Instant::now();
        self.to.flush()?;
        self.read_line()?;
        let took = sent.elapsed();
        self.check(id)?;
        Ok(took)
    }

    /// Calls per second with a window of unanswered ones.
    fn pipelined(&mut self, params: &Value, options: &Options) -> Result<u64> {
        let started = Instant::now();
        let first = self.next;
        let (mut sent, mut answered) = (0, 0);
        while answered < options.pipelined {
            while sent < options.pipelined && sent - answered < options.window {
                self.write_call(params, &options.mode)?;
                sent += 1;
            }
            self.to.flush()?;
            // Answers may come in any order; each is checked for being one.
            self.read_line()?;
            answered += 1;
            while answered < sent && self.from.buffer().contains(&b'\n') {
                self.read_line()?;
                answered += 1;
            }
            if self.line.contains("\"error\":") || self.line.contains("\"isError\":true") {
                return Err(format!("call {first} or later failed: {}", self.line).into());
            }
        }
        let per_second = f64::from(u32::try_from(answered)?) / started.elapsed().as_secs_f64();
        Ok(format!("{per_second:.0}").parse()?)
    }

    fn write_call(&mut self, params: &Value, mode: &str) -> Result<u64> {
        let mut params = params.clone();
        if let (Value::Object(params), "modern") = (&mut params, mode) {
            params.insert("_meta".into(), modern_meta());
        }
        self.write("tools/call", &params)
    }

    fn write(&mut self, method: &str, params: &Value) -> Result<u64> {
        self.next += 1;
        writeln!(self.to, r#"{{"jsonrpc":"2.0","id":{},"method":"{method}","params":{params}}}"#, self.next)?;
        Ok(self.next)
    }

    fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        match self.from.read_line(&mut self.line)? {
            0 => Err("the server ended".into()),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, id: u64) -> Result<()> {
        self.read_line()?;
        self.check(id)
    }

    fn check(&self, id: u64) -> Result<()> {
        let answer: Value = serde_json::from_str(&self.line)?;
        let failed = answer.get("error").is_some() || answer.pointer("/result/isError") == Some(&Value::Bool(true));
        if failed || answer.get("id") != Some(&id.into()) {
            return Err(format!("unexpected answer to {id}: {}", self.line).into());
        }
        Ok(())
    }

    fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// The processor time of all the server's threads.
    fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += text.split_whitespace().next().ok_or("empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    fn end(self) -> Result<()> {
        let Self { mut child, to, .. } = self;
        drop(to);
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Samples {
    fn summary(&mut self) -> BTreeMap<&'static str, f64> {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        BTreeMap::from([
            ("start_ms", micros(rank(&mut self.start, 50)) / 1e3),
            ("call_p50_us", micros(rank(&mut self.call, 50))),
            ("call_p99_us", micros(rank(&mut self.call, 99))),
            ("cpu_per_call_us", micros(rank(&mut self.cpu_per_call, 50))),
            ("pipelined_per_s", whole(rank(&mut self.pipelined_per_second, 50))),
            ("rss_idle_mib", whole(rank(&mut self.idle_kib, 50)) / 1024.0),
            ("rss_busy_mib", whole(rank(&mut self.busy_kib, 50)) / 1024.0),
        ])
    }
}

/// The sample that `percent` of all don't exceed.
fn rank<T: Ord + Copy + Default>(samples: &mut [T], percent: usize) -> T {
    samples.sort_unstable();
    samples.get((samples.len() * percent / 100).min(samples.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn whole(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "load", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
