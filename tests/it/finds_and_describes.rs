//! Lists, their filters and pages, and descriptions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Client, Home, OWNER, everyone, policy, put};

const CANARY: &str = "c4n4ry-0123456789-of-41-bytes-exactly-here";

async fn shop() -> Home {
    let rules = policy(&[
        &everyone(&["list", "describe"]),
        "principals = [\"owner\"]\nactions = [\"write\", \"delete\"]\npaths = [\"**\"]",
    ]);
    Home::with(
        &rules,
        [
            put("Staging/Stripe/credential", CANARY).with("tags", json!(["payments", "Agent"])),
            put("Staging/Strapi/password", CANARY).with("category", "password"),
            put("Staging/PostgreSQL/password", CANARY).with("category", "DATABASE").with("tags", json!(["db"])),
            put("Staging/PostgreSQL/username", "checkout"),
            put("Production/Stripe/credential", CANARY).with("tags", json!(["payments"])),
            put("Production/Notes/notesPlain", CANARY).with("category", "note"),
        ],
    )
    .await
}

#[tokio::test]
async fn filters_narrow_and_combine() {
    let home = shop().await;
    let agent = home.serve("agent").await;
    let all = ["Production/Notes", "Production/Stripe", "Staging/PostgreSQL", "Staging/Strapi", "Staging/Stripe"];
    for (arguments, expected) in [
        (json!({}), &all[..]),
        (json!({ "prefix": "Staging/" }), &all[2..]),
        (json!({ "prefix": "staging/STR" }), &all[3..]),
        (json!({ "prefix": "op://Staging/Str" }), &all[3..]),
        (json!({ "prefix": "Sta" }), &all[2..]),
        (json!({ "vault": "production" }), &all[..2]),
        (json!({ "vault": "Nowhere" }), &[]),
        (json!({ "category": "API_CREDENTIAL" }), &[all[1], all[4]]),
        (json!({ "category": "note" }), &all[..1]),
        (json!({ "tag": "PAYMENTS" }), &[all[1], all[4]]),
        (json!({ "tag": "pay" }), &[]),
        (json!({ "query": "stripe" }), &[all[1], all[4]]),
        (json!({ "query": "AGENT" }), &all[4..]),
        (json!({ "query": "username" }), &all[2..3]),
        (json!({ "vault": "Staging", "tag": "payments" }), &all[4..]),
        (json!({ "prefix": "Production/", "query": "postgres" }), &[]),
        (json!({ "limit": 2 }), &all[..2]),
        (json!({ "limit": 500, "prefix": null }), &all[..]),
    ] {
        assert_eq!(agent.paths(arguments.clone()).await, expected, "{arguments}");
    }
    for bad in [
        json!({ "limit": 0 }),
        json!({ "limit": 501 }),
        json!({ "limit": -1 }),
        json!({ "limit": "5" }),
        json!({ "category": "SECRETS" }),
        json!({ "prefix": "a//b" }),
        json!({ "prefix": "a/../b" }),
        json!({ "prefix": "a/b/c/d/e" }),
        json!({ "path": "Staging" }),
    ] {
        assert_eq!(agent.call("list_secrets", bad.clone()).await.code(), "invalid", "{bad}");
    }
    agent.end().await;
}

#[tokio::test]
async fn a_list_and_a_description_agree_and_hold_no_value() {
    let home = shop().await;
    let agent = home.serve("agent").await;
    let list = agent.call("list_secrets", json!({ "prefix": "Staging/Stripe" })).await.ok();
    let item = agent.call("describe_secret", json!({ "path": "op://staging/STRIPE/credential" })).await.ok();
    let listed = &list["secrets"][0];
    for key in ["path", "reference", "category", "tags", "version", "updated_at", "actions"] {
        assert_eq!(listed[key], item[key], "{key}");
    }
    assert_eq!(item["path"], "Staging/Stripe");
    assert_eq!(item["reference"], "op://Staging/Stripe");
    assert_eq!(item["tags"], json!(["payments", "Agent"]));
    assert_eq!((&item["version"], &item["expired"]), (&json!(1), &json!(false)));
    assert!(item["created_at"].is_string() && item["age_s"].as_i64().unwrap() < 600);
    assert_eq!(
        item["fields"],
        json!([
            { "name": "credential", "type": "concealed", "concealed": true, "actions": ["list", "describe"] }
        ])
    );
    assert_eq!(listed["fields"], json!(["credential"]));
    agent.end().await;
}

