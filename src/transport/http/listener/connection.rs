//! One connection, from the handshake to its end.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::figures::{Connections, TimedOut};
use super::limits::Limits;
use super::metered::{Reads, Stream, Writes};
use super::pulse::{Overdue, Pulse};
use super::tls::Tls;
use super::watched::Watched;

/// What all connections of a listener have in common.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) figures: Arc<Connections>,
    /// No further request is taken, and those under way are finished.
    pub(super) stop: CancellationToken,
}

impl Terms {
    /// Serves a connection until either side ends it or something takes too long.
    pub(super) async fn serve<T, S, B>(self, stream: T, peer: SocketAddr, service: S)
    where
        T: Stream,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S::Future: Send + 'static,
        B: Body + Unpin + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let pulse = Arc::new(Pulse::new(self.limits));
        let stream = Writes::new(stream, Arc::clone(&pulse));
        let watched = Watched { service, peer, pulse: Arc::clone(&pulse), figures: Arc::clone(&self.figures) };
        let Some(tls) = &self.tls else {
            return self.speak(Reads::new(stream, Arc::clone(&pulse)), watched, &pulse).await;
        };
        let greeted = tokio::select! {
            () = self.stop.cancelled() => return,
            greeted = timeout(self.limits.handshake, tls.greet(stream)) => greeted,
        };
        match greeted {
            Ok(Ok(stream)) => {
                pulse.opens();
                self.speak(Reads::new(stream, Arc::clone(&pulse)), watched, &pulse).await;
            }
            Ok(Err(_)) => self.figures.add_tls_failed(),
            Err(_) => self.figures.add_timed_out(TimedOut::Handshake),
        }
    }

    /// Speaks HTTP/1.1.
    async fn speak<T, S, B>(&self, stream: T, service: Watched<S>, pulse: &Pulse)
    where
        T: AsyncRead + AsyncWrite + Unpin,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S::Future: Send + 'static,
        B: Body + Unpin + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut connection = pin!(self.http().serve_connection(TokioIo::new(stream), service));
        let mut stopped = pin!(self.stop.cancelled());
        let (mut stopping, mut malformed) = (false, false);
        let mut alarm = pin!(sleep_until(Instant::now() + self.limits.first_byte));
        let overdue = std::future::poll_fn(|cx| {
            if !stopping && stopped.as_mut().poll(cx).is_ready() {
                stopping = true;
                pulse.stopping();
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                malformed = ended.is_err_and(|error| error.is_parse());
                return Poll::Ready(None);
            }
            // Setting an alarm costs something, and most requests are done long before: one that rings too early is
            // just set again.
            while let Some((at, why)) = pulse.due() {
                if at < alarm.deadline() || alarm.is_elapsed() {
                    alarm.as_mut().reset(at);
                }
                ready!(alarm.as_mut().poll(cx));
                if at <= Instant::now() {
                    return Poll::Ready(Some(why));
                }
            }
            Poll::Pending
        });
        let overdue = overdue.await;
        if let Some(Overdue::Client(at)) = overdue {
            self.figures.add_timed_out(at);
        }
        if malformed || pulse.is_malformed() {
            self.figures.add_malformed();
        }
    }

    fn http(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.keep_alive(true)
            // A client that leaves isn't worked for: its request is dropped.
            .half_close(false)
            // At most 100 header lines. That's hyper's own number, and left to it, because any other makes it
            // allocate for each head.
            .max_buf_size(self.limits.head_bytes)
            .max_header_size(self.limits.head_bytes)
            // Bodies are written from where they are, then freed, and so wiped. Otherwise they're copied into a buffer
            // that lives as long as the connection, with a secret in it.
            .writev(true)
            // hyper's own timer is the second net: it also sees a head that begins in bytes it already has.
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle + self.limits.head);
        http
    }
}

#[cfg(test)]
mod tests;
