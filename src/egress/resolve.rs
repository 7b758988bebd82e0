//! From a host's name to addresses that may be dialled. What's dialled is what was looked at: there's no second look-up.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::Reach;

/// Finds a host's addresses.
pub(super) trait Lookup: Send + Sync + 'static {
    /// All the addresses of a host.
    fn lookup(&self, host: String) -> Looking;
}

/// A look-up under way.
pub(super) type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// The system's own way.
pub(super) struct System;

/// Lets only addresses through that a request may reach.
pub(super) struct Guard {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

/// One of a host's addresses may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("an address of the host may not be reached")]
pub(super) struct Blocked;

/// A host's name can't be resolved.
#[derive(Debug, thiserror::Error)]
#[error("the host's name can't be resolved")]
pub(super) struct Unresolved;

/// The most addresses of a host that are tried.
const MOST_TRIED: usize = 8;

impl Lookup for System {
    fn lookup(&self, host: String) -> Looking {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

impl Guard {
    pub(super) fn new(lookup: Arc<dyn Lookup>, reach: Reach) -> Self {
        Self { lookup, reach }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, reach, host) = (self.lookup.lookup(name.as_str().to_owned()), self.reach, name);
        Box::pin(async move {
            let found = looking.await.unwrap_or_else(|error| {
                tracing::info!(host = host.as_str(), error = %error.kind(), "a host's name can't be resolved");
                Vec::new()
            });
            // One that's forbidden spoils the others: whoever answers so isn't to be trusted with the choice.
            if let Some(forbidden) = found.iter().find(|address| !reach.covers(**address)) {
                tracing::warn!(host = host.as_str(), address = %forbidden, "a host is at an address that may not be reached");
                return Err(Blocked.into());
            }
            if found.is_empty() {
                return Err(Unresolved.into());
            }
            // Port 0 stands for the request's own.
            let dialled = found.into_iter().take(MOST_TRIED).map(|address| SocketAddr::new(address, 0));
            let dialled: Addrs = Box::new(dialled);
            Ok(dialled)
        })
    }
}
