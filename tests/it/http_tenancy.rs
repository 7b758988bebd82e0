//! Many principals on one server: what each may depends on who and where they are, and none gets in another's way.

use serde_json::{Value, json};

use crate::support::http::{AUDIENCE, Ask, Hosted, Key, Reply, call, issuer, jwks, token, tokens};
use crate::support::{Home, everyone, modern, policy, put};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// A rule that lets these read there.
fn reads(who: &str, path: &str, more: &str) -> String {
    format!("principals = [\"{who}\"]\nactions = [\"list\", \"read\"]\npaths = [\"{path}\"]\n{more}")
}

async fn home(rules: &[String], values: &[&str]) -> Home {
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    Home::with(&policy(&rules), values.iter().map(|path| put(path, &format!("of {path}")))).await
}

/// A message of an older revision in a session.
fn in_session(session: &str, method: &str, params: &Value) -> Ask {
    Ask::message(&json!({ "jsonrpc": "2.0", "id": 3, "method": method, "params": params })).session(session)
}

async fn is_open(hosted: &Hosted, who: &str, session: &str) -> bool {
    let reply = hosted.ask(&in_session(session, "ping", &json!({})).bearer(&token(who))).await;
    assert!(matches!(reply.status, 200 | 404), "{reply:?}");
    reply.status == 200
}

#[tokio::test]
async fn what_a_token_says_and_how_a_request_comes_is_what_rules_ask_for() {
    let rules = [
        reads("idp:*", "Pay/**", "when.claims = { team = \"payments\" }"),
        reads("idp:*", "Both/**", "when.claims = { team = \"payments\", env = \"prod\" }"),
        reads("*", "Http/**", "when.transport = [\"http\"]"),
        reads("*", "Pipe/**", "when.transport = [\"stdio\"]"),
    ];
    let home = home(&rules, &["Pay/A/password", "Both/A/password", "Http/A/password", "Pipe/A/password"]).await;
    let key = Key::new("one");
    home.write("keys.json", jwks(&[&key]).as_bytes());
    let http = format!("[http]\nurl = \"{AUDIENCE}\"\n{}{}", tokens(&["ann"]), issuer("principal_prefix = \"idp:\""));
    let hosted = home.host(&http).await;
    let with = |claims: &[(&str, Value)]| {
        key.sign(&claims.iter().fold(key.draft("eve"), |draft, (name, value)| draft.claim(name, value.clone())))
    };
    let team = ("team", json!("payments"));
    for (what, bearer, expected) in [
        ("the claim", with(std::slice::from_ref(&team)), ["none", "denied", "none", "denied"]),
        ("both claims", with(&[team.clone(), ("env", json!("prod"))]), ["none", "none", "none", "denied"]),
        ("one right and one wrong", with(&[team, ("env", json!("dev"))]), ["none", "denied", "none", "denied"]),
        ("another value", with(&[("team", json!("Payments"))]), ["denied", "denied", "none", "denied"]),
        ("a list", with(&[("team", json!(["payments"]))]), ["denied", "denied", "none", "denied"]),
        ("none", with(&[]), ["denied", "denied", "none", "denied"]),
        ("a static token", token("ann"), ["denied", "denied", "none", "denied"]),
    ] {
        let mut codes = Vec::new();
        for vault in ["Pay", "Both", "Http", "Pipe"] {
            codes.push(hosted.code(&bearer, &format!("{vault}/A/password")).await);
        }
        assert_eq!(codes, expected, "{what}");
    }
    hosted.stop().await;
    let stdio = home.serve("ann").await;
    assert_eq!(stdio.read("Pipe/A/password").await, "of Pipe/A/password");
    assert_ne!(stdio.call("get_secret", json!({ "path": "Http/A/password" })).await.code(), "none");
    stdio.end().await;
}

