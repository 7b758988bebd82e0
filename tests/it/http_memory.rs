//! No copy of a value or a token stays in the hosted server's memory.
//!
//! Not even while the connection that brought it is still open; but TLS keeps what it deciphered last in a buffer that
//! lives as long as its connection. Only a build with debug assertions has the switch that lets a test look.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own tools")]

use std::io::BufRead as _;

use base64::Engine as _;
use serde_json::json;

use crate::http_wire::{Hosted, MODERN, Wire, call};
use crate::mappings;
use crate::robust_memory::{canary, copies_of};
use crate::support_robust::{Home, code};

/// Where the tokens stand: twelve characters behind the mark that all begin with.
fn copies_of_tokens(hosted: &Hosted) -> Vec<String> {
    let needles: Vec<&[u8]> = hosted.tokens.iter().map(|token| &token.as_bytes()[4..16]).collect();
    let pid = hosted.server.pid().as_raw_nonzero().get().unsigned_abs();
    let mut found = Vec::new();
    for (line, bytes) in mappings::writable(pid) {
        let mut rest = bytes.as_slice();
        while rest.skip_until(b'_').unwrap() > 0 {
            for (number, _) in needles.iter().enumerate().filter(|(_, needle)| rest.starts_with(needle)) {
                let at = bytes.len() - rest.len();
                let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
                found.push(format!("token {number} in {line}: {:?}", String::from_utf8_lossy(around)));
            }
        }
    }
    found
}

fn values(hosted: &Hosted, texts: &[&str]) -> Vec<String> {
    hosted.server.settle();
    copies_of(hosted.server.pid(), texts)
}

fn none(hosted: &Hosted, texts: &[&str], when: &str) {
    let left = values(hosted, texts);
    assert!(left.is_empty(), "{when}, {} copies are left: {:#?}", left.len(), &left[..left.len().min(5)]);
}

/// Nothing at all is left once all connections are closed.
fn closed(hosted: &Hosted, at_rest: usize, texts: &[&str], when: &str) {
    hosted.all_closed(at_rest);
    none(hosted, texts, when);
    let tokens = copies_of_tokens(hosted);
    assert!(tokens.is_empty(), "{when}, {} copies of tokens are left: {tokens:#?}", tokens.len());
}

/// At most so many copies of values and of tokens: for TLS keeps the last record of each open connection.
fn at_most(hosted: &Hosted, most: usize, texts: &[&str], when: &str) {
    let left = values(hosted, texts);
    assert!(left.len() <= most, "{when}, {} copies are left: {left:#?}", left.len());
    let tokens = copies_of_tokens(hosted);
    assert!(tokens.len() <= most, "{when}, {} copies of tokens are left: {tokens:#?}", tokens.len());
}

/// A call whose name is written in the long way, which the protocol's crate answers.
fn call_long(wire: &mut Wire, token: &str, tool: &str, arguments: &serde_json::Value) -> serde_json::Value {
    let name = format!("=?base64?{}?=", base64::engine::general_purpose::STANDARD.encode(tool));
    let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"), ("Mcp-Name", name.as_str())];
    wire.post(token, &headers, &call(1, tool, arguments)).structured()
}

