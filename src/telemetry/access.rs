//! One line for each request, where its owner wants that.

use std::time::Duration;

use super::metrics::{Method, Route};
use super::trace_context::TraceId;
use crate::model::{PrincipalName, RequestId, Word as _};

/// The target of these lines. They're made only where the configuration asks for them, so they're
/// shown whatever else is.
pub(super) const TARGET: &str = "access";

/// What's said of a request that has come to its end. There's no room for a path, for arguments or
/// for anything else that a client says.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Its id.
    pub request: RequestId,
    /// The trace its client says it belongs to.
    pub trace: Option<TraceId>,
    /// What was addressed.
    pub route: Route,
    /// What was asked for.
    pub method: Method,
    /// The status it was answered with.
    pub status: u16,
    /// From its head to the end of its answer.
    pub took: Duration,
    /// Who asked, if that was found out.
    pub principal: Option<&'a PrincipalName>,
    /// Why it was turned away, if it was, in a word of this program's.
    pub refused: Option<&'static str>,
}

impl Access<'_> {
    /// Says it.
    pub fn log(&self) {
        // To the thousandth: most answers take less than one.
        let ms = self.took.as_secs_f64() * 1_000.0;
        tracing::info!(
            target: TARGET,
            request = %self.request,
            trace = self.trace.map(tracing::field::display),
            route = self.route.as_str(),
            method = self.method.as_str(),
            status = self.status,
            ms = (ms * 1_000.0).round() / 1_000.0,
            principal = self.principal.map(PrincipalName::as_str),
            refused = self.refused,
            "request"
        );
    }
}
