//! Nothing is allowed that no rule allows: with no policy, with an empty one, and with the starter's.

use std::fs;

use serde_json::json;

use crate::support::{Home, about, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-default";

fn values() -> [crate::support::Put; 2] {
    [put("Staging/Stripe/credential", CANARY), put("Production/PostgreSQL/password", CANARY)]
}

#[tokio::test]
async fn the_starter_policy_shows_names_and_gives_nothing_out() {
    let home = Home::new();
    home.furnish(values()).await;
    let agent = home.serve("agent").await;
    assert_eq!(agent.paths(json!({})).await, ["Production/PostgreSQL", "Staging/Stripe"]);
    let vaults = agent.call("list_vaults", json!({})).await.ok();
    assert_eq!(
        vaults["vaults"],
        json!([
            { "name": "Production", "source": "home", "items": 1 },
            { "name": "Staging", "source": "home", "items": 1 },
        ])
    );
    let item = agent.call("describe_secret", json!({ "path": "Staging/Stripe" })).await.ok();
    assert_eq!(item["actions"], json!(["list", "describe"]));
    for (tool, arguments) in about("Staging/Stripe") {
        let answer = agent.call(tool, arguments).await;
        assert!(!answer.text().contains(CANARY), "{tool}");
        match tool {
            "describe_secret" | "list_secrets" | "list_vaults" => assert!(!answer.is_error, "{tool}"),
            "check_access" => assert_eq!(answer.value["decision"], "deny"),
            // A bundle's denied keys are named; not one value is in it.
            "get_env_bundle" => {
                assert_eq!(answer.value, json!({ "env": {}, "missing": [], "denied": ["CREDENTIAL"] }));
            }
            _ => {
                assert_eq!(answer.code(), "denied", "{tool}");
                let hint = answer.value["error"]["hint"].as_str().unwrap();
                assert!(hint.contains("ask the owner to add a rule"), "{hint}");
            }
        }
    }
    assert!(!agent.end().await.contains(CANARY));
    let owner = home.serve(crate::support::OWNER).await;
    assert_eq!(owner.call("get_secret", json!({ "path": "Staging/Stripe" })).await.code(), "denied");
    owner.end().await;
}

#[tokio::test]
async fn without_a_rule_there_is_nothing_to_see() {
    for rules in [Some("version = 1\n"), Some("this is no policy"), None] {
        let home = Home::new();
        home.furnish(values()).await;
        match rules {
            Some(rules) => home.policy(rules),
            None => fs::remove_file(home.path("policy.toml")).unwrap(),
        }
        nothing_is_seen(&home, "agent").await;
    }
}

#[tokio::test]
async fn rules_for_others_are_no_rules() {
    let others = "principals = [\"other\", \"agent-*\"]\nactions = [\"list\", \"describe\", \"read\", \"write\"]\npaths = [\"**\"]";
    let home = Home::with(&policy(&[others]), values()).await;
    nothing_is_seen(&home, "agent").await;
}

async fn nothing_is_seen(home: &Home, principal: &str) {
    let agent = home.serve(principal).await;
    for (tool, arguments) in about("Staging/Stripe") {
        let answer = agent.call(tool, arguments).await;
        match tool {
            "list_secrets" => assert_eq!(answer.ok(), json!({ "secrets": [] })),
            "list_vaults" => assert_eq!(answer.ok(), json!({ "vaults": [] })),
            "check_access" => assert_eq!(answer.ok()["decision"], "deny"),
            _ => assert_eq!(answer.code(), "denied", "{tool}"),
        }
    }
    agent.end().await;
    assert!(!home.in_the_open().contains(CANARY));
}

#[tokio::test]
async fn a_name_on_the_command_line_is_all_a_principal_is() {
    // The client's own name, which it chooses, decides nothing: this client calls itself something, too.
    let rules =
        policy(&[&everyone(&["list"]), "principals = [\"rmcp\", \"raw\"]\nactions = [\"read\"]\npaths = [\"**\"]"]);
    let home = Home::with(&rules, values()).await;
    let agent = home.serve("agent").await;
    assert_eq!(agent.call("get_secret", json!({ "path": "Staging/Stripe" })).await.code(), "denied");
    agent.end().await;
}
