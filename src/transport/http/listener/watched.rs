//! A connection's requests, seen coming and going, and turned away if it's unclear what they are.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;

use super::figures::Connections;
use super::pulse::Pulse;

/// The address at the other end of the connection, as the system says. It's in every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// A service that says when a request begins and when its answer is complete.
#[derive(Debug)]
pub(super) struct Watched<S> {
    pub(super) service: S,
    pub(super) peer: SocketAddr,
    pub(super) pulse: Arc<Pulse>,
    pub(super) figures: Arc<Connections>,
}

impl<S, B> Service<Request<Incoming>> for Watched<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body + Unpin + Send + 'static,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let under_way = UnderWay::new(Arc::clone(&self.pulse));
        if is_doubtful(&request) {
            self.figures.add_malformed();
            return Box::pin(ready(Ok(refusal(under_way))));
        }
        request.extensions_mut().insert(PeerAddress(self.peer));
        let answer = self.service.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| Answer { body: Some(body), _under_way: under_way }))
        })
    }
}

/// An answer's body; the request is under way for as long as it lives.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: Option<B>,
    _under_way: UnderWay,
}

impl<B: Body + Unpin> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A request, from its head to the end of its answer, or to the end of the connection.
#[derive(Debug)]
struct UnderWay(Arc<Pulse>);

impl UnderWay {
    fn new(pulse: Arc<Pulse>) -> Self {
        pulse.request_begins();
        Self(pulse)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

/// Whether another program could take a request for one that's longer, shorter or for somebody else.
///
/// hyper refuses most of what could be meant in two ways. What it lets pass is a length or a host said twice, no host at
/// all, and codings under the chunks, which nobody here would decode.
fn is_doubtful<T>(request: &Request<T>) -> bool {
    let headers = request.headers();
    let several = |name| headers.get_all(name).iter().nth(1).is_some();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    several(HOST)
        || several(CONTENT_LENGTH)
        || several(TRANSFER_ENCODING)
        || headers.get(TRANSFER_ENCODING).is_some_and(|coding| !chunked(coding))
        || (request.version() >= Version::HTTP_11 && !headers.contains_key(HOST))
}

fn refusal<B>(under_way: UnderWay) -> Response<Answer<B>> {
    let mut refusal = Response::new(Answer { body: None, _under_way: under_way });
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    refusal.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    refusal
}
