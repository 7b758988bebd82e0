//! Each fault does what it says, to the requests that it's for.

use serde_json::{Value, json};

use crate::fake_connect::FakeConnect;
use crate::{
    ITEM, TOKEN_FIELD, VAULT, assert_refused, create, get, item_path, items_path, new_password, read_item, rotate,
    stored_token, value_of, with_value,
};

fn seen_token(fake: &FakeConnect) -> String {
    value_of(&read_item(fake), TOKEN_FIELD).unwrap()
}

#[test]
fn a_status_is_answered_as_told_so_often_and_nothing_done() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({
        "on": { "method": "PUT", "path": ITEM }, "times": 2,
        "do": { "status": 429, "message": "slow down", "headers": { "Retry-After": "7" } },
    }));
    for _ in 0..2 {
        let reply = rotate(&fake, "lost").unwrap();
        assert_refused(&reply, 429, "slow down");
        assert_eq!(reply.header("retry-after"), Some("7"));
    }
    assert_eq!(stored_token(&fake), "canary-token");
    assert_eq!(rotate(&fake, "kept").unwrap().status, 200);
    fake.fault(&json!({ "do": { "status": 503, "body": "" } }));
    for _ in 0..3 {
        let reply = get(&fake, "/heartbeat");
        assert_eq!((reply.status, reply.body.len()), (503, 0));
    }
    fake.clear_faults();
    assert_eq!(get(&fake, "/heartbeat").status, 200);
}

#[test]
fn a_fault_is_for_its_method_and_path_only() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "on": { "method": "GET", "path": "filter=" }, "times": null, "do": { "status": 500 } }));
    assert_eq!(get(&fake, &items_path()).status, 200);
    assert_eq!(get(&fake, &format!("{}?filter=title%20eq%20%22Twin%22", items_path())).status, 500);
    assert_eq!(create(&fake, &new_password()).status, 200);
}

#[test]
fn faults_are_taken_in_their_order() {
    let fake = FakeConnect::built_in();
    for status in [500, 502] {
        fake.fault(&json!({ "times": 1, "do": { "status": status } }));
    }
    assert_eq!([0, 0, 0].map(|_| get(&fake, "/v1/vaults").status), [500, 502, 200]);
}

#[test]
fn a_fault_that_cannot_be_read_is_refused() {
    let fake = FakeConnect::built_in();
    for wrong in [
        json!({ "do": "rest" }),
        json!({ "on": { "verb": "GET" }, "do": "reset" }),
        json!({ "times": 0, "do": "reset" }),
        json!({ "do": { "hang": "somewhere" } }),
        json!({}),
    ] {
        let reply = fake.send("POST", "/_fake/faults", Some(&json!([{ "do": "reset" }, wrong]))).unwrap();
        assert_eq!(reply.status, 400, "{wrong}");
    }
    // Nor was the good one before it taken.
    assert_eq!(get(&fake, "/heartbeat").status, 200);
}

#[test]
fn a_proxy_answers_with_a_page() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": { "html": 502 } }));
    let reply = get(&fake, "/v1/vaults");
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html")));
    assert!(reply.body.starts_with(b"<html>"));
}

#[test]
fn a_conflict_happens_once_to_a_write() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "on": null, "times": null, "do": "conflict_once" }));
    let item = with_value(read_item(&fake), TOKEN_FIELD, "second");
    let put = || fake.send("PUT", &item_path(), Some(&item)).unwrap();
    assert_refused(&put(), 409, "Conflict");
    assert_eq!(stored_token(&fake), "canary-token");
    assert_eq!(put().status, 200);
    assert_eq!(stored_token(&fake), "second");
}

