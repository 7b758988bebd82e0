//! What a host sees is the rebuilt request, and nothing else.

use bytes::Bytes;
use http::Method;

use super::super::{NotSent, Outgoing, PlainPath, Sender, Slot};
use super::server::Server;
use super::{VALUE, outgoing, pairs};

const EMPTY: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// What a server sees of a request, its head's lines sorted after the first, and the body.
async fn seen(change: impl FnOnce(&mut Outgoing)) -> (Vec<String>, String) {
    let mut server = Server::answering(EMPTY).await;
    let mut request = outgoing(&server.base());
    change(&mut request);
    Sender::new().send(request).await.unwrap();
    let host = format!("host: {}", server.address);
    let text = server.request().await.replace(&host, "host: HOST");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
    lines[1..].sort();
    (lines, body.to_owned())
}

fn agent() -> String {
    format!("user-agent: opward/{}", env!("CARGO_PKG_VERSION"))
}

#[tokio::test]
async fn a_request_is_sent_exactly() {
    let (head, body) = seen(|request| {
        request.method = Method::POST;
        request.path = PlainPath::parse("/v1/charges/caf%C3%A9").unwrap();
        request.query = pairs(&[("expand[]", "a b"), ("q", "x&y=z#")]);
        request.headers = pairs(&[("X-Request-Id", "7"), ("Accept", "application/json")]);
        request.body = Some(Bytes::from_static(b"{\"amount\": 5}"));
    })
    .await;
    let expected = [
        "POST /v1/charges/caf%C3%A9?expand%5B%5D=a%20b&q=x%26y%3Dz%23 HTTP/1.1",
        "accept-encoding: identity",
        "accept: application/json",
        &format!("authorization: Bearer {VALUE}"),
        "content-length: 13",
        "content-type: application/json",
        "host: HOST",
        &agent(),
        "x-request-id: 7",
    ];
    assert_eq!(head, expected);
    assert_eq!(body, "{\"amount\": 5}");
}

#[tokio::test]
async fn a_value_in_the_query_is_escaped_and_nowhere_else() {
    let (head, _) = seen(|request| {
        request.slot = Slot::Query { name: "key".to_owned() };
        request.query = pairs(&[("a", "b")]);
    })
    .await;
    let expected = [
        &format!("GET /?a=b&key={VALUE} HTTP/1.1"),
        "accept-encoding: identity",
        "accept: */*",
        "host: HOST",
        &agent(),
    ];
    assert_eq!(head, expected);
}

#[tokio::test]
async fn a_value_for_basic_authentication_is_encoded() {
    let (head, _) = seen(|request| request.slot = Slot::Basic { username: "user".to_owned() }).await;
    assert!(head.contains(&"authorization: Basic dXNlcjprNG40cnktOWYyZQ==".to_owned()), "{head:?}");
    assert!(!head.join("\n").contains(VALUE));
}

