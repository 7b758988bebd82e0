//! What connections and sessions cost that nobody uses, and whether it's given back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::Result;
use crate::ask::{Asker, shown};
use crate::figures::{mib, round};
use crate::home::{Home, Item, Vault};
use crate::honest::Honest;
use crate::server::Server;
use crate::tokens::{Issuer, SIGNED, StaticToken};
use crate::wire::Connection;

const SECRET: &str = "hello world";
const PATH: &str = "Bench/Echo/password";

/// How many principals share the sessions.
const PRINCIPALS: usize = 10;

/// How much may be resident, in MiB, and how much more than before a minute later.
const MOST_MIB: f64 = 1024.0;
const MOST_AFTER: f64 = 1.2;

/// How slow an honest client's slowest hundredth may get.
const MOST_P99: Duration = Duration::from_millis(200);

/// What idle connections and sessions cost.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program to try.
    #[arg(long)]
    opward: PathBuf,
    /// How many connections.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How many sessions, each with a stream of events on one of the connections.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// For how long everything stays open and idle, in seconds.
    #[arg(long, default_value_t = 20)]
    hold: u64,
    /// How long after the end its memory is looked at, in seconds.
    #[arg(long, default_value_t = 60)]
    after: u64,
}

/// A server, and who asks it.
pub(crate) struct Crowd {
    pub(crate) server: Server,
    pub(crate) askers: Vec<Asker>,
    _home: Home,
}

impl Crowd {
    /// A server with room for so many connections, and ten principals that may read.
    pub(crate) fn start(opward: &std::path::Path, connections: usize, sessions: usize) -> Result<Self> {
        let item = |title: String| Item { title, user: "echo".into(), password: SECRET.into() };
        let items = (0..500).map(|index| item(format!("Service {index:04}")));
        let vault = Vault { name: "Bench".into(), items: std::iter::once(item("Echo".into())).chain(items).collect() };
        let policy = "version = 1\n[[rule]]\nid = \"crowd-reads\"\nprincipals = [\"crowd-*\", \"idp:crowd-*\"]\n\
                      actions = [\"list\", \"describe\", \"read\"]\npaths = [\"Bench/**\"]\n";
        let home = Home::new(opward, &[vault], policy)?;
        home.configure(&format!(
            "\n[http]\nlimits = {{ connections = {}, sessions = {}, sessions_per_principal = {}, \
             requests = \"1000000/1s\", burst = 1000000, concurrent = 10000 }}\n",
            connections.saturating_add(64),
            sessions.max(1),
            sessions.div_ceil(PRINCIPALS).max(1),
        ))?;
        let issuer = Issuer::new()?;
        let mut bearers = Vec::new();
        for index in 0..PRINCIPALS {
            let principal = format!("crowd-{index}");
            if index.is_multiple_of(2) {
                bearers.push(issuer.sign(&format!("{SIGNED}{principal}"))?);
            } else {
                let token = StaticToken::new()?;
                home.configure(&token.table(&principal))?;
                bearers.push(token.text);
            }
        }
        home.configure(&issuer.table(&home.path())?)?;
        let arguments = ["serve", "--http", "127.0.0.1:0"];
        let server = Server::start(opward, &arguments, Some(&home.path()), home.beside("opward.log"), None)?;
        let askers = bearers.iter().map(|bearer| Asker::new(server.address, bearer)).collect();
        Ok(Self { server, askers, _home: home })
    }

    pub(crate) fn asker(&self, index: usize) -> Result<&Asker> {
        Ok(self.askers.get(index % PRINCIPALS).ok_or("nobody asks")?)
    }

    /// A client that goes on asking.
    pub(crate) fn honest(&self) -> Result<Honest> {
        let asker = self.asker(0)?.clone();
        let request = asker.call("get_secret", &json!({ "path": PATH }), &[]);
        Ok(Honest::start(asker, request, SECRET))
    }

    /// The tool call that each connection sends once.
    async fn ask_once(&self, index: usize) -> Result<Connection> {
        let asker = self.asker(index)?;
        let mut connection = Connection::open(asker.address).await?;
        let answer = connection.ask(&asker.call("get_secret", &json!({ "path": PATH }), &[])).await?;
        if answer.status != 200 {
            return Err(format!("connection {index}: {}", shown(&answer)).into());
        }
        Ok(connection)
    }
}

pub(crate) async fn run(options: &Options) -> Result<bool> {
    let (known, known_well) = known(options).await?;
    let (silent, silent_well) = silent(options).await?;
    let well = known_well && silent_well;
    println!("{}", serde_json::to_string_pretty(&json!({ "used_once": known, "silent": silent, "held": well }))?);
    Ok(well)
}

