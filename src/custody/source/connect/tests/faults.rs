//! Everything that can go wrong on the way: what it's taken for, that it ends in time, and that
//! neither the token nor the server's words get out.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::server::head;
use super::*;

/// The deadline where it's waited for.
const SHORT: Duration = Duration::from_secs(1);

/// How far past its deadline a request may end on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// What a fault is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Conflict,
    Forbidden,
    Missing,
    RateLimited(Option<u64>),
    Rejected,
    TooLarge,
    Unclear,
    Unreachable,
}

impl Class {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Conflict => Self::Conflict,
            Failure::Forbidden { .. } => Self::Forbidden,
            Failure::Missing => Self::Missing,
            Failure::RateLimited { retry_after } => Self::RateLimited(retry_after.map(|wait| wait.as_secs())),
            Failure::Rejected { .. } => Self::Rejected,
            Failure::TooLarge => Self::TooLarge,
            Failure::Unclear { .. } => Self::Unclear,
            Failure::Unreachable { .. } => Self::Unreachable,
            Failure::Unsupported(_) => panic!("{failure:?}"),
        }
    }
}

/// What a fault comes to, of a list, a read, a write and a removal.
async fn outcome(fault: Reply, timeout: Duration) -> [Class; 4] {
    let server = Server::scripted([fault]).await;
    let client = client(server.url(), timeout);
    let (key, document) = (key(), document(&item(ITEM, VAULT)));
    let begun = Instant::now();
    let (list, read, write, removal) =
        tokio::join!(client.vaults(), client.read(&key), client.replace(&key, &document), client.remove(&key));
    assert!(begun.elapsed() < timeout + SLACK, "{:?}", begun.elapsed());
    let failures = [list.err(), read.err(), write.err(), removal.err()].map(Option::unwrap);
    let text = format!("{failures:?} {} {}", failures[0], failures[2]);
    assert!(!text.to_lowercase().contains("k4n4ry"), "{text}");
    failures.map(|failure| Class::of(&failure))
}

