//! A server that's killed at any moment: what it delivered is on record, what it acknowledged is kept.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test's own tools")]

use std::collections::HashMap;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support_robust::{Dice, Home, Server, call, code};

const LANES: u64 = 4;
const KILLS: u64 = 200;

/// The items one lane works on; each has one request under way at a time.
const ITEMS: [&str; 3] = ["Load/A/credential", "Load/B/credential", "Load/C/credential"];
/// The one whose values nobody but the vault knows.
const ROTATED: &str = "Load/R/password";

/// What was acknowledged so far.
#[derive(Default)]
struct Known {
    /// The number last sent for an item, and the one last acknowledged.
    sent: HashMap<&'static str, u64>,
    kept: HashMap<&'static str, u64>,
    version: u64,
    /// How often each item's value was delivered.
    delivered: HashMap<&'static str, usize>,
}

#[test]
fn two_hundred_kills_lose_nothing_acknowledged_and_deliver_nothing_unrecorded() {
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            scope.spawn(move || kill_again_and_again(lane));
        }
    });
}

fn kill_again_and_again(lane: u64) {
    let home = Home::new();
    for item in ITEMS {
        home.put(item, "n0;");
    }
    home.put(ROTATED, "first");
    let mut dice = Dice::new(lane + 1);
    let mut known = Known { version: 1, ..Known::default() };
    for round in 0..KILLS / LANES {
        let mut server = home.serve();
        check_what_is_kept(&mut server, &mut known);
        let pid = server.pid();
        let wait = Duration::from_micros(dice.roll(150_000));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(wait);
            let _gone = rustix::process::kill_process(pid, Signal::KILL);
        });
        load(&mut server, &mut known, &mut dice);
        killer.join().unwrap();
        let (status, ..) = server.finish();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "lane {lane}, round {round}");
        check_records(&home, &known);
    }
    let mut server = home.serve();
    check_what_is_kept(&mut server, &mut known);
    assert!(server.end().0.success());
    home.verify();
    let changes = known.kept.values().sum::<u64>() + known.version;
    assert!(changes > 20, "there was hardly any load: {changes} changes");
}

/// Keeps one request under way for each item until the server is gone.
fn load(server: &mut Server, known: &mut Known, dice: &mut Dice) {
    let mut id = 1_000;
    let mut waiting = HashMap::new();
    for place in 0..=ITEMS.len() {
        id += 1;
        waiting.insert(id, ask(server, known, dice, id, place));
    }
    loop {
        let line = server.line();
        let Ok(answer) = serde_json::from_str::<Value>(&line) else {
            // The server is gone; what came of its last line may hold a value all the same.
            for (place, _) in waiting.into_values() {
                if place < ITEMS.len() && line.contains(&format!("\"{}\"", ITEMS[place])) && line.contains("\"value\"")
                {
                    *known.delivered.entry(ITEMS[place]).or_default() += 1;
                }
            }
            return;
        };
        let (place, asked) = waiting.remove(&answer["id"].as_u64().unwrap()).unwrap();
        let body = &answer["result"]["structuredContent"];
        assert_eq!(code(body), "none", "{body}");
        match asked {
            Asked::Get => *known.delivered.entry(ITEMS[place]).or_default() += 1,
            Asked::Put(number) => drop(known.kept.insert(ITEMS[place], number)),
            Asked::Rotate => known.version = body["version"].as_u64().unwrap(),
        }
        id += 1;
        waiting.insert(id, ask(server, known, dice, id, place));
    }
}

enum Asked {
    Get,
    Put(u64),
    Rotate,
}

fn ask(server: &mut Server, known: &mut Known, dice: &mut Dice, id: u64, place: usize) -> (usize, Asked) {
    let Some(&item) = ITEMS.get(place) else {
        server.write(&call(id, "rotate_and_store", &json!({ "path": ROTATED })));
        return (place, Asked::Rotate);
    };
    if dice.roll(2) == 0 {
        server.write(&call(id, "get_secret", &json!({ "path": item })));
        return (place, Asked::Get);
    }
    let number = known.sent.entry(item).or_default();
    *number += 1;
    server.write(&call(id, "put_secret", &json!({ "path": item, "value": format!("n{number};") })));
    (place, Asked::Put(*number))
}

/// The vault opens, and has what was acknowledged or what was sent after it.
fn check_what_is_kept(server: &mut Server, known: &mut Known) {
    for item in ITEMS {
        let answer = server.get(item);
        *known.delivered.entry(item).or_default() += 1;
        let value = answer["value"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let number: u64 = value.trim_start_matches('n').trim_end_matches(';').parse().unwrap();
        let (kept, sent) =
            (known.kept.get(item).copied().unwrap_or_default(), known.sent.get(item).copied().unwrap_or_default());
        assert!((kept..=sent).contains(&number), "{item} has {number}; acknowledged {kept}, sent {sent}");
        known.kept.insert(item, number);
    }
    let item = server.call("describe_secret", &json!({ "path": "Load/R" }));
    let version = item["version"].as_u64().unwrap();
    assert!(version >= known.version, "version {version} after {} was acknowledged", known.version);
    known.version = version;
}

/// Each delivered value has an intent of its own in the log, which holds together.
fn check_records(home: &Home, known: &Known) {
    let report = opward::audit::verify(&home.file("audit.jsonl")).unwrap();
    assert!(report.bad.is_none(), "{report}");
    let records = home.records();
    for (item, delivered) in &known.delivered {
        let intents = records
            .iter()
            .filter(|record| record["kind"] == "intent" && record["action"] == "read" && record["path"] == **item);
        let intents = intents.count();
        assert!(intents >= *delivered, "{item} was delivered {delivered} times on {intents} intents");
    }
}
