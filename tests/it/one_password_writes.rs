//! Values are set, replaced and removed in 1Password, and everything else there stays as it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::one_password::{Kind, Stage, all, both_ways, put, seed};

const GITHUB: &str = "githubaaaaaaaaaaaaaaaaaaaa";
const STRIPE: &str = "stripeaaaaaaaaaaaaaaaaaaaa";

both_ways! {
    a_value_is_set_and_all_else_is_left_alone,
    a_field_and_an_item_are_made_where_there_are_none,
    a_rotation_tells_nobody_the_value,
    another_version_is_a_conflict_and_changes_nothing,
    what_a_write_would_damage_is_refused,
    what_is_not_there_cannot_be_written_to,
    a_token_that_may_only_read_changes_nothing,
    what_is_deleted_is_archived_or_refused,
}

/// What a change always changes.
fn apart_from_the_change(mut item: Value, field: &str) -> Value {
    for key in ["version", "updated_at", "last_edited_by", "additional_information"] {
        item.as_object_mut().unwrap().remove(key);
    }
    for stored in item["fields"].as_array_mut().unwrap().iter_mut().filter(|stored| stored["id"] == field) {
        for key in ["value", "entropy", "password_details"] {
            stored.as_object_mut().unwrap().remove(key);
        }
    }
    item
}

/// Checks that nothing changed but one field of one item.
fn assert_only(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>, id: &str, field: &str) {
    assert!(before.keys().eq(after.keys()));
    for (key, item) in before {
        if key == id {
            let [before, after] = [item, &after[id]].map(|item| apart_from_the_change(item.clone(), field));
            assert_eq!(before, after);
        } else {
            assert_eq!(item, &after[key], "{key}");
        }
    }
}

async fn a_value_is_set_and_all_else_is_left_alone(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let values =
        ["value-new", " value- \"quoted\" \\ \u{1f511} \r\n\ttabs\n\n", &format!("value-{}", "long".repeat(10_000))];
    for value in values {
        for (path, id, field) in [
            ("Staging/GitHub/Tokens/deploy token", GITHUB, "z3vb5dh5xqqc3oikk4qszbfl7a"),
            ("staging/github", GITHUB, "password"),
            ("Staging/Stripe", STRIPE, "credential"),
            ("Staging/Orders DB/password", "ordersdbaaaaaaaaaaaaaaaaaa", "password"),
        ] {
            let before = stage.far.items();
            let answer = put(&agent, path, value).await;
            let after = stage.far.items();
            let versions = [&before, &after].map(|items| items[id]["version"].as_u64().unwrap());
            assert_eq!(versions[0] + 1, versions[1], "{path}");
            assert_eq!((&answer["version"], &answer["created"]), (&json!(versions[1]), &json!(false)), "{path}");
            assert_eq!(stage.far.value(id, field).as_deref(), Some(value), "{path}");
            assert_only(&before, &after, id, field);
            assert_eq!(agent.read(path).await, value, "{path}");
        }
    }
    // An item with everything twice is left as odd as it was.
    let before = stage.far.items();
    put(&agent, "Staging/Mess/caseb", "value-mess").await;
    assert_only(&before, &stage.far.items(), "messaaaaaaaaaaaaaaaaaaaaaa", "caseb");
    stage.end([agent]).await;
}

