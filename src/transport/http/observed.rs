//! One request, seen from its head to its answer: counted, and written down where that's wanted.

use std::time::Instant;

use http::HeaderMap;
use tracing::Span;

use super::bearer::Lacking;
use super::quota::Quota;
use super::refused::Refused;
use crate::identity::Why;
use crate::model::{PrincipalName, RequestId, Word as _};
use crate::telemetry::metrics::{HttpMetrics, Method, Outcome, Refusal, Route};
use crate::telemetry::{Access, TRACEPARENT, TraceContext, TraceId};

/// What's noted of a request. When it's dropped it's counted, and if that happens before it was answered, its client
/// has gone.
pub(super) struct Observed<'m> {
    metrics: &'m HttpMetrics,
    writes_line: bool,
    began: Instant,
    id: RequestId,
    trace: Option<TraceId>,
    route: Route,
    /// What was asked for.
    pub(super) method: Method,
    /// Who asked, once that's known.
    pub(super) principal: Option<PrincipalName>,
    /// What's wrong with its token, if that's why it's refused.
    pub(super) token: Option<Why>,
    status: u16,
    outcome: Outcome,
    refused: Option<&'static str>,
}

/// What an answer that went well says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// What was asked for.
    Result,
    /// Why not.
    Error,
}

/// The status that servers note for a client that has gone before its answer.
const GONE: u16 = 499;

impl<'m> Observed<'m> {
    pub(super) fn begin(metrics: &'m HttpMetrics, writes_line: bool, route: Route, headers: &HeaderMap) -> Self {
        let trace = TraceContext::of(headers.get_all(TRACEPARENT).iter().map(http::HeaderValue::as_bytes));
        Self {
            metrics,
            writes_line,
            began: Instant::now(),
            id: RequestId::new(),
            trace: trace.map(|context| context.trace),
            route,
            method: Method::Other,
            principal: None,
            token: None,
            status: GONE,
            outcome: Outcome::Gone,
            refused: None,
        }
    }

    /// Its name in answers, logs and records.
    pub(super) fn id(&self) -> RequestId {
        self.id
    }

    /// What's logged on its behalf says whose it is.
    pub(super) fn span(&self) -> Span {
        let trace = self.trace.map(tracing::field::display);
        tracing::info_span!("request", request = %self.id, trace)
    }

    /// It's answered.
    pub(super) fn answered(&mut self, status: u16, said: Option<Said>) {
        self.status = status;
        self.outcome = match said {
            Some(Said::Error) => Outcome::Error,
            Some(Said::Result) | None => Outcome::of_status(status),
        };
    }

    /// It's refused.
    pub(super) fn refused(&mut self, refused: &Refused) {
        let word = word(refused);
        self.metrics.refused(word);
        // What's wrong with a token, for its owner to find out. Whoever sent it isn't told.
        self.refused = Some(self.token.map_or(word.as_str(), Why::as_str));
        self.answered(refused.status().as_u16(), None);
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.answered(self.route, self.method, self.outcome, took);
        if self.writes_line {
            let principal = self.principal.as_ref();
            let (request, trace, route, method, status) = (self.id, self.trace, self.route, self.method, self.status);
            Access { request, trace, route, method, status, took, principal, refused: self.refused }.log();
        }
    }
}

/// The word a refusal is counted by.
fn word(refused: &Refused) -> Refusal {
    match refused {
        Refused::HostMissing | Refused::Host => Refusal::Host,
        Refused::Origin => Refusal::Origin,
        Refused::Path => Refusal::NotFound,
        Refused::Query | Refused::Repeated | Refused::VaultId | Refused::Broken => Refusal::Malformed,
        Refused::Method(_) => Refusal::Method,
        Refused::ContentType | Refused::ContentEncoding => Refusal::ContentType,
        Refused::Accept => Refusal::Accept,
        Refused::Forwarded | Refused::NotByProxy => Refusal::Forwarded,
        Refused::Token(Lacking::Token | Lacking::ValidToken) => Refusal::Unauthenticated,
        Refused::Token(Lacking::Scope) => Refusal::InsufficientScope,
        Refused::KeysUnavailable => Refusal::Unavailable,
        Refused::Quota(Quota::Rate { .. }) => Refusal::Rate,
        Refused::Quota(Quota::Concurrency) => Refusal::Concurrency,
        Refused::TooLarge => Refusal::TooLarge,
        Refused::TooSlow => Refusal::TooSlow,
        Refused::Session => Refusal::SessionUnknown,
        Refused::SessionsFull => Refusal::SessionsFull,
        Refused::Deadline => Refusal::Deadline,
    }
}
