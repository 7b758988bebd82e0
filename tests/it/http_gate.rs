//! Who is let near: hosts, origins, methods and types, as a socket shows it; and what pages in a browser may try.

use serde_json::json;

use crate::support::http::{Ask, Hosted, Key, Reply, call, issuer, jwks, token, tokens};
use crate::support::{Home, everyone, policy, put};

const VALUE: &str = "v4lue-behind-the-gate";
const LISTED: &str = "https://app.example.com";

/// A server with a listed page and a listed host, which a good token can read a value from.
async fn start() -> (Home, Hosted) {
    let home = Home::with(&policy(&[&everyone(&["read"])]), [put("Staging/Stripe/credential", VALUE)]).await;
    home.write("keys.json", jwks(&[&Key::new("k")]).as_bytes());
    let http = format!(
        "[http]\nurl = \"https://vault.example.com/mcp\"\nallowed_hosts = [\"vault.internal:8443\"]\n\
         allowed_origins = [\"{LISTED}\"]\nlimits = {{ requests = \"100000/1s\" }}\n{}{}",
        tokens(&["ann"]),
        issuer("principal_prefix = \"idp:\"")
    );
    let hosted = home.host(&http).await;
    (home, hosted)
}

/// A call that reads the value, if it's let through.
fn read() -> Ask {
    call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token("ann"))
}

/// How many calls were recorded.
fn calls(home: &Home) -> usize {
    home.requests().iter().filter(|record| record["kind"] == "intent").count()
}

/// What must come of it, in the order in which it's decided.
fn expected(route: &str, host: Option<bool>, origin: bool, method: &str, is_json: bool) -> u16 {
    let health = route == "/livez";
    match (host, method) {
        // Without one it isn't HTTP/1.1.
        (None, _) => 400,
        (_, "GET" | "HEAD") if health => 200,
        _ if health => 405,
        (Some(false), _) => 403,
        _ if !origin => 403,
        _ if route == "/other" => 404,
        (_, "OPTIONS") => 204,
        (_, "GET") if route != "/mcp" => 200,
        _ if route != "/mcp" => 405,
        (_, "POST") if is_json => 200,
        (_, "POST") => 415,
        // There's nothing to listen to and nothing to end without a session.
        _ => 405,
    }
}

fn checks_what_all_answers_say(reply: &Reply, what: &str) {
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}: {reply:?}");
    assert_eq!(reply.header("access-control-allow-credentials"), None, "{what}");
    assert!(!reply.names().contains(&"server"), "{what}");
}

#[tokio::test]
async fn host_origin_method_type_and_route_decide_before_anything_is_called() {
    let (home, hosted) = start().await;
    let own = hosted.address.to_string();
    let hosts = [
        (Some(own.as_str()), Some(true)),
        (Some("vault.internal:8443"), Some(true)),
        (Some("evil.test"), Some(false)),
        (None, None),
    ];
    let origins = [(None, true), (Some(LISTED), true), (Some("https://evil.test"), false), (Some("null"), false)];
    let types = [Some("application/json"), Some("text/plain"), None];
    let metadata = "/.well-known/oauth-protected-resource/mcp";
    let (mut served, mut seen, before) = (0, 0, calls(&home));
    for route in ["/mcp", metadata, "/livez", "/other"] {
        for (host, is_own) in hosts {
            for (origin, is_listed) in origins {
                for method in ["GET", "POST", "DELETE", "OPTIONS", "PUT", "HEAD"] {
                    for kind in types {
                        let what = format!("{method} {route} {host:?} {origin:?} {kind:?}");
                        let mut ask = read().to(route).by(method).without("content-type");
                        for (name, value) in [("Origin", origin), ("Content-Type", kind)] {
                            ask = value.into_iter().fold(ask, |ask, value| ask.header(name, value));
                        }
                        let mut bytes = ask.bytes(host.unwrap_or("HOST"));
                        if host.is_none() {
                            bytes = String::from_utf8(bytes).unwrap().replace("Host: HOST\r\n", "").into_bytes();
                        }
                        let mut wire = hosted.connect().await;
                        wire.send(&bytes).await;
                        let reply = if method == "HEAD" { wire.head().await } else { wire.reply().await };
                        let reply = reply.unwrap_or_else(|| panic!("{what}: no answer"));
                        let status = expected(route, is_own, is_listed, method, kind == types[0]);
                        assert_eq!(reply.status, status, "{what}: {reply:?}");
                        checks_what_all_answers_say(&reply, &what);
                        // Only a listed page's scripts may read what came of it.
                        let readable = (is_own == Some(true) && route != "/livez").then_some(origin).flatten();
                        let readable = readable.filter(|_| is_listed);
                        assert_eq!(reply.header("access-control-allow-origin"), readable, "{what}");
                        let is_call = route == "/mcp" && status == 200;
                        assert_eq!(reply.text().contains(VALUE), is_call, "{what}");
                        served += usize::from(is_call);
                        seen += 1;
                    }
                }
            }
        }
    }
    assert_eq!((seen, served), (4 * 4 * 4 * 6 * 3, 2 * 2), "every combination, and few of them served");
    assert_eq!(calls(&home) - before, served, "what's refused calls nothing");
    assert!(!hosted.stop().await.contains(VALUE));
}