/// Whatever is given besides, the host sees one request with one credential, and the frame is ours.
#[tokio::test]
async fn headers_of_the_caller_neither_frame_nor_authorize() {
    for (name, value) in [
        ("Authorization", "Bearer mine"),
        ("authorization", "Basic bWU6bWU="),
        ("AUTHORIZATION", ""),
        ("Connection", "authorization"),
        ("Connection", "close, Authorization"),
        ("connection", "upgrade"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic bWU6bWU="),
        ("Host", "evil.example"),
        ("host", "127.0.0.1:1"),
        ("Content-Length", "0"),
        ("Content-Length", "999"),
        ("content_length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "gzip, chunked"),
        ("transfer_encoding", "chunked"),
        ("TE", "trailers"),
        ("Trailer", "Authorization"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ("Expect", "100-continue"),
        ("Keep-Alive", "timeout=600"),
        ("Accept-Encoding", "gzip, br, zstd"),
        ("Cookie", "session=mine"),
        ("Via", "1.1 evil"),
        ("Forwarded", "for=127.0.0.1;host=evil"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X_Forwarded_For", "127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Max-Forwards", "0"),
    ] {
        let mut server = Server::answering(EMPTY).await;
        let request = Outgoing {
            headers: pairs(&[(name, value), ("X-Kept", "yes")]),
            method: Method::POST,
            body: Some(Bytes::from_static(b"body!")),
            ..outgoing(&server.base())
        };
        let answer = Sender::new().send(request).await.unwrap();
        let text = server.request().await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
        lines[1..].sort();
        let expected = [
            "POST / HTTP/1.1",
            "accept-encoding: identity",
            "accept: */*",
            &format!("authorization: Bearer {VALUE}"),
            "content-length: 5",
            &format!("host: {}", server.address),
            &agent(),
            "x-kept: yes",
        ];
        assert_eq!(lines, expected, "{name}: {value}");
        assert_eq!(body, "body!");
        assert_eq!(answer.left_out, [name.to_ascii_lowercase().as_str()], "{name}");
    }
}

#[tokio::test]
async fn what_looks_like_a_placeholder_is_sent_as_it_is() {
    let text = "{} {{ V/I/f }} {secret} ${SECRET} $SECRET Bearer {} %7B%7D {{secret}} <secret>";
    let (head, body) = seen(|request| {
        request.method = Method::POST;
        request.headers = pairs(&[("X-Echo", text), ("Content-Type", "text/plain")]);
        request.query = pairs(&[("q", "{}"), ("{}", "{{x}}")]);
        request.body = Some(Bytes::from_static(text.as_bytes()));
    })
    .await;
    assert_eq!(head[0], "POST /?q=%7B%7D&%7B%7D=%7B%7Bx%7D%7D HTTP/1.1");
    assert!(head.contains(&format!("x-echo: {text}")), "{head:?}");
    assert_eq!(body, text);
    let all = head.join("\n") + &body;
    assert_eq!(all.matches(VALUE).count(), 1, "{all}");
}

#[tokio::test]
async fn references_are_refused_wherever_they_stand_and_nothing_is_sent() {
    let server = Server::answering(EMPTY).await;
    let sender = Sender::new();
    let changes: [fn(&mut Outgoing); 7] = [
        |request| request.body = Some(Bytes::from_static(b"{\"comment\": \"op://V/I/f\"}")),
        |request| request.body = Some(Bytes::from_static(b"{{ op://V/I/f }}")),
        |request| request.body = Some(Bytes::from_static(b"\xff\xfeOP://V/I/f")),
        |request| request.headers = pairs(&[("X-Key", "op://V/I/f")]),
        |request| request.headers = pairs(&[("Authorization", "Bearer {{op://V/I/f}}")]),
        |request| request.query = pairs(&[("key", "op://V/I/f")]),
        |request| request.query = pairs(&[("op://V/I/f", "")]),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut request = outgoing(&server.base());
        change(&mut request);
        let error = sender.send(request).await.unwrap_err();
        assert!(matches!(&error, NotSent::Invalid(text) if text.contains("op://")), "{number}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn parts_that_cannot_be_sent_are_refused_before_anything_is() {
    let server = Server::answering(EMPTY).await;
    let sender = Sender::new();
    let changes: [fn(&mut Outgoing); 9] = [
        |request| request.method = Method::CONNECT,
        |request| request.method = Method::TRACE,
        |request| request.base.set_path("/v1/"),
        |request| request.base.set_query(Some("a=b")),
        |request| request.base.set_fragment(Some("a")),
        |request| request.base.set_username("user").unwrap(),
        |request| request.body = Some(Bytes::from(vec![b'a'; (1 << 20) + 1])),
        |request| request.slot = Slot::Header { name: "Host".to_owned(), format: "{}".to_owned() },
        |request| request.slot = Slot::Header { name: "X-Key".to_owned(), format: "no place".to_owned() },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut request = outgoing(&server.base());
        change(&mut request);
        let error = sender.send(request).await.unwrap_err();
        assert!(matches!(error, NotSent::Invalid(_)), "{number}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn only_a_body_that_is_json_is_said_to_be() {
    for (body, json) in [
        ("{}", true),
        (" [1, 2]\n", true),
        ("{", false),
        ("a=b", false),
        ("\"text\"", false),
        ("12", false),
        ("", false),
    ] {
        let (head, _) = seen(|request| {
            request.method = Method::PUT;
            request.body = Some(Bytes::from_static(body.as_bytes()));
        })
        .await;
        assert_eq!(head.contains(&"content-type: application/json".to_owned()), json, "{body}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head:?}");
    }
}

#[tokio::test]
async fn what_may_have_a_body_says_that_it_has_none() {
    for (method, said) in [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::HEAD, false),
        (Method::DELETE, false),
    ] {
        let (head, _) = seen(|request| request.method = method.clone()).await;
        assert_eq!(head.contains(&"content-length: 0".to_owned()), said, "{method} {head:?}");
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_the_value() {
    let request = Outgoing { slot: Slot::Query { name: "key".to_owned() }, ..outgoing("http://127.0.0.1:9/") };
    assert!(!format!("{request:?}").contains(VALUE));
    let rebuilt = request.rebuild().unwrap();
    assert!(rebuilt.request.url().as_str().contains(VALUE) && !format!("{rebuilt:?}").contains(VALUE));
    let request = outgoing("http://127.0.0.1:9/").rebuild().unwrap();
    assert!(!format!("{:?}", request.request.headers()).contains(VALUE));
}
