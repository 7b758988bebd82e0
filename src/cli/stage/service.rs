//! A service on a free port of this machine.

use std::net::Ipv4Addr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::super::failure::Failure;

/// The service, for as long as this lives.
pub(in crate::cli) struct Service {
    port: u16,
    serving: JoinHandle<()>,
}

impl Service {
    /// Listens on a free port of this machine.
    pub(in crate::cli) async fn start(routes: Router) -> Result<Self, Failure> {
        let unusable = |error: std::io::Error| Failure::invalid(format!("nothing can listen here: {error}"), "");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unusable)?;
        let port = listener.local_addr().map_err(unusable)?.port();
        let serving = tokio::spawn(async move {
            // It's gone with whoever started it.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { port, serving })
    }

    pub(in crate::cli) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
