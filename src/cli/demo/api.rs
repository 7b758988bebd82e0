//! The demo's payment service: a server of its own that knows its key, and tells back what it was sent.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;

/// The key it wants. It's made up.
pub(super) const KEY: &str = "sk_live_51PqXvT2demoNEVERREAL";

/// What it answers to.
pub(super) fn routes() -> Router {
    Router::new().route("/v1/balance", get(balance))
}

/// As careless as a debugging endpoint.
async fn balance(headers: HeaderMap) -> (StatusCode, String) {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if sent == format!("Bearer {KEY}") {
        (StatusCode::OK, format!(r#"{{"balance":4200,"authorization":"{sent}"}}"#))
    } else {
        (StatusCode::UNAUTHORIZED, String::new())
    }
}
