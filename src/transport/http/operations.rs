//! What whoever runs the server asks: is it alive, is it ready, and how is it doing.
//!
//! The first two say nothing that a stranger mustn't know, so they're answered to everybody and by any name: whoever
//! watches a server knows it by its address. The figures have a port of their own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;
use http::{Method, Response, StatusCode};

use super::answer::{self, Body};
use super::observed::Observed;
use super::refused::Refused;
use crate::telemetry::metrics::{HttpMetrics, Metrics, Route};

/// How the parts stand, as JSON, and whether requests can be served.
pub type Ready = Arc<dyn Fn() -> (bool, String) + Send + Sync>;

/// What's needed to answer.
#[derive(Clone)]
struct Health {
    ready: Ready,
    metrics: Arc<HttpMetrics>,
}

/// `/livez` and `/readyz`.
pub(super) fn health(ready: Ready, metrics: Arc<HttpMetrics>) -> Router {
    Router::new().route("/livez", any(livez)).route("/readyz", any(readyz)).with_state(Health { ready, metrics })
}

/// The server for figures: `/metrics`, and `/livez` and `/readyz` as well.
pub fn operations(figures: Arc<Metrics>, ready: Ready, metrics: Arc<HttpMetrics>) -> Router {
    Router::new().route("/metrics", any(show)).with_state(figures).merge(health(ready, metrics))
}

async fn livez(State(health): State<Health>, request: Request) -> Response<Body> {
    let mut observed = Observed::begin(&health.metrics, false, Route::Livez, request.headers());
    let answered = reads(&request).map(|()| answer::text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n"));
    finish(&mut observed, answered)
}

async fn readyz(State(health): State<Health>, request: Request) -> Response<Body> {
    let mut observed = Observed::begin(&health.metrics, false, Route::Readyz, request.headers());
    let answered = reads(&request).map(|()| {
        let (is_ready, parts) = (health.ready)();
        answer::json(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, parts)
    });
    finish(&mut observed, answered)
}

async fn show(State(figures): State<Arc<Metrics>>, request: Request) -> Response<Body> {
    let shown = match reads(&request) {
        // Small files may be read on the way.
        Ok(()) => tokio::task::spawn_blocking(move || figures.render()).await.ok(),
        Err(refused) => return refused.answer(),
    };
    let mut response = match shown {
        Some(page) => answer::text(StatusCode::OK, Metrics::CONTENT_TYPE, page),
        None => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
    };
    answer::finish(response.headers_mut());
    response
}

fn reads(request: &Request) -> Result<(), Refused> {
    if matches!(*request.method(), Method::GET | Method::HEAD) { Ok(()) } else { Err(Refused::Method("GET, HEAD")) }
}

fn finish(observed: &mut Observed<'_>, answered: Result<Response<Body>, Refused>) -> Response<Body> {
    let mut response = answered.unwrap_or_else(|refused| {
        observed.refused(&refused);
        refused.answer()
    });
    observed.answered(response.status().as_u16(), None);
    answer::finish(response.headers_mut());
    response
}
