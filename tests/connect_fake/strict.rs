//! It refuses what the real server refuses, in the same order.

use std::time::Duration;

use serde_json::json;

use crate::fake_connect::FakeConnect;
use crate::{FILE, HIDDEN, ITEM, READ_ONLY, VAULT, assert_refused, create, get, item_path, items_path, read_item};

const NOT_AN_ID: &str = "Not-An-Id";
const NOWHERE: &str = "cccccccccccccccccccccccccc";

#[test]
fn a_token_is_judged_before_ids_and_ids_before_access() {
    let fake = FakeConnect::built_in();
    let bad_everything = format!("/v1/vaults/{NOT_AN_ID}/items/{NOT_AN_ID}");
    assert_refused(&fake.send_with("wrong", "GET", &bad_everything, None).unwrap(), 401, "Invalid token signature");
    assert_refused(&get(&fake, &bad_everything), 400, "Invalid Vault UUID");
    let bad_item = format!("/v1/vaults/{HIDDEN}/items/{NOT_AN_ID}");
    assert_refused(&get(&fake, &bad_item), 400, "Invalid Item UUID");
    let hidden = format!("/v1/vaults/{HIDDEN}/items/{ITEM}");
    assert_refused(&get(&fake, &hidden), 403, &format!("vault {HIDDEN} is not in scope"));
    let no_vault = format!("/v1/vaults/{NOWHERE}/items/{ITEM}");
    assert_refused(&get(&fake, &no_vault), 404, &format!("vault {NOWHERE} not found"));
    assert_refused(&get(&fake, &format!("{}/{NOWHERE}", items_path())), 404, &format!("item {NOWHERE} not found"));
    let no_file = format!("{}/files/{NOWHERE}", item_path());
    assert_refused(&get(&fake, &no_file), 404, &format!("file {NOWHERE} not found"));
    // An item is only in its own vault.
    assert_refused(&get(&fake, &format!("/v1/vaults/{READ_ONLY}/items/{ITEM}")), 404, "not found");
}

#[test]
fn a_request_without_a_bearer_token_is_refused_but_at_the_root() {
    let fake = FakeConnect::built_in();
    let ask = |path: &str, headers: &[(&str, String)]| {
        fake.exchange("GET", path, headers, b"", Duration::from_secs(5)).unwrap()
    };
    assert_refused(&ask("/v1/vaults", &[]), 401, "Invalid token signature");
    assert_refused(&ask("/v1/vaults", &[("authorization", fake.token.clone())]), 401, "Invalid bearer token");
    assert_eq!(ask("/heartbeat", &[]).body, b".");
    assert_eq!(ask("/health", &[]).json()["name"], "1Password Connect API");
    assert!(ask("/metrics", &[]).body.starts_with(b"# HELP"));
    let authorizations: Vec<_> =
        fake.requests().iter().map(|request| request["headers"]["authorization"].clone()).collect();
    assert_eq!(json!(authorizations), json!([null, "bad", null, null, null]));
}

#[test]
fn what_there_is_no_path_or_method_for_is_refused() {
    let fake = FakeConnect::built_in();
    for path in ["/", "/v2/vaults", "/v1/items", "/v1//vaults", &format!("{}/history", item_path())] {
        assert_eq!(get(&fake, path).status, 404, "{path}");
    }
    for (method, path) in [("POST", item_path()), ("PUT", items_path()), ("DELETE", format!("/v1/vaults/{VAULT}"))] {
        assert_eq!(fake.send(method, &path, None).unwrap().status, 405, "{method} {path}");
    }
    let upload = format!("{}/files", item_path());
    assert_eq!(fake.send("POST", &upload, None).unwrap().status, 405);
}

