//! What a path means that may leave its vault out, and that this gives nothing away.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Name;

const RULES: &str = r#"
[[rule]]
id = "agent-all"
effect = "allow"
principals = ["agent"]
actions = ["list", "describe", "read", "write", "delete"]
paths = ["Prod/**", "Staging/**", "Empty/**"]

[[rule]]
id = "narrow"
effect = "allow"
principals = ["narrow"]
actions = ["list", "describe", "read"]
paths = ["Prod/**"]

[[rule]]
id = "tagged"
effect = "allow"
principals = ["tagged"]
actions = ["list", "read"]
paths = ["Prod/**"]

[[rule]]
id = "tagged-only"
effect = "allow"
principals = ["tagged"]
actions = ["list", "read"]
paths = ["**"]
tags = ["ci"]
"#;

const VALUES: [(&str, &str); 5] = [
    ("Prod/Stripe/credential", "prod-stripe"),
    ("Prod/Staging/Stripe", "an item named like a vault"),
    ("Prod/Hidden/Door", "an item named like a vault one may not know of"),
    ("Staging/Stripe/password", "staging-stripe"),
    ("Hidden/Door/password", "hidden-door"),
];

async fn read(house: &House, session: Session, path: &str) -> Result<String, PublicError> {
    let answer = ask(&house.toolbox(session), ToolName::GetSecret, json!({"path": path})).await?;
    Ok(answer["value"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_short_path_means_a_field_in_the_default_vault_and_everything_else_what_it_always_does() {
    let house = House::new(RULES, &VALUES).await;
    let prod = house.session_in("agent", "prod");
    for (path, value) in [
        ("Stripe/credential", "prod-stripe"),
        ("STRIPE/Credential", "prod-stripe"),
        // The first segment is a vault's name, in whatever case.
        ("Staging/Stripe", "staging-stripe"),
        ("sTAGING/stripe", "staging-stripe"),
        ("Prod/Stripe", "prod-stripe"),
        ("Prod/Staging/Stripe", "an item named like a vault"),
        ("op://Staging/Stripe", "staging-stripe"),
        // A vault that the agent may know nothing of is none.
        ("Hidden/Door", "an item named like a vault one may not know of"),
    ] {
        assert_eq!(read(&house, prod.clone(), path).await.unwrap(), value, "{path}");
    }
    assert_eq!(read(&house, prod.clone(), "Stripe").await.unwrap_err().code, ErrorCode::Invalid);
    assert_eq!(read(&house, prod.clone(), "op://Stripe/credential").await.unwrap_err().code, ErrorCode::Denied);
    let plain = house.session("agent");
    assert_eq!(read(&house, plain.clone(), "Stripe/credential").await.unwrap_err().code, ErrorCode::Denied);
    assert_eq!(read(&house, plain, "Staging/Stripe").await.unwrap(), "staging-stripe");
}

#[tokio::test]
async fn ids_stand_in_for_names_there_too() {
    let house = House::new(RULES, &VALUES).await;
    let owner = PrincipalName::parse("owner").unwrap();
    let catalog = house.custody.catalog(&owner).await.unwrap();
    let id_of = |text: &str| catalog.vault(&Name::new(text).unwrap()).unwrap().id.as_str().to_owned();
    let by_id = house.session_in("agent", &id_of("Prod"));
    assert_eq!(read(&house, by_id.clone(), "Stripe/credential").await.unwrap(), "prod-stripe");
    assert_eq!(read(&house, by_id, &format!("{}/Stripe", id_of("Staging"))).await.unwrap(), "staging-stripe");
}

#[tokio::test]
async fn what_a_path_came_to_mean_is_what_is_recorded_and_shown() {
    let house = House::new(RULES, &VALUES).await;
    let prod = house.session_in("agent", "Prod");
    let answer = ask(&house.toolbox(prod.clone()), ToolName::GetSecret, json!({"path": "stripe/credential"})).await;
    assert_eq!(answer.unwrap()["path"], "Prod/Stripe/credential");
    read(&house, prod.clone(), "Strip/credential").await.unwrap_err();
    read(&house, prod, "Staging/None").await.unwrap_err();
    let paths: Vec<_> = house.records().into_iter().filter(|record| record.principal == "agent").collect();
    let paths: Vec<_> = paths.iter().filter_map(|record| record.path.as_deref()).collect();
    assert_eq!(paths, ["Prod/Stripe/credential", "Prod/Stripe/credential", "Prod/Strip/credential", "Staging/None"]);
}

#[tokio::test]
async fn a_write_goes_where_the_path_came_to_mean_and_a_new_vault_is_still_a_vault() {
    let house = House::new(RULES, &VALUES).await;
    let tools = house.toolbox(house.session_in("agent", "Prod"));
    let put = async |path: &str| {
        let written = ask(&tools, ToolName::PutSecret, json!({"path": path, "value": "v"})).await;
        written.map(|written| written["path"].as_str().unwrap().to_owned())
    };
    assert_eq!(put("Twilio/token").await.unwrap(), "Prod/Twilio/token");
    assert_eq!(put("Staging/Twilio").await.unwrap(), "Staging/Twilio/credential");
    // No such vault is there, so it's an item of the default one.
    assert_eq!(put("Empty/Twilio").await.unwrap(), "Prod/Empty/Twilio");
    let refused = ask(&tools, ToolName::DeleteSecret, json!({"path": "Twilio/token"})).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Invalid, "a field alone can't be archived");
}

#[tokio::test]
async fn an_unknown_default_vault_and_one_that_may_not_be_listed_get_one_answer() {
    let house = House::new(RULES, &VALUES).await;
    for tool in [ToolName::GetSecret, ToolName::DescribeSecret, ToolName::GetEnvBundle] {
        let mut answers = Vec::new();
        for vault in ["Hidden", "Staging", "Nowhere", "aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            let tools = house.toolbox(house.session_in("narrow", vault));
            for path in ["Door/password", "Stripe/password", "Door/x"] {
                answers.push(said(&ask(&tools, tool, json!({"path": path})).await.unwrap_err()));
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].0, ErrorCode::Denied);
    }
}

#[tokio::test]
async fn what_a_path_means_tells_nothing_of_vaults_one_may_not_know_of() {
    let house = House::new(RULES, &VALUES).await;
    for name in ["narrow", "tagged"] {
        let prod = house.toolbox(house.session_in(name, "Prod"));
        let hidden = ask(&prod, ToolName::GetSecret, json!({"path": "Hidden/Nothing"})).await.unwrap_err();
        let item = ask(&prod, ToolName::GetSecret, json!({"path": "Stripe/Nothing"})).await.unwrap_err();
        assert_eq!(hidden.code, ErrorCode::NotFound);
        assert_eq!(item.code, ErrorCode::NotFound);
        let staging = ask(&prod, ToolName::GetSecret, json!({"path": "Staging/None"})).await.unwrap_err();
        // `Staging` is an item of Prod as well as a vault out of sight: it's the item.
        assert_eq!(said(&staging).1, said(&hidden).1);
    }
}

#[tokio::test]
async fn lists_completions_and_bundles_are_not_narrowed_or_moved() {
    let plan = Plan { bundle: vec![("KEY", "Staging/Stripe")], ..Plan::default() };
    let house = House::with(RULES, &VALUES, plan).await;
    let (plain, prod) = (house.session("agent"), house.session_in("agent", "Hidden"));
    let list = async |session: Session| ask(&house.toolbox(session), ToolName::ListSecrets, json!({})).await.unwrap();
    assert_eq!(list(plain).await, list(prod.clone()).await);
    let bundle = ask(&house.toolbox(prod), ToolName::GetEnvBundle, json!({"path": "bundle"})).await.unwrap();
    assert_eq!(bundle["env"]["KEY"], "staging-stripe");
}

/// What anybody may be answered: the value, or the refusal.
async fn answer(house: &House, session: Session, path: &str) -> Result<String, (ErrorCode, String)> {
    read(house, session, path).await.map_err(|error| (error.code, error.message.into_owned()))
}

#[test]
fn a_default_vault_never_gives_what_the_whole_path_does_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = runtime.block_on(House::new(RULES, &VALUES));
    let segment = || proptest::sample::select(vec!["Prod", "staging", "Hidden", "Stripe", "Door", "password", "None"]);
    let who = proptest::sample::select(vec!["agent", "narrow", "tagged", "nobody"]);
    proptest!(|(who in who, vault in segment(), first in segment(), second in segment(), more in proptest::option::of(segment()))| {
        runtime.block_on(async {
            let path = more.map_or_else(|| format!("{first}/{second}"), |more| format!("{first}/{second}/{more}"));
            let with = answer(&house, house.session_in(who, vault), &path).await;
            let as_it_is = answer(&house, house.session(who), &path).await;
            let below = answer(&house, house.session(who), &format!("{vault}/{path}")).await;
            if more.is_some() {
                prop_assert_eq!(with, as_it_is);
            } else {
                prop_assert!(with == as_it_is || with == below, "{} in {}: {:?}", path, vault, with);
                if as_it_is.is_ok() {
                    prop_assert_eq!(with, as_it_is, "what one has isn't lost");
                }
            }
            Ok(())
        })?;
    });
}
