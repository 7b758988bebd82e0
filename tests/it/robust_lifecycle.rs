//! How a server ends, what it does when it's flooded, and two of them on one home.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test's own tools")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, Write as _};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support_robust::{Dice, Home, Server, call, code};

/// What the vault must have after a server ended with writes under way: everything it acknowledged.
fn check_kept(home: &Home, acknowledged: impl IntoIterator<Item = u64>) {
    let mut server = home.serve();
    for number in acknowledged {
        let answer = server.get(&format!("V/I{}/credential", number % 4));
        assert!(answer["value"].as_str().is_some_and(|value| value.starts_with('v')), "{number}: {answer}");
    }
    assert!(server.end().0.success());
    home.verify();
}

/// A home whose items are there already, so that each write changes one.
fn home_with_items() -> Home {
    let home = Home::new();
    (0..4).for_each(|number| home.put(&format!("V/I{number}/credential"), "first"));
    home
}

fn write_many(server: &mut Server, count: u64) {
    for number in 0..count {
        let path = format!("V/I{}/credential", number % 4);
        server.write(&call(100 + number, "put_secret", &json!({ "path": path, "value": format!("v{number}") })));
    }
}

fn acknowledged(lines: &str) -> Vec<u64> {
    let answers = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kept = answers.filter(|answer| answer["result"]["isError"] == false);
    kept.map(|answer| answer["id"].as_u64().unwrap() - 100).collect()
}

#[test]
fn at_the_end_of_input_everything_asked_is_answered_first() {
    let home = home_with_items();
    let mut server = home.serve();
    write_many(&mut server, 24);
    let (status, lines, said) = server.end();
    assert!(status.success(), "{status}: {said}");
    let kept = acknowledged(&lines);
    assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), 24, "{lines}");
    check_kept(&home, kept);
}

#[test]
fn told_to_end_it_finishes_what_it_began_and_exits_well() {
    let home = home_with_items();
    let mut dice = Dice::new(7);
    for round in 0..8 {
        let mut server = home.serve();
        write_many(&mut server, 16);
        // Somewhere in the middle: after so many answers.
        let mut lines: String = (0..dice.roll(12)).map(|_| server.line()).collect();
        server.signal(if round % 2 == 0 { Signal::TERM } else { Signal::INT });
        let (status, rest, said) = server.finish();
        assert!(status.success(), "{status}: {said}");
        lines.push_str(&rest);
        // Each line is whole, and so is the vault.
        check_kept(&home, acknowledged(&lines));
        // What was begun isn't left without its outcome.
        let records = home.records();
        let count = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
        assert_eq!(count("intent"), count("outcome"));
    }
}

#[test]
fn a_server_that_nobody_spoke_to_ends_well() {
    let home = Home::new();
    let (status, out, _) = home.start(|_| {}).end();
    assert!(status.success() && out.is_empty(), "{status} {out}");
    let server = home.serve();
    server.signal(Signal::TERM);
    assert!(server.finish().0.success());
    let home = tempfile::tempdir().unwrap();
    let nothing = crate::support_robust::opward(home.path()).arg("serve").output().unwrap();
    assert!(nothing.status.success() && nothing.stdout.is_empty(), "{nothing:?}");
}

#[test]
fn ten_thousand_requests_at_once_are_all_answered_in_bounded_memory() {
    let home = Home::new();
    home.put("V/I/credential", "the-value");
    let mut server = home.serve();
    assert_eq!(server.get("V/I/credential")["value"], "the-value");
    let before = server.status("VmRSS");
    let mut to = server.to.take().unwrap();
    let writing = std::thread::spawn(move || {
        let asked: String = (0..10_000)
            .map(|id| {
                let tool = if id % 2 == 0 { "get_secret" } else { "describe_secret" };
                let path = if id % 2 == 0 { "V/I/credential" } else { "V/I" };
                call(id, tool, &json!({ "path": path })) + "\n"
            })
            .collect();
        to.write_all(asked.as_bytes()).unwrap();
        to
    });
    let mut ids = BTreeSet::new();
    for _ in 0..10_000 {
        let answer = server.read();
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        assert!(ids.insert(answer["id"].as_u64().unwrap()), "answered twice: {answer}");
    }
    server.to = Some(writing.join().unwrap());
    let grown = server.status("VmHWM").saturating_sub(before);
    assert!(grown < 16 * 1024, "ten thousand requests took {grown} kB more");
    assert!(server.end().0.success());
}

