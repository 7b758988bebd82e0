//! The protocol itself: messages in, answers out.
//!
//! There are two ways. The *short way* hands a request to the handler right here and answers with one JSON document:
//! that's what nearly every request needs, it takes a third of the time, and no answer is kept anywhere afterwards.
//! The *long way* is the protocol crate's own: opening and ending sessions, streams of events, whatever the handler
//! doesn't answer at once, and the refusal of everything whose headers and body don't agree.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use rmcp::model::{
    CallToolRequestMethod, ClientRequest, ConstString as _, ErrorCode, ErrorData, GetExtensions, JsonRpcMessage,
    RequestId, RequestMetaObject, ServerResult,
};
use rmcp::service::{RequestContext, TxJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::SessionManager as _;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, Service};
use tokio_util::sync::CancellationToken;

use super::Host;
use super::answer::{self, Body};
use super::gate::{Wanted, accepts};
use super::observed::Said;
use super::refused::Refused;
use super::sessions::{InUse, Sessions};
use super::standing::Standing;
use super::versions::{Era, SESSION_ID, agree, era, is_gone, names_no_other, session_id};
use crate::model::{ClientName, PrincipalName};
use crate::telemetry::metrics::Method;
use crate::transport::guarded::Guarded;
use crate::transport::message::{self, Incoming, MAX_MESSAGE, Refusal};

/// How long a session's end is waited for. One that's stuck is forgotten all the same.
const ENDING: Duration = Duration::from_secs(1);

/// How long the crate keeps a session that it hears nothing of. The short way goes past it, so this is only for those
/// that got lost; ours end sooner.
const LOST_SESSION: Duration = Duration::from_hours(24);

/// The protocol's address.
pub(super) struct Mcp<H: Host> {
    host: Arc<H>,
    service: Guarded<H::Handler>,
    standing: Standing<Guarded<H::Handler>>,
    long_way: StreamableHttpService<H::Handler, LocalSessionManager>,
    manager: Arc<LocalSessionManager>,
    sessions: Arc<Sessions>,
    deadline: Duration,
}

impl<H: Host> Mcp<H> {
    pub(super) fn new(host: Arc<H>, sessions: Arc<Sessions>, deadline: Duration, stop: &CancellationToken) -> Self {
        let service = Guarded(Arc::new(host.handler()));
        let mut manager = LocalSessionManager::default();
        manager.session_config.keep_alive = Some(LOST_SESSION);
        let manager = Arc::new(manager);
        let config = StreamableHttpServerConfig::default()
            // The gate has compared both, and stricter.
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_json_response(true)
            .with_max_request_body_bytes(MAX_MESSAGE)
            .with_cancellation_token(stop.child_token());
        let of = Arc::clone(&host);
        let long_way = StreamableHttpService::new(move || Ok(of.handler()), Arc::clone(&manager), config);
        let standing = Standing::start(service.clone());
        Self { host, service, standing, long_way, manager, sessions, deadline }
    }

    /// Answers a request of this principal. The head's extensions are what its handler needs to know.
    pub(super) async fn answer(
        &self,
        wanted: Wanted,
        who: &PrincipalName,
        head: Parts,
        body: Bytes,
        method: &mut Method,
    ) -> Result<Response<Body>, Refused> {
        match wanted {
            Wanted::Message => self.message(who, head, body, method).await,
            Wanted::Stream | Wanted::End => {
                *method = if wanted == Wanted::End { Method::EndSession } else { Method::Stream };
                let Some(id) = session_id(&head.headers)? else { return Err(Refused::Method("POST")) };
                let in_use = if wanted == Wanted::Stream {
                    self.sessions.listen(id, who)?
                } else {
                    self.sessions.enter(id, who, None)?
                };
                if wanted == Wanted::End {
                    self.sessions.end(id, who)?;
                    // The crate has reasons not to, and then nobody could reach the session any more.
                    self.close(&id.into()).await;
                }
                Box::pin(self.go_long(head, body, Some(in_use))).await
            }
            Wanted::Preflight => Ok(answer::empty(StatusCode::NO_CONTENT)),
        }
    }