#[tokio::test]
async fn an_address_is_the_peers_or_what_a_trusted_proxy_says() {
    let rules = [
        reads("*", "Office/**", "when.source_ip = [\"203.0.113.0/24\", \"2001:db8::/32\"]"),
        reads("*", "Here/**", "when.source_ip = [\"127.0.0.0/8\"]"),
    ];
    let home = home(&rules, &["Office/A/password", "Here/A/password"]).await;
    let proxy = |nets: &str| format!("url = \"{AUDIENCE}\"\nbehind_proxy = true\ntrusted_proxies = [\"{nets}\"]\n");
    let (office, here, nowhere) = ((true, false), (false, true), (false, false));
    let trusted: [(&[&str], _); 9] = [
        (&[], here),
        (&["203.0.113.9"], office),
        (&["2001:db8::9"], office),
        (&["[2001:db8::9]:4711"], office),
        (&["198.51.100.1"], nowhere),
        (&["203.0.113.9, 198.51.100.1"], nowhere),
        (&["203.0.113.9", "198.51.100.1"], nowhere),
        (&["nonsense, 203.0.113.9"], office),
        (&["203.0.113.9, 127.0.0.1"], office),
    ];
    let stranger: [(&[&str], _); 4] =
        [(&[], here), (&["203.0.113.9"], here), (&["203.0.113.9, 127.0.0.1"], here), (&["nonsense"], here)];
    for (what, http, cases) in
        [("trusted", proxy("127.0.0.1/32"), &trusted[..]), ("none is", String::new(), &stranger[..])]
    {
        let hosted = home.host(&format!("[http]\n{http}{}", tokens(&["ann"]))).await;
        for (lines, expected) in cases {
            let ask = |path: &str| {
                let ask = call("get_secret", &json!({ "path": path })).bearer(&token("ann"));
                // The other ways to say it are nobody's.
                let ask = ask.header("Forwarded", "for=203.0.113.9").header("X-Real-IP", "203.0.113.9");
                lines.iter().fold(ask, |ask, line| ask.header("X-Forwarded-For", line))
            };
            let mut may = Vec::new();
            for path in ["Office/A/password", "Here/A/password"] {
                let reply = hosted.ask(&ask(path)).await;
                may.push(reply.json()["result"]["structuredContent"]["value"] == format!("of {path}"));
            }
            assert_eq!((may[0], may[1]), *expected, "{what}: {lines:?}");
        }
        let unreadable = call("list_vaults", &json!({})).bearer(&token("ann")).header("X-Forwarded-For", "nonsense");
        let status = hosted.ask(&unreadable).await.status;
        assert_eq!(status, if what == "trusted" { 400 } else { 200 }, "{what}: nothing is guessed");
        hosted.stop().await;
    }
    // Nothing encrypts the way here, so whoever isn't the proxy isn't heard, whatever they say.
    let hosted = home.host(&format!("[http]\n{}{}", proxy("10.0.0.0/8"), tokens(&["ann"]))).await;
    for lines in [&[][..], &["203.0.113.9"], &["10.0.0.7"]] {
        let ask = call("list_vaults", &json!({})).bearer(&token("ann"));
        let ask = lines.iter().fold(ask, |ask, line| ask.header("X-Forwarded-For", line));
        assert_eq!(hosted.ask(&ask).await.status, 403, "{lines:?}");
    }
    hosted.stop().await;
}

#[tokio::test]
async fn a_vault_in_a_header_is_a_default_and_no_authority() {
    let values = ["Staging/Stripe/password", "Prod/Stripe/password", "Prod/Other/password"];
    let home = home(&[reads("ann", "Staging/**", ""), reads("bob", "**", "")], &values).await;
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann", "bob"]))).await;
    let ask = async |who: &str, vault: Option<&str>, path: &str| {
        let ask = call("get_secret", &json!({ "path": path })).bearer(&token(who));
        hosted.ask(&vault.into_iter().fold(ask, |ask, vault| ask.header("X-Vault-ID", vault))).await
    };
    let value = async |who, vault, path| {
        let reply = ask(who, vault, path).await;
        reply.json()["result"]["structuredContent"]["value"].as_str().unwrap_or("none").to_owned()
    };
    for (who, vault, path, expected) in [
        ("ann", Some("Staging"), "Stripe/password", "of Staging/Stripe/password"),
        ("ann", Some("staging"), "Stripe/password", "of Staging/Stripe/password"),
        ("bob", Some("Prod"), "Stripe/password", "of Prod/Stripe/password"),
        // Whoever writes the vault means that one.
        ("bob", Some("Prod"), "Staging/Stripe/password", "of Staging/Stripe/password"),
        ("bob", Some("Prod"), "Staging/Stripe", "of Staging/Stripe/password"),
        ("bob", Some("Prod"), "op://Staging/Stripe/password", "of Staging/Stripe/password"),
        // It gives nobody anything.
        ("ann", Some("Prod"), "Stripe/password", "none"),
        ("ann", Some("Staging"), "Prod/Stripe/password", "none"),
        ("ann", None, "Stripe/password", "none"),
    ] {
        assert_eq!(value(who, vault, path).await, expected, "{who} {vault:?} {path}");
    }
    // One that isn't there, and one that's another's.
    let said = async |vault: &str| ask("ann", Some(vault), "Stripe/password").await.json();
    assert_eq!(said("Prod").await, said("Nowhere").await);
    for malformed in ["", "a/b", "Prod/Stripe", "..", "a%zz", "a\u{200b}b", &"x".repeat(5000)] {
        let reply = ask("bob", Some(malformed), "Prod/Stripe/password").await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid"), "{malformed:.20}");
    }
    let twice = call("list_vaults", &json!({})).bearer(&token("bob")).header("X-Vault-ID", "Prod");
    assert_eq!(hosted.ask(&twice.header("X-Vault-ID", "Staging")).await.status, 400);
    // It's the request's and not the connection's.
    let mut wire = hosted.connect().await;
    let short = call("get_secret", &json!({ "path": "Stripe/password" })).bearer(&token("bob"));
    let first = wire.ask(&short.clone().header("X-Vault-ID", "Prod")).await;
    assert_eq!(first.json()["result"]["structuredContent"]["value"], "of Prod/Stripe/password");
    assert_eq!(wire.ask(&short).await.json()["result"]["isError"], true);
    hosted.stop().await;
}

