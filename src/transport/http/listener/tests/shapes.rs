//! Requests of every shape: what hyper and we make of each, so that it's noticed when that changes.
//!
//! The rule: what another program could take for something else is refused or, if it's served, the last thing that
//! comes over its connection. Single line feeds in a head are taken for line ends, as the standard allows; in chunks
//! they aren't.

use crate::transport::http::listener::tests::wired;

/// What came back: the status of each answer, whether the connection was closed after them, and the last body.
async fn outcome(raw: &str) -> String {
    let mut wired = wired(false).await;
    let (reading, mut writing) = tokio::io::split(wired.client.0);
    wired.client = super::Client(Box::new(tokio::io::join(reading, tokio::io::sink())));
    let raw = raw.to_owned();
    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let _refused = writing.write_all(raw.as_bytes()).await;
        writing
    });
    // Nothing more is sent, so what isn't closed is closed for being late.
    let (read, _) = wired.client.rest().await;
    drop(sending.await.unwrap());
    let text = String::from_utf8(read).unwrap();
    let statuses = text.split("HTTP/1.").skip(1).map(|answer| answer.get(2..5).unwrap());
    let late = wired.figures.timed_out(crate::transport::http::TimedOut::Idle)
        + wired.figures.timed_out(crate::transport::http::TimedOut::Head);
    let body = text.rsplit("\r\n\r\n").next().unwrap_or_default();
    format!("{} {} {body:.20}", statuses.collect::<Vec<_>>().join(" "), if late > 0 { "kept" } else { "closed" })
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn every_shape_of_request_has_the_outcome_it_had() {
    let post = |headers: &str, body: &str| format!("POST /body HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}");
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    let many = |lines: usize| {
        let lines = "X-A: y\r\n".repeat(lines);
        format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
    };
    let rows = [
        ("plain", "200 kept GET /", "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("two in a row", "200 200 kept GET /next", format!("GET /first HTTP/1.1\r\nHost: a\r\n\r\n{next}")),
        ("close asked", "200 closed GET /", format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{next}")),
        ("http/1.0", "200 closed GET /", format!("GET / HTTP/1.0\r\n\r\n{next}")),
        ("http/0.9", "400 closed", "GET /\r\n\r\n".to_owned()),
        ("http/2 preface", " closed", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("http/1.2", "400 closed", "GET / HTTP/1.2\r\nHost: a\r\n\r\n".to_owned()),
        ("no host", "400 closed", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", "400 closed", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned()),
        ("absolute", "200 kept GET /x", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("connect", "200 closed", "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (
            "upgrade h2c",
            "200 kept GET /",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n".to_owned(),
        ),
        ("length", "200 kept hello", post("Content-Length: 5", "hello")),
        ("length and next", "200 200 kept GET /next", post("Content-Length: 5", &format!("hello{next}"))),
        ("length too short", "200 200 kept oGET /next", post("Content-Length: 4", &format!("hello{next}"))),
        (
            "length and chunked",
            "200 closed hello",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ),
        (
            "chunked and length",
            "200 closed",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5", &format!("0\r\n\r\n{next}")),
        ),
        ("two lengths", "400 closed", post("Content-Length: 5\r\nContent-Length: 6", "hello!")),
        ("same length twice", "200 kept hello", post("Content-Length: 5\r\nContent-Length: 5", "hello")),
        ("length list", "400 closed", post("Content-Length: 5, 5", "hello")),
        ("length plus", "400 closed", post("Content-Length: +5", "hello")),
        ("length minus", "400 closed", post("Content-Length: -5", "hello")),
        ("length hex", "400 closed", post("Content-Length: 0x5", "hello")),
        ("length empty", "400 closed", post("Content-Length: ", "hello")),
        ("length huge", "400 closed", post("Content-Length: 18446744073709551616", "hello")),
        ("length max", "431 closed", post("Content-Length: 18446744073709551615", "hello")),
        ("length lie", "413 closed", post("Content-Length: 2000", "hello")),
        ("chunked", "200 kept hello", post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")),
        ("chunked upper", "200 kept hello", post("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n")),
        (
            "chunked too long",
            "413 kept",
            post("Transfer-Encoding: chunked", &format!("7D0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000))),
        ),
        (
            "chunked then identity",
            "400 closed",
            post("Transfer-Encoding: chunked, identity", "5\r\nhello\r\n0\r\n\r\n"),
        ),
        (
            "identity then chunked",
            "400 closed",
            post("Transfer-Encoding: identity, chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ),
        ("gzip then chunked", "400 closed", post("Transfer-Encoding: gzip, chunked", "5\r\nhello\r\n0\r\n\r\n")),
        (
            "chunked twice",
            "400 closed",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ),
        ("identity", "400 closed", post("Transfer-Encoding: identity", "hello")),
        ("xchunked", "400 closed", post("Transfer-Encoding: xchunked", "5\r\nhello\r\n0\r\n\r\n")),
        (
            "chunked in 1.0",
            "400 closed",
            "POST /body HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_owned(),
        ),
        ("chunk size bad", "400 closed", post("Transfer-Encoding: chunked", "zz\r\nhello\r\n0\r\n\r\n")),
        (
            "chunk size huge",
            "400 closed",
            post("Transfer-Encoding: chunked", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        ),
        ("chunk size minus", "400 closed", post("Transfer-Encoding: chunked", "-5\r\nhello\r\n0\r\n\r\n")),
        ("chunk bare lf", "400 closed", post("Transfer-Encoding: chunked", "5\nhello\n0\n\n")),
        ("chunk end missing", "400 closed", post("Transfer-Encoding: chunked", "5\r\nhelloX\r\n0\r\n\r\n")),
        ("chunk extension", "200 kept hello", post("Transfer-Encoding: chunked", "5;a=b\r\nhello\r\n0\r\n\r\n")),
        ("chunk extension lf", "400 closed", post("Transfer-Encoding: chunked", "5;a\nb\r\nhello\r\n0\r\n\r\n")),
        (
            "chunk extension flood",
            "400 closed",
            post("Transfer-Encoding: chunked", &format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(20_000))),
        ),
        ("trailers", "200 kept hello", post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX-A: b\r\n\r\n")),
        (
            "trailers flood",
            "400 closed",
            post("Transfer-Encoding: chunked", &format!("0\r\nX-A: {}\r\n\r\n", "b".repeat(50_000))),
        ),
        ("folded line", "400 closed", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n".to_owned()),
        ("folded first", "400 closed", "GET / HTTP/1.1\r\n Host: a\r\n\r\n".to_owned()),
        ("bare lf", "200 kept GET /", "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        ("bare cr", "400 closed", "GET / HTTP/1.1\r\nHost: a\rX-A: b\r\n\r\n".to_owned()),
        ("space before colon", "400 closed", post("Content-Length : 5", "hello")),
        ("te space before colon", "400 closed", post("Transfer-Encoding : chunked", "5\r\nhello\r\n0\r\n\r\n")),
        ("te vertical tab", "400 closed", post("Transfer-Encoding: \x0bchunked", "5\r\nhello\r\n0\r\n\r\n")),
        ("nul in value", "400 closed", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n".to_owned()),
        ("no name", "400 closed", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n".to_owned()),
        ("no colon", "400 closed", "GET / HTTP/1.1\r\nHost: a\r\nabc\r\n\r\n".to_owned()),
        ("two spaces", "400 closed", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("leading lines", "200 kept GET /", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (
            "get with body",
            "200 200 kept GET /next",
            format!("GET /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello{next}"),
        ),
        ("expect", "100 200 kept hello", post("Content-Length: 5\r\nExpect: 100-continue", "hello")),
        ("expect other", "200 kept hello", post("Content-Length: 5\r\nExpect: 200-ok", "hello")),
        ("100 lines", "200 kept GET /", many(99)),
        ("101 lines", "431 closed", many(100)),
        ("5000 lines", "431 closed", many(5000)),
        ("head 30 KiB", "200 kept GET /", format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(30 << 10))),
        ("head 100 KiB", "431 closed", format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(100 << 10))),
        (
            "target 30 KiB",
            "200 kept GET /yyyyyyyyyyyyyyy",
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(30 << 10)),
        ),
        ("target 70 KiB", "431 closed", format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(70 << 10))),
        ("tls hello", "400 closed", "\x16\x03\x01\x02\0".to_owned()),
        ("rubbish", "400 closed", "hello\r\n\r\n".to_owned()),
    ];
    for (name, expected, raw) in rows {
        assert_eq!(outcome(&raw).await.trim_end(), expected, "{name}");
    }
}