#[tokio::test]
async fn every_name_of_this_machine_is_its_own_and_no_other_is() {
    let (_home, hosted) = start().await;
    let port = hosted.address.port();
    for own in ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"] {
        assert_eq!(hosted.ask(&read().with("Host", &format!("{own}:{port}"))).await.status, 200, "{own}");
    }
    assert_eq!(hosted.ask(&read().with("Host", "vault.example.com")).await.status, 200);
    for other in [
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.2:{port}"),
        format!("localhost.:{port}"),
        format!("127.0.0.1.evil.test:{port}"),
        format!("evil.test:{port}"),
        format!("evil@127.0.0.1:{port}"),
        format!("0x7f.1:{port}"),
        format!("2130706433:{port}"),
        "vault.internal".to_owned(),
        "vault.example.com:8443".to_owned(),
        "vault.example.com.".to_owned(),
    ] {
        let reply = hosted.ask(&read().with("Host", &other)).await;
        // What isn't even a host's name is refused as such.
        assert!(matches!(reply.status, 400 | 403), "{other}: {reply:?}");
        checks_what_all_answers_say(&reply, &other);
    }
    hosted.stop().await;
}

#[tokio::test]
async fn a_path_is_this_path_and_nothing_that_looks_like_it() {
    let (home, hosted) = start().await;
    let before = calls(&home);
    for path in
        ["/", "/mcp/", "//mcp", "/MCP", "/mcp%2f", "/%6dcp", "/./mcp", "/x/../mcp", "/mcp;a=b", "/metrics", "/sse"]
    {
        let reply = hosted.ask(&read().to(path)).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{path}");
        checks_what_all_answers_say(&reply, path);
    }
    for path in ["/mcp?", "/mcp?x", "/mcp?method=tools/list"] {
        assert_eq!(hosted.ask(&read().to(path)).await.status, 400, "{path}");
    }
    assert_eq!(calls(&home), before);
    hosted.stop().await;
}

