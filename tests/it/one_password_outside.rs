//! What others do in 1Password is noticed, and decided on anew; what nobody may know of costs nothing.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::one_password::{EVERYTHING, Kind, Stage, all, both_ways, login, refused, seed};
use crate::support::{Client, everyone, policy};

const STAGING: &str = "stagingvault2xxxxxxxxxxxxx";
const PRODUCTION: &str = "productionvault2xxxxxxxxxx";
const GITHUB: &str = "githubaaaaaaaaaaaaaaaaaaaa";

/// So that each read looks at the source.
const NOTHING_KEPT: &str = "[cache]\nttl = 0\n";

both_ways! {
    an_item_renamed_elsewhere_is_decided_on_anew,
    an_item_moved_elsewhere_is_gone_from_its_old_place,
    what_is_archived_is_not_there,
    what_nobody_may_know_of_costs_nothing,
}

/// Waits for something that has to wait for its time.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(done) = attempt().await {
            return done;
        }
        assert!(Instant::now() < end, "it never came");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn value(client: &Client, path: &str) -> Option<String> {
    let answer = client.call("get_secret", json!({ "path": path })).await;
    (!answer.is_error).then(|| answer.value["value"].as_str().unwrap().to_owned())
}

async fn an_item_renamed_elsewhere_is_decided_on_anew(kind: Kind) {
    let deny = "id = \"never\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"Staging/Hidden/**\"]";
    let stage = Stage::of(kind, &seed(), NOTHING_KEPT, &policy(&[&everyone(&EVERYTHING), deny]));
    let agent = stage.serve("agent").await;
    assert_eq!(agent.read("Staging/GitHub/password").await, "value-github-password");
    assert_eq!(agent.read("Staging/Stripe").await, "value-stripe-credential");
    assert_eq!(agent.read("Staging/Orders DB/password").await, "value-orders-password");
    stage.far.edit(GITHUB, |item| item["title"] = json!("Hidden"));
    stage.far.edit("stripeaaaaaaaaaaaaaaaaaaaa", |item| item["title"] = json!("Payments"));
    stage.far.edit("ordersdbaaaaaaaaaaaaaaaaaa", |item| item["title"] = json!("Orders"));
    // What's listed is older than the new names. Reading tells them, and that's what is decided on.
    for path in [format!("Staging/{GITHUB}/password"), "Staging/Hidden/password".to_owned()] {
        let answer = agent.call("get_secret", json!({ "path": path })).await;
        assert_eq!((answer.code(), &answer.value["error"]["rule"]), ("denied", &json!("never")), "{path}");
    }
    assert_eq!(refused(&agent, "Staging/Orders DB/password").await, "not_found", "the old name first");
    assert_eq!(agent.read("Staging/Orders/password").await, "value-orders-password");
    let by_id = agent.call("get_secret", json!({ "path": "Staging/stripeaaaaaaaaaaaaaaaaaaaa" })).await.ok();
    let expected = (&json!("Staging/Payments/credential"), &json!("value-stripe-credential"));
    assert_eq!((&by_id["path"], &by_id["value"]), expected);
    assert_eq!(agent.read("Staging/Payments").await, "value-stripe-credential");
    for old in ["Staging/GitHub/password", "Staging/Stripe/credential"] {
        assert_eq!(refused(&agent, old).await, "not_found", "{old}");
    }
    stage.end([agent]).await;
}

async fn an_item_moved_elsewhere_is_gone_from_its_old_place(kind: Kind) {
    let rules = policy(&["principals = [\"*\"]\nactions = [\"list\", \"read\"]\npaths = [\"Staging/**\"]"]);
    let stage = Stage::of(kind, &seed(), NOTHING_KEPT, &rules);
    let agent = stage.serve("agent").await;
    assert_eq!(agent.read("Staging/GitHub/password").await, "value-github-password");
    let mut moved = stage.far.items()[GITHUB].clone();
    (moved["id"], moved["vault"]["id"]) = (json!("movedaaaaaaaaaaaaaaaaaaaaa"), json!(PRODUCTION));
    moved["vault"]["name"] = json!("Production");
    stage.far.remove(GITHUB);
    stage.far.add(&moved);
    assert_eq!(refused(&agent, "Staging/GitHub/password").await, "not_found");
    assert_eq!(refused(&agent, &format!("Staging/{GITHUB}/password")).await, "not_found");
    for path in ["Production/GitHub/password", "Production/movedaaaaaaaaaaaaaaaaaaaaa/password"] {
        assert_eq!(refused(&agent, path).await, "denied", "{path}");
    }
    stage.end([agent]).await;
}

async fn what_is_archived_is_not_there(kind: Kind) {
    let stage = Stage::of(kind, &seed(), NOTHING_KEPT, &all());
    let agent = stage.serve("agent").await;
    assert!(
        !agent
            .paths(json!({ "limit": 100 }))
            .await
            .iter()
            .any(|path| path.contains("Old") || path.contains("archived"))
    );
    for path in ["Staging/Old token", "Staging/Old token/password", "Staging/archivedaaaaaaaaaaaaaaaaaa/password"] {
        assert_eq!(refused(&agent, path).await, "not_found", "{path}");
        assert_eq!(agent.call("describe_secret", json!({ "path": path })).await.code(), "not_found", "{path}");
        let delete = json!({ "path": "Staging/archivedaaaaaaaaaaaaaaaaaa" });
        assert_eq!(agent.call("delete_secret", delete).await.code(), "not_found");
    }
    // Nor is what's archived while it's known.
    assert_eq!(agent.read("Staging/GitHub/password").await, "value-github-password");
    stage.far.edit(GITHUB, |item| item["state"] = json!("ARCHIVED"));
    assert_eq!(refused(&agent, "Staging/GitHub/password").await, "not_found");
    assert_eq!(refused(&agent, &format!("Staging/{GITHUB}/password")).await, "not_found");
    let written = json!({ "path": format!("Staging/{GITHUB}/password"), "value": "value-new" });
    assert_eq!(agent.call("put_secret", written).await.code(), "not_found");
    assert_eq!(stage.far.changed(), 0);
    stage.end([agent]).await;
}

async fn what_nobody_may_know_of_costs_nothing(kind: Kind) {
    let rules = policy(&[
        "principals = [\"agent\"]\nactions = [\"list\", \"describe\", \"read\"]\npaths = [\"**\"]",
        "principals = [\"narrow\"]\nactions = [\"list\", \"read\"]\npaths = [\"Staging/GitHub/*\"]",
    ]);
    let stage = Stage::of(kind, &seed(), "", &rules);
    let (narrow, stranger) = (stage.serve("narrow").await, stage.serve("stranger").await);
    // Each server lists by itself; from here on they know what there is.
    assert_eq!(narrow.read("Staging/GitHub").await, "value-github-password");
    assert_eq!(stranger.paths(json!({})).await, [""; 0]);
    stage.far.forget();
    for round in 0..20 {
        for path in ["Staging/Stripe", "Staging/Gone", "Production/Stripe/credential", "Nowhere/Gone/field"] {
            for client in [&narrow, &stranger] {
                for tool in ["get_secret", "describe_secret", "get_env_bundle", "rotate_and_store"] {
                    let answer = client.call(tool, json!({ "path": path })).await;
                    assert_eq!(answer.code(), "denied", "{tool} {path}");
                }
                let item = path.rsplit_once('/').filter(|(item, _)| item.contains('/')).map_or(path, |(item, _)| item);
                assert_eq!(client.call("delete_secret", json!({ "path": item })).await.code(), "denied", "{item}");
                let new = json!({ "path": format!("Staging/New {round}/password"), "value": "value-new" });
                assert_eq!(client.call("put_secret", new).await.code(), "denied");
            }
        }
    }
    assert_eq!(stage.far.asked(), 0, "nobody who may know of it asked");
    stage.end([narrow, stranger]).await;
}

/// A name that isn't found is looked for again, but not each time: the looks are ten seconds apart.
#[tokio::test]
async fn what_is_made_elsewhere_is_found_on_the_next_miss() {
    let one_way = async |kind| {
        let stage = Stage::new(kind);
        let agent = stage.serve("agent").await;
        assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
        let new = login("fresh", "Fresh", STAGING, "value-fresh");
        stage.far.add(&new);
        let before = stage.far.listed();
        let found = eventually(async || value(&agent, "Staging/fresh/password").await).await;
        assert_eq!(found, "value-fresh");
        for _ in 0..20 {
            assert_eq!(refused(&agent, "Staging/Never").await, "not_found");
        }
        // Of two vaults, Connect is asked for each.
        let most = if kind == Kind::Op { 1 } else { 2 };
        assert!(stage.far.listed() - before <= most, "{} lists", stage.far.listed() - before);
        stage.end([agent]).await;
    };
    tokio::join!(one_way(Kind::Op), one_way(Kind::Connect));
}