#[test]
fn spurious_refusals_say_what_the_real_ones_say() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 2, "do": "spurious_403" }));
    fake.fault(&json!({ "do": "first_request_401" }));
    fake.fault(&json!({ "on": { "method": null, "path": null }, "times": 1, "do": "delete_500" }));
    for _ in 0..2 {
        assert_refused(&get(&fake, &item_path()), 403, &format!("token does not have access to vault {VAULT}"));
    }
    assert_refused(&get(&fake, &item_path()), 401, "Invalid bearer token");
    assert_eq!(get(&fake, &item_path()).status, 200);
    assert_refused(&fake.send("DELETE", &item_path(), None).unwrap(), 500, "Something went wrong");
    assert!(fake.stored(ITEM).is_some());
    assert_eq!(fake.send("DELETE", &item_path(), None).unwrap().status, 204);
}

#[test]
fn reads_after_a_write_are_stale_so_often() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": { "stale_reads": 2 } }));
    rotate(&fake, "fresh").unwrap();
    assert_eq!(stored_token(&fake), "fresh");
    let listed = get(&fake, &items_path()).json();
    assert_eq!(listed[0]["version"], 4);
    assert_eq!([0, 0, 0].map(|_| seen_token(&fake)), ["canary-token", "canary-token", "fresh"]);
    assert_eq!(get(&fake, &items_path()).json()[0]["version"], 5);
}

#[test]
fn a_deleted_item_can_be_seen_for_a_while() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": { "stale_reads": 1 } }));
    fake.send("DELETE", &item_path(), None).unwrap();
    assert_eq!(get(&fake, &items_path()).json().as_array().unwrap().len(), 3);
    assert_eq!([0, 0].map(|_| get(&fake, &item_path()).status), [200, 404]);
}

#[test]
fn a_new_item_is_missing_so_often() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": { "missing_after_create": 2 } }));
    let made = create(&fake, &new_password()).json();
    let path = format!("{}/{}", items_path(), made["id"].as_str().unwrap());
    assert_eq!(get(&fake, &items_path()).json().as_array().unwrap().len(), 3);
    assert_eq!([0, 0, 0].map(|_| get(&fake, &path).status), [404, 404, 200]);
}

#[test]
fn somebody_else_changes_the_item_before_the_write_or_after_the_read() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 1, "do": "version_bump" }));
    let reply = rotate(&fake, "mine").unwrap().json();
    assert_eq!(reply["version"], 5);
    let item = read_item(&fake);
    assert_eq!((item["version"].as_u64(), value_of(&item, TOKEN_FIELD).as_deref()), (Some(6), Some("mine")));

    let change = json!({ "version_bump": { "field": TOKEN_FIELD, "value": "theirs" } });
    fake.fault(&json!({ "on": { "method": "GET" }, "times": 1, "do": change }));
    assert_eq!(seen_token(&fake), "mine");
    let item = read_item(&fake);
    assert_eq!((item["version"].as_u64(), value_of(&item, TOKEN_FIELD).as_deref()), (Some(7), Some("theirs")));
}

#[test]
fn somebody_elses_change_is_a_conflict_where_versions_are_compared() {
    let fake = FakeConnect::built_in();
    fake.settings(&json!({ "put_compares_version": true }));
    fake.fault(&json!({ "times": 1, "do": "version_bump" }));
    assert_refused(&rotate(&fake, "mine").unwrap(), 409, "Conflict");
    let item = fake.stored(ITEM).unwrap();
    assert_eq!(value_of(&item, "notesPlain").as_deref(), Some("changed by somebody else"));
}

#[test]
fn a_write_can_be_accepted_and_lost() {
    let fake = FakeConnect::built_in();
    fake.fault(&json!({ "times": 3, "do": "accepted_but_lost" }));
    let reply = rotate(&fake, "lost").unwrap();
    assert_eq!((reply.status, value_of(&reply.json(), TOKEN_FIELD).as_deref()), (200, Some("lost")));
    let made: Value = create(&fake, &new_password()).json();
    assert_eq!(get(&fake, &format!("{}/{}", items_path(), made["id"].as_str().unwrap())).status, 404);
    assert_eq!(fake.send("DELETE", &item_path(), None).unwrap().status, 204);
    let item = read_item(&fake);
    assert_eq!((item["version"].as_u64(), value_of(&item, TOKEN_FIELD).as_deref()), (Some(4), Some("canary-token")));
}