#[tokio::test]
async fn a_page_in_a_browser_gets_nowhere() {
    let (home, hosted) = start().await;
    let before = calls(&home);
    let own = format!("http://{}", hosted.address);
    let with_token = |ask: Ask| [ask.clone().without("authorization"), ask];
    // What a page can send without asking first: the simple types, with the person's network and no token; and, so
    // that it isn't the token alone that protects, the same with one.
    for kind in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for ask in with_token(read().with("Content-Type", kind)) {
            assert_eq!(hosted.ask(&ask).await.status, 415, "{kind}, of a browser that says no origin");
            for origin in [
                "https://evil.test",
                "null",
                "http://localhost:3000",
                own.as_str(),
                "https://app.example.com.evil.test",
            ] {
                let reply = hosted.ask(&ask.clone().header("Origin", origin)).await;
                assert_eq!(reply.status, 403, "{kind} {origin}");
                assert_eq!(reply.header("access-control-allow-origin"), None);
            }
        }
    }
    // It asks first.
    let preflight = |origin: &str| {
        let ask = Ask::new("OPTIONS", "/mcp").header("Origin", origin).header("Access-Control-Request-Method", "POST");
        ask.header("Access-Control-Request-Headers", "authorization,content-type")
            .header("Access-Control-Request-Private-Network", "true")
    };
    let reply = hosted.ask(&preflight(LISTED)).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, Some(LISTED)));
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    for origin in ["https://evil.test", "null", "*", "http://app.example.com", "https://APP.example.com.evil.test"] {
        let reply = hosted.ask(&preflight(origin)).await;
        assert_eq!(reply.status, 403, "{origin}");
        assert!(!reply.names().iter().any(|name| name.starts_with("access-control-")), "{origin}: {reply:?}");
    }
    // Its name leads here now: DNS rebinding. The browser then says no origin, or its own.
    let rebound = read().with("Host", &format!("evil.test:{}", hosted.address.port()));
    for ask in with_token(rebound) {
        assert_eq!(hosted.ask(&ask).await.status, 403);
        let same = ask.header("Origin", "http://evil.test");
        assert_eq!(hosted.ask(&same).await.status, 403);
    }
    // It opens a socket, loads a stream, or goes there.
    let socket = Ask::new("GET", "/mcp").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let socket = socket.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(hosted.ask(&socket.clone().header("Origin", "https://evil.test")).await.status, 403);
    assert_eq!(hosted.ask(&socket.clone()).await.status, 401);
    assert_eq!(hosted.ask(&socket.bearer(&token("ann"))).await.status, 405);
    let stream = Ask::new("GET", "/mcp").header("Accept", "text/event-stream").header("Origin", "https://evil.test");
    assert_eq!(hosted.ask(&stream).await.status, 403);
    let visit = Ask::new("GET", "/mcp").header("Accept", "text/html,application/xhtml+xml");
    assert_eq!(hosted.ask(&visit).await.status, 406);
    // A form's method in the clothes of another one.
    let disguised = read().by("GET").header("X-HTTP-Method-Override", "POST").header("X-Method-Override", "POST");
    assert_eq!(hosted.ask(&disguised).await.status, 405);
    assert_eq!(calls(&home), before);
    hosted.stop().await;
}

#[tokio::test]
async fn a_target_that_names_another_host_is_refused() {
    let (home, hosted) = start().await;
    let before = calls(&home);
    let own = hosted.address.to_string();
    for target in ["http://evil.test/mcp".to_owned(), format!("http://evil.test:{}/mcp", hosted.address.port())] {
        let reply = hosted.ask(&read().to(&target)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "denied"), "{target}");
    }
    let tunnel = hosted.send("CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n").await;
    assert_eq!(tunnel.status, 403);
    let tunnel = hosted.send(format!("CONNECT {own} HTTP/1.1\r\nHost: {own}\r\n\r\n")).await;
    assert_eq!(tunnel.status, 404, "not to itself either");
    assert_eq!(calls(&home), before);
    let absolute = hosted.ask(&read().to(&format!("http://{own}/mcp"))).await;
    assert_eq!(absolute.status, 200, "a proxy's way to write a request to this server");
    for (first, status) in [("TRACE /mcp", 405), ("OPTIONS *", 404), ("GET mcp", 403)] {
        let reply = hosted.send(format!("{first} HTTP/1.1\r\nHost: {own}\r\nX-Canary: echo\r\n\r\n")).await;
        assert_eq!(reply.status, status, "{first}: {reply:?}");
        assert!(!reply.all().contains("echo"), "{first}");
    }
    hosted.stop().await;
}
