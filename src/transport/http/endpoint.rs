//! From a request to its answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;
use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::answer::{self, Body};
use super::bearer::{self, Lacking, challenge};
use super::body::{BodyError, collect};
use super::cors;
use super::forwarded::client_address;
use super::gate::{Gate, Wanted, single, wanted};
use super::listener::PeerAddress;
use super::mcp::Mcp;
use super::metadata::Resource;
use super::observed::Observed;
use super::operations::{Ready, health};
use super::quota::{Allowance, Quotas};
use super::refused::Refused;
use super::sessions::{SessionLimits, Sessions};
use super::{Admitted, Host};
use crate::identity::{Authenticated, Bearers, Rejection, unauthenticated};
use crate::model::{DefaultVault, PrincipalName};
use crate::telemetry::metrics::{HttpMetrics, Route};
use crate::transport::message::MAX_MESSAGE;

const VAULT_ID: HeaderName = HeaderName::from_static("x-vault-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a request's body may take.
const BODY: Duration = Duration::from_secs(30);

/// How long a request may be handled.
const HANDLING: Duration = Duration::from_mins(1);

/// How often sessions are looked through for those that nobody uses.
const SWEEP: Duration = Duration::from_secs(30);

/// Who is let in.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Whoever brings a valid token, as whom it says.
    Bearers(Bearers),
    /// Everybody, as this principal: for trials on this machine.
    Everybody(PrincipalName),
}

/// How requests are served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Hosts and origins.
    pub gate: Gate,
    /// What this server is to those who give tokens for it.
    pub resource: Resource,
    /// Who is let in.
    pub admission: Admission,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether nobody but these proxies may connect: what others sent here would have come unencrypted.
    pub only_proxies: bool,
    /// How much each principal may ask.
    pub quota: Allowance,
    /// How many sessions there may be.
    pub sessions: SessionLimits,
    /// Whether each request makes a line in the log.
    pub access_log: bool,
}

/// The server behind the listener.
pub struct Endpoint<H: Host> {
    settings: Settings,
    host: Arc<H>,
    mcp: Mcp<H>,
    quotas: Quotas,
    sessions: Arc<Sessions>,
    metrics: Arc<HttpMetrics>,
}

/// What an answer depends on of a request's head.
struct Seen {
    host: Option<HeaderValue>,
    /// The page it's from, if that's one that may ask.
    origin: Option<HeaderValue>,
}

impl<H: Host> Endpoint<H> {
    /// Makes it. When `stop` is cancelled, its sessions and streams end.
    #[must_use]
    pub fn new(host: H, settings: Settings, metrics: Arc<HttpMetrics>, stop: &CancellationToken) -> Arc<Self> {
        let host = Arc::new(host);
        let sessions = Arc::new(Sessions::new(settings.sessions));
        let mcp = Mcp::new(Arc::clone(&host), Arc::clone(&sessions), HANDLING, stop);
        let quotas = Quotas::new(settings.quota);
        Arc::new(Self { settings, host, mcp, quotas, sessions, metrics })
    }

    /// The paths there are.
    pub fn router(self: &Arc<Self>, ready: Ready) -> Router {
        let [own, root] = self.settings.resource.metadata_paths();
        Router::new()
            .route(&self.settings.resource.path, any(Self::protocol))
            .route(&own, any(Self::metadata))
            .route(&root, any(Self::metadata))
            .fallback(Self::nothing)
            .with_state(Arc::clone(self))
            .merge(health(ready, Arc::clone(&self.metrics)))
    }

