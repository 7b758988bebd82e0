//! Who may not list a path can't tell "not there" from "not yours"; who may, is told.

use serde_json::{Value, json};

use crate::support::{Client, Home, Put, about, add, everyone, password, policy, put};

const CANARY: &str = "c4n4ry-of-absence";

/// Paths that are there, in every way, and paths that aren't, in every way.
const PATHS: [&str; 10] = [
    "Staging/Stripe",
    "Staging/Stripe/credential",
    "Staging/Stripe/nothing",
    "Staging/Nothing",
    "Staging/Nothing/credential",
    "Nowhere/Stripe",
    "Nowhere/Stripe/credential",
    "Staging/Twin",
    "Staging/Twin/password",
    "Staging/No default",
];

fn values() -> [Put; 3] {
    [
        put("Staging/Stripe/credential", CANARY),
        put("Staging/No default/one", CANARY),
        put("Staging/No default/two", CANARY),
    ]
}

async fn home(rules: &[&str]) -> Home {
    let home = Home::with(&policy(rules), values()).await;
    home.edit_vault(|vault| {
        for _ in 0..2 {
            add(vault, "Staging", "Twin", |entry| password(entry, CANARY));
        }
    });
    home
}

async fn answers(agent: &Client, path: &str) -> Vec<(&'static str, bool, Value)> {
    let mut answers = Vec::new();
    for (tool, arguments) in about(path) {
        let answer = agent.call(tool, arguments).await;
        answers.push((tool, answer.is_error, answer.value));
    }
    answers
}

#[tokio::test]
async fn to_a_stranger_everything_looks_alike() {
    for rules in [
        &[][..],
        // Allowed elsewhere, and even here but for others.
        &["principals = [\"agent\"]\nactions = [\"list\", \"read\"]\npaths = [\"Elsewhere/**\"]"],
        // Forbidden by name: that there's such a rule would tell, too.
        &[
            "id = \"hush\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"list\", \"read\", \"write\"]\npaths = [\"Staging/Stripe\"]",
        ],
        // Limited to what some items have: whether an item has it would tell.
        &["principals = [\"agent\"]\nactions = [\"list\"]\npaths = [\"**\"]\ntags = [\"never\"]"],
    ] {
        everything_looks_alike(&home(rules).await).await;
    }
}

#[tokio::test]
async fn without_a_policy_everything_looks_alike_as_well() {
    let home = home(&[]).await;
    home.policy("this is no policy");
    everything_looks_alike(&home).await;
    std::fs::remove_file(home.path("policy.toml")).unwrap();
    everything_looks_alike(&home).await;
}

/// Asks every tool about each path as a stranger.
async fn everything_looks_alike(home: &Home) {
    let agent = home.serve("agent").await;
    let expected = answers(&agent, PATHS[0]).await;
    assert!(expected.iter().filter(|(_, is_error, _)| *is_error).count() >= 6, "{expected:?}");
    for path in &PATHS[1..] {
        let answers = answers(&agent, path).await;
        for (expected, answer) in expected.iter().zip(answers) {
            // Only a whole item can be archived, whatever path it is.
            if answer.0 == "delete_secret" && path.matches('/').count() > 1 {
                assert_eq!(answer.2["error"]["code"], "invalid");
            } else {
                assert_eq!(*expected, answer, "{path}");
            }
        }
    }
    let said = agent.end().await;
    assert!(!said.contains(CANARY));
    assert!(!said.contains("Stripe") && !said.contains("Twin"), "{said}");
}

#[tokio::test]
async fn one_who_may_list_is_told_what_is_missing() {
    let home = home(&[&everyone(&["list", "read", "rotate", "delete", "describe"])]).await;
    let agent = home.serve("agent").await;
    let code = async |tool: &'static str, path: &str| {
        let (_, arguments) = about(path).into_iter().find(|(name, _)| *name == tool).unwrap();
        let answer = agent.call(tool, arguments).await;
        (answer.code().to_owned(), answer.text())
    };
    for tool in ["get_secret", "rotate_and_store", "get_env_bundle", "describe_secret"] {
        for path in ["Staging/Stripe/nothing", "Staging/Nothing", "Staging/Nothing/credential", "Nowhere/Stripe"] {
            assert_eq!(code(tool, path).await.0, "not_found", "{tool} {path}");
        }
        let (code, text) = code(tool, "Staging/Twin").await;
        assert_eq!(code, "ambiguous", "{tool}");
        for id in home.edit_vault(|vault| {
            let twins = vault.iter_all_entries().filter(|entry| entry.get_title() == Some("Twin"));
            twins.map(|entry| crate::support::id(entry.id().uuid())).collect::<Vec<_>>()
        }) {
            assert!(text.contains(&id), "{tool}: {text}");
            assert_eq!(agent.read(&format!("Staging/{id}/password")).await, CANARY);
        }
    }
    assert_eq!(code("delete_secret", "Staging/Nothing").await.0, "not_found");
    assert_eq!(code("delete_secret", "Staging/Twin").await.0, "ambiguous");
    assert_eq!(code("get_secret", "Staging/No default").await.0, "ambiguous");
    agent.end().await;
}

#[tokio::test]
async fn a_rule_that_names_a_title_means_every_item_that_bears_it() {
    let home = home(&[
        &everyone(&["list", "read"]),
        "id = \"no-twins\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"Staging/Twin\"]",
    ])
    .await;
    let agent = home.serve("agent").await;
    let twins: Vec<String> = agent.paths(json!({ "prefix": "Staging/" })).await;
    let twins: Vec<&String> = twins.iter().filter(|path| path.len() == "Staging/".len() + 26).collect();
    assert_eq!(twins.len(), 2);
    for twin in twins {
        let answer = agent.call("get_secret", json!({ "path": twin })).await;
        assert_eq!((answer.code(), &answer.value["error"]["rule"]), ("denied", &json!("no-twins")), "{twin}");
    }
    agent.end().await;
}
