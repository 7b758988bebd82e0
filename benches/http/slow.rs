//! How soon slow clients are closed, and what an honest one feels of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::ask::Asker;
use crate::figures::{rank, round};
use crate::honest::Felt;
use crate::idle::Crowd;

const MOST_P99: Duration = Duration::from_millis(200);

/// How long between two bytes of one that sends slowly.
const BETWEEN: Duration = Duration::from_secs(10);

/// How much longer than its bound a connection may live, on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// How long a client waits for its end at most.
const PATIENCE: Duration = Duration::from_secs(90);

/// How soon slow clients are closed.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program to try.
    #[arg(long)]
    opward: PathBuf,
    /// How many clients of each kind.
    #[arg(long, default_value_t = 500)]
    clients: usize,
    /// How many that never read their answers; each makes the system hold some memory.
    #[arg(long, default_value_t = 50)]
    readers: usize,
}

/// The ways to be slow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    NoByte,
    OneByte,
    SlowHead,
    SlowBody,
    /// A slow body without a token: nobody waits for that.
    StrangersBody,
    /// Asks for a lot and reads none of it.
    NeverReads,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::NoByte, Self::OneByte, Self::SlowHead, Self::SlowBody, Self::StrangersBody, Self::NeverReads];

    fn name(self) -> &'static str {
        match self {
            Self::NoByte => "no byte",
            Self::OneByte => "one byte",
            Self::SlowHead => "slow head",
            Self::SlowBody => "slow body",
            Self::StrangersBody => "slow body, no token",
            Self::NeverReads => "never reads",
        }
    }

    /// When it must be closed at the latest.
    fn bound(self) -> Duration {
        match self {
            Self::NoByte => Duration::from_secs(5),
            Self::OneByte | Self::SlowHead => Duration::from_secs(15),
            Self::SlowBody => Duration::from_secs(40),
            Self::StrangersBody => Duration::from_secs(10),
            // It's the server that must see this, so it's looked at once, long enough after.
            Self::NeverReads => NOT_READING + Duration::from_secs(30),
        }
    }
}

/// Those that send slowly.
const SENDERS: [Kind; 5] = [Kind::NoByte, Kind::OneByte, Kind::SlowHead, Kind::SlowBody, Kind::StrangersBody];

/// For how long one that never reads doesn't.
const NOT_READING: Duration = Duration::from_secs(45);

/// How a connection ended: after how long, and what was answered if anything was.
struct End {
    kind: Kind,
    after: Option<Duration>,
    status: Option<u16>,
}

pub(crate) async fn run(options: &Options) -> Result<bool> {
    let clients = options.clients.saturating_mul(Kind::ALL.len());
    let crowd = Crowd::start(&options.opward, clients, 1)?;
    let asker = crowd.asker(1)?.clone();
    let alone = crowd.honest()?;
    sleep(Duration::from_secs(5)).await;
    let mut alone = alone.end()?;
    let before = crowd.server.resident_kib()?;
    let (mut ends, mut felt) = play(&crowd, &asker, &SENDERS, options.clients).await?;
    // By themselves: they make the server work, which the others don't.
    let (unread, mut felt_of_readers) = play(&crowd, &asker, &[Kind::NeverReads], options.readers).await?;
    ends.extend(unread);
    let after = crowd.server.resident_kib()?;
    let mut well = felt.is_well(MOST_P99) & felt_of_readers.is_well(MOST_P99);
    let kinds: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| {
            let (report, closed) = summary(*kind, &ends);
            well &= closed;
            report
        })
        .collect();
    let ended_well = crowd.server.end()?;
    println!(
        "{}",
        serde_json::to_string_pretty(&json!({
            "kinds": kinds, "honest": {
                "alone": alone.report(), "meanwhile": felt.report(), "beside_those_that_never_read": felt_of_readers.report(),
            },
            "rss_kib": { "before": before, "after": after }, "ended_well": ended_well, "held": well && ended_well,
        }))?
    );
    Ok(well && ended_well)
}

/// Lets so many clients of each of these kinds be slow, beside one that isn't.
async fn play(crowd: &Crowd, asker: &Asker, kinds: &[Kind], clients: usize) -> Result<(Vec<End>, Felt)> {
    let honest = crowd.honest()?;
    let mut working = JoinSet::new();
    for kind in kinds {
        for _ in 0..clients {
            working.spawn(be_slow(*kind, asker.clone()));
        }
    }
    let mut ends = Vec::new();
    while let Some(end) = working.join_next().await {
        ends.push(end??);
    }
    Ok((ends, honest.end()?))
}

