//! Each switch makes the difference that it names.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake_connect::FakeConnect;
use crate::{
    FILE, HIDDEN, ITEM, TOKEN_FIELD, VAULT, assert_refused, create, get, item_path, items_path, new_password,
    read_item, rotate, stored_token, value_of, with_value,
};

const UNKNOWN: &str = "unknownkind";

/// The server under a setting.
fn set(settings: &Value) -> FakeConnect {
    let fake = FakeConnect::built_in();
    fake.settings(settings);
    fake
}

#[test]
fn settings_that_do_not_exist_are_refused() {
    let fake = FakeConnect::built_in();
    for wrong in [json!({ "no_such": 1 }), json!({ "missing_vault_status": 418 }), json!([])] {
        assert_eq!(fake.send("PUT", "/_fake/settings", Some(&wrong)).unwrap().status, 400, "{wrong}");
    }
}

#[test]
fn vaults_that_are_missing_or_not_granted_have_either_status() {
    let missing = "/v1/vaults/cccccccccccccccccccccccccc";
    let hidden = format!("/v1/vaults/{HIDDEN}");
    for (one, other) in [(403, 404), (404, 403)] {
        let fake = set(&json!({ "missing_vault_status": one, "out_of_scope_vault_status": other }));
        assert_eq!(get(&fake, missing).status, one);
        assert_eq!(get(&fake, &hidden).status, other);
    }
}

#[test]
fn a_missing_right_to_write_has_either_status() {
    for (status, message) in [(401, "write access"), (403, "permission to perform create")] {
        let fake = set(&json!({ "missing_write_right_status": status }));
        let reply = fake.send_with("fake.connect.readonly", "POST", &items_path(), Some(&new_password())).unwrap();
        assert_refused(&reply, status, message);
    }
}

#[test]
fn put_compares_versions_or_not() {
    for (compares, status) in [(false, 200), (true, 409)] {
        let fake = set(&json!({ "put_compares_version": compares }));
        let mut item = with_value(read_item(&fake), TOKEN_FIELD, "late");
        item["version"] = json!(3);
        assert_eq!(fake.send("PUT", &item_path(), Some(&item)).unwrap().status, status);
        assert_eq!(stored_token(&fake) == "late", !compares);
        assert_eq!(rotate(&fake, "current").unwrap().status, 200);
    }
}

#[test]
fn archived_items_are_listed_and_readable_or_not() {
    for (listed, readable) in [(false, true), (true, false)] {
        let fake = set(&json!({ "archived_listed": listed, "archived_readable": readable }));
        let mut item = fake.stored(ITEM).unwrap();
        item["state"] = json!("ARCHIVED");
        fake.put_item(&item);
        let ids = get(&fake, &items_path()).json().to_string();
        assert_eq!(ids.contains(ITEM), listed);
        let reply = get(&fake, &item_path());
        assert_eq!(reply.status, if readable { 200 } else { 404 });
        assert_eq!(reply.json()["state"] == "ARCHIVED", readable);
        assert_eq!(get(&fake, &format!("/v1/vaults/{VAULT}")).json()["items"], 2);
    }
}

#[test]
fn filters_tell_case_apart_or_not() {
    for (sensitive, found) in [(true, 0), (false, 2)] {
        let fake = set(&json!({ "filter_case_sensitive": sensitive }));
        let items = get(&fake, &format!("{}?filter=title%20eq%20%22tWIN%22", items_path()));
        assert_eq!(items.json().as_array().unwrap().len(), found);
    }
}

#[test]
fn a_backslash_in_a_filter_escapes_or_not() {
    // title eq "a \"b\""
    let quoted = format!("{}?filter=title%20eq%20%22a%20%5C%22b%5C%22%22", items_path());
    // title eq "a\\b"
    let doubled = format!("{}?filter=title%20eq%20%22a%5C%5Cb%22", items_path());
    for (escapes, quoted_status, title) in [("json", 200, r"a\b"), ("none", 400, r"a\\b")] {
        let fake = set(&json!({ "filter_escapes": escapes }));
        let mut item = new_password();
        item["title"] = json!(title);
        create(&fake, &item);
        assert_eq!(get(&fake, &quoted).status, quoted_status);
        assert_eq!(get(&fake, &doubled).json()[0]["title"], title);
    }
}

#[test]
fn put_keeps_or_destroys_what_connect_does_not_know() {
    for (effect, kept) in [("keep", true), ("destroy", false)] {
        let fake = set(&json!({ "put_unknown_fields": effect }));
        let mut item = fake.stored(ITEM).unwrap();
        item["_hidden"] = json!({ "passkey": "canary-passkey" });
        item["fields"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "id": UNKNOWN, "type": "HOLOGRAM", "value": "canary-hologram" }));
        fake.put_item(&item);
        let seen = read_item(&fake);
        assert!(!seen.to_string().contains("passkey"));
        assert_eq!(value_of(&seen, UNKNOWN).as_deref(), Some("canary-hologram"));
        assert_eq!(rotate(&fake, "new").unwrap().status, 200);
        let stored = fake.stored(ITEM).unwrap();
        assert_eq!(stored.get("_hidden").is_some(), kept);
        assert_eq!(value_of(&stored, UNKNOWN).is_some(), kept);
        assert_eq!(value_of(&stored, TOKEN_FIELD).as_deref(), Some("new"));
    }
}

