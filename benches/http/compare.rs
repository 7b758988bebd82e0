//! How fast it is, beside the protocol crate's bare echo server: same transport settings, same client, in turn.
//!
//! The servers are pinned to one core and the client to another, so that neither takes the other's time. Every round
//! measures each target once, so that a slow spell of the machine falls on all of them; what's shown is the median of
//! the rounds, and a ratio is the median of the ratios within each. Processor time is the figure to hold: the clock
//! on the wall also counts what other programs took.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ask::{Asker, shown};
use crate::figures::{median, mib, micros, number, rank, round};
use crate::home::{Home, Item, Vault};
use crate::server::{Server, machine_time, own_time, pin};
use crate::tokens::{Issuer, StaticToken};
use crate::wire::{Connection, find};
use crate::{Failure, Result};

const SECRET: &str = "hello world";
const PATH: &str = "Bench/Echo/password";

/// How many tokens take turns where none is met twice: more than a server may remember.
const MANY: usize = 20_000;

/// How fast it is beside a bare echo server.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program to measure.
    #[arg(long)]
    opward: PathBuf,
    /// The yardstick.
    #[arg(long)]
    echo: PathBuf,
    /// How often everything is measured.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long each target is asked, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    millis: u64,
    /// How many connections ask at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// The core of the servers.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// The core of the client.
    #[arg(long, default_value_t = 1)]
    client_core: usize,
    /// Fail if what's wanted doesn't hold.
    #[arg(long)]
    hold: bool,
}

