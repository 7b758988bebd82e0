use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::transport::http::listener::tests::{Client, Identity, Paths, localhost, peer};

/// A port of pipes.
struct Pipes(mpsc::Receiver<io::Result<DuplexStream>>);

impl Port for Pipes {
    type Stream = DuplexStream;

    async fn next(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(next) => next.map(|stream| (stream, peer())),
            None => std::future::pending().await,
        }
    }
}

struct Running {
    port: mpsc::Sender<io::Result<DuplexStream>>,
    figures: Arc<Connections>,
    stop: CancellationToken,
    gate: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(limits: Limits) -> Self {
        let (port, pipes) = mpsc::channel(8);
        let (figures, stop, paths) = (Arc::new(Connections::default()), CancellationToken::new(), Paths::default());
        let gate = Arc::clone(&paths.gate);
        let terms = Terms { tls: None, limits, figures: Arc::clone(&figures), stop: stop.clone() };
        let task = tokio::spawn(accept_from(Pipes(pipes), terms, paths));
        Self { port, figures, stop, gate, task }
    }

    async fn connect(&self) -> Client {
        let (near, far) = tokio::io::duplex(4096);
        self.port.send(Ok(far)).await.unwrap();
        Client(Box::new(near))
    }
}

/// A real port, and what's needed to see it off.
async fn listen(
    tls: Option<Tls>,
    connections: usize,
) -> (SocketAddr, Arc<Connections>, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (figures, stop) = (Arc::new(Connections::default()), CancellationToken::new());
    let limits = Limits { connections, ..Limits::default() };
    let task = tokio::spawn(accept(listener, tls, limits, Paths::default(), Arc::clone(&figures), stop.clone()));
    (address, figures, stop, task)
}

async fn hello(client: &mut Client) {
    client.get("/hello").await;
    assert!(client.answer().await.ends_with("GET /hello"));
}

#[tokio::test]
async fn a_port_serves_those_who_connect_and_tells_who_they_are() {
    let identity = Identity::new();
    for secure in [false, true] {
        let (address, figures, stop, task) = listen(secure.then(|| identity.tls()), 10).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let own = stream.local_addr().unwrap().to_string();
        let mut client = if secure {
            Client(Box::new(identity.connector().connect(localhost(), stream).await.unwrap()))
        } else {
            Client(Box::new(stream))
        };
        client.get("/peer").await;
        assert!(client.answer().await.ends_with(&own));
        assert_eq!((figures.open(), figures.accepted()), (1, 1));
        stop.cancel();
        client.closed().await;
        task.await.unwrap();
        assert_eq!((figures.open(), figures.accepted()), (0, 1));
        assert!(TcpStream::connect(address).await.is_err(), "the port is still open");
    }
}

#[tokio::test]
async fn answers_are_sent_without_waiting_for_more() {
    let mut listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_client, served) = tokio::join!(TcpStream::connect(address), listener.next());
    assert!(served.unwrap().0.nodelay().unwrap());
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_and_the_others_go_on() {
    let (address, figures, stop, task) = listen(None, 2).await;
    let connect = async || Client(Box::new(TcpStream::connect(address).await.unwrap()));
    let (mut first, mut second) = (connect().await, connect().await);
    hello(&mut first).await;
    hello(&mut second).await;
    for refused in 1..=3 {
        let mut third = connect().await;
        // Reset rather than closed, so that nothing of it stays behind.
        let _ = third.0.read(&mut [0]).await;
        assert_eq!((figures.refused_full(), figures.open()), (refused, 2));
    }
    hello(&mut first).await;
    drop(second);
    while figures.open() > 1 {
        tokio::task::yield_now().await;
    }
    hello(&mut connect().await).await;
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_short_of_files_is_asked_ever_more_rarely() {
    let running = Running::start(Limits::default());
    let started = Instant::now();
    for _ in 0..20 {
        running.port.send(Err(io::Error::from_raw_os_error(24))).await.unwrap();
    }
    let mut client = running.connect().await;
    hello(&mut client).await;
    assert_eq!(running.figures.accept_failed(), 20);
    // 50, 100, 200, 400, 800 milliseconds, then a second each time.
    assert_eq!(started.elapsed().as_millis(), 16_550);
    // All is well again, so it begins anew.
    let started = Instant::now();
    running.port.send(Err(io::Error::from_raw_os_error(24))).await.unwrap();
    hello(&mut running.connect().await).await;
    assert_eq!(started.elapsed().as_millis(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_before_it_was_taken_in_holds_up_nobody() {
    let running = Running::start(Limits::default());
    let started = Instant::now();
    for _ in 0..20 {
        running.port.send(Err(io::ErrorKind::ConnectionAborted.into())).await.unwrap();
    }
    hello(&mut running.connect().await).await;
    assert_eq!((running.figures.accept_failed(), started.elapsed()), (0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_it_waits_for_requests_under_way_and_no_longer_than_that() {
    let running = Running::start(Limits::default());
    let (mut idle, mut silent, mut busy) = (running.connect().await, running.connect().await, running.connect().await);
    hello(&mut idle).await;
    busy.get("/wait").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    running.stop.cancel();
    idle.closed().await;
    silent.closed().await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!running.task.is_finished());
    running.gate.add_permits(1);
    let answer = busy.answer().await;
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("waited"), "{answer}");
    drop(busy);
    running.task.await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert_eq!((running.figures.open(), running.figures.timed_out(TimedOut::Drain)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_end_is_given_up_after_a_while() {
    let running = Running::start(Limits::default());
    let (mut stuck, mut stream) = (running.connect().await, running.connect().await);
    stuck.get("/wait").await;
    stream.get("/stream").await;
    stream.head().await;
    let started = Instant::now();
    running.stop.cancel();
    stuck.closed().await;
    running.task.await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    assert_eq!((running.figures.open(), running.figures.timed_out(TimedOut::Drain)), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn dropped_it_takes_its_connections_with_it() {
    let running = Running::start(Limits::default());
    let mut client = running.connect().await;
    client.get("/wait").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    running.task.abort();
    let started = Instant::now();
    client.closed().await;
    assert_eq!((running.figures.open(), started.elapsed()), (0, Duration::ZERO));
}