    /// How many sessions are open.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Ends sessions that nobody uses, until `stop` is cancelled.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        let mut unknown = Vec::new();
        while tokio::time::timeout(SWEEP, stop.cancelled()).await.is_err() {
            self.mcp.sweep(&mut unknown).await;
        }
    }

    async fn protocol(State(own): State<Arc<Self>>, request: Request) -> Response<Body> {
        // Requests that lie ready in one connection's buffer must not keep all others waiting.
        tokio::task::consume_budget().await;
        let (head, body) = request.into_parts();
        let mut observed = own.observe(Route::Mcp, &head);
        let span = observed.span();
        let (seen, passed) = own.pass(&head);
        let answered = match passed {
            // Once on the heap, it isn't moved any more: it's large, and each move would copy all of it.
            Ok(()) => Box::pin(own.admitted(head, body, &mut observed).instrument(span)).await,
            Err(refused) => Err(refused),
        };
        own.finish(&mut observed, seen, answered)
    }

    #[expect(clippy::unused_async, reason = "the router takes nothing else")]
    async fn metadata(State(own): State<Arc<Self>>, request: Request) -> Response<Body> {
        let (head, _body) = request.into_parts();
        let mut observed = own.observe(Route::Metadata, &head);
        let (seen, passed) = own.pass(&head);
        let answered = passed.and_then(|()| match head.method {
            Method::GET => {
                let metadata = own.settings.resource.metadata(seen.host.as_ref()).ok_or(Refused::Path)?;
                Ok(answer::json(StatusCode::OK, metadata))
            }
            Method::OPTIONS => Ok(answer::empty(StatusCode::NO_CONTENT)),
            _ => Err(Refused::Method("GET, OPTIONS")),
        });
        own.finish(&mut observed, seen, answered)
    }

    #[expect(clippy::unused_async, reason = "the router takes nothing else")]
    async fn nothing(State(own): State<Arc<Self>>, request: Request) -> Response<Body> {
        let (head, _body) = request.into_parts();
        let mut observed = own.observe(Route::Other, &head);
        let (seen, passed) = own.pass(&head);
        own.finish(&mut observed, seen, passed.and(Err(Refused::Path)))
    }

    fn observe(&self, route: Route, head: &Parts) -> Observed<'_> {
        Observed::begin(&self.metrics, self.settings.access_log, route, &head.headers)
    }

    /// Looks at a request at the gate, and keeps of its head what its answer depends on.
    fn pass(&self, head: &Parts) -> (Seen, Result<(), Refused>) {
        let host = head.headers.get(HOST).cloned();
        match self.settings.gate.pass(head) {
            Ok(origin) => (Seen { host, origin: origin.cloned() }, Ok(())),
            Err(refused) => (Seen { host, origin: None }, Err(refused)),
        }
    }

    /// Says with an answer what's said with all of them.
    fn finish(
        &self,
        observed: &mut Observed<'_>,
        seen: Seen,
        answered: Result<Response<Body>, Refused>,
    ) -> Response<Body> {
        let mut response = match answered {
            Ok(response) => {
                observed.answered(response.status().as_u16(), response.extensions().get().copied());
                response
            }
            Err(refused) => {
                observed.refused(&refused);
                self.refuse(&refused, seen.host.as_ref())
            }
        };
        let headers = response.headers_mut();
        cors::allow(headers, seen.origin);
        answer::finish(headers);
        if let Ok(id) = HeaderValue::try_from(observed.id().to_string()) {
            headers.insert(REQUEST_ID, id);
        }
        response
    }

    /// Answers a request that the gate has let pass.
    async fn admitted(
        &self,
        mut head: Parts,
        body: axum::body::Body,
        observed: &mut Observed<'_>,
    ) -> Result<Response<Body>, Refused> {
        let wanted = wanted(&head)?;
        if wanted == Wanted::Preflight {
            return Ok(answer::empty(StatusCode::NO_CONTENT));
        }
        let address = self.address(&head)?;
        let who = self.authenticate(&mut head.headers, address, observed).await?;
        let name = who.principal().name.clone();
        observed.principal = Some(name.clone());
        let turn = match self.quotas.admit(&name) {
            Ok(turn) => Arc::new(turn),
            Err(quota) => {
                tokio::time::sleep(quota.pause()).await;
                return Err(Refused::Quota(quota));
            }
        };
        let vault = vault(&head.headers)?;
        let body = match wanted {
            Wanted::Message => collect(body, MAX_MESSAGE, BODY).await.map_err(|error| match error {
                BodyError::TooLarge { .. } => Refused::TooLarge,
                BodyError::TooSlow => Refused::TooSlow,
                BodyError::Broken => Refused::Broken,
            })?,
            Wanted::Stream | Wanted::End | Wanted::Preflight => Bytes::new(),
        };
        // What the listener put there is of no concern to handlers.
        let admitted = Admitted { who, id: observed.id(), vault, turn: Arc::clone(&turn) };
        head.extensions = self.host.admit(admitted);
        let answered = self.mcp.answer(wanted, &name, head, body, &mut observed.method).await;
        drop(turn);
        answered
    }

    /// A refusal, with a challenge where a token is what's lacking.
    fn refuse(&self, refused: &Refused, host: Option<&HeaderValue>) -> Response<Body> {
        let mut response = refused.answer();
        if let Refused::Token(lacking) = refused {
            let resource = &self.settings.resource;
            let challenge = challenge(*lacking, resource.metadata_url(host).as_deref(), &resource.scope());
            if let Some(challenge) = challenge {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
        }
        response
    }

    /// Where a request comes from.
    fn address(&self, head: &Parts) -> Result<IpAddr, Refused> {
        let peer = head.extensions.get::<PeerAddress>().map(|peer| peer.0);
        // The listener always says; if ever it didn't, no rule about addresses should hold.
        let peer = peer.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0))).ip();
        let Settings { trusted_proxies, only_proxies, .. } = &self.settings;
        if *only_proxies && !trusted_proxies.iter().any(|proxy| proxy.contains(&peer.to_canonical())) {
            return Err(Refused::NotByProxy);
        }
        client_address(peer, &head.headers, trusted_proxies).map_err(|_| Refused::Forwarded)
    }

    async fn authenticate(
        &self,
        headers: &mut HeaderMap,
        address: IpAddr,
        observed: &mut Observed<'_>,
    ) -> Result<Arc<Authenticated>, Refused> {
        match &self.settings.admission {
            Admission::Everybody(name) => Ok(Arc::new(unauthenticated(name.clone(), address))),
            Admission::Bearers(bearers) => {
                let given = headers.contains_key(http::header::AUTHORIZATION);
                let lacking = if given { Lacking::ValidToken } else { Lacking::Token };
                let token = bearer::take(headers).ok_or(Refused::Token(lacking))?;
                bearers.authenticate(&token, address).await.map_err(|rejection| match rejection {
                    Rejection::Invalid(why) => {
                        observed.token = Some(why);
                        Refused::Token(Lacking::ValidToken)
                    }
                    Rejection::Scope { .. } => Refused::Token(Lacking::Scope),
                    Rejection::Unavailable => Refused::KeysUnavailable,
                })
            }
        }
    }
}

/// The vault of paths that name none.
fn vault(headers: &HeaderMap) -> Result<Option<DefaultVault>, Refused> {
    let value = single(headers, &VAULT_ID).map_err(|_| Refused::VaultId)?;
    value.map(|value| DefaultVault::parse(value.as_bytes()).map_err(|_| Refused::VaultId)).transpose()
}

#[cfg(test)]
mod tests;