fn summary(kind: Kind, ends: &[End]) -> (Value, bool) {
    let own = || ends.iter().filter(|end| end.kind == kind);
    let mut times: Vec<_> = own().filter_map(|end| end.after).collect();
    let (count, closed) = (own().count(), times.len());
    let statuses: std::collections::BTreeMap<_, usize> =
        own().filter_map(|end| end.status).fold(std::collections::BTreeMap::new(), |mut counts, status| {
            let count = counts.entry(status.to_string()).or_default();
            *count = count.saturating_add(1);
            counts
        });
    let most = rank(&mut times, 100);
    let well = closed == count && most <= kind.bound() + SLACK;
    let seconds = |time: Duration| round(time.as_secs_f64());
    let report = json!({
        "kind": kind.name(), "clients": count, "closed": closed, "answered": statuses,
        "bound_s": seconds(kind.bound()), "first_s": seconds(rank(&mut times, 0)),
        "median_s": seconds(rank(&mut times, 50)), "last_s": seconds(most), "held": well,
    });
    (report, well)
}

/// Plays one slow client to its end.
async fn be_slow(kind: Kind, mut asker: Asker) -> Result<End> {
    if kind == Kind::NeverReads {
        return never_read(asker).await;
    }
    let mut stream = TcpStream::connect(asker.address).await?;
    stream.set_nodelay(true)?;
    let began = Instant::now();
    if kind == Kind::StrangersBody {
        asker.bearer = None;
    }
    let whole = asker.call("list_secrets", &json!({}), &[]);
    let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default().saturating_add(4);
    // So much comes at once, and the rest byte by byte.
    let (at_once, dripping) = match kind {
        Kind::NoByte => (0, 0),
        Kind::OneByte => (1, 1),
        Kind::SlowHead => (20, head),
        Kind::SlowBody | Kind::StrangersBody | Kind::NeverReads => (head, whole.len()),
    };
    let (now, rest) = whole.split_at(at_once);
    let _ = stream.write_all(now).await;
    let mut rest = rest.iter().take(dripping.saturating_sub(at_once));
    let mut received = Vec::new();
    let ended = timeout(PATIENCE, async {
        loop {
            match timeout(BETWEEN, stream.read_buf(&mut received)).await {
                Ok(Ok(0) | Err(_)) => return began.elapsed(),
                Ok(Ok(_)) => {}
                // What can't be sent any more shows when it's read next.
                Err(_) => {
                    if let Some(byte) = rest.next() {
                        let _ = stream.write_all(&[*byte]).await;
                    }
                }
            }
        }
    })
    .await;
    Ok(End { kind, after: ended.ok(), status: status(&received) })
}

/// Sends request after request and reads nothing for a while; then it should find that it was closed.
async fn never_read(asker: Asker) -> Result<End> {
    const REQUESTS: usize = 400;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(asker.address).await?;
    let began = Instant::now();
    let request = asker.call("list_secrets", &json!({ "limit": 500 }), &[]);
    let asked = timeout(NOT_READING, async {
        for _ in 0..REQUESTS {
            if stream.write_all(&request).await.is_err() {
                break;
            }
        }
    });
    // All were taken or not: what counts is what comes of them.
    let _ = asked.await;
    sleep(NOT_READING.saturating_sub(began.elapsed())).await;
    let mut received = vec![0; 1 << 16];
    let (mut answers, mut first) = (0_usize, None);
    let ended = timeout(Duration::from_secs(30), async {
        loop {
            match stream.read(&mut received).await {
                Ok(0) | Err(_) => return began.elapsed(),
                Ok(read) => {
                    let part = received.get(..read).unwrap_or_default();
                    first = first.or_else(|| status(part));
                    answers = answers.saturating_add(part.windows(9).filter(|text| *text == b"HTTP/1.1 ").count());
                    if answers >= REQUESTS {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    })
    .await;
    Ok(End { kind: Kind::NeverReads, after: ended.ok(), status: first })
}

fn status(received: &[u8]) -> Option<u16> {
    std::str::from_utf8(received.get(9..12)?).ok()?.parse().ok()
}
