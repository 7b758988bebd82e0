//! `[http] limits`: how much one server, and one principal, may take.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::policy::reader::Section;
use crate::policy::{Problems, Rate};

/// How much is served at once, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// Connections of all clients.
    pub connections: usize,
    /// Sessions of all clients.
    pub sessions: usize,
    /// Sessions of one principal.
    pub sessions_per_principal: usize,
    /// How often one principal may ask, in the long run.
    pub requests: Rate,
    /// How many requests one principal may send at once after a pause.
    pub burst: NonZeroU32,
    /// How many requests of one principal are worked on at the same time.
    pub concurrent: usize,
}

const KEYS: [&str; 6] = ["connections", "sessions", "sessions_per_principal", "requests", "burst", "concurrent"];

/// The most connections or sessions.
const MOST: u64 = 100_000;

/// The most requests of one principal in one period, or at once.
const MOST_REQUESTS: u32 = 1_000_000;

/// The most requests of one principal that are worked on at the same time.
const MOST_CONCURRENT: u64 = 10_000;

/// The longest period in which requests are counted.
const LONGEST: Duration = Duration::from_hours(24);

impl Default for HttpLimits {
    fn default() -> Self {
        let count = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            connections: 10_000,
            sessions: 1_000,
            sessions_per_principal: 100,
            requests: Rate { count: count(100), per: Duration::from_secs(1) },
            burst: count(200),
            concurrent: 16,
        }
    }
}

pub(super) fn read(section: &Section<'_, '_>, problems: &mut Problems) -> HttpLimits {
    let usual = HttpLimits::default();
    let Some(table) = section.table("limits", "`limits`", &KEYS, problems) else {
        return usual;
    };
    let sessions = read_count(&table, "sessions", MOST, problems);
    let each = read_count(&table, "sessions_per_principal", MOST, problems);
    let total = sessions.unwrap_or(usual.sessions);
    if let (Some(each), Some(span)) = (each, table.key_span("sessions_per_principal"))
        && each > total
    {
        problems.add(span, format!("one principal can't have more sessions than all together: {total}"), "too many");
    }
    let requests = read_rate(&table, problems);
    let burst = read_burst(&table, problems);
    // Whoever makes the rate small doesn't expect the usual burst to be possible all the same.
    let fitting = requests.map(|rate| rate.count.saturating_add(rate.count.get()));
    HttpLimits {
        connections: read_count(&table, "connections", MOST, problems).unwrap_or(usual.connections),
        sessions: total,
        sessions_per_principal: each.unwrap_or(usual.sessions_per_principal.min(total)),
        requests: requests.unwrap_or(usual.requests),
        burst: burst.or(fitting).unwrap_or(usual.burst),
        concurrent: read_count(&table, "concurrent", MOST_CONCURRENT, problems).unwrap_or(usual.concurrent),
    }
}

fn read_count(table: &Section<'_, '_>, key: &str, most: u64, problems: &mut Problems) -> Option<usize> {
    let number = table.integer(key, problems)?;
    let count = usize::try_from(number.value).ok().filter(|_| (1..=most).contains(&number.value));
    if count.is_none() {
        problems.add(number.span, format!("`{key}` is between 1 and {most}"), "out of range");
    }
    count
}

fn read_burst(table: &Section<'_, '_>, problems: &mut Problems) -> Option<NonZeroU32> {
    let number = table.integer("burst", problems)?;
    let burst = u32::try_from(number.value).ok().filter(|count| *count <= MOST_REQUESTS).and_then(NonZeroU32::new);
    if burst.is_none() {
        problems.add(number.span, format!("`burst` is between 1 and {MOST_REQUESTS}"), "out of range");
    }
    burst
}

fn read_rate(table: &Section<'_, '_>, problems: &mut Problems) -> Option<Rate> {
    let text = table.string("requests", problems)?;
    match Rate::parse(text.value) {
        Ok(rate) if rate.count.get() <= MOST_REQUESTS && rate.per <= LONGEST => Some(rate),
        Ok(_) => {
            let message = format!("`requests` are at most {MOST_REQUESTS}, in at most 1d");
            problems.add(text.span, message, "out of range");
            None
        }
        Err(error) => {
            problems.add(text.span, error.to_string(), "not a rate");
            None
        }
    }
}