async fn a_field_and_an_item_are_made_where_there_are_none(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let before = stage.far.items();
    let made = put(&agent, "staging/stripe/Webhooks/signing secret", "value-signing").await;
    assert_eq!(
        (&made["path"], &made["version"], &made["created"]),
        (&json!("Staging/Stripe/Webhooks/signing secret"), &json!(3), &json!(false))
    );
    assert_eq!(agent.read("Staging/Stripe/signing secret").await, "value-signing");
    let mut after = stage.far.items();
    let fields = after.get_mut(STRIPE).unwrap()["fields"].as_array_mut().unwrap();
    let new = fields.pop().unwrap();
    assert_eq!((&new["label"], &new["type"]), (&json!("signing secret"), &json!("CONCEALED")));
    let strip = |item: &Value| {
        let mut item = apart_from_the_change(item.clone(), "");
        item.as_object_mut().unwrap().remove("sections");
        item
    };
    assert_eq!(strip(&before[STRIPE]), strip(&after[STRIPE]));

    // Each category has its own field for its value.
    for (number, (category, field, kind_of_field)) in [
        ("API_CREDENTIAL", "credential", "CONCEALED"),
        ("LOGIN", "password", "CONCEALED"),
        ("PASSWORD", "password", "CONCEALED"),
        ("DATABASE", "password", "CONCEALED"),
        ("SERVER", "password", "CONCEALED"),
        ("SECURE_NOTE", "notesPlain", "STRING"),
    ]
    .into_iter()
    .enumerate()
    {
        let (path, value) = (format!("Staging/New {number}"), format!("value-of {number}"));
        let new = json!({ "path": path, "value": value, "category": category, "tags": ["z", "a"] });
        let answer = agent.call("put_secret", new).await.ok();
        assert_eq!(answer, json!({ "path": format!("{path}/{field}"), "version": 1, "created": true }), "{category}");
        assert_eq!(agent.read(&format!("{path}/{field}")).await, value);
        let made = stage.far.items().into_values().find(|item| item["title"] == format!("New {number}")).unwrap();
        assert_eq!((&made["category"], &made["vault"]["id"]), (&json!(category), &json!("stagingvault2xxxxxxxxxxxxx")));
        let stored = made["fields"].as_array().unwrap().iter().find(|stored| stored["id"] == field).unwrap();
        assert_eq!((&stored["value"], &stored["type"]), (&json!(value), &json!(kind_of_field)), "{category}");
        let tags = agent.call("describe_secret", json!({ "path": path })).await.ok()["tags"].clone();
        assert!(tags == json!(["a", "z"]) || tags == json!(["z", "a"]), "{tags}");
    }
    assert_eq!(stage.far.items().len(), before.len() + 6);
    stage.end([agent]).await;
}

