//! One client that behaves, and what it feels of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::{Asker, shown};
use crate::figures::{micros, millis, rank, round};
use crate::wire::{Connection, find};
use crate::{Failure, Result};

/// How long it waits between an answer and its next request.
const PAUSE: Duration = Duration::from_millis(5);

/// A client on a thread of its own.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Felt>>,
}

/// What it felt.
#[derive(Default)]
pub(crate) struct Felt {
    times: Vec<Duration>,
    /// Requests that weren't answered as they should be, and the first of these answers.
    pub(crate) failed: usize,
    first_failure: Option<String>,
}

impl Honest {
    /// Starts it: again and again it sends this request, whose answer must hold this text.
    pub(crate) fn start(asker: Asker, request: Vec<u8>, expected: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(behave(&asker, &request, expected, &told))
        };
        Self { stop, thread: thread::spawn(work) }
    }

    pub(crate) fn end(self) -> Result<Felt> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Failure::from("the honest client gave up"))?
    }
}

async fn behave(asker: &Asker, request: &[u8], expected: &str, stop: &AtomicBool) -> Result<Felt> {
    let mut felt = Felt::default();
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        // A connection that's refused or lost counts, and so does the time it takes to open another.
        let mut open = match connection.take() {
            Some(open) => open,
            None => match Connection::open(asker.address).await {
                Ok(open) => open,
                Err(error) => {
                    felt.failure(error.to_string());
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        match open.ask(request).await {
            Ok(answer) if answer.status == 200 && find(&answer.body, expected.as_bytes()).is_some() => {
                felt.times.push(began.elapsed());
                connection = Some(open);
            }
            Ok(answer) => felt.failure(shown(&answer)),
            Err(error) => felt.failure(error.to_string()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(felt)
}

impl Felt {
    fn failure(&mut self, what: String) {
        self.failed = self.failed.saturating_add(1);
        self.first_failure.get_or_insert(what);
    }

    pub(crate) fn p99(&mut self) -> Duration {
        rank(&mut self.times, 99)
    }

    /// Whether it was served throughout, and quickly enough.
    pub(crate) fn is_well(&mut self, p99: Duration) -> bool {
        self.failed == 0 && !self.times.is_empty() && self.p99() <= p99
    }

    pub(crate) fn report(&mut self) -> Value {
        let times = &mut self.times;
        json!({
            "requests": times.len(),
            "failed": self.failed,
            "first_failure": self.first_failure,
            "p50_us": round(micros(rank(times, 50))),
            "p99_ms": round(millis(rank(times, 99))),
            "max_ms": round(millis(rank(times, 100))),
        })
    }
}