/// One way to ask one server.
struct Target {
    name: &'static str,
    server: usize,
    lifecycle: Lifecycle,
    askers: Vec<Asker>,
    tool: &'static str,
    arguments: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lifecycle {
    Modern,
    Legacy,
}

/// What one measurement showed.
struct Sample {
    per_second: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    resident: f64,
    others: f64,
}

/// A figure's name, the figure, and what's wanted of it.
type Figure = (&'static str, fn(&Sample) -> f64, Option<Wanted>);

/// The figures of a sample, their names, and how much of the yardstick's is wanted.
const FIGURES: [Figure; 6] = [
    ("requests/s", |sample| sample.per_second, Some(Wanted::AtLeast(0.8))),
    ("p50 µs", |sample| sample.p50, None),
    ("p99 µs", |sample| sample.p99, Some(Wanted::AtMost(1.5))),
    ("CPU µs/request", |sample| sample.cpu, Some(Wanted::AtMost(1.25))),
    ("RSS MiB", |sample| sample.resident, None),
    ("other programs, cores", |sample| sample.others, None),
];

#[derive(Clone, Copy)]
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

pub(crate) async fn run(options: &Options) -> Result<bool> {
    let home = make_home(options)?;
    let log = |name: &str| home.0.beside(name);
    let core = Some(options.server_core);
    let servers = [
        Server::start(&options.echo, &[], None, log("echo.log"), core)?,
        Server::start(
            &options.opward,
            &["serve", "--http", "127.0.0.1:0"],
            Some(&home.0.path()),
            log("opward.log"),
            core,
        )?,
    ];
    pin(options.client_core)?;
    let targets = targets(&servers, &home)?;
    for target in &targets {
        target.measure(&servers, 4, Duration::from_millis(300)).await?;
    }
    let mut report = Vec::new();
    let mut held = true;
    for &connections in &options.connections {
        let mut samples: Vec<Vec<Sample>> = targets.iter().map(|_| Vec::new()).collect();
        for _ in 0..options.rounds {
            for (target, samples) in targets.iter().zip(&mut samples) {
                samples.push(target.measure(&servers, connections, Duration::from_millis(options.millis)).await?);
            }
        }
        for (target, own) in targets.iter().zip(&samples) {
            let yardstick = targets.iter().position(|other| other.lifecycle == target.lifecycle).unwrap_or_default();
            let yardstick = samples.get(yardstick).ok_or("no yardstick")?;
            let (figures, holds) = summary(own, yardstick);
            held &= holds || target.is_extra();
            report
                .push(json!({ "target": target.name, "connections": connections, "figures": figures, "held": holds }));
        }
    }
    for server in servers {
        // The echo server knows nothing of ending well.
        server.end()?;
    }
    eprint_table(&report);
    println!("{}", serde_json::to_string_pretty(&json!({ "compare": report, "held": held }))?);
    Ok(held || !options.hold)
}

fn make_home(options: &Options) -> Result<(Home, Vec<Asker>)> {
    let echo = Item { title: "Echo".into(), user: "echo".into(), password: SECRET.into() };
    let others = (0..1000).map(|index| Item {
        title: format!("Service {index:04}"),
        user: format!("user-{index}"),
        password: format!("value-{index}-of-a-usual-length"),
    });
    let vault = Vault { name: "Bench".into(), items: std::iter::once(echo).chain(others).collect() };
    let policy = "version = 1\n[[rule]]\nid = \"bench-reads\"\nprincipals = [\"bench-*\", \"idp:bench-*\"]\n\
                  actions = [\"list\", \"describe\", \"read\"]\npaths = [\"Bench/**\"]\n";
    let home = Home::new(&options.opward, &[vault], policy)?;
    let (token, issuer) = (StaticToken::new()?, Issuer::new()?);
    // The limits are those of one principal, and here one principal is the whole load.
    home.configure("\n[http]\nlimits = { requests = \"1000000/1s\", burst = 1000000, concurrent = 1000 }\n")?;
    home.configure(&token.table("bench-static"))?;
    home.configure(&issuer.table(&home.path())?)?;
    let nowhere = ([127, 0, 0, 1], 0).into();
    let mut askers = vec![Asker::new(nowhere, &token.text)];
    for _ in 0..=MANY {
        askers.push(Asker::new(nowhere, &issuer.sign("idp:bench-signed")?));
    }
    Ok((home, askers))
}

fn targets(servers: &[Server; 2], home: &(Home, Vec<Asker>)) -> Result<Vec<Target>> {
    let [echo, opward] = servers;
    let at = |asker: &Asker| Asker { address: opward.address, ..asker.clone() };
    let [by_token, signed, many @ ..] = home.1.as_slice() else { return Err("no tokens".into()) };
    let stranger = vec![Asker { address: echo.address, bearer: None }];
    let target = |name, lifecycle, askers| Target {
        name,
        server: 1,
        lifecycle,
        askers,
        tool: "get_secret",
        arguments: json!({ "path": PATH }),
    };
    let echo = |name, lifecycle| Target {
        name,
        server: 0,
        lifecycle,
        askers: stranger.clone(),
        tool: "echo",
        arguments: json!({ "text": SECRET }),
    };
    Ok(vec![
        echo("echo", Lifecycle::Modern),
        target("opward, JWT", Lifecycle::Modern, vec![at(signed)]),
        target("opward, static token", Lifecycle::Modern, vec![at(by_token)]),
        target(NEVER_TWICE, Lifecycle::Modern, many.iter().map(at).collect()),
        echo("echo, session", Lifecycle::Legacy),
        target("opward, JWT, session", Lifecycle::Legacy, vec![at(signed)]),
    ])
}

/// What it costs to verify every signature anew; nothing is wanted of it.
const NEVER_TWICE: &str = "opward, a new JWT each time";

impl Target {
    fn is_extra(&self) -> bool {
        self.name == NEVER_TWICE
    }

    /// Asks over so many connections for so long.
    async fn measure(&self, servers: &[Server; 2], connections: usize, time: Duration) -> Result<Sample> {
        let server = servers.get(self.server).ok_or("no such server")?;
        let mut lines = Vec::new();
        for index in 0..connections {
            let asker = self.askers.first().ok_or("nobody asks")?;
            let mut connection = Connection::open(asker.address).await?;
            let (requests, session) = match self.lifecycle {
                Lifecycle::Modern => {
                    // Each connection has its part of the tokens.
                    let own = self.askers.iter().skip(index).step_by(connections);
                    let own: Vec<_> = own.map(|asker| asker.call(self.tool, &self.arguments, &[])).collect();
                    let one = || vec![asker.call(self.tool, &self.arguments, &[])];
                    (if own.is_empty() { one() } else { own }, None)
                }
                Lifecycle::Legacy => {
                    let session = asker.open_session(&mut connection).await?;
                    let params = json!({ "name": self.tool, "arguments": self.arguments });
                    (vec![asker.within(&session, "tools/call", &params)], Some(asker.end(&session)))
                }
            };
            lines.push(Line { connection, requests, end: session });
        }
        let (before, others, began) = (server.cpu_time()?, others(server)?, Instant::now());
        let mut working = JoinSet::new();
        for line in lines {
            working.spawn(line.ask_until(began + time));
        }
        let mut done = Vec::new();
        while let Some(line) = working.join_next().await {
            done.push(line??);
        }
        let took = began.elapsed();
        let cpu = server.cpu_time()?.saturating_sub(before);
        let others = others_since(server, others)?.as_secs_f64() / took.as_secs_f64();
        let resident = mib(server.resident_kib()?);
        let mut times = Vec::new();
        for (mut line, own) in done {
            times.extend(own);
            line.close().await?;
        }
        let count = number(times.len());
        Ok(Sample {
            per_second: count / took.as_secs_f64(),
            p50: micros(rank(&mut times, 50)),
            p99: micros(rank(&mut times, 99)),
            cpu: micros(cpu) / count,
            resident,
            others,
        })
    }
}

/// What programs other than these two have used of the machine so far.
fn others(server: &Server) -> Result<[Duration; 2]> {
    Ok([machine_time()?, server.cpu_time()? + own_time()?])
}

fn others_since(server: &Server, [machine, ours]: [Duration; 2]) -> Result<Duration> {
    let [machine_now, ours_now] = others(server)?;
    Ok(machine_now.saturating_sub(machine).saturating_sub(ours_now.saturating_sub(ours)))
}

/// A connection with what's sent over it, in turn.
struct Line {
    connection: Connection,
    requests: Vec<Vec<u8>>,
    /// What ends its session.
    end: Option<Vec<u8>>,
}

impl Line {
    async fn ask_until(mut self, end: Instant) -> Result<(Self, Vec<Duration>)> {
        let mut times = Vec::with_capacity(1 << 16);
        let requests = std::mem::take(&mut self.requests).into_iter().map(Arc::new).collect::<Vec<_>>();
        for request in requests.iter().cycle() {
            let sent = Instant::now();
            if sent >= end {
                break;
            }
            let answer = self.connection.ask(request).await?;
            times.push(sent.elapsed());
            if answer.status != 200 || find(&answer.body, SECRET.as_bytes()).is_none() {
                return Err(Failure::from(format!("an unexpected answer: {}", shown(&answer))));
            }
        }
        Ok((self, times))
    }

    async fn close(&mut self) -> Result<()> {
        if let Some(end) = &self.end {
            self.connection.ask(end).await?;
        }
        Ok(())
    }
}

/// The medians, their ratios to the yardstick's, and whether they're as wanted.
fn summary(own: &[Sample], yardstick: &[Sample]) -> (Value, bool) {
    let mut held = true;
    let figures = FIGURES.map(|(name, figure, wanted)| {
        let ratios = own.iter().zip(yardstick).map(|(own, other)| figure(own) / figure(other)).collect();
        let (value, ratio) = (median(own.iter().map(figure).collect()), median(ratios));
        held &= match wanted {
            Some(Wanted::AtLeast(least)) => ratio >= least,
            Some(Wanted::AtMost(most)) => ratio <= most,
            None => true,
        };
        json!({ "name": name, "median": round(value), "ratio": round(ratio) })
    });
    (json!(figures), held)
}

/// For people: a table in Markdown.
fn eprint_table(report: &[Value]) {
    let name = |(name, _, wanted): &Figure| match wanted {
        Some(Wanted::AtLeast(least)) => format!("{name} (≥ {least}×)"),
        Some(Wanted::AtMost(most)) => format!("{name} (≤ {most}×)"),
        None => (*name).to_owned(),
    };
    eprintln!("| target | c | {} |", FIGURES.iter().map(name).collect::<Vec<_>>().join(" | "));
    eprintln!("|---|---|{}", "---|".repeat(FIGURES.len()));
    for row in report {
        let text = |key: &str| row.get(key).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
        let figures = row.get("figures").and_then(Value::as_array).cloned().unwrap_or_default();
        let of = |figure: &Value, key: &str| figure.get(key).map(Value::to_string).unwrap_or_default();
        let cells = figures.iter().map(|figure| format!("{} ({}×)", of(figure, "median"), of(figure, "ratio")));
        eprintln!("| {} | {} | {} |", text("target"), text("connections"), cells.collect::<Vec<_>>().join(" | "));
    }
}
