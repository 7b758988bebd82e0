//! Putting, rotating and archiving.

use serde_json::{Value, json};

use crate::support::{Client, Home, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-writes";
/// Whether a value is as it was asked for.
type Fits = fn(&str) -> bool;

const ALL: [&str; 6] = ["list", "describe", "read", "write", "rotate", "delete"];

async fn home() -> Home {
    Home::with(&policy(&[&everyone(&ALL)]), []).await
}

async fn store(agent: &Client, path: &str, value: &str) -> Value {
    agent.call("put_secret", json!({ "path": path, "value": value })).await.ok()
}

#[tokio::test]
async fn a_put_makes_what_is_not_there_and_changes_what_is() {
    let home = home().await;
    let agent = home.serve("agent").await;
    for (path, expected) in [
        ("New/Item", json!({ "path": "New/Item/credential", "version": 1, "created": true })),
        ("new/ITEM", json!({ "path": "New/Item/credential", "version": 2, "created": false })),
        ("op://New/Item/extra", json!({ "path": "New/Item/extra", "version": 3, "created": false })),
        ("NEW/Other/password", json!({ "path": "New/Other/password", "version": 1, "created": true })),
    ] {
        let value = format!("{CANARY} {path}");
        assert_eq!(store(&agent, path, &value).await, expected);
        assert_eq!(agent.read(expected["path"].as_str().unwrap()).await, value);
    }
    assert!(!(agent.end().await + &home.in_the_open()).contains(CANARY));
}

#[tokio::test]
async fn what_goes_with_a_value_is_kept_and_changed_only_on_request() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let full = json!({
        "path": "V/Key", "value": "1", "category": "ssh_key", "tags": ["b", "a"], "expires_at": "2999-01-01T00:00:00Z", "reason": "new",
    });
    assert_eq!(agent.call("put_secret", full).await.ok()["path"], "V/Key/private_key");
    store(&agent, "V/Key/private_key", "2").await;
    let describe = async || agent.call("describe_secret", json!({ "path": "V/Key" })).await.ok();
    let item = describe().await;
    assert_eq!(
        (&item["category"], &item["tags"], &item["expires_at"]),
        (&json!("SSH_KEY"), &json!(["b", "a"]), &json!("2999-01-01T00:00:00Z"))
    );
    let change = json!({ "path": "V/Key/private_key", "value": "3", "category": "API_CREDENTIAL", "tags": [], "expires_at": "2999-02-01T00:00:00+01:00" });
    agent.call("put_secret", change).await.ok();
    let item = describe().await;
    assert_eq!(
        (&item["category"], &item["tags"], &item["expires_at"]),
        (&json!("API_CREDENTIAL"), &json!([]), &json!("2999-01-31T23:00:00Z"))
    );
    for bad in [
        json!({ "category": "nonsense" }),
        json!({ "tags": [""] }),
        json!({ "tags": ["a\u{202e}b"] }),
        json!({ "tags": ["x".repeat(101)] }),
        json!({ "tags": ["a,b"] }),
        json!({ "expires_at": "tomorrow" }),
        json!({ "expires_at": "2999-01-01" }),
        json!({ "value": "a\0b" }),
        json!({ "path": "V/Key/Title" }),
        json!({ "path": "V/ Key" }),
        json!({ "path": "V/Key/private_key?attribute=otp" }),
    ] {
        let mut arguments = json!({ "path": "V/Key/private_key", "value": "4" });
        arguments.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        assert_eq!(agent.call("put_secret", arguments).await.code(), "invalid", "{bad}");
    }
    assert_eq!((agent.read("V/Key/private_key").await.as_str(), &describe().await["version"]), ("3", &json!(3)));
    agent.end().await;
}