    async fn message(
        &self,
        who: &PrincipalName,
        mut head: Parts,
        body: Bytes,
        method: &mut Method,
    ) -> Result<Response<Body>, Refused> {
        let incoming = message::read(&body);
        *method = asked(&incoming);
        let request = if let Incoming::Request(_, request) = &incoming { Some(request) } else { None };
        let era = era(&head.headers, request)?;
        let session = match era {
            // These requests have none, whatever they say.
            Era::Modern => {
                head.headers.remove(&SESSION_ID);
                None
            }
            Era::Legacy => session_id(&head.headers)?.map(str::to_owned),
        };
        let enter = |flight: Option<(&RequestId, &CancellationToken)>| {
            session.as_deref().map(|id| self.sessions.enter(id, who, flight)).transpose()
        };
        match incoming {
            Incoming::Request(id, request) if self.is_short(era, session.is_some(), &head, &request) => {
                drop(body);
                let mut context = RequestContext::new(id.clone(), self.standing.peer().clone());
                let in_use = enter(Some((&id, &context.ct)))?;
                if let Some(in_use) = &in_use {
                    head.extensions.insert(in_use.client.clone());
                }
                context.extensions.insert(head);
                self.go_short(era, id, request, context).await
            }
            Incoming::Request(_, ClientRequest::InitializeRequest(request)) if session.is_none() => {
                let client = &request.params.client_info;
                let client = ClientName::claimed(&client.name, &client.version);
                Box::pin(self.open(who, client, head, body)).await
            }
            Incoming::Request(id, request) if era == Era::Legacy && session.is_some() && is_foreign(&request) => {
                let _in_use = enter(None)?;
                Ok(refuse(era, &out_of_place(id, &request)))
            }
            Incoming::Request(id, _) if era == Era::Legacy && session.is_some() && !names_no_other(&head.headers) => {
                let _in_use = enter(None)?;
                Ok(refuse(era, &Refusal::invalid(Some(id), "the protocol's version is not known")))
            }
            Incoming::Cancelled(id, _) => {
                let in_use = enter(None)?;
                if let Some(in_use) = &in_use {
                    in_use.cancel(&id);
                }
                Box::pin(self.go_long(head, body, in_use)).await
            }
            Incoming::Request(..) | Incoming::Other(_) => Box::pin(self.go_long(head, body, enter(None)?)).await,
            // What the crate doesn't know either, it refuses as the protocol's version wants. A session is asked nothing
            // that's known here to be unknown: it would remember for good whatever is never answered.
            Incoming::Refused(Refusal { code: ErrorCode::METHOD_NOT_FOUND, .. }) if session.is_none() => {
                Box::pin(self.go_long(head, body, None)).await
            }
            // Answered here: the crate reads less strictly, and what's refused must not open a session there.
            Incoming::Refused(Refusal { id, code: ErrorCode::INVALID_PARAMS, .. })
                if era == Era::Modern && is_gone(&head.headers) =>
            {
                Ok(refuse(era, &unknown(id)))
            }
            Incoming::Refused(refusal) => {
                let _in_use = enter(None)?;
                Ok(refuse(era, &refusal))
            }
            Incoming::Nothing => {
                let _in_use = enter(None)?;
                Ok(answer::empty(StatusCode::ACCEPTED))
            }
        }
    }

    /// Whether the handler answers this request with one document, and head and body agree.
    fn is_short(&self, era: Era, in_session: bool, head: &Parts, request: &ClientRequest) -> bool {
        self.host.answers_once(request)
            && match era {
                Era::Modern => agree(&head.headers, request),
                Era::Legacy => in_session && names_no_other(&head.headers),
            }
    }

    async fn go_short(
        &self,
        era: Era,
        id: RequestId,
        mut request: ClientRequest,
        mut context: RequestContext<RoleServer>,
    ) -> Result<Response<Body>, Refused> {
        if let Some(meta) = request.extensions_mut().get_mut::<RequestMetaObject>() {
            context.meta = std::mem::take(meta);
        }
        // Who goes away before the answer takes the request back.
        let _gone = context.ct.clone().drop_guard();
        let handled = tokio::time::timeout(self.deadline, self.service.handle_request(request, context)).await;
        let handled = handled.map_err(|_| Refused::Deadline)?;
        let said = said(&handled);
        let mut response = document(status(era, &handled), handled, id);
        response.extensions_mut().insert(said);
        Ok(response)
    }

    /// The long way, with a session held for as long as the answer takes.
    async fn go_long(&self, mut head: Parts, body: Bytes, in_use: Option<InUse>) -> Result<Response<Body>, Refused> {
        // The crate wants both types named, where we understand a wildcard.
        if accepts(&head.headers, "text", "event-stream") && accepts(&head.headers, "application", "json") {
            head.headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        }
        let answered = self.long_way.handle(Request::from_parts(head, Full::new(body)));
        let response = tokio::time::timeout(self.deadline, answered).await.map_err(|_| Refused::Deadline)?;
        Ok(response.map(|body| hold(body, in_use)))
    }

    /// Opens a session for a principal.
    async fn open(
        &self,
        who: &PrincipalName,
        client: ClientName,
        head: Parts,
        body: Bytes,
    ) -> Result<Response<Body>, Refused> {
        let (reserved, gave_way) = self.sessions.reserve(who)?;
        if let Some(id) = gave_way {
            self.close(&id).await;
        }
        let response = Box::pin(self.go_long(head, body, None)).await?;
        if let Some(id) = response.headers().get(&SESSION_ID).and_then(|id| id.to_str().ok()) {
            reserved.open(id, client);
        }
        Ok(response)
    }