#[test]
fn a_line_without_end_takes_no_memory_and_the_next_request_is_served() {
    let home = Home::new();
    let mut server = home.serve();
    let before = server.status("VmHWM");
    let mut to = server.to.take().unwrap();
    let writing = std::thread::spawn(move || {
        for _ in 0..64 {
            to.write_all(&vec![b'x'; 1024 * 1024]).unwrap();
        }
        to.write_all(b"\n").unwrap();
        to
    });
    // One refusal for the line, however long it is.
    let refusal = server.read();
    assert!(refusal["error"]["code"].is_i64(), "{refusal}");
    server.to = Some(writing.join().unwrap());
    assert_eq!(server.call("list_vaults", &json!({}))["vaults"], json!([]));
    let grown = server.status("VmHWM").saturating_sub(before);
    assert!(grown < 16 * 1024, "an endless line took {grown} kB");
    assert!(server.end().0.success());
}

#[test]
fn a_cancelled_write_is_done_or_not_done_and_never_half() {
    let home = Home::new();
    let mut server = home.serve();
    for id in 100..140 {
        server.write(&call(id, "put_secret", &json!({ "path": format!("V/C{id}/credential"), "value": "v" })));
        let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
        server.write(&cancel.to_string());
    }
    // The server goes on, and what's listed can be read.
    let listed = loop {
        server.write(&call(1, "list_secrets", &json!({})));
        let answer = server.read();
        if answer["id"] == 1 {
            break answer;
        }
    };
    for secret in listed["result"]["structuredContent"]["secrets"].as_array().unwrap() {
        let path = format!("{}/credential", secret["path"].as_str().unwrap());
        server.write(&call(2, "get_secret", &json!({ "path": path })));
        let value = loop {
            let answer = server.read();
            if answer["id"] == 2 {
                break answer["result"]["structuredContent"]["value"].clone();
            }
        };
        assert_eq!(value, "v");
    }
    let (status, ..) = server.end();
    assert!(status.success());
    home.verify();
}

#[test]
fn two_servers_on_one_home_lose_no_update_and_keep_one_chain() {
    let home = Home::new();
    home.put("V/Counter/credential", "0");
    let counted: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|who| {
                scope.spawn({
                    let home = &home;
                    move || count_up(home, who)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let mut server = home.serve();
    assert_eq!(server.get("V/Counter/credential")["value"], counted.to_string());
    for who in 0..2 {
        for number in 0..10 {
            assert_eq!(server.get(&format!("V/Own{who}-{number}/credential"))["value"], format!("{who}-{number}"));
        }
    }
    assert!(server.end().0.success());
    home.verify();
}

/// Adds one to a shared number, thirty times, and writes items of its own in between.
fn count_up(home: &Home, who: u64) -> u64 {
    let mut server = home.serve();
    let mut done = 0;
    let mut tries = 0;
    while done < 30 {
        tries += 1;
        assert!(tries < 3_000, "another's change is never seen");
        let now = server.get("V/Counter/credential");
        let next = now["value"].as_str().unwrap_or_else(|| panic!("{now}")).parse::<u64>().unwrap() + 1;
        let change = json!({ "path": "V/Counter/credential", "value": next.to_string(), "if_version": now["version"] });
        let answer = server.call("put_secret", &change);
        match code(&answer) {
            "none" => done += 1,
            "conflict" => {}
            _ => panic!("{answer}"),
        }
        if done % 3 == 0 {
            let number = done / 3 % 10;
            let own = server.put(&format!("V/Own{who}-{number}/credential"), &format!("{who}-{number}"));
            assert_eq!(code(&own), "none", "{own}");
        }
    }
    assert!(server.end().0.success());
    done
}

#[test]
fn bytes_that_are_no_protocol_never_end_the_server() {
    let home = Home::new();
    let mut server = home.serve();
    let to = server.to.as_mut().unwrap();
    for line in
        [&b"\xff\xfe\n"[..], b"{\n", b"[]\n", b"null\n", b"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nothing\"}\n"]
    {
        to.write_all(line).unwrap();
        let mut answer = String::new();
        server.from.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
    assert_eq!(code(&server.call("list_secrets", &json!({}))), "none");
    // The end in the middle of a message is an end.
    server.to.as_mut().unwrap().write_all(b"{\"jsonrpc\":").unwrap();
    let (status, rest, _) = server.end();
    assert!(status.success(), "{status}");
    assert!(rest.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{rest}");
    assert!(fs::metadata(home.file("audit.jsonl")).unwrap().len() > 0);
}