#[tokio::test]
async fn values_come_back_byte_for_byte() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let long = "é漢🔑x".repeat(6000);
    let longest = &"0123456789abcdef".repeat(4096);
    let values = [
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        "line\r\nline\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        "",
        " spaces around ",
        "🔑 e\u{301} é \u{202e}",
        "<a>&amp;]]>\"'",
        "{\"json\":\"\\u0000\"}",
        "\u{feff}bom",
        "\\",
        &long[..60_000],
        longest,
    ];
    for (number, value) in values.iter().enumerate() {
        let path = format!("V/Item {number}/credential");
        let answer = agent.call("put_secret", json!({ "path": path, "value": value })).await;
        assert!(!answer.is_error, "{number}: {}", answer.value);
        let read = agent.read(&path).await;
        assert!(read == *value, "{number}: {} bytes of {}", read.len(), value.len());
    }
    agent.end().await;
    // And after all of it was read from disk anew.
    let agent = home.serve("agent").await;
    for (number, value) in values.iter().enumerate() {
        assert!(agent.read(&format!("V/Item {number}/credential")).await == **value, "{number}");
    }
    let over = json!({ "path": "V/Item 0/credential", "value": format!("{longest}x") });
    assert_eq!(agent.call("put_secret", over.clone()).await.code(), "too_large");
    assert_eq!(agent.call("rotate_and_store", over).await.code(), "too_large");
    assert_eq!(agent.read("V/Item 0/credential").await, values[0]);
    agent.end().await;
}

#[tokio::test]
async fn a_conflict_writes_nothing() {
    let home = home().await;
    home.furnish([put("V/A/credential", "one"), put("V/A/credential", "two")]).await;
    let agent = home.serve("agent").await;
    let file = std::fs::read(home.path("vault.kdbx")).unwrap();
    for (tool, arguments) in [
        ("put_secret", json!({ "path": "V/A/credential", "value": "x", "if_version": 1 })),
        ("put_secret", json!({ "path": "V/A/other", "value": "x", "if_version": 3 })),
        ("rotate_and_store", json!({ "path": "V/A", "if_version": 1 })),
        ("delete_secret", json!({ "path": "V/A", "if_version": 0 })),
    ] {
        let answer = agent.call(tool, arguments).await;
        assert_eq!(answer.code(), "conflict", "{tool}");
        assert!(answer.message().contains("version 2"), "{}", answer.message());
    }
    // What isn't there is at no version.
    let absent = agent.call("put_secret", json!({ "path": "V/B/credential", "value": "x", "if_version": 1 })).await;
    assert_eq!(absent.code(), "not_found");
    assert!(file == std::fs::read(home.path("vault.kdbx")).unwrap(), "the file wasn't touched");
    let fine = agent.call("put_secret", json!({ "path": "V/A", "value": "three", "if_version": 2 })).await.ok();
    assert_eq!(fine["version"], 3);
    assert_eq!(agent.read("V/A").await, "three");
    agent.end().await;
}

#[tokio::test]
async fn a_write_needs_a_rule_for_the_very_path() {
    let rules = policy(&[
        &everyone(&["list", "describe", "read"]),
        "principals = [\"agent\"]\nactions = [\"write\"]\npaths = [\"V/A/credential\", \"New/*/token\"]",
        "principals = [\"agent\"]\nactions = [\"rotate\"]\npaths = [\"V/B\"]",
    ]);
    let home =
        Home::with(&rules, [put("V/A/credential", "a"), put("V/A/other", "o"), put("V/B/credential", "b")]).await;
    let agent = home.serve("agent").await;
    for path in
        ["V/A/other", "V/A/new", "V/B/credential", "V/C/credential", "New/X/credential", "New/X", "Other/A/credential"]
    {
        let answer = agent.call("put_secret", json!({ "path": path, "value": "x" })).await;
        assert_eq!(answer.code(), "denied", "{path}");
    }
    store(&agent, "v/a", "changed").await;
    store(&agent, "New/X/token", "made").await;
    // To write isn't to rotate, nor the other way round.
    assert_eq!(agent.call("rotate_and_store", json!({ "path": "V/A/credential" })).await.code(), "denied");
    agent.call("rotate_and_store", json!({ "path": "V/B" })).await.ok();
    assert_eq!(agent.read("V/A/credential").await, "changed");
    assert_eq!(agent.read("V/A/other").await, "o");
    agent.end().await;
}

