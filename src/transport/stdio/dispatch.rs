//! Requests being handled.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use rmcp::model::{
    ClientRequest, ErrorData, GetExtensions, JsonRpcMessage, RequestId, RequestMetaObject, ServerResult,
};
use rmcp::service::{Peer, RequestContext, TxJsonRpcMessage};
use rmcp::{RoleServer, Service};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The most requests being handled at a time.
const MAX_REQUESTS: usize = 256;

/// The most bytes of messages whose requests are being handled at a time.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How a request ended.
struct Done {
    id: RequestId,
    result: Result<ServerResult, ErrorData>,
}

/// A request that isn't answered yet.
struct Flight {
    bytes: usize,
    /// `None` for one that the service loop handles.
    token: Option<CancellationToken>,
    cancelled: bool,
}

/// Hands requests to the handler and bounds how many are under way.
///
/// Until the handshake is over, requests go through the crate's service loop, which is the one to make the handle that
/// handlers talk to the client with. With that at hand, a request is handled right here: two tasks, two queues and a
/// lock less for each, about a third of its time. A handler that doesn't have to wait is finished in the same poll
/// that read its request.
pub(super) struct Dispatch<S> {
    service: S,
    peer: Arc<OnceLock<Peer<RoleServer>>>,
    running: JoinSet<Done>,
    flights: HashMap<RequestId, Flight>,
    bytes: usize,
}

/// What became of a request that was handed over.
pub(super) enum Handed {
    /// It's answered.
    Answer(TxJsonRpcMessage<RoleServer>),
    /// It's being handled.
    Running,
    /// The service loop has to take it.
    Loop(RequestId, ClientRequest),
    /// Its id is that of a request which isn't answered yet.
    Twice,
}

impl<S: Service<RoleServer> + Clone> Dispatch<S> {
    pub(super) fn new(service: S, peer: Arc<OnceLock<Peer<RoleServer>>>) -> Self {
        Self { service, peer, running: JoinSet::new(), flights: HashMap::new(), bytes: 0 }
    }

    /// Whether another request can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.flights.len() < MAX_REQUESTS && self.bytes < MAX_BYTES
    }

    /// Whether no request is being handled.
    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether the handshake is over.
    pub(super) fn is_open(&self) -> bool {
        self.peer.get().is_some()
    }

    /// Handles a request that took `bytes` to write.
    pub(super) fn hand(
        &mut self,
        cx: &mut Context<'_>,
        id: RequestId,
        mut request: ClientRequest,
        bytes: usize,
    ) -> Handed {
        if self.flights.contains_key(&id) {
            return Handed::Twice;
        }
        let Some(peer) = self.peer.get() else {
            self.depart(id.clone(), Flight { bytes, token: None, cancelled: false });
            return Handed::Loop(id, request);
        };
        let mut context = RequestContext::new(id.clone(), peer.clone());
        let token = context.ct.clone();
        let extensions = request.extensions_mut();
        if let Some(meta) = extensions.get_mut::<RequestMetaObject>() {
            context.meta = std::mem::take(meta);
        }
        std::mem::swap(&mut context.extensions, extensions);
        let service = self.service.clone();
        let mut handling = Box::pin(async move { service.handle_request(request, context).await });
        match handling.as_mut().poll(cx) {
            Poll::Ready(result) => Handed::Answer(Done { id, result }.into_message()),
            Poll::Pending => {
                self.depart(id.clone(), Flight { bytes, token: Some(token), cancelled: false });
                self.running.spawn(async move { Done { id, result: handling.await } });
                Handed::Running
            }
        }
    }

    /// An answer that has become ready.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<TxJsonRpcMessage<RoleServer>> {
        loop {
            match self.running.poll_join_next(cx) {
                Poll::Ready(Some(Ok(done))) => {
                    // The client asked not to be told.
                    if self.land(&done.id).is_some_and(|flight| !flight.cancelled) {
                        return Poll::Ready(done.into_message());
                    }
                }
                // Panics are answers by now, so the task can only have been aborted, and that's when all are dropped.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Tells a handler that its answer is no longer wanted. It counts as long as it runs.
    pub(super) fn cancel(&mut self, id: &RequestId) {
        match self.flights.get_mut(id) {
            Some(Flight { token: Some(token), cancelled, .. }) => {
                *cancelled = true;
                token.cancel();
            }
            // The service loop will drop the answer when it sees the notification, so nobody else would end this.
            Some(_) => drop(self.land(&id.clone())),
            None => {}
        }
    }

    /// The service loop has answered one of its requests.
    pub(super) fn answered(&mut self, id: &RequestId) {
        self.land(id);
    }

    fn depart(&mut self, id: RequestId, flight: Flight) {
        self.bytes = self.bytes.saturating_add(flight.bytes);
        self.flights.insert(id, flight);
    }

    fn land(&mut self, id: &RequestId) -> Option<Flight> {
        let flight = self.flights.remove(id)?;
        self.bytes = self.bytes.saturating_sub(flight.bytes);
        Some(flight)
    }
}

impl Done {
    fn into_message(self) -> TxJsonRpcMessage<RoleServer> {
        match self.result {
            Ok(result) => JsonRpcMessage::response(result, self.id),
            Err(error) => JsonRpcMessage::error(error, Some(self.id)),
        }
    }
}
