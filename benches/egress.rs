//! What sending a request costs, beside a plain client's call to the same server of this machine.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that fails should stop, and says what it saw"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use opward::egress::{Outgoing, PlainPath, Sender, Slot};
use opward::memory::Payload;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use url::Url;
use zeroize::Zeroizing;

/// How many calls of each are compared.
const PAIRS: usize = 4_000;

/// Answers every request with 1 KiB of JSON, on connections that stay.
fn serve(runtime: &Runtime) -> Url {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(1013));
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    seen.extend_from_slice(buffer.get(..read).unwrap());
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    Url::parse(&base).unwrap()
}

fn outgoing(base: &Url) -> Outgoing {
    Outgoing {
        base: base.clone(),
        method: http::Method::GET,
        any_method: false,
        path: PlainPath::parse("/v1/charges/ch_123").unwrap(),
        query: vec![("limit".to_owned(), "10".to_owned())],
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: None,
        slot: Slot::Header { name: "Authorization".to_owned(), format: "Bearer {}".to_owned() },
        secret: Payload::new(Zeroizing::new(b"sk_test_0123456789abcdef".to_vec())),
        allow_private: true,
        timeout: Duration::from_secs(30),
        most_answer: 1 << 20,
    }
}

async fn ours(sender: &Sender, base: &Url) {
    let answer = sender.send(outgoing(base)).await.unwrap();
    assert_eq!(black_box(answer.body).len(), 1024);
}

async fn plain(client: &reqwest::Client, base: &Url) {
    let url = base.join("/v1/charges/ch_123?limit=10").unwrap();
    let request = client.get(url).header("accept", "application/json").bearer_auth("sk_test_0123456789abcdef");
    let body = request.timeout(Duration::from_secs(30)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(black_box(body).len(), 1024);
}

fn compare(criterion: &mut Criterion) {
    let server = Runtime::new().unwrap();
    let base = serve(&server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, client) = (Sender::new(), reqwest::Client::builder().no_proxy().build().unwrap());
    let mut group = criterion.benchmark_group("a request to this machine");
    group.bench_function("plain client", |bench| bench.iter(|| runtime.block_on(plain(&client, &base))));
    group.bench_function("sender", |bench| bench.iter(|| runtime.block_on(ours(&sender, &base))));
    group.finish();

    // By turns, so that whatever else the machine does befalls both.
    let mut times = [Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS)];
    for _ in 0..PAIRS {
        let begun = Instant::now();
        runtime.block_on(plain(&client, &base));
        let between = Instant::now();
        runtime.block_on(ours(&sender, &base));
        let [plain, ours] = &mut times;
        plain.push(between - begun);
        ours.push(between.elapsed());
    }
    let [plain, ours] = times.map(|mut times| {
        times.sort_unstable();
        *times.get(PAIRS / 2).unwrap()
    });
    println!("{PAIRS} pairs: plain {plain:?}, sender {ours:?}, {:.2} times", ours.as_secs_f64() / plain.as_secs_f64());
}

criterion_group!(benches, compare);
criterion_main!(benches);
