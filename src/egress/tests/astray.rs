//! What a caller or a host can say to point a request elsewhere.

use bytes::Bytes;
use http::Method;

use super::super::{NotSent, Outgoing, PlainPath, Sender};
use super::elsewhere::{NEVER, PRIVATE, THIS_MACHINE};
use super::server::Server;
use super::{VALUE, outgoing, pairs};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Paths that would leave the host, the base or themselves.
const PATHS: [&str; 36] = [
    "http://TRAP/",
    "https://TRAP/",
    "//TRAP/",
    "///TRAP/",
    "/\\TRAP/",
    "\\\\TRAP/",
    "/\t/TRAP/",
    "/%09/TRAP/",
    "/%5CTRAP/",
    "/%2F%2FTRAP/",
    "/%2fTRAP",
    "@TRAP/",
    ":80@TRAP/",
    ".TRAP/",
    "TRAP",
    "",
    "*",
    "?url=http://TRAP",
    "#@TRAP/",
    "/..//TRAP/",
    "/../TRAP",
    "/./x",
    "/x/..",
    "/%2e%2e/x",
    "/%2E%2E/x",
    "/.%2e/x",
    "/%252e%252e/x",
    "/..;/x",
    "/x HTTP/1.1\r\nHost: TRAP\r\n\r\nGET /",
    "/x\r\nHost: TRAP",
    "/x%0d%0aHost:%20TRAP",
    "/x%0D%0AHost:%20TRAP",
    "/x\nHost: TRAP",
    "/x\0",
    "/x%00",
    "/%E5%98%8A%E5%98%8DHost:TRAP/%C0%AF",
];

/// Headers that would send it elsewhere, were they sent and believed.
const HEADERS: [(&str, &str); 14] = [
    ("Host", "TRAP"),
    ("host", "TRAP"),
    (":authority", "TRAP"),
    ("X-Forwarded-Host", "TRAP"),
    ("X-Forwarded-Server", "TRAP"),
    ("Forwarded", "host=TRAP"),
    ("X-Host", "TRAP"),
    ("X-Original-URL", "http://TRAP/"),
    ("X-Rewrite-URL", "http://TRAP/"),
    ("Proxy-Host", "TRAP"),
    ("Alt-Used", "TRAP"),
    ("X-A", "b\r\nHost: TRAP"),
    ("X-A\r\nHost", "TRAP"),
    ("Upgrade", "TLS/1.0, TRAP"),
];

/// Answers that would send a client on to another host.
const ANSWERS: [&str; 16] = [
    "301 Moved Permanently\r\nlocation: http://TRAP/",
    "302 Found\r\nlocation: http://TRAP/",
    "303 See Other\r\nlocation: http://TRAP/",
    "307 Temporary Redirect\r\nlocation: http://TRAP/",
    "308 Permanent Redirect\r\nlocation: http://TRAP/",
    "302 Found\r\nlocation: https://TRAP/",
    "302 Found\r\nlocation: //TRAP/",
    "302 Found\r\nlocation: /same-host",
    "302 Found\r\nlocation: http://user:pass@TRAP/",
    "302 Found\r\nlocation: http://TRAP\\@api.example/",
    "300 Multiple Choices\r\nlocation: http://TRAP/",
    "201 Created\r\nlocation: http://TRAP/",
    "200 OK\r\nrefresh: 0; url=http://TRAP/",
    "200 OK\r\nalt-svc: h2=\"TRAP\"; ma=3600",
    "305 Use Proxy\r\nlocation: http://TRAP/",
    "200 OK\r\nlink: <http://TRAP/>; rel=preload",
];

#[test]
fn there_are_more_than_a_hundred_ways() {
    let ways = [THIS_MACHINE.len(), NEVER.len(), PRIVATE.len(), PATHS.len(), HEADERS.len(), ANSWERS.len()];
    assert!(ways.iter().sum::<usize>() >= 100, "{ways:?}");
}

#[tokio::test]
async fn no_path_header_or_query_leads_away_from_the_host() {
    let trap = Server::trap("127.0.0.1:0").await;
    let mut server = Server::answering(OK).await;
    let sender = Sender::new();
    let aimed = |text: &str| text.replace("TRAP", &trap.address.to_string());
    for path in PATHS {
        assert!(matches!(PlainPath::parse(&aimed(path)), Err(NotSent::Invalid(_))), "{path}");
    }
    for (name, value) in HEADERS {
        let headers = pairs(&[(&aimed(name), &aimed(value))]);
        let sent = sender.send(Outgoing { headers, ..outgoing(&server.base()) }).await;
        match sent {
            Ok(answer) => {
                let seen = server.request().await;
                assert!(!seen.contains(&trap.address.to_string()), "{seen}");
                assert_eq!(seen.matches("host: ").count(), 1, "{seen}");
                assert_eq!(answer.left_out.len(), 1, "{name}");
            }
            Err(error) => assert!(matches!(error, NotSent::Invalid(_)), "{name}: {error}"),
        }
    }
    // What's escaped, or in the body, is data.
    for text in PATHS {
        let query = pairs(&[("url", &aimed(text).replace('\0', ""))]);
        let body = Some(Bytes::from(aimed(text)));
        let request = Outgoing { query, body, method: Method::POST, ..outgoing(&server.base()) };
        sender.send(request).await.unwrap();
        let seen = server.request().await;
        let line = seen.lines().next().unwrap();
        assert!(line.starts_with("POST /?url=") && line.ends_with(" HTTP/1.1"), "{line}");
        assert_eq!(line.matches([' ', '?', '#', '@', '\\']).count(), 3, "{line}");
    }
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn answers_are_data_and_lead_nowhere() {
    let trap = Server::trap("127.0.0.1:0").await;
    let address = trap.address.to_string();
    for answer in ANSWERS {
        let text = answer.replace("TRAP", &address);
        let mut server = Server::answering(format!("HTTP/1.1 {text}\r\ncontent-length: 0\r\n\r\n")).await;
        let sender = Sender::new();
        for _ in 0..2 {
            let answer = sender.send(outgoing(&server.base())).await.unwrap();
            assert!(text.starts_with(answer.status.as_str()), "{text}");
            let (_, location) = text.split_once("location: ").unwrap_or_default();
            assert_eq!(answer.headers.get("location").map_or("", |value| value.to_str().unwrap()), location);
            assert!(server.request().await.contains(VALUE));
        }
        assert_eq!(server.connections(), 2, "{text}");
    }
    assert_eq!(trap.connections(), 0);
}