/// Connections that were each used once by somebody known, and sessions that are listened to.
async fn known(options: &Options) -> Result<(Value, bool)> {
    let crowd = Crowd::start(&options.opward, options.connections, options.sessions)?;
    let (before, mut alone) = settle(&crowd).await?;
    let honest = crowd.honest()?;
    let began = Instant::now();
    let mut open = Vec::new();
    let mut sessions = Vec::new();
    for index in 0..options.sessions {
        let mut connection = crowd.ask_once(index).await?;
        let asker = crowd.asker(index)?;
        let session = asker.open_session(&mut connection).await?;
        connection.send(&asker.listen(&session)).await?;
        let status = connection.head().await?;
        if status != 200 {
            return Err(format!("session {index} can't be listened to: {status}").into());
        }
        sessions.push((index, session));
        open.push(connection);
    }
    for index in options.sessions..options.connections {
        open.push(crowd.ask_once(index).await?);
    }
    let opened = began.elapsed();
    sleep(Duration::from_secs(options.hold)).await;
    let during = mib(crowd.server.resident_kib()?);
    let mut felt = honest.end()?;
    drop(open);
    let mut connection = Connection::open(crowd.server.address).await?;
    for (index, session) in &sessions {
        let answer = connection.ask(&crowd.asker(*index)?.end(session)).await?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("session {index} can't be ended: {}", shown(&answer)).into());
        }
    }
    drop(connection);
    let (after, course) = watch(&crowd, options.after).await?;
    let mut later = honest_for(&crowd, Duration::from_secs(3)).await?;
    let well = during <= MOST_MIB && after <= before * MOST_AFTER && felt.is_well(MOST_P99) && later.is_well(MOST_P99);
    let ended_well = crowd.server.end()?;
    let report = json!({
        "connections": options.connections, "sessions": options.sessions, "opened_in_s": round(opened.as_secs_f64()),
        "rss_mib": { "before": round(before), "during": round(during), "after": round(after), "course": course },
        "after_to_before": round(after / before),
        "honest": { "alone": alone.report(), "meanwhile": felt.report(), "afterwards": later.report() },
        "ended_well": ended_well, "held": well && ended_well,
    });
    Ok((report, well && ended_well))
}

/// Connections over which nothing ever comes.
async fn silent(options: &Options) -> Result<(Value, bool)> {
    let crowd = Crowd::start(&options.opward, options.connections, 1)?;
    let (before, _) = settle(&crowd).await?;
    let honest = crowd.honest()?;
    let began = Instant::now();
    let mut open = Vec::new();
    for _ in 0..options.connections {
        open.push(tokio::net::TcpStream::connect(crowd.server.address).await?);
    }
    let opened = began.elapsed();
    let during = mib(crowd.server.resident_kib()?);
    // Each should be closed without having said anything.
    let mut closed = 0_usize;
    let patience = Instant::now() + Duration::from_secs(15);
    for stream in &open {
        let left = patience.saturating_duration_since(Instant::now());
        let end = tokio::time::timeout(left, async {
            stream.readable().await?;
            stream.try_read(&mut [0; 64])
        });
        // The end of the stream, or a reset: both are an end.
        closed = closed.saturating_add(usize::from(matches!(end.await, Ok(Ok(0) | Err(_)))));
    }
    let closed_in = began.elapsed();
    let mut felt = honest.end()?;
    drop(open);
    let (after, course) = watch(&crowd, options.after).await?;
    let well = closed == options.connections
        && during <= MOST_MIB
        && after <= before * MOST_AFTER
        && felt.is_well(MOST_P99)
        && crowd.server.end()?;
    let report = json!({
        "connections": options.connections, "opened_in_s": round(opened.as_secs_f64()), "closed": closed,
        "all_closed_within_s": round(closed_in.as_secs_f64()),
        "rss_mib": { "before": round(before), "during": round(during), "after": round(after), "course": course },
        "after_to_before": round(after / before), "honest": felt.report(), "held": well,
    });
    Ok((report, well))
}

/// Warms a server up, and says how much it takes then and how quick it is.
async fn settle(crowd: &Crowd) -> Result<(f64, crate::honest::Felt)> {
    let felt = honest_for(crowd, Duration::from_secs(5)).await?;
    Ok((mib(crowd.server.resident_kib()?), felt))
}

async fn honest_for(crowd: &Crowd, time: Duration) -> Result<crate::honest::Felt> {
    let honest = crowd.honest()?;
    sleep(time).await;
    honest.end()
}

/// What's resident at the end of some seconds, and now and then until then.
async fn watch(crowd: &Crowd, seconds: u64) -> Result<(f64, Vec<f64>)> {
    let mut course = Vec::new();
    for _ in 0..6 {
        course.push(round(mib(crowd.server.resident_kib()?)));
        sleep(Duration::from_secs(seconds) / 6).await;
    }
    Ok((mib(crowd.server.resident_kib()?), course))
}
