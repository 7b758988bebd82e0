//! The faults beneath HTTP: what's done, and what arrives.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_connect::{FakeConnect, Reply};
use crate::{get, item_path, read_item, rotate, stored_token};

/// Longer than any sound answer takes, shorter than a person waits.
const A_MOMENT: Duration = Duration::from_millis(300);

fn fault(what: &Value) -> FakeConnect {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "on": { "method": "PUT" }, "times": 1, "do": what }));
    fake
}

fn ask_for_a_moment(fake: &FakeConnect) -> std::io::Result<Reply> {
    let authorization = [("authorization", format!("Bearer {}", fake.token))];
    fake.exchange("GET", "/v1/vaults", &authorization, b"", A_MOMENT)
}

fn last_status(fake: &FakeConnect) -> Value {
    fake.requests().last().unwrap()["status"].clone()
}

#[test]
fn a_reset_comes_before_or_after_the_write() {
    for (name, stored) in [("reset", "canary-token"), ("reset_after_commit", "new")] {
        let fake = fault(&json!(name));
        let error = rotate(&fake, "new").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{name}: {error}");
        assert_eq!(last_status(&fake), Value::Null, "{name}");
        assert_eq!(stored_token(&fake), stored, "{name}");
        // It's over with that.
        assert_eq!(get(&fake, &item_path()).status, 200);
    }
}

#[test]
fn it_hangs_before_or_after_the_headers() {
    for (place, status) in [("before_headers", Value::Null), ("after_headers", json!(200))] {
        let fake = FakeConnect::built_in();
        fake.fault(&json!({ "times": 1, "do": { "hang": place } }));
        let error = ask_for_a_moment(&fake).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{place}: {error}");
        assert_eq!(last_status(&fake), status, "{place}");
        assert_eq!(get(&fake, "/v1/vaults").status, 200);
    }
}

#[test]
fn after_the_headers_it_hangs_without_a_byte_of_the_body() {
    use std::io::{Read as _, Write as _};

    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "do": { "hang": "after_headers" } }));
    let mut stream = std::net::TcpStream::connect(fake.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(A_MOMENT)).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut arrived = Vec::new();
    stream.read_to_end(&mut arrived).unwrap_err();
    let arrived = String::from_utf8(arrived).unwrap();
    assert!(arrived.starts_with("HTTP/1.1 200 OK\r\n") && arrived.ends_with("\r\n\r\n"), "{arrived}");
}

#[test]
fn a_body_drips() {
    let fake = FakeConnect::built_in();
    let path = format!("/v1/vaults/{}", crate::VAULT);
    let whole = get(&fake, &path).body;
    fake.fault(&json!({ "times": 1, "do": { "slow_body_bytes_per_s": 500 } }));
    let started = Instant::now();
    let slow = get(&fake, &path).body;
    let least = Duration::from_secs_f64(f64::from(u32::try_from(whole.len()).unwrap() - 50) / 500.0);
    assert!(started.elapsed() >= least, "{:?}, not {least:?}", started.elapsed());
    assert_eq!(slow, whole);
}

#[test]
fn a_body_is_cut_off_after_the_write() {
    let fake = fault(&json!("truncated_body"));
    let error = rotate(&fake, "new").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{error}");
    assert_eq!((last_status(&fake), stored_token(&fake)), (json!(200), "new".to_owned()));
}

#[test]
fn json_is_wrong_or_broken_after_the_write() {
    let fake = fault(&json!("wrong_json"));
    let reply = rotate(&fake, "new").unwrap();
    assert_eq!((reply.status, reply.json().is_array()), (200, true));
    assert_eq!(stored_token(&fake), "new");
    fake.fault(&json!({ "times": 1, "do": "wrong_json" }));
    assert!(get(&fake, "/v1/vaults").json().is_object());
    fake.fault(&json!({ "times": 1, "do": "broken_json" }));
    let reply = get(&fake, "/v1/vaults");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
}

#[test]
fn a_body_is_huge_with_or_without_saying_so() {
    let fake = FakeConnect::built_in();
    let right = read_item(&fake);
    for declared in [false, true] {
        fake.fault(&json!({ "times": 1, "do": { "huge_body": 3_000_000, "declared": declared } }));
        let reply = get(&fake, &item_path());
        assert_eq!(reply.body.len(), 3_000_000);
        assert_eq!(reply.header("content-length").is_some(), declared);
        let mut padded = reply.json();
        // The code of the moment may have changed in between.
        padded["fields"][3]["totp"] = right["fields"][3]["totp"].clone();
        assert_eq!(padded, right);
    }
}

#[test]
fn an_answer_is_late() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": { "delay_ms": 200 } }));
    let started = Instant::now();
    assert_eq!(get(&fake, "/v1/vaults").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[test]
fn it_ends_with_its_standard_input() {
    let mut fake = FakeConnect::built_in();
    fake.fault(&json!({ "do": { "hang": "before_headers" } }));
    ask_for_a_moment(&fake).unwrap_err();
    assert!(fake.stop().success());
}
