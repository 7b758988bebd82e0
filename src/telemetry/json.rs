//! Log lines for machines: one JSON object an event.

use std::io::Write as _;
use std::{fmt, mem};

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::model::Clock;

/// Writes each event as one JSON object on a line of its own.
#[derive(Debug)]
pub(super) struct JsonLines<W> {
    writer: W,
    clock: Clock,
}

/// A line, in the order in which people look at it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    level: &'static str,
    target: &'a str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// What lines say of the span they're in. A span's other fields are its own affair.
#[derive(Debug, Clone, Default)]
struct Marks {
    request: Option<String>,
    trace: Option<String>,
}

/// An event's fields.
#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl<W> JsonLines<W> {
    pub(super) fn new(writer: W, clock: Clock) -> Self {
        Self { writer, clock }
    }

    fn line<S>(&self, event: &Event<'_>, context: &Context<'_, S>) -> Option<Vec<u8>>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut marks = Marks::default();
        // The innermost that says it.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(of) = span.extensions().get::<Marks>() {
                marks.request = marks.request.or_else(|| of.request.clone());
                marks.trace = marks.trace.or_else(|| of.trace.clone());
            }
        }
        // What the event itself says of these stands in the same place.
        marks.request = fields.mark("request").or(marks.request);
        marks.trace = fields.mark("trace").or(marks.trace);
        let line = Line {
            timestamp: self.clock.now().map(|now| format!("{now:.6}")),
            level: word(*event.metadata().level()),
            target: event.metadata().target(),
            message: mem::take(&mut fields.message),
            request: marks.request.as_deref(),
            trace: marks.trace.as_deref(),
            fields: fields.rest,
        };
        let mut bytes = serde_json::to_vec(&line).ok()?;
        bytes.push(b'\n');
        Some(bytes)
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut marks = Marks::default();
            attributes.record(&mut marks);
            span.extensions_mut().insert(marks);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(marks) = span.extensions_mut().get_mut::<Marks>()
        {
            values.record(marks);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(line) = self.line(event, &context) {
            // There's nowhere left to complain.
            let _ = self.writer.make_writer_for(event.metadata()).write_all(&line);
        }
    }
}

impl Visit for Marks {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "request" => self.request = Some(format!("{value:?}")),
            "trace" => self.trace = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

impl Fields {
    /// Takes a text out of the fields.
    fn mark(&mut self, name: &str) -> Option<String> {
        let value = self.rest.remove(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.rest.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
