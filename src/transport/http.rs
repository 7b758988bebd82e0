//! The protocol over HTTP, for many agents and several principals.
//!
//! Whoever sends a request is nobody until it's proven otherwise, so what costs least comes first: the connection's
//! bounds, the head's form, the host and the page it's from, then who sends it and how much they may, and only then
//! the body. Nothing is kept for a client before that.
//!
//! | file | |
//! |---|---|
//! | `gate.rs` | `Host`, `Origin`, method and types |
//! | `bearer.rs`, `metadata.rs` | the token of a request, and where tokens come from |
//! | `endpoint.rs` | from a request to its answer, and the paths there are |
//! | `versions.rs`, `mcp.rs` | the protocol: the short way to the handler, and the crate's long way |
//! | `standing.rs` | a handle to a client where there's none |
//! | `sessions.rs` | whose sessions there are |
//! | `observed.rs`, `operations.rs` | what's counted and logged; health and figures |
//! | `refused.rs`, `answer.rs`, `cors.rs` | what's answered |
//! | `listener/` | port → connections → requests, within bounds |
//! | `body.rs` | a request's body, within bounds |
//! | `forwarded.rs` | who is asking, behind proxies |

mod answer;
mod bearer;
mod body;
mod cors;
mod endpoint;
mod forwarded;
mod gate;
mod listener;
mod mcp;
mod metadata;
mod observed;
mod operations;
mod quota;
mod refused;
mod sessions;
mod standing;
mod versions;

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::ClientRequest;

pub use self::body::{BodyError, collect};
pub use self::endpoint::{Admission, Endpoint, Settings};
pub use self::forwarded::{ForwardedError, client_address};
pub use self::gate::Gate;
pub use self::listener::{Connections, Limits, PeerAddress, TimedOut, Tls, TlsError, accept, certificate_end};
pub use self::metadata::Resource;
pub use self::operations::{Ready, operations};
pub use self::quota::{Allowance, Quota, Quotas, Turn};
pub use self::sessions::SessionLimits;
use crate::identity::Authenticated;
use crate::model::{DefaultVault, RequestId};

/// What's served.
pub trait Host: Send + Sync + 'static {
    /// What answers requests.
    type Handler: ServerHandler;

    /// A handler. They're asked for often, and all of them are as one.
    fn handler(&self) -> Self::Handler;

    /// What a request's handler finds in the extensions of the request's head: who asks, above all.
    fn admit(&self, admitted: Admitted) -> http::Extensions;

    /// Whether the handler answers a request with one result, and sends the client nothing else meanwhile.
    fn answers_once(&self, request: &ClientRequest) -> bool;
}

/// A request of somebody who was authenticated.
#[derive(Debug)]
#[non_exhaustive]
pub struct Admitted {
    /// Who asks.
    pub who: Arc<Authenticated>,
    /// The request's name in answers, logs and records.
    pub id: RequestId,
    /// The vault of paths that name none.
    pub vault: Option<DefaultVault>,
    /// Its place among the principal's requests under way, until it's dropped.
    pub turn: Arc<Turn>,
}
