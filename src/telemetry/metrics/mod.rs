//! Figures for whoever runs the program, in the text format that Prometheus reads.
//!
//! HTTP is counted here ([`HttpMetrics`]); all else is counted where it happens and read when the
//! figures are asked for ([`Figures`]). Every label is a word out of a closed set: no path, no name
//! of a person, a source or a rule, and nothing that a client says can become one.

mod figures;
mod http;
mod sheet;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

pub use self::figures::{AuditFigures, CacheFigures, Figures, PortFigures, SourceFigures};
pub use self::http::HttpMetrics;
use self::sheet::{Named, Sheet, VERSION, label};
pub use self::words::{Method, Outcome, Part, Refusal, Route};
use crate::model::{Closed as _, Standing};

/// What's read when the figures are asked for.
pub type Pull = Box<dyn Fn() -> Figures + Send + Sync>;

/// All figures of a running server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

/// Writes all figures whenever they're asked for.
struct Sheets {
    http: Arc<HttpMetrics>,
    pull: Pull,
}

impl Metrics {
    /// The media type of [`Metrics::render`].
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// The figures of HTTP, and those that `pull` brings.
    #[must_use]
    pub fn new(http: Arc<HttpMetrics>, pull: Pull) -> Self {
        let mut registry = Registry::with_prefix("opward");
        registry.register_collector(Box::new(Sheets { http, pull }));
        Self { registry }
    }

    /// The figures as they are now. It takes as long as pulling them does, which may include reading
    /// small files: it's for a thread that may be held up.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::with_capacity(16 * 1024);
        // A text in memory refuses nothing, and a page without its end is seen to be none.
        if text::encode(&mut page, &self.registry).is_err() {
            tracing::error!("the figures couldn't be written down");
        }
        page
    }
}

impl fmt::Debug for Sheets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheets").finish_non_exhaustive()
    }
}

impl Collector for Sheets {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet::new(encoder);
        let figures = (self.pull)();
        program(&mut sheet, &figures)?;
        http(&mut sheet, &self.http, &figures)?;
        door(&mut sheet, &figures)?;
        cache(&mut sheet, &figures.cache)?;
        sources(&mut sheet, &figures.sources)?;
        audit(&mut sheet, &figures.audit)
    }
}

const fn named(name: &'static str, help: &'static str) -> Named {
    Named { name, help }
}

fn program(sheet: &mut Sheet<'_>, figures: &Figures) -> fmt::Result {
    sheet.info(named("build", "Which version runs"), [VERSION])?;
    let states = figures.standing.iter().flat_map(|(part, now)| {
        Standing::all().map(|one| ([label("part", *part), label("state", one)], u64::from(one == *now)))
    });
    sheet.gauges(named("part_state", "How the parts stand that all requests need; 1 for the state that holds"), states)
}

fn http(sheet: &mut Sheet<'_>, http: &HttpMetrics, figures: &Figures) -> fmt::Result {
    let requests = http.requests().map(|(((route, method), outcome), count)| {
        ([label("route", route), label("method", method), label("outcome", outcome)], count)
    });
    sheet.counters(named("http_requests", "Requests that came to an end, by what came of them"), requests)?;
    let took = http.took().map(|((route, method), took)| ([label("route", route), label("method", method)], took));
    sheet.times(named("http_request_duration", "From a request's head to the end of its answer"), took)?;
    let port = &figures.port;
    let early = |why| port.refused.iter().filter(|(of, _)| *of == why).map(|(_, count)| count).sum::<u64>();
    let refusals = http.refusals().into_iter();
    let refusals = refusals.map(|(why, count)| ([label("reason", why)], count.saturating_add(early(why))));
    sheet.counters(named("http_refusals", "Requests and connections that were turned away, by why"), refusals)?;
    sheet.gauge(named("http_connections", "Connections that are open"), port.connections)?;
    sheet.gauge(named("http_sessions", "Sessions that are open"), port.sessions)
}

fn door(sheet: &mut Sheet<'_>, figures: &Figures) -> fmt::Result {
    let decisions = figures
        .decisions
        .iter()
        .map(|((action, decided), count)| ([label("action", *action), label("decision", *decided)], *count));
    sheet.counters(named("decisions", "What was asked for at the door, and what was decided"), decisions)
}

fn cache(sheet: &mut Sheet<'_>, cache: &CacheFigures) -> fmt::Result {
    let looked = cache.looked.iter().map(|(looked, count)| ([label("result", *looked)], *count));
    sheet.counters(named("cache_lookups", "Values that were opened, by where they came from"), looked)?;
    sheet.gauge(named("cache_entries", "What lies in the cache"), cache.entries)?;
    sheet.counter(named("cache_evictions", "What had to leave the cache before its time"), cache.evicted)
}

fn sources(sheet: &mut Sheet<'_>, sources: &[SourceFigures]) -> fmt::Result {
    let kind = |source: &SourceFigures| label("source_kind", source.kind);
    let answered = sources.iter().flat_map(|source| {
        source.answered.iter().map(move |(answered, count)| ([kind(source), label("outcome", *answered)], *count))
    });
    sheet.counters(named("upstream_requests", "How often sources were asked, and what came of it"), answered)?;
    let took = sources.iter().map(|source| ([kind(source)], source.took.clone()));
    sheet.times(named("upstream_request_duration", "How long sources took to answer"), took)?;
    let quotas = || sources.iter().flat_map(|source| source.quotas.iter().map(move |quota| (kind(source), quota)));
    let left = quotas().map(|(kind, (window, left, _))| ([kind, label("window", *window)], u64::from(*left)));
    sheet.gauges(
        named("upstream_requests_left", "Requests left of a limit; of several sources, the one with the least left"),
        left,
    )?;
    let limit = quotas().map(|(kind, (window, _, limit))| ([kind, label("window", *window)], u64::from(*limit)));
    sheet.gauges(named("upstream_requests_limit", "That limit"), limit)?;
    let paused = sources.iter().map(|source| ([kind(source)], source.paused));
    sheet.gauges(named("upstream_paused", "Sources that were told to wait"), paused)
}

fn audit(sheet: &mut Sheet<'_>, audit: &AuditFigures) -> fmt::Result {
    sheet.time(named("audit_append_duration", "From asking for a record to its being written"), &audit.appends)?;
    sheet.counter(named("audit_failures", "Records that couldn't be written"), audit.failures)?;
    sheet.gauge(named("audit_waiting", "Records that wait to be written"), audit.under_way)
}
