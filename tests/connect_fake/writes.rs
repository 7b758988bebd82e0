//! What writes do when they're done.

use serde_json::{Value, json};

use crate::fake_connect::FakeConnect;
use crate::{
    ITEM, TOKEN_FIELD, VAULT, assert_refused, create, get, item_path, items_path, read_item, rotate, stored_token,
    value_of, with_value,
};

fn patch(fake: &FakeConnect, operations: &Value) -> crate::Reply {
    fake.send("PATCH", &item_path(), Some(operations)).unwrap()
}

#[test]
fn a_new_item_gets_what_its_maker_left_out() {
    let fake = FakeConnect::built_in();
    let made = create(
        &fake,
        &json!({
            "id": "", "title": "new", "vault": { "id": VAULT }, "category": "LOGIN", "favorite": false,
            "tags": ["b", "a", "b"], "trashed": false, "sections": [{ "id": "s", "label": "S" }],
            "fields": [
                { "type": "STRING", "purpose": "USERNAME", "value": "u" },
                { "type": "concealed", "purpose": "PASSWORD", "generate": true,
                  "recipe": { "length": 64, "characterSets": ["DIGITS"], "excludeCharacters": "0" } },
                { "purpose": "NOTES", "value": "" },
                { "id": "", "section": { "id": "s" }, "type": "OTP", "label": "code", "value": "JBSWY3DPEHPK3PXP" },
                { "section": { "id": null }, "type": "DATE", "label": "day", "value": "2026-11-21", "recipe": null },
                { "type": "MONTH_YEAR", "label": "month", "value": "11/2026" },
                { "label": "nothing", "value": null },
            ],
        }),
    );
    assert_eq!(made.status, 200);
    let made = made.json();
    assert_eq!((made["version"].as_u64(), &made["tags"]), (Some(1), &json!(["a", "b"])));
    assert!(made.get("favorite").is_none() && made.get("trashed").is_none());
    let fields = made["fields"].as_array().unwrap();
    let field = |at: usize, key: &str| fields[at].get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
    assert_eq!([field(0, "id"), field(0, "label")], ["username", "username"]);
    assert_eq!([field(1, "id"), field(1, "type")], ["password", "CONCEALED"]);
    let generated = field(1, "value");
    assert!(generated.len() == 64 && generated.chars().all(|digit| ('1'..='9').contains(&digit)), "{generated}");
    assert!(fields[1].get("generate").is_none() && fields[1].get("recipe").is_none());
    assert_eq!([field(2, "id"), field(2, "value")], ["notesPlain", "-"]);
    assert!(field(3, "id").starts_with("TOTP_") && field(3, "totp").len() == 6);
    assert_eq!(fields[3]["section"], json!({ "id": "s", "label": "S" }));
    assert_eq!([field(4, "value"), field(5, "value"), field(6, "value")], ["1795219200", "202611", "-"]);
    assert!(fields[4].get("section").is_none());
    let id = made["id"].as_str().unwrap();
    assert_eq!(get(&fake, &format!("{}/{id}", items_path())).json()["fields"][1]["value"], json!(generated));
    assert_eq!(get(&fake, &format!("/v1/vaults/{VAULT}")).json()["items"], 4);
}

#[test]
fn the_reply_to_put_has_the_new_values_and_the_old_version() {
    let fake = FakeConnect::built_in();
    let reply = rotate(&fake, "rotated").unwrap().json();
    assert_eq!(reply["version"], 4);
    assert_eq!(value_of(&reply, TOKEN_FIELD).as_deref(), Some("rotated"));
    let item = read_item(&fake);
    assert_eq!(item["version"], 5);
    assert_eq!(value_of(&item, TOKEN_FIELD).as_deref(), Some("rotated"));
}

