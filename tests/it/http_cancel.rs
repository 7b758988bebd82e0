//! Clients that go away at any point of a request, and take requests back: nothing is left half done.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own tools")]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_op::{self, FakeOp};
use crate::http_wire::{Hosted, LEGACY, MODERN, Wire, call};
use crate::support_robust::{Home, call as legacy_call, code, wait_until};

const ANN: usize = 0;
const PATH: &str = "Staging/GitHub/password";
const OLD: &str = "value-github-password";

/// The ways a request can be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// As nearly every client does.
    Modern,
    /// With a name that the protocol's crate reads.
    Long,
    Session,
}

const WAYS: [Way; 3] = [Way::Modern, Way::Long, Way::Session];

struct Stage {
    home: Home,
    op: FakeOp,
    hosted: Hosted,
    session: String,
    at_rest: usize,
}

impl Stage {
    fn start(http: &str) -> Self {
        let home = Home::new();
        let folder = home.file("far");
        fs::create_dir(&folder).unwrap();
        let op = fake_op::install(&folder, &fake_op::seed());
        let config = format!(
            "version = 1\npolicy = \"policy.toml\"\n[[source]]\nname = \"far\"\nkind = \"op\"\ncommand = {:?}\n\
             token_file = \"far.token\"\n[audit]\nfile = {:?}\n",
            op.command,
            home.file("audit.jsonl")
        );
        for (name, text) in [("opward.toml", config.as_str()), ("far.token", fake_op::TOKEN)] {
            fs::write(home.file(name), text).unwrap();
            fs::set_permissions(home.file(name), Permissions::from_mode(0o600)).unwrap();
        }
        let hosted = Hosted::start(&home, &["ann", "bob"], http, |command| {
            command.env("PATH", "/usr/bin:/bin").env("OPWARD_LOG", "trace,json");
        });
        hosted.server.settle();
        let at_rest = hosted.sockets();
        // What items there are is known from here on.
        let mut wire = hosted.connect();
        assert_eq!(code(&wire.call(&hosted.tokens[ANN], "list_vaults", &json!({}))), "none");
        let session = wire.initialize(&hosted.tokens[ANN]);
        wire.close();
        hosted.all_closed(at_rest);
        op.forget_calls();
        Self { home, op, hosted, session, at_rest }
    }

    fn token(&self) -> &str {
        &self.hosted.tokens[ANN]
    }

    fn bytes(&self, wire: &Wire, way: Way, id: u64, tool: &str, arguments: &Value) -> Vec<u8> {
        let name = match tool {
            "get_secret" => "=?base64?Z2V0X3NlY3JldA==?=",
            _ => "=?base64?cHV0X3NlY3JldA==?=",
        };
        let name = if way == Way::Long { name } else { tool };
        match way {
            Way::Modern | Way::Long => {
                let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"), ("Mcp-Name", name)];
                wire.bytes(self.token(), &headers, &call(id, tool, arguments))
            }
            Way::Session => {
                let headers = [("MCP-Protocol-Version", LEGACY), ("Mcp-Session-Id", self.session.as_str())];
                wire.bytes(self.token(), &headers, &legacy_call(id, tool, arguments))
            }
        }
    }

    fn get(&self) -> Value {
        self.hosted.once(ANN, "get_secret", &json!({ "path": PATH }))
    }

    /// Waits until nothing that was begun is under way.
    fn rest(&self) {
        self.hosted.all_closed(self.at_rest);
        wait_until("every op has ended", || self.op.calls().iter().all(|call| !runs(call.pid)));
        wait_until("every intent has its outcome", || open_intents(&self.home).is_empty());
    }