#[tokio::test]
async fn a_rotation_makes_a_value_that_nobody_is_told() {
    let rules = policy(&[
        &everyone(&["list", "describe", "rotate"]),
        "principals = [\"owner\"]\nactions = [\"read\"]\npaths = [\"**\"]",
    ]);
    let home = Home::with(&rules, [put("V/A/credential", CANARY)]).await;
    let (agent, owner) = (home.serve("agent").await, home.serve("owner").await);
    let mut seen = vec![CANARY.to_owned()];
    let is_word =
        |word: &str| (3..=9).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let plain: Fits = |v| v.len() == 32 && v.bytes().all(|b| b.is_ascii_alphanumeric());
    for (version, generate, fits) in [
        (1, Value::Null, plain),
        (2, json!({}), |v| v.len() == 32),
        (3, json!({ "length": 16 }), |v| v.len() == 16),
        (4, json!({ "length": 256, "symbols": true }), |v| {
            v.len() == 256 && v.bytes().any(|b| b.is_ascii_punctuation())
        }),
        (5, json!({ "symbols": false, "length": 100 }), |v| {
            v.len() == 100 && v.bytes().all(|b| b.is_ascii_alphanumeric())
        }),
        (6, json!({ "words": 6 }), |v| v.split('-').count() >= 6),
        (7, json!({ "words": 32 }), |v| v.split('-').count() >= 32),
    ] {
        let mut arguments = json!({ "path": "V/A", "if_version": version });
        if !generate.is_null() {
            arguments["generate"] = generate.clone();
        }
        let answer = agent.call("rotate_and_store", arguments).await.ok();
        // Three keys, so no place for a value.
        assert_eq!(answer, json!({ "path": "V/A/credential", "version": version + 1, "previous_version": version }));
        let value = owner.read("V/A/credential").await;
        assert!(fits(&value), "{generate}: {value}");
        assert!(generate.get("words").is_none() || value.split('-').all(is_word), "{value}");
        assert!(!seen.contains(&value));
        seen.push(value);
    }
    let given = agent.call("rotate_and_store", json!({ "path": "V/A", "value": "brought along" })).await;
    assert!(!given.ok().to_string().contains("brought"));
    assert_eq!(owner.read("V/A").await, "brought along");
    for bad in [
        json!({ "generate": { "length": 15 } }),
        json!({ "generate": { "length": 257 } }),
        json!({ "generate": { "words": 5 } }),
        json!({ "generate": { "words": 33 } }),
        json!({ "generate": { "words": 6, "symbols": true } }),
        json!({ "generate": {}, "value": "x" }),
        json!({ "generate": { "length": 99_999_999 } }),
        json!({ "generate": true }),
    ] {
        let mut arguments = json!({ "path": "V/A" });
        arguments.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        assert_eq!(agent.call("rotate_and_store", arguments).await.code(), "invalid", "{bad}");
    }
    assert_eq!(owner.read("V/A").await, "brought along");
    let log = agent.end().await + &owner.end().await + &home.in_the_open();
    assert!(seen.iter().all(|value| !log.contains(value)));
}

#[tokio::test]
async fn what_is_replaced_stays_in_the_history_and_what_is_archived_in_the_recycle_bin() {
    let home = home().await;
    home.furnish([put("V/A/credential", "first"), put("V/B/credential", "kept")]).await;
    let agent = home.serve("agent").await;
    agent.call("rotate_and_store", json!({ "path": "V/A", "value": "second" })).await.ok();
    let archived =
        agent.call("delete_secret", json!({ "path": "op://v/a", "if_version": 2, "reason": "unused" })).await.ok();
    assert_eq!(archived, json!({ "path": "V/A", "archived": true }));
    assert_eq!(agent.paths(json!({})).await, ["V/B"]);
    assert_eq!(agent.call("get_secret", json!({ "path": "V/A/credential" })).await.code(), "not_found");
    agent.end().await;
    home.edit_vault(|vault| {
        let bin = vault.recycle_bin().expect("a recycle bin");
        let entry = bin.entries().next().expect("the archived item");
        assert_eq!((entry.get_title(), entry.get("credential")), (Some("A"), Some("second")));
        assert_eq!(entry.historical(0).unwrap().get("credential"), Some("first"));
        assert_eq!(bin.entries().count(), 1);
    });
}

