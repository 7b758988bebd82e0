//! Answers: slow, endless, broken, and what's withheld of good ones.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::super::{Answer, NotSent, Outgoing, Sender, Withheld};
use super::server::Server;
use super::{VALUE, outgoing};

async fn answered(answer: &str) -> Result<Answer, NotSent> {
    let server = Server::answering(answer).await;
    Sender::new().send(outgoing(&server.base())).await
}

#[tokio::test]
async fn an_answer_arrives_without_what_is_not_the_callers() {
    let answer = answered(
        "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\
         WWW-Authenticate: Basic\r\nAlt-Svc: h3=\":443\"\r\nRefresh: 0; url=http://127.0.0.1:1/\r\nConnection: close, X-Hop\r\n\
         X-Hop: 1\r\nContent-Length: 5\r\n\r\nhello",
    )
    .await
    .unwrap();
    assert_eq!(answer.status, StatusCode::CREATED);
    let mut names: Vec<_> = answer.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "refresh"]);
    assert_eq!(answer.headers_withheld, ["set-cookie", "www-authenticate"]);
    assert!(!answer.truncated && answer.body_withheld.is_none());
    assert_eq!(&answer.body[..], b"hello");
}

#[tokio::test]
async fn a_chunked_answer_loses_its_trailers() {
    let answer = answered(&format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Echo\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Echo: {VALUE}\r\n\r\n"
    ))
    .await
    .unwrap();
    assert_eq!(&answer.body[..], b"hello");
    assert!(answer.headers.is_empty());
}

#[tokio::test]
async fn a_body_ends_at_the_bound_and_says_so() {
    for (length, truncated) in [(9, false), (10, false), (11, true), (5000, true)] {
        let server = Server::answering(format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(length))).await;
        let answer = Sender::new().send(Outgoing { most_answer: 10, ..outgoing(&server.base()) }).await.unwrap();
        assert_eq!((answer.body.len(), answer.truncated), (length.min(10), truncated), "{length}");
    }
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_bound() {
    let server = Server::endless("HTTP/1.1 200 OK\r\n\r\n", &[b'a'; 4096]).await;
    let answer = Sender::new().send(outgoing(&server.base())).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1 << 20, true));
}

#[tokio::test]
async fn whatever_does_not_end_is_given_up_in_time() {
    // Answers that stop in the middle, on a connection that stays.
    for begin in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe",
        "HTTP/1.1 200 O",
    ] {
        let server = Server::staying(begin).await;
        let begun = Instant::now();
        let request = Outgoing { timeout: Duration::from_millis(150), ..outgoing(&server.base()) };
        let error = Sender::new().send(request).await.unwrap_err();
        assert!(matches!(&error, NotSent::Unreachable(text) if text.contains("150ms")), "{begin}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{begin}");
    }
}

#[tokio::test]
async fn an_answer_that_trickles_is_given_up_in_time() {
    let server = Server::trickling("HTTP/1.1 200 OK\r\n\r\n", b"a").await;
    let begun = Instant::now();
    let request = Outgoing { timeout: Duration::from_millis(150), ..outgoing(&server.base()) };
    let error = Sender::new().send(request).await.unwrap_err();
    assert!(matches!(&error, NotSent::Unreachable(text) if text.contains("150ms")), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn endless_informational_answers_are_given_up_in_time() {
    let server = Server::endless("", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
    let request = Outgoing { timeout: Duration::from_millis(150), ..outgoing(&server.base()) };
    assert!(matches!(Sender::new().send(request).await, Err(NotSent::Unreachable(_))));
}

#[tokio::test]
async fn what_is_not_http_is_an_error_that_quotes_nothing() {
    for answer in [
        "SSH-2.0-k4n4ry\r\n",
        "k4n4ry",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 k4n4ry OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nk4n4ry",
        "HTTP/1.1 200 OK\r\nbad name: k4n4ry\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: k4n4ry\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nk4n4ry",
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nk4n4ry",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nk4n4ry\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: k4n4ry\r\n\r\n",
        "",
    ] {
        let error = answered(answer).await.expect_err(answer);
        assert!(matches!(error, NotSent::Unreachable(_)), "{answer}: {error}");
        assert!(!format!("{error} {error:?}").contains("k4n4ry"), "{error}");
    }
}

#[tokio::test]
async fn too_many_or_too_long_headers_do_no_harm() {
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    let error = answered(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")).await.unwrap_err();
    assert!(matches!(&error, NotSent::Unreachable(text) if text.contains("headers")), "{error}");
    let several: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    assert_eq!(answered(&format!("HTTP/1.1 200 OK\r\n{several}\r\n")).await.unwrap().headers.len(), 200);
    let long = answered(&format!("HTTP/1.1 200 OK\r\nx-long: {}\r\nx-a: b\r\n\r\n", "y".repeat(20_000))).await.unwrap();
    assert_eq!(long.headers.len(), 1);
    assert_eq!(long.headers_withheld, ["x-long"]);
    let endless = Server::endless("HTTP/1.1 200 OK\r\nx-endless: ", &[b'y'; 4096]).await;
    assert!(matches!(Sender::new().send(outgoing(&endless.base())).await, Err(NotSent::Unreachable(_))));
}

/// Whoever chooses where an answer is cut has a value in two halves, neither of which is hidden.
#[tokio::test]
async fn a_part_of_an_answer_is_withheld() {
    for head in [
        "206 Partial Content\r\ncontent-range: bytes 0-3/9",
        "206 Partial Content",
        "200 OK\r\ncontent-type: Multipart/ByteRanges; boundary=b",
    ] {
        let answer = answered(&format!("HTTP/1.1 {head}\r\ncontent-length: 4\r\n\r\nk4n4")).await.unwrap();
        assert_eq!((answer.body.len(), answer.body_withheld), (0, Some(Withheld::Part)), "{head}");
    }
    let refused = answered("HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */9\r\n\r\nno").await.unwrap();
    assert_eq!((&refused.body[..], refused.body_withheld), (&b"no"[..], None));
}

#[tokio::test]
async fn an_answer_to_head_keeps_its_length_and_needs_no_body() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-encoding: gzip\r\n\r\n").await;
    let answer = Sender::new().send(Outgoing { method: Method::HEAD, ..outgoing(&server.base()) }).await.unwrap();
    assert_eq!(answer.headers["content-length"], "7");
    assert!(answer.body.is_empty() && answer.body_withheld.is_none());
}

#[tokio::test]
async fn a_host_that_nobody_listens_at_cannot_be_reached() {
    // Closed again at once, so that its port is free.
    let address = Server::answering("").await.address;
    tokio::task::yield_now().await;
    let refused = Sender::new().send(outgoing(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(&refused, NotSent::NoConnection(text) if text.contains("nothing was sent")), "{refused}");
    assert!(!refused.to_string().contains("127.0.0.1"), "{refused}");
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    // The connection is closed in place of an answer.
    let server = Server::answering("").await;
    assert!(Sender::new().send(outgoing(&server.base())).await.is_err());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::staying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let sender = Sender::new();
    for _ in 0..5 {
        let answer = sender.send(outgoing(&server.base())).await.unwrap();
        assert_eq!(&answer.body[..], b"ok");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_transfer_that_is_compressed_is_withheld() {
    let answer =
        answered("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await.unwrap();
    assert_eq!((answer.body.len(), answer.body_withheld), (0, Some(Withheld::Coding)));
}
