//! Malformed and hostile requests: each has the outcome it has, none is a fault of the server's, and an honest client
//! is served between all of them.

use serde_json::{Value, json};

use crate::support::http::{Ask, Hosted, Reply, call, token, tokens};
use crate::support::{Home, everyone, modern, policy, put};

const VALUE: &str = "v4lue-0f-h0stile";
const UNREADABLE: i64 = -32700;
const IMPROPER: i64 = -32600;
const MISMATCH: i64 = -32020;

/// A server with one value, and how often that was read.
struct Stage {
    home: Home,
    hosted: Hosted,
    honest: usize,
}

impl Stage {
    async fn start() -> Self {
        let home = Home::with(&policy(&[&everyone(&["read"])]), [put("Staging/Stripe/password", VALUE)]).await;
        let limits = "limits = { requests = \"100000/1s\" }\n";
        let hosted = home.host(&format!("[http]\n{limits}{}", tokens(&["ann", "bob"]))).await;
        Self { home, hosted, honest: 0 }
    }

    /// An honest client asks, and nothing else was asked for since it last did.
    async fn is_well(&mut self, after: &str) {
        let reply = self.hosted.ask(&read("bob")).await;
        assert_eq!(reply.json()["result"]["structuredContent"]["value"], VALUE, "after {after}: {reply:?}");
        self.honest += 1;
        let is_call = |record: &&Value| record["kind"] == "intent" && record["principal"] == "bob";
        assert_eq!(self.home.requests().iter().filter(is_call).count(), self.honest, "after {after}");
    }

    /// How often ann's calls were let through.
    fn calls(&self) -> usize {
        let is_call = |record: &&Value| record["kind"] == "intent" && record["principal"] == "ann";
        self.home.requests().iter().filter(is_call).count()
    }

    async fn end(self) {
        let said = self.hosted.stop().await;
        assert!(!said.contains(VALUE) && !said.contains(&token("ann")), "{said}");
    }
}

fn read(who: &str) -> Ask {
    call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token(who))
}

/// A request without a body's length, so that it can be said in any way.
fn bare() -> Ask {
    let ask = read("ann");
    ask.header("X-Shape", "y")
}