#[tokio::test]
async fn each_refusal_is_taken_for_what_it_is() {
    use Class::{Conflict, Forbidden, Missing, RateLimited, Rejected, TooLarge, Unclear, Unreachable};
    let wait = "Retry-After: 90\r\nContent-Length: 0\r\n";
    let html = "<html>k4n4ry</html>";
    for (name, fault, expected) in [
        ("400", error(400, "what"), [Unclear, Unclear, Rejected, Rejected]),
        ("401", error(401, "Invalid bearer token"), [Unreachable; 4]),
        ("401 for rights", error(401, "token does not have access"), [Forbidden; 4]),
        ("403", error(403, "vault x is not in scope"), [Forbidden; 4]),
        ("404", error(404, "item x not found"), [Unclear, Missing, Missing, Missing]),
        ("409", error(409, "conflict"), [Conflict; 4]),
        ("413", error(413, "large"), [Unclear, Unclear, TooLarge, TooLarge]),
        ("429", error(429, "slow"), [RateLimited(None); 4]),
        ("429 with a time", Reply::Whole(head(429, wait)), [RateLimited(Some(90)); 4]),
        ("500", error(500, "Something went wrong"), [Unclear, Unclear, Unclear, Conflict]),
        ("502 HTML", reply(502, html), [Unclear; 4]),
        ("200 HTML", reply(200, html), [Unclear; 4]),
        ("200 empty", reply(200, ""), [Unclear; 4]),
        ("200 null", reply(200, "null"), [Unclear; 4]),
        ("another item", reply(200, &item(VAULT, ITEM).to_string()), [Unclear; 4]),
        ("an error with status 200", error(200, ""), [Unclear; 4]),
        ("206", reply(206, &item(ITEM, VAULT).to_string()), [Unclear; 4]),
    ] {
        assert_eq!(outcome(fault, Duration::from_secs(20)).await, expected, "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unclear() {
    let whole = item(ITEM, VAULT).to_string();
    for (name, fault) in [
        ("truncated", Reply::Ends(format!("{}{whole}", head(200, "Content-Length: 5000\r\n")))),
        ("truncated chunk", Reply::Ends(format!("{}fff\r\n{whole}", head(200, "Transfer-Encoding: chunked\r\n")))),
        ("half a head", Reply::Ends("HTTP/1.1 200 OK\r\nConte".to_owned())),
        ("no HTTP", Reply::Ends("SSH-2.0-k4n4ry\r\n".to_owned())),
        ("closed", Reply::Ends(String::new())),
        ("reset", Reply::Resets),
    ] {
        assert_eq!(outcome(fault, Duration::from_secs(20)).await, [Class::Unclear; 4], "{name}");
    }
}

#[tokio::test]
async fn whatever_hangs_ends_at_the_deadline() {
    let unclear = [
        // No answer, no body, a byte now and then, and a head without an end.
        Reply::Hangs(String::new()),
        Reply::Hangs(head(200, "Content-Length: 5000\r\n")),
        Reply::Drips(head(200, "Content-Length: 500000\r\n")),
        Reply::Drips("HTTP/1.1 200 OK\r\nX: ".to_owned()),
    ];
    let [silent, bodiless, dripping, endless] = unclear.map(|fault| outcome(fault, SHORT));
    // The status is known, if not what's said about it.
    let refused = outcome(Reply::Hangs(head(429, "Retry-After: 7\r\nContent-Length: 5000\r\n")), SHORT);
    let (silent, bodiless, dripping, endless, refused) = tokio::join!(silent, bodiless, dripping, endless, refused);
    assert_eq!([silent, bodiless, dripping, endless], [[Class::Unclear; 4]; 4]);
    assert_eq!(refused, [Class::RateLimited(Some(7)); 4]);
}

#[tokio::test]
async fn a_huge_body_is_refused_without_being_read() {
    let announced = Reply::Floods(head(200, &format!("Content-Length: {}\r\n", 100 << 20)));
    let unannounced = Reply::Floods(head(200, "Connection: close\r\n"));
    let error = Reply::Floods(head(503, "Connection: close\r\n"));
    // What the client reads before it turns away, beside what lies in the sockets' buffers.
    for (fault, most) in [(announced, 0), (unannounced, body::ITEM), (error, body::NOTE)] {
        let server = Server::scripted([fault]).await;
        let failure = patient(&server).read(&key()).await.unwrap_err();
        assert_eq!(Class::of(&failure), Class::Unclear);
        let sent = server.flooded().await;
        assert!(sent < most + (24 << 20), "{sent}");
    }
}

#[tokio::test]
async fn the_token_does_not_follow_a_redirect() {
    let elsewhere = Server::start(well_behaved).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/v1/vaults\r\nContent-Length: 0\r\n", elsewhere.url());
        let fault = Reply::Whole(head(status, &location));
        assert_eq!(outcome(fault, Duration::from_secs(20)).await, [Class::Unclear; 4], "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn nothing_was_asked_where_nobody_listens() {
    // What a server without encryption says to an encrypted greeting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let encrypted = client(url, Duration::from_secs(20));
    let (answer, _open) = tokio::join!(encrypted.vaults(), plain);
    let failure = answer.unwrap_err();
    assert!(matches!(&failure, Failure::Unreachable { detail, .. } if detail.contains("encrypted")), "{failure:?}");

    // A port that was just somebody's, and is nobody's now.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = client(url, Duration::from_secs(20)).vaults().await.unwrap_err();
    assert_eq!(Class::of(&failure), Class::Unreachable, "{failure:?}");
}

#[tokio::test]
async fn a_server_that_never_completes_the_handshake_was_not_asked() {
    // It takes the connection, and says nothing to the greeting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let failure = client(url, SHORT).vaults().await.unwrap_err();
    assert_eq!(Class::of(&failure), Class::Unreachable, "{failure:?}");
}

#[tokio::test]
async fn a_spurious_refusal_is_asked_again_and_a_lasting_one_soon_believed() {
    let refused = || error(403, "Authorization: token does not have access to vault x");
    let good = || reply(200, &item(ITEM, VAULT).to_string());

    let server = Server::scripted([refused(), refused(), refused(), good()]).await;
    assert!(patient(&server).read(&key()).await.is_ok());
    assert_eq!(server.seen().len(), 4);

    // The server did nothing, so a write goes out again as well, the same to the byte.
    let server = Server::scripted([refused(), good()]).await;
    assert_eq!(patient(&server).replace(&key(), &document(&item(ITEM, VAULT))).await, Ok(()));
    let seen = server.seen();
    assert_eq!((seen.len(), &seen[0].body), (2, &seen[1].body));

    let begun = Instant::now();
    let server = Server::scripted([refused()]).await;
    assert!(matches!(patient(&server).read(&key()).await, Err(Failure::Forbidden { .. })));
    assert_eq!(server.seen().len(), 4);
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_token_is_doubted_only_once() {
    let refused = || error(401, "Invalid bearer token");
    let server = Server::scripted([refused(), reply(200, &item(ITEM, VAULT).to_string())]).await;
    assert!(patient(&server).read(&key()).await.is_ok());
    assert_eq!(server.seen().len(), 2);

    let server = Server::scripted([refused()]).await;
    let failure = patient(&server).read(&key()).await.unwrap_err();
    assert_eq!((Class::of(&failure), server.seen().len()), (Class::Unreachable, 2));
}

#[tokio::test]
async fn nothing_else_is_asked_twice() {
    for fault in [error(401, "token does not have write access"), error(409, ""), error(429, ""), error(500, "")] {
        let server = Server::scripted([fault]).await;
        patient(&server).replace(&key(), &document(&item(ITEM, VAULT))).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
    for fault in [Reply::Resets, Reply::Ends(String::new()), reply(502, "")] {
        let server = Server::scripted([fault]).await;
        patient(&server).remove(&key()).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
}