#[tokio::test]
async fn a_session_of_somebody_else_is_as_unknown_as_one_that_never_was() {
    let home = home(&[everyone(&["list", "read"])], &["Staging/Stripe/password"]).await;
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann", "bob"]))).await;
    let own = hosted.open(&token("ann"), "2025-11-25").await;
    let read = json!({ "name": "get_secret", "arguments": { "path": "Staging/Stripe" } });
    let messages = [
        ("tools/call", read.clone()),
        ("tools/list", json!({})),
        ("ping", json!({})),
        ("no/such", json!({})),
        ("resources/subscribe", json!({ "uri": "opward://policy/mine" })),
    ];
    let before = home.requests().len();
    let same = |foreign: &Reply, unknown: &Reply, what: &str| {
        assert_eq!((foreign.status, unknown.status), (404, 404), "{what}");
        assert_eq!(foreign.names(), unknown.names(), "{what}");
        assert_eq!(foreign.text(), unknown.text(), "{what}");
    };
    for (method, params) in &messages {
        let ask = |session: &str| in_session(session, method, params).bearer(&token("bob"));
        same(&hosted.ask(&ask(&own)).await, &hosted.ask(&ask(UNKNOWN)).await, method);
    }
    for note in ["notifications/initialized", "notifications/cancelled"] {
        let note = json!({ "jsonrpc": "2.0", "method": note, "params": { "requestId": 3 } });
        let ask = |session: &str| Ask::message(&note).session(session).bearer(&token("bob"));
        same(&hosted.ask(&ask(&own)).await, &hosted.ask(&ask(UNKNOWN)).await, "a note");
    }
    for method in ["GET", "DELETE"] {
        let ask = |session: &str| {
            Ask::new(method, "/mcp").header("Accept", "text/event-stream").session(session).bearer(&token("bob"))
        };
        same(&hosted.ask(&ask(&own)).await, &hosted.ask(&ask(UNKNOWN)).await, method);
    }
    assert_eq!(home.requests().len(), before, "bob did nothing in it");
    let reply = hosted.ask(&in_session(&own, "tools/call", &read).bearer(&token("ann"))).await;
    assert_eq!(reply.json()["result"]["structuredContent"]["value"], "of Staging/Stripe/password", "it's ann's still");
    let end = Ask::new("DELETE", "/mcp").session(&own);
    assert_eq!(hosted.ask(&end).await.status, 401, "an id is no token");
    assert!(is_open(&hosted, "ann", &own).await);
    assert!(hosted.ask(&end.bearer(&token("ann"))).await.status < 300);
    assert!(!is_open(&hosted, "ann", &own).await);
    assert!(!hosted.stop().await.contains(&own), "an id isn't logged");
}

#[tokio::test]
async fn a_cursor_of_somebody_else_shows_nothing_of_theirs() {
    let values = ["Ann/A/password", "Ann/B/password", "Bob/A/password", "Bob/B/password", "Bob/C/password"];
    let home = home(&[reads("ann", "Ann/**", ""), reads("bob", "Bob/**", "")], &values).await;
    let hosted = home.host(&format!("[http]\n{}", tokens(&["ann", "bob"]))).await;
    let list = async |who: &str, arguments: Value| hosted.call(&token(who), "list_secrets", arguments).await;
    let first = list("bob", json!({ "limit": 2 })).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    for arguments in [json!({}), json!({ "cursor": cursor }), json!({ "cursor": cursor, "limit": 1 })] {
        let seen = list("ann", arguments).await;
        assert!(!seen.to_string().contains("Bob"), "{seen}");
    }
    let rest = list("bob", json!({ "cursor": cursor })).await;
    assert_eq!(rest["secrets"].as_array().unwrap().len(), 1, "it's good for its own: {rest}");
    let params = modern(json!({ "uri": "opward://policy/mine" }));
    let mine = Ask::message(&json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params }));
    let [ann, bob] =
        [hosted.ask(&mine.clone().bearer(&token("ann"))).await, hosted.ask(&mine.bearer(&token("bob"))).await];
    assert!(ann.text().contains("Ann/**") && !ann.text().contains("Bob/**"), "{ann:?}");
    assert!(bob.text().contains("Bob/**") && !bob.text().contains("Ann/**"), "{bob:?}");
    hosted.stop().await;
}

