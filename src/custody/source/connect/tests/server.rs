//! A server that answers as it's told, well or badly, and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a connection gets for a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// These bytes; the connection stays open for the next request.
    Whole(String),
    /// These bytes, and the end of the connection.
    Ends(String),
    /// These bytes, and nothing more.
    Hangs(String),
    /// These bytes, then one more at a time, without end.
    Drips(String),
    /// These bytes, then as many as the client takes.
    Floods(String),
    /// The connection is reset.
    Resets,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    /// Everything before the body, in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    flooded: watch::Receiver<Option<usize>>,
    task: JoinHandle<()>,
}

type Answering = dyn Fn(&Seen) -> Reply + Send + Sync;

impl Server {
    /// Answers each request as `answering` says.
    pub(super) async fn start(answering: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::default(), Arc::new(Mutex::new(0)));
        let (floods, flooded) = watch::channel(None);
        let answering: Arc<Answering> = Arc::new(answering);
        let shared = (Arc::clone(&seen), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            let mut served = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *shared.1.lock().unwrap() += 1;
                served.spawn(serve(stream, Arc::clone(&answering), Arc::clone(&shared.0), floods.clone()));
            }
        });
        Self { address, seen, connections, flooded, task }
    }

    /// Answers the first requests one by one, and all further ones as the last.
    pub(super) async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::start(move |_| {
            let mut replies = replies.lock().unwrap();
            if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
        })
        .await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// How many bytes a flood came to, once the client has turned away.
    pub(super) async fn flooded(&self) -> usize {
        let mut flooded = self.flooded.clone();
        flooded.wait_for(Option::is_some).await.unwrap().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A Connect server's answer.
pub(super) fn reply(status: u16, body: &str) -> Reply {
    Reply::Whole(format!("{}{body}", head(status, &format!("content-length: {}\r\n", body.len()))))
}

/// An error as Connect says it, with a canary in its text.
pub(super) fn error(status: u16, message: &str) -> Reply {
    reply(status, &serde_json::json!({"status": status, "message": format!("{message} k4n4ry-upstream")}).to_string())
}

/// The beginning of an answer, up to its body.
pub(super) fn head(status: u16, more: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\n1Password-Connect-Version: 1.8.1\r\n{more}\r\n")
}

async fn serve(
    mut stream: TcpStream,
    answering: Arc<Answering>,
    seen: Arc<Mutex<Vec<Seen>>>,
    floods: watch::Sender<Option<usize>>,
) {
    while let Some(request) = receive(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        let reply = answering(&request);
        if let Reply::Whole(text) | Reply::Ends(text) | Reply::Hangs(text) | Reply::Drips(text) | Reply::Floods(text) =
            &reply
        {
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        match reply {
            Reply::Whole(_) => {}
            Reply::Ends(_) => return,
            Reply::Resets => return stream.set_zero_linger().unwrap(),
            Reply::Hangs(_) => std::future::pending().await,
            Reply::Drips(_) => {
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Reply::Floods(_) => {
                let (piece, mut sent) = (vec![b' '; 1 << 16], 0);
                while stream.write_all(&piece).await.is_ok() && sent < 100 << 20 {
                    sent += piece.len();
                }
                floods.send(Some(sent)).unwrap();
            }
        }
    }
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, path, head, body: String::from_utf8(body).unwrap() })
}