#[test]
fn filters_are_read_strictly_and_in_both_encodings() {
    let fake = FakeConnect::built_in();
    let titles = |filter: &str| get(&fake, &format!("{}?filter={filter}", items_path()));
    for right in ["title+eq+%22Twin%22", "title%20eq%20%22Twin%22", "title%20co%20%22wi%22"] {
        assert_eq!(titles(right).json().as_array().unwrap().len(), 2, "{right}");
    }
    assert_eq!(titles("tag%20eq%20%22ci%22").json()[0]["id"], ITEM);
    assert_eq!(titles("title%20eq%20%22Nobody%22").json(), json!([]));
    for wrong in [
        "title%20eq%20'Twin'",
        "title%20eq%20Twin",
        "title%20eq",
        "title%20eq%20%22Twin",
        "title%20eq%20%22Tw%22in%22",
        "title%20ne%20%22Twin%22",
        "category%20eq%20%22LOGIN%22",
        "title%20eq%20%22%ff%22",
        "title%20eq%20%22Twin%2",
    ] {
        assert_refused(&titles(wrong), 400, "filter");
    }
    // The specification's name for it, and the one that two of the SDKs use.
    for attribute in ["name", "title"] {
        let vaults = get(&fake, &format!("/v1/vaults?filter={attribute}%20eq%20%22Automation%22"));
        assert_eq!(vaults.json()[0]["id"], VAULT);
    }
    assert_refused(&get(&fake, "/v1/vaults?filter=tag%20eq%20%22x%22"), 400, "filter");
}

#[test]
fn lists_hold_no_values_and_nothing_of_vaults_that_are_not_granted() {
    let fake = FakeConnect::built_in();
    let vaults = String::from_utf8(get(&fake, "/v1/vaults").body).unwrap();
    assert!(vaults.contains("Automation") && !vaults.contains("canary-hidden"), "{vaults}");
    let items = get(&fake, &items_path()).json();
    let item = items[0].as_object().unwrap();
    assert_eq!(item["additionalInformation"], "canary-additional-information");
    assert!(!item.contains_key("fields") && !item.contains_key("sections") && !item.contains_key("files"));
}

#[test]
fn the_built_in_world_has_a_canary_wherever_a_value_could_leak_from() {
    let fake = FakeConnect::built_in();
    let item = read_item(&fake).to_string();
    for canary in
        ["username", "password", "old-password", "older-password", "notes", "otp", "token", "additional-information"]
    {
        assert!(item.contains(&format!("canary-{canary}")), "{canary}");
    }
    assert!(fake.world().to_string().contains("canary-hidden-password"));
}

#[test]
fn items_that_the_server_would_not_take_are_refused() {
    let fake = FakeConnect::built_in();
    let with = |key: &str, value: serde_json::Value| {
        let mut item = json!({ "title": "x", "vault": { "id": VAULT }, "category": "LOGIN", "fields": [] });
        item[key] = value;
        item
    };
    let field = |field: serde_json::Value| with("fields", json!([field]));
    let unsupported = "details.sections[0].fields[0] has unsupported field type: totp";
    let recipe = |recipe: serde_json::Value| {
        field(json!({ "label": "g", "type": "CONCEALED", "generate": true, "recipe": recipe }))
    };
    for (item, message) in [
        (json!([]), "Invalid request body"),
        (with("vault", json!(null)), "Invalid Vault UUID"),
        (with("vault", json!({ "id": READ_ONLY })), "Invalid Vault UUID"),
        (with("category", json!(null)), "Invalid item category"),
        (with("category", json!("login")), "Invalid item category"),
        (with("category", json!("CUSTOM")), "Invalid item category"),
        (with("category", json!("DOCUMENT")), "Invalid item category"),
        (with("category", json!("PASSWORD")), "Password item requires ps value"),
        (with("tags", json!("a")), "Invalid request body"),
        (with("urls", json!([{ "label": "no address" }])), "Invalid request body"),
        (field(json!({ "type": "TOTP", "value": "x" })), unsupported),
        (field(json!({ "type": "totp", "value": "x" })), unsupported),
        (field(json!({ "type": "PASSKEY" })), "unsupported field type: passkey"),
        (field(json!({ "type": "OTP", "id": "mine", "value": "JBSWY3DPEHPK3PXP" })), "unsupported id"),
        (field(json!({ "id": "password", "value": "x" })), "needs its purpose"),
        (field(json!({ "purpose": "SECRET", "value": "x" })), "unsupported purpose"),
        (field(json!({ "value": 7 })), "Invalid request body"),
        (field(json!({ "type": "DATE", "value": "tomorrow" })), "invalid date"),
        (field(json!({ "type": "MONTH_YEAR", "value": "202613" })), "invalid month and year"),
        (field(json!({ "section": { "id": "nowhere" }, "value": "x" })), "no section nowhere"),
        (recipe(json!({ "length": 65 })), "1 to 64"),
        (recipe(json!({ "length": 0 })), "1 to 64"),
        (recipe(json!({ "characterSets": ["RUNES"] })), "character set"),
        (recipe(json!({ "characterSets": ["DIGITS", "DIGITS"] })), "twice"),
        (recipe(json!({ "characterSets": ["DIGITS"], "excludeCharacters": "0123456789" })), "excludes"),
    ] {
        assert_refused(&create(&fake, &item), 400, message);
    }
    let two = json!([{ "purpose": "PASSWORD", "value": "a" }, { "purpose": "PASSWORD", "value": "b" }]);
    assert_refused(&create(&fake, &with("fields", two)), 400, "two fields");
    let not_json = fake.exchange(
        "POST",
        &items_path(),
        &[("authorization", format!("Bearer {}", fake.token))],
        b"{\"title\":",
        Duration::from_secs(5),
    );
    assert_refused(&not_json.unwrap(), 400, "Invalid request body");
    assert_eq!(get(&fake, &items_path()).json().as_array().unwrap().len(), 3, "one was made all the same");
}