    /// Checks what must hold when all is over.
    fn end(mut self) {
        self.rest();
        self.home.verify();
        let said = self.hosted.server.said();
        for text in [OLD, "value-", "n3w-", "ops_seed", &self.hosted.tokens[0][4..], &self.hosted.tokens[1][4..]] {
            assert!(!said.contains(text), "{text} in the log: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Whether a process is there, and not just waiting to be buried.
fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    status.is_ok_and(|status| !status.rsplit(") ").next().unwrap().starts_with('Z'))
}

/// The requests with more intents than outcomes.
fn open_intents(home: &Home) -> Vec<String> {
    let mut open = BTreeMap::<String, i64>::new();
    for record in home.records() {
        let change = match record["kind"].as_str().unwrap() {
            "intent" => 1,
            "outcome" => -1,
            _ => 0,
        };
        *open.entry(record["request"].as_str().unwrap().to_owned()).or_default() += change;
    }
    open.into_iter().filter(|(_, count)| *count != 0).map(|(request, _)| request).collect()
}

#[test]
fn a_client_that_goes_away_before_its_request_is_whole_asked_nothing() {
    let stage = Stage::start("limits = { concurrent = 2 }\n");
    let before = stage.home.records().len();
    for way in WAYS {
        for (tool, arguments) in
            [("get_secret", json!({ "path": PATH })), ("put_secret", json!({ "path": PATH, "value": "n3w-half" }))]
        {
            let whole = stage.bytes(&stage.hosted.connect(), way, 1, tool, &arguments);
            let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            for cut in [head / 2, head - 1, head, head + 1, head.midpoint(whole.len()), whole.len() - 1] {
                let mut wire = stage.hosted.connect();
                wire.write(&whole[..cut]);
                if cut >= head {
                    stage.hosted.server.settle();
                }
                wire.close();
            }
        }
    }
    stage.rest();
    assert_eq!(stage.home.records().len(), before, "nothing was asked, so nothing is recorded");
    assert!(stage.op.calls().is_empty());
    assert_eq!(stage.get()["value"], OLD);
    stage.end();
}

#[test]
fn a_read_that_nobody_waits_for_is_ended() {
    for way in WAYS {
        // What's read once isn't asked for again, so each has its own.
        let stage = Stage::start("limits = { concurrent = 2 }\n");
        stage.op.fault(json!({ "on": "item get", "times": null, "do": "hang" }));
        // As many as may be under way, twice: the second two only get in if the first two's turns were given back.
        for _ in 0..2 {
            let mut wires = Vec::new();
            for id in 1..=2 {
                let mut wire = stage.hosted.connect();
                let field = ["password", "username"][id - 1];
                let arguments = json!({ "path": format!("Staging/GitHub/{field}") });
                wire.write(&stage.bytes(&wire, way, u64::try_from(id).unwrap(), "get_secret", &arguments));
                wires.push(wire);
            }
            wait_until("op is asked", || stage.op.calls().iter().any(|call| runs(call.pid)));
            let mut third = stage.hosted.connect();
            third.write(&stage.bytes(&third, way, 3, "get_secret", &json!({ "path": PATH })));
            let answer = third.response();
            assert_eq!(answer.status, 429, "{way:?}: two are under way: {answer:?}");
            third.close();
            wires.into_iter().for_each(Wire::close);
            stage.rest();
        }
        stage.op.no_faults();
        assert_eq!(stage.get()["value"], OLD, "{way:?}");
        stage.end();
    }
}

#[test]
fn a_session_takes_its_own_requests_back_and_no_others() {
    let stage = Stage::start("limits = { concurrent = 4 }\n");
    stage.op.fault(json!({ "on": "item get", "times": 1, "do": "hang" }));
    let mut wire = stage.hosted.connect();
    wire.write(&stage.bytes(&wire, Way::Session, 77, "get_secret", &json!({ "path": PATH })));
    wait_until("op is asked", || stage.op.calls().iter().any(|call| runs(call.pid)));
    let cancel = |id: Value| {
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }).to_string()
    };
    let mut other = stage.hosted.connect();
    let ann = stage.token().to_owned();
    let bob = stage.hosted.tokens[1].clone();
    let session = stage.session.clone();
    let theirs = other.initialize(&bob);
    let mine = other.initialize(&ann);
    for (token, session, id, status) in [
        (&bob, &session, json!(77), 404),
        (&bob, &theirs, json!(77), 202),
        (&ann, &mine, json!(77), 202),
        (&ann, &session, json!("77"), 202),
        (&ann, &session, json!(78), 202),
    ] {
        let said = other.post(token, &[("Mcp-Session-Id", session)], &cancel(id));
        assert_eq!(said.status, status);
    }
    stage.hosted.server.settle();
    assert!(stage.op.calls().iter().any(|call| runs(call.pid)), "nobody else's word counts");
    let said = other.post(&ann, &[("Mcp-Session-Id", &session)], &cancel(json!(77)));
    assert_eq!(said.status, 202);
    assert_eq!(wire.response().message()["id"], 77, "it's answered, as any request");
    wire.close();
    other.close();
    stage.rest();
    assert_eq!(stage.get()["value"], OLD);
    stage.end();
}

#[test]
fn a_write_that_nobody_waits_for_is_finished() {
    let stage = Stage::start("");
    for (number, way) in WAYS.into_iter().enumerate() {
        stage.op.forget_calls();
        stage.op.fault(json!({ "on": "item edit", "times": 1, "do": { "delay_ms": 500 } }));
        let value = format!("n3w-value-{number}");
        let mut wire = stage.hosted.connect();
        wire.write(&stage.bytes(&wire, way, 1, "put_secret", &json!({ "path": PATH, "value": value })));
        wait_until("op is asked to change", || !stage.op.calls_of("item edit").is_empty());
        wire.close();
        stage.rest();
        let outcome = stage.home.records().into_iter().rfind(|record| record["action"] == "write").unwrap();
        assert_eq!((&outcome["kind"], &outcome["code"]), (&json!("outcome"), &Value::Null), "{way:?}: {outcome}");
        assert_eq!(stage.get()["value"], value, "{way:?}");
    }
    stage.end();
}

#[test]
fn who_asks_for_changes_and_leaves_has_no_more_under_way_than_who_waits() {
    let leaves = |way| {
        let stage = Stage::start("limits = { concurrent = 2 }\n");
        stage.op.fault(json!({ "on": "item edit", "times": null, "do": { "delay_ms": 3000 } }));
        for number in 1..=2 {
            let mut wire = stage.hosted.connect();
            let arguments = json!({ "path": PATH, "value": format!("n3w-{number}") });
            wire.write(&stage.bytes(&wire, way, 1, "put_secret", &arguments));
            wait_until("the change is decided on", || open_intents(&stage.home).len() == number);
            stage.hosted.server.settle();
            wire.close();
        }
        stage.hosted.all_closed(stage.at_rest);
        let mut wire = stage.hosted.connect();
        let arguments = json!({ "path": PATH, "value": "n3w-3" });
        wire.write(&stage.bytes(&wire, way, 1, "put_secret", &arguments));
        let answer = wire.response();
        assert_eq!(answer.status, 429, "{way:?}: two are under way: {answer:?}");
        wire.close();
        stage.rest();
        assert_eq!(stage.get()["value"], "n3w-2", "{way:?}");
        stage.end();
    };
    std::thread::scope(|scope| WAYS.map(|way| scope.spawn(move || leaves(way))).map(|thread| thread.join().unwrap()));
}

#[test]
fn wherever_a_write_is_left_its_value_is_what_its_record_says() {
    let stage = Stage::start("");
    let mut last = OLD.to_owned();
    for round in 0..24_u64 {
        let way = WAYS[usize::try_from(round % 3).unwrap()];
        let value = format!("n3w-value-{round}");
        let before = stage.home.records().len();
        let mut wire = stage.hosted.connect();
        wire.write(&stage.bytes(&wire, way, 1, "put_secret", &json!({ "path": PATH, "value": value })));
        // Somewhere between the request and its answer.
        let until = Instant::now() + Duration::from_millis(round * 5);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        wire.close();
        stage.rest();
        let records = stage.home.records().split_off(before);
        let outcomes: Vec<_> = records.iter().filter(|record| record["kind"] == "outcome").collect();
        let done = outcomes.iter().any(|record| record["action"] == "write" && record["code"].is_null());
        if done {
            last = value;
        }
        assert_eq!(stage.get()["value"], last, "{way:?} after {round}: {records:?}");
    }
    stage.end();
}

#[test]
fn streams_that_nobody_reads_are_few_and_given_back() {
    let stage = Stage::start("limits = { concurrent = 2 }\n");
    let headers = [("Mcp-Session-Id", stage.session.as_str()), ("MCP-Protocol-Version", LEGACY)];
    let listen = || {
        let mut wire = stage.hosted.connect();
        let get = wire.bodiless("GET", stage.token(), &headers);
        wire.write(&get);
        let (status, _) = wire.head();
        (status, wire)
    };
    for _ in 0..2 {
        let streams: Vec<_> = (0..6).map(|_| listen()).collect();
        let statuses: Vec<u16> = streams.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 429, 429]);
        assert_eq!(stage.get()["value"], OLD, "requests aren't in their way");
        for (_, wire) in streams {
            wire.close();
        }
        stage.rest();
    }
    stage.end();
}

#[test]
fn who_leaves_with_many_requests_in_the_pipe_leaves_nothing() {
    let stage = Stage::start("limits = { concurrent = 2 }\n");
    for way in WAYS {
        let mut wire = stage.hosted.connect();
        let one = stage.bytes(&wire, way, 1, "get_secret", &json!({ "path": PATH }));
        wire.write(&one.repeat(8));
        // In the middle of an answer.
        let (status, _) = wire.head();
        assert_eq!(status, 200);
        wire.close();
        stage.rest();
        assert_eq!(stage.get()["value"], OLD);
    }
    stage.end();
}