async fn a_rotation_tells_nobody_the_value(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let before = stage.far.items();
    let rotated = agent.call("rotate_and_store", json!({ "path": "Staging/GitHub", "if_version": 4 })).await.ok();
    assert_eq!(rotated, json!({ "path": "Staging/GitHub/password", "version": 5, "previous_version": 4 }));
    let new = stage.far.value(GITHUB, "password").unwrap();
    assert!(new.len() == 32 && new.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{new}");
    assert_only(&before, &stage.far.items(), GITHUB, "password");
    assert!(!agent.heard().others.contains(&new));
    if kind == Kind::Op {
        assert!(stage.far.op().calls().iter().all(|call| !call.shows(&new)));
    }
    assert_eq!(agent.read("Staging/GitHub").await, new);
    let given = json!({ "path": "Staging/GitHub", "value": "value-brought" });
    assert_eq!(agent.call("rotate_and_store", given).await.ok()["version"], 6);
    assert_eq!(agent.read("Staging/GitHub").await, "value-brought");
    let open = stage.home.in_the_open();
    assert!(!open.contains(&new));
    stage.end([agent]).await;
}

async fn another_version_is_a_conflict_and_changes_nothing(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    agent.read("Staging/GitHub").await;
    stage.far.edit(GITHUB, |item| item["tags"] = json!(["elsewhere"]));
    let before = stage.far.items();
    for (tool, mut arguments) in [
        ("put_secret", json!({ "path": "Staging/GitHub", "value": "value-x" })),
        ("put_secret", json!({ "path": "Staging/GitHub/new field", "value": "value-x" })),
        ("rotate_and_store", json!({ "path": "Staging/GitHub" })),
    ] {
        arguments["if_version"] = json!(4);
        let answer = agent.call(tool, arguments).await;
        assert_eq!(answer.code(), "conflict", "{tool}");
        assert!(answer.message().contains("version 5"), "{}", answer.message());
    }
    let absent = json!({ "path": "Staging/Absent", "value": "value-x", "if_version": 1 });
    assert_eq!(agent.call("put_secret", absent).await.code(), "not_found");
    assert_eq!((stage.far.items(), stage.far.changed()), (before, 0));
    let fine = json!({ "path": "Staging/GitHub", "value": "value-fine", "if_version": 5 });
    assert_eq!(agent.call("put_secret", fine).await.ok()["version"], 6);
    stage.end([agent]).await;
}

async fn what_a_write_would_damage_is_refused(kind: Kind) {
    let mut world = seed();
    let strange = json!({ "id": "strange", "type": "HOLOGRAM", "label": "strange", "value": "value-hologram" });
    let stripe = world["items"].as_array_mut().unwrap().iter_mut().find(|item| item["id"] == STRIPE).unwrap();
    stripe["fields"].as_array_mut().unwrap().push(strange);
    let stage = Stage::of(kind, &world, "", &all());
    let agent = stage.serve("agent").await;
    let before = stage.far.items();
    for path in ["Staging/Stripe", "Staging/Stripe/new", "Staging/Deploy key", "Staging/Deploy key/key type"] {
        let answer = agent.call("put_secret", json!({ "path": path, "value": "value-x" })).await;
        assert_eq!(answer.code(), "unsupported", "{path}");
    }
    assert_eq!(agent.call("rotate_and_store", json!({ "path": "Staging/Stripe" })).await.code(), "unsupported");
    assert_eq!((stage.far.items(), stage.far.changed()), (before.clone(), 0));
    let answer = agent.call("put_secret", json!({ "path": "Staging/With passkey", "value": "value-x" })).await;
    match kind {
        // Without the passkey it would be another item.
        Kind::Op => assert_eq!((answer.code(), &stage.far.items()), ("unsupported", &before)),
        // It shows no passkeys, so nothing but the one value is sent.
        Kind::Connect => assert_only(&before, &stage.far.items(), "passkeyaaaaaaaaaaaaaaaaaaa", "password"),
    }
    assert_eq!(agent.read("Staging/Stripe/strange").await, "value-hologram");
    stage.end([agent]).await;
}

async fn what_is_not_there_cannot_be_written_to(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    for path in ["Nowhere/Item/password", "Staging/unknownaaaaaaaaaaaaaaaaaaa/password"] {
        let answer = agent.call("put_secret", json!({ "path": path, "value": "value-x" })).await;
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    assert_eq!(agent.call("rotate_and_store", json!({ "path": "Staging/Nothing" })).await.code(), "not_found");
    assert_eq!(stage.far.changed(), 0);
    stage.end([agent]).await;
}

async fn a_token_that_may_only_read_changes_nothing(kind: Kind) {
    let stage = Stage::new(kind);
    let source = stage.far.source(&stage.home, "far", crate::support::one_password::READER);
    stage.home.write("opward.toml", format!("version = 1\n{source}").as_bytes());
    let agent = stage.serve("agent").await;
    let before = stage.far.items();
    for (tool, arguments) in [
        ("put_secret", json!({ "path": "Staging/GitHub", "value": "value-x" })),
        ("put_secret", json!({ "path": "Staging/Brand new", "value": "value-x" })),
        ("rotate_and_store", json!({ "path": "Staging/GitHub" })),
    ] {
        let answer = agent.call(tool, arguments).await;
        assert_eq!(answer.code(), "source_unavailable", "{tool}");
        assert!(answer.text().contains("opward doctor"), "{}", answer.text());
    }
    assert_eq!(stage.far.items(), before);
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    stage.end([agent]).await;
}

async fn what_is_deleted_is_archived_or_refused(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let before = stage.far.items();
    let delete = json!({ "path": "Staging/GitHub", "if_version": 4 });
    match kind {
        Kind::Op => {
            let stale = json!({ "path": "Staging/GitHub", "if_version": 3 });
            assert_eq!(agent.call("delete_secret", stale).await.code(), "conflict");
            assert_eq!(stage.far.changed(), 0);
            let answer = agent.call("delete_secret", delete).await.ok();
            assert_eq!(answer, json!({ "path": "Staging/GitHub", "archived": true }));
            let item = &stage.far.items()[GITHUB];
            assert_eq!((&item["state"], &item["fields"]), (&json!("ARCHIVED"), &before[GITHUB]["fields"]));
            assert!(
                stage.far.op().calls_of("item delete").iter().all(|call| call.argv.contains(&"--archive".to_owned()))
            );
        }
        Kind::Connect => {
            let answer = agent.call("delete_secret", delete.clone()).await;
            assert_eq!(answer.code(), "unsupported");
            assert!(answer.message().contains("allow_permanent_delete"), "{}", answer.message());
            assert_eq!((stage.far.items(), stage.far.changed()), (before.clone(), 0));
            stage.configure("allow_permanent_delete = true\n");
            let allowed = stage.serve("agent").await;
            let answer = allowed.call("delete_secret", delete).await.ok();
            assert_eq!(answer, json!({ "path": "Staging/GitHub", "archived": false }), "it can't be brought back");
            assert!(!stage.far.items().contains_key(GITHUB));
            crate::support::one_password::clean(&stage.home, &[&stage.far], [allowed]).await;
        }
    }
    assert_eq!(stage.far.items().len(), before.len() - usize::from(kind == Kind::Connect));
    assert_eq!(agent.call("get_secret", json!({ "path": "Staging/GitHub/password" })).await.code(), "not_found");
    stage.end([agent]).await;
}