#[test]
fn patch_leaves_alone_what_connect_does_not_know() {
    let fake = set(&json!({ "put_unknown_fields": "destroy" }));
    let mut item = fake.stored(ITEM).unwrap();
    item["_hidden"] = json!({ "passkey": "canary-passkey" });
    fake.put_item(&item);
    let change = json!([{ "op": "replace", "path": format!("/fields/{TOKEN_FIELD}/value"), "value": "new" }]);
    assert_eq!(fake.send("PATCH", &item_path(), Some(&change)).unwrap().status, 200);
    assert_eq!(fake.stored(ITEM).unwrap()["_hidden"]["passkey"], "canary-passkey");
}

#[test]
fn notes_and_files_survive_put_or_not() {
    for survive in [true, false] {
        let fake = set(&json!({ "notes_survive_put": survive, "files_survive_put": survive }));
        let mut item = read_item(&fake);
        item.as_object_mut().unwrap().remove("files");
        item["fields"].as_array_mut().unwrap().retain(|field| field["id"] != "notesPlain");
        assert_eq!(fake.send("PUT", &item_path(), Some(&item)).unwrap().status, 200);
        let item = read_item(&fake);
        assert_eq!(value_of(&item, "notesPlain").is_some(), survive);
        assert_eq!(item.get("files").is_some(), survive);
    }
}

#[test]
fn patch_is_supported_or_not() {
    let change = json!([{ "op": "remove", "path": "/tags/0" }]);
    for (supported, status) in [(true, 200), (false, 405)] {
        let fake = set(&json!({ "patch_supported": supported }));
        assert_eq!(fake.send("PATCH", &item_path(), Some(&change)).unwrap().status, status);
    }
}

#[test]
fn patch_makes_sections_or_refuses_unknown_ones() {
    let field = json!({ "label": "l", "section": { "id": "new", "label": "New" }, "value": "v" });
    let change = json!([{ "op": "add", "path": "/fields", "value": field }]);
    for (adds, status) in [(true, 200), (false, 400)] {
        let fake = set(&json!({ "patch_adds_sections": adds }));
        assert_eq!(fake.send("PATCH", &item_path(), Some(&change)).unwrap().status, status);
        assert_eq!(read_item(&fake)["sections"].to_string().contains("New"), adds);
    }
}

#[test]
fn replies_repeat_the_recipe_or_not() {
    let mut item = new_password();
    item["fields"][0] = json!({ "purpose": "PASSWORD", "generate": true, "recipe": { "length": 5 } });
    for echo in [true, false] {
        let fake = set(&json!({ "echo_generate": echo }));
        let field = create(&fake, &item).json()["fields"][0].clone();
        assert_eq!((field.get("generate").is_some(), field.get("recipe").is_some()), (echo, echo));
        assert_eq!(field["value"].as_str().unwrap().len(), 5);
    }
}

#[test]
fn dates_are_read_where_the_server_is() {
    let mut item = new_password();
    item["fields"].as_array_mut().unwrap().push(json!({ "id": "day", "type": "DATE", "value": "2026-11-21" }));
    for (offset, seconds) in [(0, "1795219200"), (-600, "1795255200")] {
        let fake = set(&json!({ "zone_offset_minutes": offset }));
        assert_eq!(value_of(&create(&fake, &item).json(), "day").as_deref(), Some(seconds));
    }
}

#[test]
fn a_file_above_the_limit_does_not_go_into_json() {
    let fake = set(&json!({ "max_inline_file_size_kb": 0 }));
    for path in [format!("{}/files", item_path()), format!("{}/files/{FILE}", item_path())] {
        assert_refused(&get(&fake, &format!("{path}?inline_files=true")), 413, &format!("/files/{FILE}/content"));
        assert_eq!(get(&fake, &path).status, 200);
    }
}

#[test]
fn the_server_is_old_or_not_signed_in() {
    let fake = set(&json!({ "server_version": null, "sync_status": "TOKEN_NEEDED" }));
    let health = get(&fake, "/health");
    assert_eq!(health.header("1password-connect-version"), None);
    assert_eq!(health.json()["version"], "1.2.0");
    assert_eq!(health.json()["dependencies"][0]["status"], "TOKEN_NEEDED");
}

#[test]
fn every_request_takes_its_time() {
    let fake = set(&json!({ "latency_ms": 100 }));
    let started = Instant::now();
    get(&fake, "/heartbeat");
    get(&fake, "/v1/vaults");
    assert!(started.elapsed() >= Duration::from_millis(200));
}
