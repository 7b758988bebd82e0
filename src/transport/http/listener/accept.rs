//! A port's connections: taken in, counted, refused when there are too many, and seen off.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Terms;
use super::figures::{Connections, TimedOut};
use super::limits::Limits;
use super::metered::Stream;
use super::tls::Tls;

/// How long nothing is taken in after the system had no file or memory for it; twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// How long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Serves the connections of a port until `stop` is cancelled, then those requests that are under way, and returns when
/// all are done.
///
/// Each request has a [`PeerAddress`](super::PeerAddress) in its extensions. On `stop`, idle connections are closed at
/// once; the others when they've had their answer, or after [`Limits::drain`] without it. Dropped before that, it takes
/// its connections with it.
pub async fn accept<S, B>(
    listener: TcpListener,
    tls: Option<Tls>,
    limits: Limits,
    service: S,
    figures: Arc<Connections>,
    stop: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    accept_from(listener, Terms { tls, limits, figures, stop }, service).await;
}

/// Where connections come from.
pub(super) trait Port: Send {
    type Stream: Stream;

    /// The next one.
    fn next(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

impl Port for TcpListener {
    type Stream = TcpStream;

    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.accept().await?;
        // Answers are written whole. If this fails, the client is gone, and reading will say so.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

pub(super) async fn accept_from<P, S, B>(mut port: P, terms: Terms, service: S)
where
    P: Port,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let slots = Arc::new(Semaphore::new(terms.limits.connections));
    let tasks = TaskTracker::new();
    let abort = CancellationToken::new();
    let _on_drop = abort.clone().drop_guard();
    let mut pause = SHORTEST_PAUSE;
    loop {
        let next = tokio::select! {
            biased;
            () = terms.stop.cancelled() => break,
            next = port.next() => next,
        };
        let (stream, peer) = match next {
            Ok(next) => next,
            Err(error) if is_the_clients(&error) => continue,
            Err(error) => {
                terms.figures.add_accept_failed();
                if pause == SHORTEST_PAUSE {
                    tracing::warn!(error = %error.kind(), code = error.raw_os_error(), "can't take in connections");
                }
                tokio::select! {
                    () = terms.stop.cancelled() => break,
                    () = sleep(pause) => pause = LONGEST_PAUSE.min(pause * 2),
                }
                continue;
            }
        };
        pause = SHORTEST_PAUSE;
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            terms.figures.add_refused();
            stream.forget_unsent();
            continue;
        };
        let (terms, service, abort) = (terms.clone(), service.clone(), abort.clone());
        let open = terms.figures.opened();
        tasks.spawn(async move {
            let figures = Arc::clone(&terms.figures);
            tokio::select! {
                () = terms.serve(stream, peer, service) => {}
                () = abort.cancelled() => figures.add_timed_out(TimedOut::Drain),
            }
            drop((slot, open));
        });
    }
    // From here on the system refuses connections.
    drop(port);
    tasks.close();
    if timeout(terms.limits.drain, tasks.wait()).await.is_err() {
        abort.cancel();
        tasks.wait().await;
    }
}

/// Whether a connection failed before it was taken in, as opposed to all of them.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