/// `kept` is how many copies each open connection may have of what it brought.
fn nothing_stays(kept: usize, start: impl FnOnce(&Home) -> Hosted) {
    let home = Home::new();
    let canaries: Vec<String> = (0..10).map(|_| canary()).collect();
    let [idle, got, noted, put, changed, rotated, refused, garbled, aborted, unread] = &canaries[..] else {
        unreachable!()
    };
    let all: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let read: [&str; 3] = [idle, got, noted];
    home.put("V/Idle/credential", idle);
    home.put("V/Got/credential", got);
    home.put("V/Note/notesPlain", &format!("KEY={noted}\n"));
    for number in 0..10 {
        home.put(&format!("Other/I{number}/credential"), "unrelated");
    }
    let mut hosted = start(&home);
    let (ann, bob) = (hosted.tokens[0].clone(), hosted.tokens[1].clone());
    hosted.server.settle();
    let at_rest = hosted.sockets();
    closed(&hosted, at_rest, &all, "after the start");

    // What's read is nowhere, though the connection is still open.
    let got_it = json!({ "path": "V/Got/credential" });
    let mut modern = hosted.connect();
    for _ in 0..2 {
        assert_eq!(modern.call(&ann, "get_secret", &got_it)["value"], **got);
        none(&hosted, &all, "after a get");
    }
    assert_eq!(call_long(&mut modern, &ann, "get_secret", &got_it)["value"], **got);
    none(&hosted, &all, "after a get in the long way");
    let mut legacy = hosted.connect();
    let session = legacy.initialize(&ann);
    for _ in 0..2 {
        assert_eq!(legacy.call_in(&session, &ann, "get_secret", &got_it)["value"], **got);
        none(&hosted, &all, "after a get in a session");
    }
    let bundle = modern.call(&bob, "get_env_bundle", &json!({ "path": "V/Note" }));
    assert_eq!(bundle["env"]["KEY"], **noted);
    none(&hosted, &all, "after a bundle");
    let rotate = json!({ "path": "V/Got/credential" });
    assert_eq!(code(&legacy.call_in(&session, &ann, "rotate_and_store", &rotate)), "none");
    assert_eq!(modern.call(&ann, "get_secret", &got_it)["version"], 2);
    none(&hosted, &all, "after a generated value");

    // What's written isn't either.
    let write = |value: &str| json!({ "path": "V/Put/credential", "value": value });
    assert_eq!(code(&modern.call(&ann, "put_secret", &write(put))), "none");
    at_most(&hosted, 2 * kept, &all, "after a put");
    let large = modern.call(&ann, "put_secret", &write(&put.repeat(1_500)));
    assert_eq!(code(&large), "none");
    hosted.server.settle();
    for _ in 0..3 {
        assert_eq!(code(&modern.call(&ann, "put_secret", &write(put))), "none");
    }
    assert_eq!(code(&call_long(&mut modern, &ann, "put_secret", &write(changed))), "none");
    assert_eq!(code(&legacy.call_in(&session, &ann, "rotate_and_store", &write(rotated))), "none");
    if kept == 0 {
        at_most(&hosted, 0, &all, "after many puts, small and large");
    }
    none(&hosted, &read, "after writing");
    modern.close();
    legacy.close();
    closed(&hosted, at_rest, &all, "after the connections were closed");

    // Refused, garbled and broken off.
    let mut wire = hosted.connect();
    let bad = json!({ "path": "V/Put", "value": [refused] });
    assert_eq!(code(&wire.call(&ann, "put_secret", &bad)), "invalid");
    let bad = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{refused}","params":{{"a":"{garbled}","a":1}}}}"#);
    assert_eq!(wire.post(&ann, &[], &bad).status, 400);
    assert_eq!(wire.post("opw_nobodys", &[("X-Vault-ID", garbled)], &bad).status, 401);
    assert_eq!(wire.post(&ann, &[("Mcp-Session-Id", garbled)], &bad).status, 404);
    let whole = wire.call_bytes(&ann, "put_secret", &write(aborted));
    wire.close();
    let mut wire = hosted.connect();
    wire.write(&whole[..whole.len() - 1]);
    let there = values(&hosted, &[aborted]);
    // While it's being received: what TLS deciphered, what the connection read, and the body so far.
    assert!((1..=3).contains(&there.len()), "the scan sees nothing, or too much: {there:#?}");
    wire.close();
    closed(&hosted, at_rest, &all, "after refusals");

    // What's refused before it's read is thrown away without a trace, too.
    for (token, size) in [("opw_nobodys", 300_000), (ann.as_str(), 1_500_000)] {
        for _ in 0..3 {
            let mut wire = hosted.connect();
            let bytes = wire.call_bytes(token, "put_secret", &write(&unread.repeat(size / unread.len())));
            assert!([401, 413].contains(&wire.post_unread(&bytes).status));
            wire.close();
        }
        closed(&hosted, at_rest, &all, "after bodies that nobody read");
    }

    for number in 0..40 {
        let path = format!("Other/I{}/credential", number % 10);
        let who = number % 2;
        if number % 7 == 0 {
            hosted.once(who, "put_secret", &json!({ "path": path, "value": "unrelated too" }));
        }
        assert_eq!(code(&hosted.once(who, "get_secret", &json!({ "path": path }))), "none");
    }
    closed(&hosted, at_rest, &all, "after unrelated traffic");

    let said = hosted.server.said();
    assert!(said.contains("rotate_and_store"), "the log doesn't say what happened: {said}");
    for text in all.iter().copied().chain(hosted.tokens.iter().map(|token| &token[4..])) {
        assert!(!said.contains(&text[13..25]), "{text} in the log");
    }
    let records = std::fs::read_to_string(home.file("audit.jsonl")).unwrap();
    assert!(canaries.iter().chain(&hosted.tokens).all(|text| !records.contains(&text[13..25])));
    home.verify();
}

fn readable(log: &str) -> impl FnOnce(&mut std::process::Command) {
    move |command| {
        command.env("OPWARD_TEST_READABLE", "1").env("OPWARD_LOG", log);
    }
}

#[test]
fn no_copy_of_a_value_or_token_is_left() {
    nothing_stays(0, |home| Hosted::start(home, &["ann", "bob"], "access_log = true\n", readable("trace")));
}

#[test]
fn no_copy_of_a_value_or_token_is_left_with_tls() {
    nothing_stays(1, |home| Hosted::start_tls(home, &["ann", "bob"], "access_log = true\n", readable("json,trace")));
}