#[test]
fn put_takes_away_what_it_does_not_say_but_the_servers_own() {
    let fake = FakeConnect::built_in();
    let bare = json!({
        "id": ITEM, "vault": { "id": VAULT }, "category": "LOGIN", "title": "bare", "additionalInformation": "mine",
        "fields": [{ "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "value": "new" }],
    });
    assert_eq!(fake.send("PUT", &item_path(), Some(&bare)).unwrap().status, 200);
    let item = read_item(&fake);
    for gone in ["tags", "urls", "sections"] {
        assert!(item.get(gone).is_none(), "{gone}");
    }
    assert_eq!(item["fields"].as_array().unwrap().len(), 1);
    assert_eq!(item["files"].as_array().unwrap().len(), 1);
    assert_eq!(item["additionalInformation"], "canary-additional-information");
    assert_eq!(item["createdAt"], "2024-02-01T10:00:00Z");
    // What was the password is in its history now.
    assert_eq!(
        item["fields"][0]["passwordDetails"]["history"],
        json!(["canary-password", "canary-old-password", "canary-older-password"])
    );
}

#[test]
fn put_refuses_another_item_category_or_vault() {
    let fake = FakeConnect::built_in();
    for (key, value, message) in [
        ("id", json!("dupaaaaaaaaaaaaaaaaaaaaaaa"), "Invalid Item UUID"),
        ("category", json!("SERVER"), "Invalid item category"),
        ("vault", json!({ "id": crate::READ_ONLY }), "Invalid Vault UUID"),
    ] {
        let mut item = read_item(&fake);
        item[key] = value;
        assert_refused(&fake.send("PUT", &item_path(), Some(&item)).unwrap(), 400, message);
    }
    assert_eq!(read_item(&fake)["version"], 4);
}

#[test]
fn patch_changes_fields_by_id_and_tags_by_place() {
    let fake = FakeConnect::built_in();
    let reply = patch(
        &fake,
        &json!([
            { "op": "replace", "path": format!("/fields/{TOKEN_FIELD}/value"), "value": "patched" },
            { "op": "replace", "path": "/fields/username", "value": { "type": "string", "purpose": "USERNAME", "value": "new user" } },
            { "op": "remove", "path": "/fields/notesPlain" },
            { "op": "add", "path": "/fields", "value": { "id": "more", "label": "more", "type": "string", "value": "m" } },
            { "op": "add", "path": "/fields/more/label", "value": "renamed" },
            { "op": "remove", "path": "/tags/1" },
            { "op": "replace", "path": "/favorite", "value": true },
        ]),
    );
    assert_eq!((reply.status, reply.json()["version"].as_u64()), (200, Some(4)));
    let item = read_item(&fake);
    assert_eq!((item["version"].as_u64(), &item["tags"], &item["favorite"]), (Some(5), &json!(["ci"]), &json!(true)));
    let values: Vec<_> = ["username", "notesPlain", TOKEN_FIELD, "more"].map(|id| value_of(&item, id)).into();
    let texts: Vec<_> = values.iter().map(Option::as_deref).collect();
    assert_eq!(texts, [Some("new user"), None, Some("patched"), Some("m")]);
    assert!(item.to_string().contains("renamed"));
    // The section is still there, with its label.
    let token = item["fields"].as_array().unwrap().iter().find(|field| field["id"] == TOKEN_FIELD).unwrap();
    assert_eq!(token["section"]["label"], "API");
}

#[test]
fn patch_of_the_whole_is_put_and_of_nothing_is_nothing() {
    let fake = FakeConnect::built_in();
    let whole = with_value(read_item(&fake), TOKEN_FIELD, "whole");
    assert_eq!(patch(&fake, &json!([])).json()["version"], 4);
    assert_eq!(read_item(&fake)["version"], 4);
    patch(&fake, &json!([{ "op": "replace", "path": "/", "value": whole }]));
    assert_eq!((read_item(&fake)["version"].as_u64(), stored_token(&fake).as_str()), (Some(5), "whole"));
}

#[test]
fn a_patch_is_done_whole_or_not_at_all() {
    let fake = FakeConnect::built_in();
    let first = json!({ "op": "replace", "path": format!("/fields/{TOKEN_FIELD}/value"), "value": "half" });
    for (second, message) in [
        (json!({ "op": "replace", "path": "/fields/nowhere/value", "value": "x" }), "doesn't have a nowhere field"),
        (json!({ "op": "remove", "path": "/fields/0" }), "doesn't have a 0 field"),
        (json!({ "op": "remove", "path": "/tags/9" }), "Invalid patch path"),
        (json!({ "op": "move", "path": "/tags/0", "from": "/tags/1" }), "only add, remove and replace"),
        (json!({ "op": "replace", "path": "/version", "value": 9 }), "Invalid patch path"),
        (json!({ "op": "replace", "path": "favorite", "value": true }), "Invalid patch path"),
        (json!({ "op": "replace", "path": "/favorite" }), "no value"),
        (json!({ "op": "add", "path": "/fields", "value": { "id": TOKEN_FIELD } }), "already"),
        (json!({ "op": "add", "path": "/fields", "value": { "type": "TOTP" } }), "unsupported field type: totp"),
    ] {
        assert_refused(&patch(&fake, &json!([first, second])), 400, message);
    }
    assert_eq!(stored_token(&fake), "canary-token");
}

#[test]
fn delete_answers_nothing_and_is_for_good() {
    let fake = FakeConnect::built_in();
    let reply = fake.send("DELETE", &item_path(), None).unwrap();
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_refused(&get(&fake, &item_path()), 404, &format!("item {ITEM} not found"));
    assert_refused(&fake.send("DELETE", &item_path(), None).unwrap(), 404, "not found");
    assert!(fake.stored(ITEM).is_none());
}

#[test]
fn tests_can_change_and_destroy_items_behind_everybodys_back() {
    let fake = FakeConnect::built_in();
    let mut item = with_value(fake.stored(ITEM).unwrap(), TOKEN_FIELD, "elsewhere");
    item["version"] = json!(1);
    fake.put_item(&item);
    let seen = read_item(&fake);
    assert_eq!((seen["version"].as_u64(), value_of(&seen, TOKEN_FIELD).as_deref()), (Some(5), Some("elsewhere")));
    fake.remove_item(ITEM);
    assert_eq!(get(&fake, &item_path()).status, 404);
    assert_eq!(fake.count("GET", ITEM), 2);
    fake.forget_requests();
    assert!(fake.requests().is_empty());
}