#[tokio::test]
async fn an_item_goes_only_with_all_of_its_fields() {
    let rules = policy(&[
        &everyone(&["list", "describe", "read"]),
        "principals = [\"*\"]\nactions = [\"delete\"]\npaths = [\"V/A/one\", \"V/B\", \"V/C\"]",
        "id = \"never\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"delete\"]\npaths = [\"V/C/two\"]",
    ]);
    let items = ["A", "B", "C"]
        .into_iter()
        .flat_map(|item| ["one", "two"].map(|field| put(&format!("V/{item}/{field}"), CANARY)));
    let home = Home::with(&rules, items).await;
    let agent = home.serve("agent").await;
    assert_eq!(agent.call("delete_secret", json!({ "path": "V/A" })).await.code(), "denied");
    let denied = agent.call("delete_secret", json!({ "path": "V/C" })).await;
    assert_eq!((denied.code(), &denied.value["error"]["rule"]), ("denied", &json!("never")));
    assert_eq!(agent.call("delete_secret", json!({ "path": "V/B/one" })).await.code(), "invalid");
    agent.call("delete_secret", json!({ "path": "V/B" })).await.ok();
    assert_eq!(agent.paths(json!({})).await, ["V/A", "V/C"]);
    agent.end().await;
}

#[tokio::test]
async fn what_others_write_is_seen_at_once() {
    let home = home().await;
    home.furnish([put("V/A/credential", "one")]).await;
    let (agent, other) = (home.serve("agent").await, home.serve("other").await);
    assert_eq!((agent.read("V/A").await, other.read("V/A").await), ("one".to_owned(), "one".to_owned()));
    for round in 0..5 {
        store(&other, "V/A", &format!("other {round}")).await;
        assert_eq!(agent.read("V/A").await, format!("other {round}"));
        store(&agent, "V/A", &format!("agent {round}")).await;
        assert_eq!(other.read("V/A").await, format!("agent {round}"));
    }
    store(&other, "V/B/credential", "new").await;
    assert_eq!(agent.paths(json!({})).await, ["V/A", "V/B"]);
    let typed = home.run(&["secret", "put", "V/A"], "from the command line\n");
    assert!(typed.status.success(), "{typed:?}");
    assert_eq!(agent.read("V/A").await, "from the command line\n");
    home.edit_vault(|vault| {
        let id = vault.iter_all_entries().find(|entry| entry.get_title() == Some("A")).unwrap().id();
        vault.entry_mut(id).unwrap().set_protected("credential", "from another program");
        crate::support::add(vault, "V", "C", |entry| crate::support::password(entry, "from another program"));
    });
    for server in [&agent, &other] {
        assert_eq!(server.read("V/A").await, "from another program");
        assert_eq!(server.read("V/C").await, "from another program");
    }
    agent.end().await;
    other.end().await;
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn two_servers_at_once_lose_no_write() {
    let home = home().await;
    // Made beforehand: of two who make the same item at once, one is told of a conflict.
    home.furnish([put("V/Shared/credential", "v")]).await;
    let (one, two) = (home.serve("one").await, home.serve("two").await);
    let write = async |agent: &Client, name: &str| {
        for number in 0..15 {
            store(agent, &format!("V/{name} {number}/credential"), "v").await;
            store(agent, "V/Shared/credential", name).await;
        }
    };
    tokio::join!(write(&one, "one"), write(&two, "two"));
    assert_eq!(one.paths(json!({})).await.len(), 31);
    let shared = two.call("describe_secret", json!({ "path": "V/Shared" })).await.ok();
    assert_eq!(shared["version"], 31, "each write is a version");
    one.end().await;
    two.end().await;
}