#[tokio::test]
async fn what_others_could_take_for_something_else_is_refused_or_the_last_thing_heard() {
    let mut stage = Stage::start().await;
    let host = stage.hosted.address.to_string();
    let body = modern(json!({ "name": "get_secret", "arguments": { "path": "Staging/Stripe" } }));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": body }).to_string();
    let (length, hex) = (body.len(), format!("{:x}", body.len()));
    // What would be taken for a request of its own, were the one before misread.
    let next = String::from_utf8(read("ann").bytes(&host)).unwrap();
    let head = |lines: &str| String::from_utf8(bare().head(&host, &format!("{lines}\r\n"))).unwrap();
    let post = |lines: &str, body: &str| format!("{}{body}{next}", head(lines));
    let chunks = format!("{hex}\r\n{body}\r\n0\r\n\r\n");
    let plain = head(&format!("Content-Length: {length}"));
    let get = |line: &str| format!("GET /mcp HTTP/1.1\r\n{line}\r\n\r\n{next}");
    let many = "X-A: y\r\n".repeat(200);
    let rows: Vec<(&str, &[u16], String)> = vec![
        (
            "length and chunked",
            &[200],
            post(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"), &chunks),
        ),
        (
            "chunked and length",
            &[202],
            post(&format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"), "0\r\n\r\n"),
        ),
        ("two lengths", &[400], post(&format!("Content-Length: {length}\r\nContent-Length: 1"), &body)),
        ("a list of lengths", &[400], post(&format!("Content-Length: {length}, {length}"), &body)),
        ("a length with a sign", &[400], post(&format!("Content-Length: +{length}"), &body)),
        ("a negative length", &[400], post("Content-Length: -1", &body)),
        ("a length in hex", &[400], post(&format!("Content-Length: 0x{hex}"), &body)),
        ("no length at all", &[400], post("Content-Length: ", &body)),
        ("a length beyond numbers", &[400], post("Content-Length: 18446744073709551616", &body)),
        ("chunked, identity", &[400], post("Transfer-Encoding: chunked, identity", &chunks)),
        ("identity, chunked", &[400], post("Transfer-Encoding: identity, chunked", &chunks)),
        ("gzip, chunked", &[400], post("Transfer-Encoding: gzip, chunked", &chunks)),
        ("chunked twice", &[400], post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", &chunks)),
        ("another encoding", &[400], post("Transfer-Encoding: xchunked", &chunks)),
        ("a tab before chunked", &[400], post("Transfer-Encoding: \x0bchunked", &chunks)),
        ("a space before the colon", &[400], post("Transfer-Encoding : chunked", &chunks)),
        ("a size that's none", &[400], post("Transfer-Encoding: chunked", "zz\r\nx\r\n0\r\n\r\n")),
        ("a size beyond numbers", &[400], post("Transfer-Encoding: chunked", "fffffffffffffffff\r\nx\r\n0\r\n\r\n")),
        ("line feeds between chunks", &[400], post("Transfer-Encoding: chunked", &format!("{hex}\n{body}\n0\n\n"))),
        (
            "a chunk without its end",
            &[400],
            post("Transfer-Encoding: chunked", &format!("{hex}\r\n{body}X\r\n0\r\n\r\n")),
        ),
        ("chunks in 1.0", &[400], post("Transfer-Encoding: chunked", &chunks).replacen("HTTP/1.1", "HTTP/1.0", 1)),
        ("a folded line", &[400], post(&format!("Content-Length: {length}\r\nX-A: b\r\n c"), &body)),
        ("a NUL in a line", &[400], post(&format!("Content-Length: {length}\r\nX-A: b\0c"), &body)),
        ("a bare CR in a line", &[400], post(&format!("Content-Length: {length}\r\nX-A: b\rX-B: c"), &body)),
        ("a line without a colon", &[400], post(&format!("Content-Length: {length}\r\nabc"), &body)),
        ("no host", &[400], get("Accept: */*")),
        ("two hosts", &[400], get(&format!("Host: {host}\r\nHost: {host}"))),
        ("two hosts that differ", &[400], get(&format!("Host: {host}\r\nHost: evil.test"))),
        ("two spaces", &[400], get(&format!("Host: {host}")).replacen("GET /", "GET  /", 1)),
        ("another version", &[400], get(&format!("Host: {host}")).replacen("HTTP/1.1", "HTTP/1.2", 1)),
        ("too many lines", &[431], get(&format!("{many}Host: {host}"))),
        ("too long a line", &[431], get(&format!("X-A: {}\r\nHost: {host}", "y".repeat(100 << 10)))),
        ("version 2", &[], format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{next}")),
        ("TLS", &[400], format!("\x16\x03\x01\x02\0{next}")),
        ("no HTTP", &[400], format!("hello\r\n\r\n{next}")),
        (
            "an early close",
            &[200],
            format!("{}{body}{next}", head(&format!("Content-Length: {length}\r\nConnection: close"))),
        ),
        // And what must go on: the next one is a request of its own.
        ("one after the other", &[200, 200], format!("{plain}{body}{}", closing(&next))),
        (
            "chunks, one after the other",
            &[200, 200],
            format!("{}{chunks}{}", head("Transfer-Encoding: chunked"), closing(&next)),
        ),
        (
            "a length that's too short",
            &[400, 400],
            format!("{}{body}", head(&format!("Content-Length: {}", length - 1))),
        ),
    ];
    assert!(rows.len() >= 36);
    for (what, expected, raw) in rows {
        let before = stage.calls();
        let mut wire = stage.hosted.connect().await;
        wire.send(raw.as_bytes()).await;
        // All that comes until it's closed.
        let replies = wire.replies().await;
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, expected, "{what}: {replies:?}");
        let served = statuses.iter().filter(|status| **status == 200).count();
        assert_eq!(stage.calls() - before, served, "{what}: what isn't answered isn't done");
        // What isn't HTTP is refused without a word, and that's nothing to keep.
        let kept = |reply: &&Reply| reply.header("cache-control") != Some("no-store") && !reply.text().is_empty();
        assert_eq!(replies.iter().find(kept), None, "{what}");
        stage.is_well(what).await;
    }
    stage.end().await;
}

/// The same request, the last one on its connection.
fn closing(request: &str) -> String {
    request.replacen("\r\n", "\r\nConnection: close\r\n", 1)
}

/// A call with something in its arguments, as text.
fn with_arguments(arguments: &str) -> Vec<u8> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": modern(json!({ "name": "get_secret", "arguments": "HERE" })) });
    body.to_string().replacen("\"HERE\"", arguments, 1).into_bytes()
}

#[tokio::test]
async fn bodies_that_are_bombs_or_no_messages_are_refused_and_nothing_is_called() {
    let mut stage = Stage::start().await;
    let session = stage.hosted.open(&token("ann"), "2025-11-25").await;
    let keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|number| format!("\"{number:x}\":0")).collect();
        format!("{{{}}}", keys.join(","))
    };
    let deep = |open: &str, close: &str| format!("{{\"path\":{}1{}}}", open.repeat(10_000), close.repeat(10_000));
    let twice = |at: usize| format!("{}{{\"a\":1,\"a\":2}}{}", "{\"x\":".repeat(at), "}".repeat(at));
    let good = with_arguments("{\"path\":\"Staging/Stripe\"}");
    let surrounded = |before: &[u8], after: &[u8]| [before, &good[..], after].concat();
    let rows: Vec<(&str, u16, Option<i64>, Vec<u8>)> = vec![
        ("lists 10,000 deep", 400, Some(UNREADABLE), with_arguments(&deep("[", "]"))),
        ("objects 10,000 deep", 400, Some(UNREADABLE), with_arguments(&deep("{\"a\":", "}"))),
        ("lists without an end", 400, Some(UNREADABLE), "[".repeat(500_000).into_bytes()),
        ("as many keys as fit", 400, Some(IMPROPER), with_arguments(&keys(100_000))),
        ("1,000,000 keys", 413, None, with_arguments(&keys(1_000_000))),
        ("a key twice", 400, Some(IMPROPER), with_arguments(&twice(0))),
        ("a key twice, 60 deep", 400, Some(IMPROPER), with_arguments(&twice(60))),
        ("a key twice, once in escapes", 400, Some(IMPROPER), with_arguments(r#"{"path":"a","\u0070ath":"b"}"#)),
        (
            "two methods",
            400,
            Some(IMPROPER),
            br#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#.to_vec(),
        ),
        ("1e400", 400, Some(UNREADABLE), with_arguments("{\"path\":1e400}")),
        ("half a surrogate", 400, Some(UNREADABLE), with_arguments(r#"{"path":"\ud800"}"#)),
        ("NaN", 400, Some(UNREADABLE), with_arguments("{\"path\":NaN}")),
        ("2 MiB", 413, None, with_arguments(&format!("{{\"path\":\"{}\"}}", "x".repeat(2 << 20)))),
        (
            "no UTF-8",
            400,
            Some(UNREADABLE),
            with_arguments("{\"path\":\"?\"}").into_iter().map(|b| if b == b'?' { 0xff } else { b }).collect(),
        ),
        ("a byte order mark", 400, Some(UNREADABLE), surrounded(b"\xef\xbb\xbf", b"")),
        ("UTF-16", 400, Some(UNREADABLE), good.iter().flat_map(|byte| [*byte, 0]).collect()),
        ("something behind it", 400, Some(UNREADABLE), surrounded(b"", b"x")),
        ("another behind it", 400, Some(UNREADABLE), surrounded(b"", &good)),
        ("half of it", 400, Some(UNREADABLE), good[..good.len() / 2].to_vec()),
        ("a batch", 400, Some(IMPROPER), surrounded(b"[", b"]")),
        ("a batch of two", 400, Some(IMPROPER), surrounded(b"[", &[b",", &good[..], b"]"].concat())),
        ("an empty batch", 400, Some(IMPROPER), b"[]".to_vec()),
        ("a number", 400, Some(IMPROPER), b"1".to_vec()),
        ("no id", 400, Some(IMPROPER), br#"{"jsonrpc":"2.0","id":null,"method":"tools/call"}"#.to_vec()),
        (
            "compressed, unsaid",
            400,
            Some(UNREADABLE),
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0C\xbf\xa6\xa3\x02\0\0\0".to_vec(),
        ),
    ];
    let before = stage.calls();
    let host = stage.hosted.address.to_string();
    for (what, status, code, body) in rows {
        let asked = read("ann").body(body);
        let legacy = ["mcp-protocol-version", "mcp-method", "mcp-name"]
            .iter()
            .fold(asked.clone(), |ask, name| ask.without(name));
        // By either revision, with its length said or in pieces.
        let both = [asked, legacy.session(&session)];
        let ways = both.iter().flat_map(|ask| [ask.bytes(&host), ask.chunked(&host, 5000)]);
        for (way, bytes) in ways.enumerate() {
            let reply = stage.hosted.send(bytes).await;
            assert_eq!(reply.status, status, "{what}, way {way}: {reply:?}");
            match code {
                Some(code) => assert_eq!(reply.rpc_code(), code, "{what}, way {way}"),
                None => assert_eq!(reply.code(), "too_large", "{what}, way {way}"),
            }
        }
        stage.is_well(what).await;
    }
    for encoding in ["gzip", "br", "deflate", "zstd", "identity", "gzip, gzip"] {
        let reply = stage.hosted.ask(&read("ann").header("Content-Encoding", encoding)).await;
        assert_eq!(reply.status, 415, "{encoding}");
    }
    assert_eq!(stage.calls(), before);
    stage.is_well("all").await;
    stage.end().await;
}

#[tokio::test]
async fn a_head_that_says_something_else_than_its_body_is_refused() {
    let mut stage = Stage::start().await;
    let before = stage.calls();
    let (version, method, name) = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name");
    for (what, ask) in [
        ("another tool", read("ann").with(name, "list_vaults")),
        ("no tool", read("ann").without(name)),
        ("a tool in capitals", read("ann").with(name, "GET_SECRET")),
        ("an empty tool", read("ann").with(name, "")),
        ("a tool in another encoding", read("ann").with(name, "=?base64?bGlzdF92YXVsdHM=?=")),
        ("another method", read("ann").with(method, "tools/list")),
        ("no method", read("ann").without(method)),
        ("a method in capitals", read("ann").with(method, "Tools/Call")),
        ("an older revision", read("ann").with(version, "2025-11-25")),
        ("no revision", read("ann").without(version)),
    ] {
        let reply = stage.hosted.ask(&ask).await;
        assert_eq!((reply.status, reply.rpc_code()), (400, MISMATCH), "{what}");
        stage.is_well(what).await;
    }
    for twice in [version, method, name] {
        let value = if twice == version { "2026-07-28" } else { "tools/call" };
        assert_eq!(stage.hosted.ask(&read("ann").header(twice, value)).await.status, 400, "{twice} twice");
    }
    let future = read("ann").with(version, "2999-01-01");
    assert_eq!(stage.hosted.ask(&future).await.status, 400, "a revision that nobody knows");
    assert_eq!(stage.calls(), before);
    // The same name in the other way to write it is the same.
    let encoded = read("ann").with(name, "=?base64?Z2V0X3NlY3JldA==?=");
    assert_eq!(stage.hosted.ask(&encoded).await.status, 200);
    stage.end().await;
}

#[tokio::test]
async fn messages_of_every_odd_form_are_answered_and_never_by_a_fault() {
    let mut stage = Stage::start().await;
    let session = stage.hosted.open(&token("ann"), "2025-11-25").await;
    let before = stage.calls();
    let long = "x".repeat(100_000);
    let messages = [
        json!({}),
        json!({ "jsonrpc": "2.0" }),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "id": {}, "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "id": [1], "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "id": 1.5, "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "id": true, "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "id": u64::MAX, "method": "no/such" }),
        json!({ "jsonrpc": "2.0", "id": long, "method": "no/such" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": 1 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": long }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [] }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": 1 } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_secret", "arguments": [] } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": long, "arguments": {} } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "get_secret", "_meta": 1 } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": long } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": long } }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "x" } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "result": {} }),
        json!({ "jsonrpc": "2.0", "method": "notifications/nothing" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "none" } }),
    ];
    let is_no_fault = |reply: &Reply, what: &str| {
        assert!(reply.status < 500, "{what:.200}: {reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{what:.200}");
        assert!(reply.text().len() < 200_000 && !reply.text().contains("panicked"), "{what:.200}");
    };
    for message in &messages {
        let what = message.to_string();
        let plain = Ask::message(message).bearer(&token("ann"));
        let method = message["method"].as_str().filter(|method| method.len() < 100).unwrap_or("tools/call");
        let new = plain.clone().with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", method);
        for ask in [plain.clone(), plain.session(&session), new.clone(), new.with("Mcp-Name", "get_secret")] {
            is_no_fault(&stage.hosted.ask(&ask).await, &what);
        }
        stage.is_well(&what).await;
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for id in ["", " ", "..", "../../etc/passwd", &"x".repeat(10_000), "é", "00000000-0000-0000-0000-000000000000"] {
        let reply = stage.hosted.ask(&Ask::message(&ping).session(id).bearer(&token("ann"))).await;
        assert_eq!(reply.status, 404, "{id:.40}: {reply:?}");
    }
    let both = Ask::message(&ping).session(&session).header("Mcp-Session-Id", &session).bearer(&token("ann"));
    assert_eq!(stage.hosted.ask(&both).await.status, 404, "one session at a time");
    assert_eq!(stage.hosted.ask(&Ask::message(&ping).session(&session).bearer(&token("ann"))).await.status, 200);
    assert_eq!(stage.calls(), before);
    stage.end().await;
}
