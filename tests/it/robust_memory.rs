//! No copy of an idle value stays in the real server's memory.
//!
//! Only a build with debug assertions has the switch that lets a test look.

#![cfg(debug_assertions)]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own tools")]

use std::io::BufRead as _;

use rustix::process::Pid;
use serde_json::json;

use crate::mappings;
use crate::support_robust::{Home, Server, call, code};

/// A value of forty characters. What stands at a mark in its first half is looked for, so that half a value is found.
pub(crate) fn canary() -> String {
    let letters = |count| std::iter::repeat_with(|| char::from(rand::random_range(b'a'..=b'z'))).take(count);
    letters(12).chain(['~']).chain(letters(27)).collect()
}

/// Where texts stand in the writable memory of a process: which text, and what's around it.
pub(crate) fn copies_of(pid: Pid, texts: &[&str]) -> Vec<String> {
    let needles: Vec<&[u8]> = texts.iter().map(|text| &text.as_bytes()[13..25]).collect();
    let mut found = Vec::new();
    for (line, bytes) in mappings::writable(pid.as_raw_nonzero().get().unsigned_abs()) {
        let mut rest = bytes.as_slice();
        // The library's search for a byte is optimised even in this build.
        while rest.skip_until(b'~').unwrap() > 0 {
            for (number, _) in needles.iter().enumerate().filter(|(_, needle)| rest.starts_with(needle)) {
                let at = bytes.len() - rest.len();
                let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
                found.push(format!("value {number} in {line}: {:?}", String::from_utf8_lossy(around)));
            }
        }
    }
    found
}

pub(crate) fn check(server: &Server, canaries: &[&str], when: &str) {
    server.settle();
    let left = copies_of(server.pid(), canaries);
    assert!(left.is_empty(), "{when}, {} copies are left: {left:#?}", left.len());
}

#[test]
fn no_copy_of_an_idle_value_is_left() {
    let home = Home::new();
    let values: Vec<String> = (0..6).map(|_| canary()).collect();
    let [idle, got, put, changed, rotated, noted] = &values[..] else { unreachable!() };
    let all: Vec<&str> = values.iter().map(String::as_str).collect();
    home.put("V/Idle/credential", idle);
    home.put("V/Got/credential", got);
    home.put("V/Note/notesPlain", &format!("KEY={noted}\n"));
    for number in 0..20 {
        home.put(&format!("Other/I{number}/credential"), "unrelated");
    }
    let mut server = home.serve_with(|command| {
        command.env("OPWARD_TEST_READABLE", "1").env("OPWARD_LOG", "trace");
    });
    check(&server, &all, "after the start");
    assert_eq!(code(&server.call("list_secrets", &json!({}))), "none");
    check(&server, &all, "after the list");
    assert_eq!(server.get("V/Got/credential")["value"], **got);
    check(&server, &all, "after a get from the vault");
    assert_eq!(server.get("V/Got/credential")["value"], **got);
    check(&server, &all, "after a get from the cache");
    assert_eq!(server.call("get_env_bundle", &json!({ "path": "V/Note" }))["env"]["KEY"], **noted);
    check(&server, &all, "after a bundle");
    assert_eq!(code(&server.put("V/Put/credential", put)), "none");
    check(&server, &all, "after a put");
    assert_eq!(server.get("V/Put/credential")["value"], **put);
    assert_eq!(code(&server.put("V/Put/credential", changed)), "none");
    assert_eq!(
        code(&server.call("rotate_and_store", &json!({ "path": "V/Put/credential", "value": rotated }))),
        "none"
    );
    check(&server, &all, "after a rotation");
    assert_eq!(code(&server.call("rotate_and_store", &json!({ "path": "V/Got/credential" }))), "none");
    assert_eq!(server.get("V/Got/credential")["version"], 2);
    check(&server, &all, "after a generated value");
    for number in 0..60 {
        let path = format!("Other/I{}/credential", number % 20);
        if number % 7 == 0 {
            server.put(&path, "unrelated too");
        }
        server.get(&path);
    }
    check(&server, &all, "after unrelated traffic");
    server.put("not a path", put);
    server.call("put_secret", &json!({ "path": "V/Put", "value": [put] }));
    server.call("put_secret", &json!({ "path": "V/Put/credential", "value": put.repeat(3_000) }));
    check(&server, &all, "after refusals");

    // Were the scan blind, all of the above would be empty words: an unfinished message has to be there.
    let line = call(99, "put_secret", &json!({ "path": "V/X/credential", "value": idle }));
    std::io::Write::write_all(server.to.as_mut().unwrap(), line.as_bytes()).unwrap();
    server.settle();
    assert!(!copies_of(server.pid(), &[idle]).is_empty(), "the scan sees nothing");
}
