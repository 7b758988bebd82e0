//! A server that keeps what it's sent, byte for byte, and answers as it's told.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::super::resolve::{Looking, Lookup};

/// A server on a free port of this machine. It ends with the test.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: mpsc::Receiver<Vec<u8>>,
    task: JoinHandle<()>,
}

/// Answers look-ups from a list, one after the other; the last one stays.
pub(super) struct Scripted {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Server {
    /// Answers every request with these bytes, and closes the connection.
    pub(super) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::start("127.0.0.1:0", answer.into(), After::Close, None).await
    }

    /// Answers and leaves the connection open, for further requests.
    pub(super) async fn staying(answer: impl Into<Vec<u8>>) -> Self {
        Self::start("127.0.0.1:0", answer.into(), After::Stay, None).await
    }

    /// Answers, and then repeats these bytes for as long as they're taken.
    pub(super) async fn endless(answer: impl Into<Vec<u8>>, more: &'static [u8]) -> Self {
        Self::start("127.0.0.1:0", answer.into(), After::Repeat(more), None).await
    }

    /// The same, slowly.
    pub(super) async fn trickling(answer: impl Into<Vec<u8>>, more: &'static [u8]) -> Self {
        Self::start("127.0.0.1:0", answer.into(), After::Trickle(more), None).await
    }

    /// Answers over TLS, on connections that stay.
    pub(super) async fn encrypted(answer: impl Into<Vec<u8>>, tls: TlsAcceptor) -> Self {
        Self::start("127.0.0.1:0", answer.into(), After::Stay, Some(tls)).await
    }

    /// Listens at an address, for connections that may not be made.
    pub(super) async fn trap(address: &str) -> Self {
        Self::start(address, b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ntrapped".to_vec(), After::Close, None).await
    }

    async fn start(address: &str, answer: Vec<u8>, after: After, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (sender, requests) = mpsc::channel(256);
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (answer, sender, tls) = (answer.clone(), sender.clone(), tls.clone());
                tokio::spawn(async move {
                    // What a client does to a connection is for the test to judge.
                    let _ = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &answer, after, &sender).await,
                            Err(error) => Err(error),
                        },
                        None => serve(stream, &answer, after, &sender).await,
                    };
                });
            }
        });
        Self { address, connections, requests, task }
    }

    /// The base of requests to it.
    pub(super) fn base(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many connections were made.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The next request, as it was sent.
    pub(super) async fn request(&mut self) -> String {
        String::from_utf8_lossy(&self.requests.recv().await.unwrap()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    pub(super) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|each| each.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self { answers: answers.collect(), asked: AtomicUsize::new(0) })
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Lookup for Scripted {
    fn lookup(&self, _host: String) -> Looking {
        let at = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[at].clone();
        Box::pin(async move { Ok(answer) })
    }
}

#[derive(Clone, Copy)]
enum After {
    Close,
    Stay,
    Repeat(&'static [u8]),
    Trickle(&'static [u8]),
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answer: &[u8],
    after: After,
    requests: &mpsc::Sender<Vec<u8>>,
) -> io::Result<()> {
    loop {
        let request = read(&mut stream).await?;
        // A test that doesn't look at requests has no use for more than fit.
        let _ = requests.try_send(request);
        stream.write_all(answer).await?;
        stream.flush().await?;
        match after {
            After::Close => return stream.shutdown().await,
            After::Stay => {}
            After::Repeat(more) => loop {
                stream.write_all(more).await?;
            },
            After::Trickle(more) => loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(more).await?;
            },
        }
    }
}

/// Reads a head, and as much of a body as it announces.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), vec![0; 4096]);
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&buffer[..read]);
        // Whoever wants encryption begins so, and waits.
        if request[0] == 0x16 {
            return Ok(request);
        }
        let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            return Ok(request);
        }
    }
}
