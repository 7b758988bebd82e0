//! What the listener's tests have in common: a server of its own, and a client that writes bytes.

mod shapes;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

use super::connection::Terms;
use super::{Connections, Limits, PeerAddress, Tls};
use crate::transport::http::{BodyError, collect};

/// How much the pipe between client and server holds.
const PIPE: usize = 4096;
pub(super) const LARGE: usize = 256 * 1024;
/// How much a body may have.
pub(super) const MOST: usize = 1000;

pub(super) type Answered = UnsyncBoxBody<Bytes, Infallible>;

/// Answers by path.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// Lets a request for `/wait` go on.
    pub(super) gate: Arc<Semaphore>,
}

impl Default for Paths {
    fn default() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)) }
    }
}

impl Service<Request<Incoming>> for Paths {
    type Response = Response<Answered>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(answer(request, Arc::clone(&self.gate)))
    }
}

async fn answer(request: Request<Incoming>, gate: Arc<Semaphore>) -> Result<Response<Answered>, Infallible> {
    let PeerAddress(peer) = *request.extensions().get::<PeerAddress>().unwrap();
    let text = |text: String| Full::new(Bytes::from(text)).boxed_unsync();
    let (parts, body) = request.into_parts();
    let body = match parts.uri.path() {
        "/peer" => text(peer.to_string()),
        "/wait" => {
            gate.acquire().await.unwrap().forget();
            text("waited".to_owned())
        }
        "/large" => text("x".repeat(LARGE)),
        "/stream" => {
            let beats = stream::unfold((), |()| async {
                sleep(Duration::from_secs(15)).await;
                Some((Ok(Frame::data(Bytes::from_static(b":\n\n"))), ()))
            });
            StreamBody::new(beats).boxed_unsync()
        }
        "/body" => {
            let (status, said) = match collect(body, MOST, Duration::from_secs(30)).await {
                Ok(body) => (StatusCode::OK, String::from_utf8(body.to_vec()).unwrap()),
                Err(BodyError::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, String::new()),
                Err(BodyError::TooSlow) => (StatusCode::REQUEST_TIMEOUT, String::new()),
                Err(BodyError::Broken) => (StatusCode::BAD_REQUEST, String::new()),
            };
            let mut answer = Response::new(text(said));
            *answer.status_mut() = status;
            return Ok(answer);
        }
        path => text(format!("{} {path}", parts.method)),
    };
    Ok(Response::new(body))
}

/// A certificate for `localhost`, and what a client needs to trust it.
pub(super) struct Identity {
    pub(super) chain: String,
    pub(super) key: String,
    pub(super) der: CertificateDer<'static>,
}

impl Identity {
    pub(super) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let der = made.cert.der().clone();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem(), der }
    }

    pub(super) fn tls(&self) -> Tls {
        Tls::new(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }

    pub(super) fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }
}

pub(super) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

pub(super) fn peer() -> SocketAddr {
    "203.0.113.9:4711".parse().unwrap()
}

pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Pipe for T {}

/// A connection that's being served, seen from the client.
pub(super) struct Wired {
    pub(super) client: Client,
    pub(super) figures: Arc<Connections>,
    pub(super) stop: CancellationToken,
    pub(super) gate: Arc<Semaphore>,
    pub(super) served: JoinHandle<()>,
}

pub(super) struct Client(pub(super) Box<dyn Pipe>);

/// Connects, with or without TLS.
pub(super) async fn wired(secure: bool) -> Wired {
    if secure {
        let identity = Identity::new();
        let (mut wired, pipe) = bare(Some(identity.tls()));
        wired.client = Client(Box::new(identity.connector().connect(localhost(), pipe).await.unwrap()));
        return wired;
    }
    let (mut wired, pipe) = bare(None);
    wired.client = Client(Box::new(pipe));
    wired
}

/// Connects from behind a line that passes on 1500 bytes of an answer, then nothing for 29 seconds.
pub(super) async fn slowly(secure: bool) -> Wired {
    let identity = Identity::new();
    let (mut wired, pipe) = bare(secure.then(|| identity.tls()));
    let (near, far) = duplex(PIPE);
    let (mut from_server, mut to_server) = tokio::io::split(pipe);
    let (mut from_client, mut to_client) = tokio::io::split(far);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(async move {
        let (mut some, mut passed) = ([0; 1500], 0);
        while let Ok(read @ 1..) = from_server.read(&mut some).await {
            to_client.write_all(&some[..read]).await.unwrap();
            passed += read;
            // The handshake is passed on as it comes.
            if passed > 3000 {
                sleep(Duration::from_secs(29)).await;
            }
        }
    });
    wired.client = if secure {
        Client(Box::new(identity.connector().connect(localhost(), near).await.unwrap()))
    } else {
        Client(Box::new(near))
    };
    wired
}

/// Connects and says nothing.
pub(super) fn bare(tls: Option<Tls>) -> (Wired, DuplexStream) {
    let (near, far) = duplex(PIPE);
    let (figures, stop) = (Arc::new(Connections::default()), CancellationToken::new());
    let terms = Terms { tls, limits: Limits::default(), figures: Arc::clone(&figures), stop: stop.clone() };
    let paths = Paths::default();
    let gate = Arc::clone(&paths.gate);
    let served = tokio::spawn(terms.serve(far, peer(), paths));
    (Wired { client: Client(Box::new(tokio::io::empty())), figures, stop, gate, served }, near)
}

impl Client {
    pub(super) async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(super) async fn get(&mut self, path: &str) {
        self.say(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    }

    /// Reads an answer's head, then as many bytes as it announces.
    pub(super) async fn answer(&mut self) -> String {
        let mut text = self.head().await;
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or("0", str::trim);
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        text.push_str(str::from_utf8(&body).unwrap());
        text
    }

    pub(super) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads until the server closes, or doesn't for a day.
    pub(super) async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut read = Vec::new();
        let end = timeout(Duration::from_hours(24), self.0.read_to_end(&mut read)).await;
        (read, end.is_ok())
    }

    /// Waits for the end of the connection, which must come without another byte.
    pub(super) async fn closed(&mut self) {
        let (read, closed) = self.rest().await;
        assert_eq!((String::from_utf8_lossy(&read).as_ref(), closed), ("", true));
    }
}
