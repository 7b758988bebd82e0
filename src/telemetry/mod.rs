//! What the program says about itself, on standard error.
//!
//! Standard output is the protocol's. A log line names ids and outcomes, never values; for our own code that's a matter
//! of review, for our dependencies it's a matter of caps: some of them log whole messages, so what they may say is
//! bounded here, after the user's wishes and whatever those are.

mod access;
mod escape;
mod format;
mod json;
pub mod metrics;
mod trace_context;

use std::io;

use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Filter, Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, Registry, fmt};

pub use self::access::Access;
use self::escape::Escaped;
pub use self::format::Format;
use self::json::JsonLines;
pub use self::trace_context::{ParentId, TRACEPARENT, TraceContext, TraceId};
use crate::model::Clock;

/// What's said when nobody asks for more or less.
const DEFAULT: &str = "info";

/// The most that a dependency may say, by the crate's name.
///
/// The protocol crate puts messages and errors of handlers, both with whatever the client sent, into everything below
/// `error`. The others put parts of what they read or carry into `debug` and `trace`.
const CAPS: [(&str, LevelFilter); 10] = [
    ("rmcp", LevelFilter::ERROR),
    ("keepass", LevelFilter::INFO),
    ("hyper", LevelFilter::INFO),
    ("hyper_util", LevelFilter::INFO),
    ("h2", LevelFilter::INFO),
    ("rustls", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    ("tokio", LevelFilter::INFO),
    ("tokio_util", LevelFilter::INFO),
    ("mio", LevelFilter::INFO),
];

/// A list of log levels that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log levels look like `info`, `debug` or `opward=debug,warn`")]
pub struct LevelsError(());

/// Starts logging to standard error. `levels` is what the user asked for; `None` is `info`.
///
/// Only the first call in a process has an effect.
///
/// # Errors
///
/// When the levels can't be read.
pub fn start(levels: Option<&str>, format: Format) -> Result<(), LevelsError> {
    let subscriber = subscriber(levels, format, io::stderr)?;
    let _already_started = tracing::dispatcher::set_global_default(Dispatch::new(subscriber));
    Ok(())
}

/// Lets a panic say where it happened and nothing else: its message may hold what was being worked on.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        tracing::error!(place, "a fault in opward itself");
    }));
}

fn subscriber<W>(
    levels: Option<&str>,
    format: Format,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, LevelsError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let asked = asked(levels.map(str::trim).filter(|levels| !levels.is_empty()).unwrap_or(DEFAULT))?;
    let writer = Escaped::new(writer, format);
    let lines = match format {
        Format::Text => fmt::layer().with_ansi(false).with_writer(writer).boxed(),
        Format::Json => JsonLines::new(writer, Clock::system()).boxed(),
    };
    Ok(Registry::default().with(lines.with_filter(asked).with_filter(Caps)))
}

/// What the user asked for. Access lines are asked for in the configuration, so they come unless
/// they're named here.
fn asked(levels: &str) -> Result<EnvFilter, LevelsError> {
    let filter = EnvFilter::builder().with_regex(false).parse(levels).map_err(|_| LevelsError(()))?;
    if levels.split(',').any(|level| level.trim().split('=').next() == Some(access::TARGET)) {
        return Ok(filter);
    }
    let access = format!("{}=info", access::TARGET).parse().map_err(|_| LevelsError(()))?;
    Ok(filter.add_directive(access))
}

/// Refuses what goes beyond a dependency's cap.
struct Caps;

impl Caps {
    fn allows(metadata: &Metadata<'_>) -> bool {
        let cap = CAPS.iter().find(|(name, _)| is_of(metadata.target(), name) || is_in(metadata, name));
        cap.is_none_or(|(_, cap)| *metadata.level() <= *cap)
    }
}

/// Whether a target is a crate or one of its modules.
fn is_of(target: &str, name: &str) -> bool {
    target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The same for where the line stands in the source, which a crate can't choose as it can its target.
fn is_in(metadata: &Metadata<'_>, name: &str) -> bool {
    metadata.module_path().is_some_and(|path| is_of(path, name))
}

impl<S> Filter<S> for Caps {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        Self::allows(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        if Self::allows(metadata) {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }
}

#[cfg(test)]
mod tests;