#[tokio::test]
async fn descriptions_tell_nothing_of_a_value() {
    // The same items with values of other lengths and contents: not a byte of the answers may differ.
    let mut answers = Vec::new();
    for value in ["x", CANARY, "another value entirely\nof two lines"] {
        let rules = policy(&[&everyone(&["list", "describe"])]);
        let home = Home::with(&rules, [put("Staging/Stripe/credential", value)]).await;
        let agent = home.serve("agent").await;
        let mut item = agent.call("describe_secret", json!({ "path": "Staging/Stripe" })).await.ok();
        let mut list = agent.call("list_secrets", json!({})).await.ok();
        for answer in [&mut item, &mut list["secrets"][0]] {
            let answer = answer.as_object_mut().unwrap();
            answer.retain(|key, _| !["created_at", "updated_at", "age_s"].contains(&key.as_str()));
        }
        answers.push((item, list));
        let log = agent.end().await;
        assert!(value.len() < 2 || !(log + &home.in_the_open()).contains(value));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn only_what_may_be_seen_is_shown_and_searched() {
    let rules = policy(&[
        "principals = [\"agent\"]\nactions = [\"list\", \"describe\"]\npaths = [\"Staging/PostgreSQL/username\"]",
        "principals = [\"agent\"]\nactions = [\"describe\"]\npaths = [\"Production/Stripe\"]",
    ]);
    let home = shop().await;
    home.furnish([put("Staging/PostgreSQL/url", "https://db.example.com/c4n4ry-in-a-url")]).await;
    home.policy(&rules);
    let agent = home.serve("agent").await;
    let list = agent.call("list_secrets", json!({})).await.ok();
    assert_eq!(list["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(list["secrets"][0]["fields"], json!(["username"]));
    assert_eq!(agent.paths(json!({ "query": "password" })).await, [""; 0], "a field that isn't shown isn't searched");
    let item = agent.call("describe_secret", json!({ "path": "Staging/PostgreSQL" })).await.ok();
    assert_eq!(item["fields"].as_array().unwrap().len(), 1);
    assert_eq!(item.get("urls"), None, "the address is a field's value, and that field isn't shown");
    // What may be described but not listed is described to one who knows it's there.
    assert!(!agent.call("describe_secret", json!({ "path": "Production/Stripe" })).await.is_error);
    agent.end().await;
}

async fn pages(agent: &Client, limit: usize, between: impl AsyncFn(usize)) -> Vec<String> {
    let (mut seen, mut arguments, mut count) = (Vec::new(), json!({ "limit": limit }), 0);
    loop {
        let page = agent.call("list_secrets", arguments).await.ok();
        let secrets = page["secrets"].as_array().unwrap();
        assert!(secrets.len() <= limit && !secrets.is_empty());
        seen.extend(secrets.iter().map(|secret| secret["path"].as_str().unwrap().to_owned()));
        count += 1;
        between(count).await;
        match &page["next_cursor"] {
            Value::String(cursor) => arguments = json!({ "limit": limit, "cursor": cursor }),
            Value::Null => return seen,
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn pages_have_no_gap_and_no_repetition_whatever_happens_between_them() {
    let home = shop().await;
    let (agent, owner) = (home.serve("agent").await, home.serve(OWNER).await);
    let all = agent.paths(json!({})).await;
    for limit in 1..=all.len() {
        assert_eq!(pages(&agent, limit, async |_| {}).await, all, "{limit}");
    }
    let seen = pages(&agent, 2, async |page| {
        let (tool, arguments) = match page {
            // The very item the cursor stands on goes away, and others come, before it and after it.
            1 => ("delete_secret", json!({ "path": "Production/Stripe" })),
            2 => ("put_secret", json!({ "path": "Production/AAA", "value": "v" })),
            3 => ("put_secret", json!({ "path": "Staging/ZZZ", "value": "v" })),
            _ => return,
        };
        owner.call(tool, arguments).await.ok();
    })
    .await;
    assert_eq!(seen[..5], all[..], "what was there all along comes once, in order");
    assert!(seen.len() <= 6 && !seen.contains(&"Production/AAA".to_owned()));
    owner.end().await;
    agent.end().await;
}

#[tokio::test]
async fn cursors_are_opaque_and_only_ours() {
    let home = shop().await;
    let agent = home.serve("agent").await;
    let page = agent.call("list_secrets", json!({ "limit": 1 })).await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert!(!cursor.contains("Production") && cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    let foreign =
        ["1:", "2:Production/Notes", "Production/Notes", "1:Production", "1:a/../b", "1:a/b\n", "{\"after\":1}"];
    let foreign = foreign.map(|text| URL_SAFE_NO_PAD.encode(text));
    let cut = &cursor[..cursor.len() - 1];
    for bad in foreign.iter().map(String::as_str).chain(["", "!", "0", "%00", "AAAA====", cut, &"A".repeat(5000)]) {
        let answer = agent.call("list_secrets", json!({ "cursor": bad })).await;
        // Cut short it may still be a place in the list; it can't be anything else.
        assert!(bad == cut || answer.code() == "invalid", "{bad}: {}", answer.value);
    }
    // A place that nothing stands at any more, or that its reader may not see, leads on all the same.
    let made_up = URL_SAFE_NO_PAD.encode("1:Staging/Nothing here");
    assert_eq!(
        agent.paths(json!({ "cursor": made_up })).await,
        ["Staging/PostgreSQL", "Staging/Strapi", "Staging/Stripe"]
    );
    agent.end().await;
}

#[tokio::test]
async fn ages_and_expiries_are_told() {
    let rules = policy(&[&everyone(&["list", "describe", "read"])]);
    let home = Home::with(
        &rules,
        [
            put("Staging/Old/password", CANARY).with("expires_at", "2020-01-31T00:00:00Z"),
            put("Staging/New/password", CANARY).with("expires_at", "2999-01-31T12:30:00+02:00"),
        ],
    )
    .await;
    let agent = home.serve("agent").await;
    let describe = async |path| agent.call("describe_secret", json!({ "path": path })).await.ok();
    let (old, new) = (describe("Staging/Old").await, describe("Staging/New").await);
    assert_eq!((&old["expired"], &old["expires_at"]), (&json!(true), &json!("2020-01-31T00:00:00Z")));
    assert_eq!((&new["expired"], &new["expires_at"]), (&json!(false), &json!("2999-01-31T10:30:00Z")));
    agent.end().await;
}

#[tokio::test]
async fn an_address_that_its_owner_protects_is_not_shown() {
    let home = Home::new();
    home.edit_vault(|vault| {
        crate::support::add(vault, "V", "A", |entry| {
            entry.set_protected("URL", CANARY);
            entry.set_protected("KP2A_URL_1", CANARY);
        });
        crate::support::add(vault, "V", "B", |entry| entry.set_unprotected("URL", "https://example.com"));
    });
    home.policy(&policy(&[&everyone(&["list", "describe"])]));
    let agent = home.serve("agent").await;
    let describe = async |path| agent.call("describe_secret", json!({ "path": path })).await.ok();
    let protected = describe("V/A").await;
    assert!(!protected.to_string().contains(CANARY), "{protected}");
    assert!(protected["fields"].as_array().unwrap().iter().all(|field| field["concealed"] == true));
    assert_eq!(describe("V/B").await["urls"], json!(["https://example.com"]));
    agent.end().await;
}