    /// Ends the sessions that nobody uses any more, and those of the crate that nobody can reach. `unknown` carries
    /// over what was out of reach the last time: one that's being opened is, for a moment.
    pub(super) async fn sweep(&self, unknown: &mut Vec<Arc<str>>) {
        for id in self.sessions.expire() {
            self.close(&id).await;
        }
        let theirs: Vec<Arc<str>> = self.manager.sessions.read().await.keys().cloned().collect();
        let lost: Vec<Arc<str>> = theirs.into_iter().filter(|id| !self.sessions.knows(id)).collect();
        for id in lost.iter().filter(|id| unknown.contains(id)) {
            self.close(id).await;
        }
        *unknown = lost;
    }

    async fn close(&self, id: &Arc<str>) {
        // One that has ended by itself is ended. One whose client takes nothing may not hear of it, and isn't waited
        // for: the crate has forgotten it by then, and ends it when it's heard.
        let _ended = tokio::time::timeout(ENDING, self.manager.close_session(id)).await;
    }
}

/// What a message asks for, for the figures.
fn asked(incoming: &Incoming) -> Method {
    match incoming {
        Incoming::Request(_, ClientRequest::CallToolRequest(call)) => {
            Method::of_message(CallToolRequestMethod::VALUE, Some(&call.params.name))
        }
        Incoming::Request(_, request) => Method::of_message(request.method(), None),
        Incoming::Cancelled(..) => Method::Cancelled,
        Incoming::Other(_) | Incoming::Nothing | Incoming::Refused(_) => Method::Other,
    }
}

/// Keeps something for as long as a body is being sent.
fn hold<T: Send + Sync + 'static>(body: Body, held: Option<T>) -> Body {
    match held {
        None => body,
        Some(held) => body
            .map_frame(move |frame| {
                let _held = &held;
                frame
            })
            .boxed(),
    }
}

/// Whether a session can't be asked this, whoever serves it.
fn is_foreign(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::InitializeRequest(_) | ClientRequest::SubscriptionsListenRequest(_))
}

fn out_of_place(id: RequestId, request: &ClientRequest) -> Refusal {
    if matches!(request, ClientRequest::InitializeRequest(_)) {
        return Refusal::invalid(Some(id), "the session is open already");
    }
    unknown(Some(id))
}

fn unknown(id: Option<RequestId>) -> Refusal {
    Refusal { id, code: ErrorCode::METHOD_NOT_FOUND, message: "the method is not known" }
}

/// Whether a handler did what it was asked, for the figures.
fn said(handled: &Result<ServerResult, ErrorData>) -> Said {
    match handled {
        Ok(ServerResult::CallToolResult(result)) if result.is_error == Some(true) => Said::Error,
        Ok(_) => Said::Result,
        Err(_) => Said::Error,
    }
}

/// An answer to the request of this id.
fn document(status: StatusCode, handled: Result<ServerResult, ErrorData>, id: RequestId) -> Response<Body> {
    let message: TxJsonRpcMessage<RoleServer> = match handled {
        Ok(result) => JsonRpcMessage::response(result, id.clone()),
        Err(error) => JsonRpcMessage::error(error, Some(id.clone())),
    };
    if let Ok(text) = serde_json::to_vec(&message) {
        return answer::json(status, text);
    }
    let message = "the answer could not be written down";
    refuse(Era::Legacy, &Refusal { id: Some(id), code: ErrorCode::INTERNAL_ERROR, message })
}

/// The status of an answer: older clients take anything but 200 for a fault of the transport.
fn status(era: Era, handled: &Result<ServerResult, ErrorData>) -> StatusCode {
    match (era, handled) {
        (Era::Legacy, _) | (Era::Modern, Ok(_)) => StatusCode::OK,
        (Era::Modern, Err(error)) => match error.code {
            ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
            ErrorCode::HEADER_MISMATCH
            | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => StatusCode::BAD_REQUEST,
            _ => StatusCode::OK,
        },
    }
}

/// The answer to a message that can't be served. One that isn't a proper message is a bad request in any version.
fn refuse(era: Era, refusal: &Refusal) -> Response<Body> {
    let status = match (era, refusal.code) {
        (Era::Modern, ErrorCode::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        (Era::Legacy, ErrorCode::METHOD_NOT_FOUND | ErrorCode::INVALID_PARAMS | ErrorCode::INTERNAL_ERROR) => {
            StatusCode::OK
        }
        _ => StatusCode::BAD_REQUEST,
    };
    answer::json(status, serde_json::to_vec(refusal).unwrap_or_default())
}

#[cfg(test)]
#[path = "mcp/tests.rs"]
mod tests;
