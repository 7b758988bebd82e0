//! However many ask for however much, 1Password is asked as little as possible.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::model::CallToolRequestParams;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::Client;
use crate::support::one_password::{Kind, Stage, all, both_ways, clean, login, seed};

const STAGING: &str = "stagingvault2xxxxxxxxxxxxx";

both_ways! {
    a_thousand_readers_of_a_cold_secret_make_one_read,
    a_thousand_reads_of_twenty_secrets_make_twenty_at_most,
    a_bundle_of_twenty_costs_next_to_nothing,
    references_in_the_environment_are_a_bundle_from_1password,
    what_may_not_be_opened_is_not_kept,
}

/// A world with twenty more items, and a bundle of them.
fn twenty() -> (Value, String) {
    let mut world = seed();
    let mut bundle = "[env_bundle.twenty]\n".to_owned();
    for number in 0..20 {
        let title = format!("Item {number}");
        let mut new = login(&format!("item{number}"), &title, STAGING, &format!("value-of-{number}"));
        let user = json!({ "id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "value-u" });
        new["fields"].as_array_mut().unwrap().push(user);
        world["items"].as_array_mut().unwrap().push(new);
        bundle.extend([&*format!("V{number}"), " = \"op://Staging/", &title, "/password\"\n"]);
    }
    (world, bundle)
}

/// Asks for all of these at once.
async fn at_once(client: &Client, paths: impl Iterator<Item = String>) -> Vec<Value> {
    let mut calls = JoinSet::new();
    for path in paths {
        let peer = client.peer().clone();
        let arguments = json!({ "path": path }).as_object().unwrap().clone();
        let request = CallToolRequestParams::new("get_secret").with_arguments(arguments);
        calls.spawn(async move { peer.call_tool(request).await.unwrap().structured_content.unwrap() });
    }
    tokio::time::timeout(Duration::from_mins(1), calls.join_all()).await.unwrap()
}

async fn a_thousand_readers_of_a_cold_secret_make_one_read(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    let answers = at_once(&agent, (0..1000).map(|_| "Staging/GitHub".to_owned())).await;
    assert_eq!(answers.len(), 1000);
    assert!(answers.iter().all(|answer| answer["value"] == "value-github-password"), "{:?}", answers.first());
    assert_eq!(stage.far.read(), 1);
    assert_eq!(stage.far.listed(), if kind == Kind::Op { 1 } else { 2 }, "once for each vault through Connect");
    stage.end([agent]).await;
}

async fn a_thousand_reads_of_twenty_secrets_make_twenty_at_most(kind: Kind) {
    let (world, _) = twenty();
    let stage = Stage::of(kind, &world, "", &all());
    let agent = stage.serve("agent").await;
    let answers = at_once(&agent, (0..1000).map(|number| format!("Staging/Item {}/password", number % 20))).await;
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer["value"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(counts.len() == 20 && counts.values().all(|count| *count == 50), "{counts:?}");
    assert!(stage.far.read() <= 20, "{} reads", stage.far.read());
    assert!(stage.far.asked() <= 20 + 3, "{} requests", stage.far.asked());
    stage.end([agent]).await;
}

async fn a_bundle_of_twenty_costs_next_to_nothing(kind: Kind) {
    let (world, bundle) = twenty();
    let bad = "GONE = \"Staging/Nothing/password\"\nTWINS = \"Staging/Twin/password\"\nNO_FIELD = \"Staging/Stripe/nothing\"\n\
        ARCHIVED = \"Staging/archivedaaaaaaaaaaaaaaaaaa/password\"\n";
    let expected: BTreeMap<_, _> = (0..20).map(|number| (format!("V{number}"), format!("value-of-{number}"))).collect();
    let get = async |agent: &Client| {
        let answer = agent.call("get_env_bundle", json!({ "path": "twenty" })).await.ok();
        assert_eq!(answer["env"], json!(expected));
        answer["missing"].clone()
    };
    let per_item = |items| if kind == Kind::Op { 1 } else { items };
    let stage = Stage::of(kind, &world, &bundle, &all());
    let agent = stage.serve("agent").await;
    assert_eq!(get(&agent).await, json!([]));
    assert_eq!(stage.far.read(), per_item(20), "when nothing is known");
    assert_eq!(stage.far.asked(), per_item(20) + if kind == Kind::Op { 2 } else { 3 }, "and the lists");
    stage.far.forget();
    assert_eq!(get(&agent).await, json!([]));
    assert_eq!(stage.far.asked(), 0, "when the values are known");
    clean(&stage.home, &[&stage.far], [agent]).await;

    let agent = stage.serve("agent").await;
    for number in 0..20 {
        agent.call("describe_secret", json!({ "path": format!("Staging/Item {number}/username") })).await.ok();
    }
    stage.far.forget();
    assert_eq!(get(&agent).await, json!([]));
    assert_eq!((stage.far.asked(), stage.far.read()), (per_item(20), per_item(20)), "when the fields are known");
    clean(&stage.home, &[&stage.far], [agent]).await;

    stage.far.forget();
    stage.configure(&format!("{bundle}{bad}"));
    let agent = stage.serve("agent").await;
    for _ in 0..2 {
        assert_eq!(get(&agent).await, json!(["ARCHIVED", "GONE", "NO_FIELD", "TWINS"]));
    }
    clean(&stage.home, &[&stage.far], [agent]).await;

    let agent = stage.serve("agent").await;
    agent.paths(json!({})).await;
    stage.far.remove(&format!("{:a<26}", "item7"));
    let answer = agent.call("get_env_bundle", json!({ "path": "twenty" })).await.ok();
    let mut rest = expected.clone();
    rest.remove("V7");
    assert_eq!(answer["env"], json!(rest), "one that's gone meanwhile doesn't sink the others");
    stage.end([agent]).await;
}

async fn references_in_the_environment_are_a_bundle_from_1password(kind: Kind) {
    let stage = Stage::new(kind);
    let variables = [
        ("OP_GITHUB_TOKEN_REF", "op://Staging/GitHub/Tokens/deploy token"),
        ("OP_STRIPE_REF", "op://Production/Stripe/credential"),
        ("OP_GONE_REF", "op://Staging/Nothing/password"),
        ("OP_SOMETHING_ELSE", "op://Staging/Mess/password"),
    ];
    let agent = Client::start_among(stage.home.folder(), "agent", &variables).await;
    let bundle = agent.call("get_env_bundle", json!({ "path": "environment" })).await.ok();
    let expected = json!({ "GITHUB_TOKEN": "value-github-deploy-token", "STRIPE": "value-production-credential" });
    assert_eq!(bundle, json!({ "env": expected, "missing": ["GONE"], "denied": [] }));
    if kind == Kind::Op {
        assert!(stage.far.op().calls().iter().all(|call| !call.shows("_REF")), "a child has none of it");
    }
    stage.end([agent]).await;
}

/// Whoever reads an item gets every value in it. One that's refused isn't kept for later.
async fn what_may_not_be_opened_is_not_kept(kind: Kind) {
    let names = "version = 1\n[[rule]]\nid = \"names\"\nprincipals = [\"*\"]\nactions = [\"list\", \"describe\"]\npaths = [\"**\"]\n";
    let stage = Stage::of(kind, &seed(), "", names);
    let agent = stage.serve("agent").await;
    let wanted = json!({ "path": "Staging/GitHub/password" });
    assert_eq!(agent.call("get_secret", wanted.clone()).await.code(), "denied");
    assert_eq!(stage.far.read(), 1, "the item's fields had to be known");
    stage.home.policy(&all());
    let access = json!({ "path": "Staging/GitHub/password", "action": "read" });
    let allowed = async {
        while agent.call("check_access", access.clone()).await.ok()["decision"] != "allow" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), allowed).await.unwrap();
    assert_eq!(stage.far.read(), 1);
    assert_eq!(agent.call("get_secret", wanted).await.ok()["value"], "value-github-password");
    assert_eq!(stage.far.read(), 2, "the value is asked for when it's allowed");
    stage.end([agent]).await;
}