#[tokio::test]
async fn who_asks_too_often_waits_and_nobody_else_does() {
    let home = home(&[everyone(&["read"])], &["Staging/Stripe/password"]).await;
    let limits = "limits = { requests = \"3/1h\", burst = 3 }\n";
    let hosted = home.host(&format!("[http]\n{limits}{}", tokens(&["ann", "bob"]))).await;
    let ask = |who: &str| call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token(who));
    for _ in 0..3 {
        assert_eq!(hosted.ask(&ask("ann")).await.status, 200);
    }
    for _ in 0..3 {
        let reply = hosted.ask(&ask("ann")).await;
        assert_eq!((reply.status, reply.code().as_str()), (429, "rate_limited"));
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((1000..=1200).contains(&wait), "the next one is taken after a third of an hour: {wait}");
        assert_eq!(reply.json()["error"]["data"]["error"]["retry_after_s"], wait);
    }
    // Whoever has no token uses up nobody's allowance.
    for _ in 0..5 {
        assert_eq!(hosted.ask(&ask("ann").without("authorization")).await.status, 401);
        assert_eq!(hosted.ask(&ask("nobody")).await.status, 401);
    }
    for _ in 0..3 {
        assert_eq!(hosted.ask(&ask("bob")).await.status, 200);
    }
    assert_eq!(hosted.ask(&ask("bob")).await.status, 429);
    let is_theirs = |record: &&Value| record["kind"] == "intent" && record["transport"] == "http";
    assert_eq!(home.requests().iter().filter(is_theirs).count(), 6, "what's refused isn't called");
    hosted.stop().await;
}

#[tokio::test]
async fn who_has_too_much_under_way_waits_and_nobody_else_does() {
    let home = home(&[everyone(&["read"])], &["Staging/Stripe/password"]).await;
    let hosted = home.host(&format!("[http]\nlimits = {{ concurrent = 2 }}\n{}", tokens(&["ann", "bob"]))).await;
    let ask = |who: &str| call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token(who));
    let mut held = [hosted.connect().await, hosted.connect().await];
    for wire in &mut held {
        wire.begin(&ask("ann")).await;
    }
    let third = hosted.ask(&ask("ann")).await;
    assert_eq!((third.status, third.code().as_str(), third.header("retry-after")), (429, "rate_limited", Some("1")));
    assert_eq!(hosted.ask(&ask("bob")).await.status, 200);
    let [mut first, second] = held;
    assert_eq!(first.finish(&ask("ann")).await.status, 200);
    assert_eq!(hosted.ask(&ask("ann")).await.status, 200, "there's room again");
    // Who goes away without an answer makes room as well, as soon as that's noticed.
    let mut fourth = hosted.connect().await;
    fourth.begin(&ask("ann")).await;
    assert_eq!(hosted.ask(&ask("ann")).await.status, 429);
    drop(second);
    let room = async {
        while hosted.ask(&ask("ann")).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), room).await.expect("room");
    assert_eq!(fourth.finish(&ask("ann")).await.status, 200);
    hosted.stop().await;
}

#[tokio::test]
async fn sessions_are_bounded_for_each_and_for_all() {
    let home = Home::new();
    let limits = "limits = { sessions = 3, sessions_per_principal = 2 }\n";
    let hosted = home.host(&format!("[http]\n{limits}{}", tokens(&["ann", "bob"]))).await;
    let [ann, bob] = ["ann", "bob"].map(token);
    let one = hosted.open(&ann, "2025-11-25").await;
    let two = hosted.open(&ann, "2025-06-18").await;
    assert!(is_open(&hosted, "ann", &one).await, "used again");
    let three = hosted.open(&ann, "2025-03-26").await;
    assert!(!is_open(&hosted, "ann", &two).await, "the one that was unused for longest gave way");
    assert!(is_open(&hosted, "ann", &one).await && is_open(&hosted, "ann", &three).await);
    let own = hosted.open(&bob, "2025-11-25").await;
    let full = hosted.ask(&Ask::initialize("2025-11-25").bearer(&bob)).await;
    assert_eq!((full.status, full.code().as_str(), full.header("retry-after")), (503, "rate_limited", Some("60")));
    assert!(is_open(&hosted, "bob", &own).await && is_open(&hosted, "ann", &one).await, "nobody's else gave way");
    // What has no session needs no room.
    assert_eq!(hosted.ask(&call("list_vaults", &json!({})).bearer(&bob)).await.status, 200);
    let end = Ask::new("DELETE", "/mcp").session(&one).bearer(&ann);
    assert!(hosted.ask(&end).await.status < 300);
    hosted.open(&bob, "2025-11-25").await;
    hosted.stop().await;
}