#[test]
fn a_token_that_may_only_read_cannot_write() {
    let fake = FakeConnect::built_in();
    let item = read_item(&fake);
    for (method, body) in [("PUT", Some(&item)), ("PATCH", Some(&json!([]))), ("DELETE", None)] {
        let reply = fake.send_with("fake.connect.readonly", method, &item_path(), body).unwrap();
        assert_refused(&reply, 401, "write access");
    }
    assert_eq!(fake.send_with("fake.connect.readonly", "GET", &item_path(), None).unwrap().status, 200);
}

#[test]
fn files_are_shown_apart_from_what_they_hold() {
    let fake = FakeConnect::built_in();
    let path = format!("{}/files/{FILE}", item_path());
    assert!(get(&fake, &path).json().get("content").is_none());
    let inline = get(&fake, &format!("{path}?inline_files=true")).json();
    assert_eq!(inline["content"], "VGhlIGZ1dHVyZSBiZWxvbmdzIHRvIHRoZSBjdXJpb3VzLgo=");
    assert_eq!(inline["content_path"], format!("{path}/content"));
    let content = get(&fake, &format!("{path}/content"));
    assert_eq!(content.body, b"The future belongs to the curious.\n");
    assert_eq!(content.header("content-disposition"), Some("attachment; filename=\"foo.txt\""));
    assert_refused(&get(&fake, &format!("{path}?inline_files=perhaps")), 400, "inline_files");
}

#[test]
fn what_was_done_with_items_stands_in_the_activity_newest_first() {
    let fake = FakeConnect::built_in();
    read_item(&fake);
    get(&fake, &format!("/v1/vaults/{HIDDEN}"));
    let activity = get(&fake, "/v1/activity?limit=1");
    assert_eq!(activity.header("content-range"), Some("1-1/2"));
    let newest = &activity.json()[0];
    assert_eq!((newest["action"].as_str(), newest["result"].as_str()), (Some("READ"), Some("DENY")));
    let older = &get(&fake, "/v1/activity?offset=1").json()[0];
    assert_eq!(older["result"], "SUCCESS");
    assert_eq!(
        older["resource"],
        json!({ "type": "ITEM", "vault": { "id": VAULT }, "item": { "id": ITEM }, "itemVersion": 4 })
    );
}

#[test]
fn a_world_of_ones_own_is_checked_and_served() {
    let world = json!({
        "tokens": [{ "token": "mine", "vaults": { VAULT: "r" } }],
        "vaults": [{ "id": VAULT, "name": "V" }],
        "items": [{ "id": ITEM, "title": "I", "vault": { "id": VAULT }, "category": "SERVER", "version": 7 }],
        "settings": { "server_version": "1.2.0" },
    });
    let fake = FakeConnect::start(&world);
    assert_eq!(fake.token, "mine");
    let item = get(&fake, &item_path());
    assert_eq!(item.header("1password-connect-version"), Some("1.2.0"));
    assert_eq!(item.json()["version"], 7);
    fake.grant("other", &json!({ VAULT: "rw" }));
    assert_eq!(fake.send_with("other", "DELETE", &item_path(), None).unwrap().status, 204);
    fake.revoke("mine");
    assert_refused(&get(&fake, &item_path()), 401, "Invalid token signature");
    fake.put_vault(&json!({ "id": VAULT, "name": "renamed" }));
    let vault = fake.send_with("other", "GET", &format!("/v1/vaults/{VAULT}"), None).unwrap();
    assert_eq!(vault.json()["name"], "renamed");
}
