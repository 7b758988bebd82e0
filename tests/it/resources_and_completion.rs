//! Resources, the template for one secret, and completion of paths.

use rmcp::model::{ArgumentInfo, CompleteRequestParams, ReadResourceRequestParams, Reference, ResourceContents};
use serde_json::{Value, json};

use crate::support::{Client, Home, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-resources";

async fn home() -> Home {
    let rules = policy(&[
        "id = \"agents\"\nprincipals = [\"agent\"]\nactions = [\"list\", \"describe\"]\npaths = [\"Staging/**\"]",
        "id = \"limited\"\nprincipals = [\"age*\"]\nactions = [\"read\"]\npaths = [\"Staging/Stripe\"]\nlimit.rate = \"3/1h\"",
        "id = \"not-hers\"\nprincipals = [\"other\"]\nactions = [\"list\", \"read\"]\npaths = [\"Production/**\"]",
    ]);
    Home::with(
        &rules,
        [
            put("Staging/Stripe/credential", CANARY),
            put("Staging/Root CA/private_key", CANARY),
            put("Staging/A%2FB 100%25/credential", CANARY),
            put("Production/Stripe/credential", CANARY),
        ],
    )
    .await
}

async fn read(agent: &Client, uri: &str) -> Result<Value, String> {
    let result = agent.peer().read_resource(ReadResourceRequestParams::new(uri)).await;
    let result = result.map_err(|error| error.to_string())?;
    let [ResourceContents::TextResourceContents { text, uri: given, mime_type, .. }] = result.contents.as_slice()
    else {
        panic!("one text: {result:?}")
    };
    assert_eq!((given.as_str(), mime_type.as_deref()), (uri, Some("application/json")));
    Ok(serde_json::from_str(text).unwrap())
}

#[tokio::test]
async fn the_list_as_a_document_is_the_tools_list() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let listed: Vec<String> =
        agent.peer().list_all_resources().await.unwrap().iter().map(|resource| resource.uri.clone()).collect();
    assert_eq!(listed, ["opward://secrets", "opward://policy/mine"]);
    let document = read(&agent, "opward://secrets").await.unwrap();
    let list = agent.call("list_secrets", json!({})).await.ok();
    assert_eq!((&document["secrets"], &document["more"]), (&list["secrets"], &json!(false)));
    assert!(!document.to_string().contains(CANARY) && !document.to_string().contains("Production"));
    agent.end().await;
    let stranger = home.serve("stranger").await;
    assert_eq!(read(&stranger, "opward://secrets").await.unwrap(), json!({ "secrets": [], "more": false }));
    stranger.end().await;
}

#[tokio::test]
async fn a_principal_reads_its_own_rules_and_no_others() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let mine = read(&agent, "opward://policy/mine").await.unwrap();
    let access = agent.call("check_access", json!({ "path": "Staging/Stripe", "action": "read" })).await.ok();
    assert_eq!(mine["policy"], access["policy"]);
    assert_eq!(
        mine["rules"],
        json!([
            { "id": "agents", "effect": "allow", "actions": ["list", "describe"], "paths": ["Staging/**"], "conditional": false },
            { "id": "limited", "effect": "allow", "actions": ["read"], "paths": ["Staging/Stripe"], "conditional": true },
        ])
    );
    agent.end().await;
}

#[tokio::test]
async fn one_secret_is_a_resource_by_its_path() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let templates = agent.peer().list_all_resource_templates().await.unwrap();
    assert_eq!(
        templates.iter().map(|template| template.uri_template.as_str()).collect::<Vec<_>>(),
        ["opward://secrets/{+path}"]
    );
    for (uri, path) in [
        ("opward://secrets/Staging/Stripe", "Staging/Stripe"),
        ("opward://secrets/staging/stripe/credential", "Staging/Stripe"),
        // What a client makes of the template: blanks are encoded, what's encoded stays.
        ("opward://secrets/Staging/Root%20CA", "Staging/Root CA"),
        ("opward://secrets/Staging/Root CA", "Staging/Root CA"),
        ("opward://secrets/Staging/A%2FB%20100%25", "Staging/A%2FB 100%25"),
        ("opward://secrets/%53taging/Stripe", "Staging/Stripe"),
    ] {
        let mut document = read(&agent, uri).await.unwrap_or_else(|why| panic!("{uri}: {why}"));
        let mut item = agent.call("describe_secret", json!({ "path": path })).await.ok();
        for answer in [&mut document, &mut item] {
            answer.as_object_mut().unwrap().remove("age_s");
        }
        assert_eq!(document, item, "{uri}");
        assert!(!document.to_string().contains(CANARY));
    }
    let absent = read(&agent, "opward://secrets/Production/Absent").await.unwrap_err();
    let forbidden = read(&agent, "opward://secrets/Production/Stripe").await.unwrap_err();
    assert_eq!(absent, forbidden);
    for bad in [
        "opward://secrets/Staging",
        "opward://secrets/",
        "opward://secrets/Staging/..",
        "opward://secrets/Staging/%2E%2E",
        "opward://secrets/Staging/a%00b",
        "opward://secrets/Staging/%ff%fe",
        "opward://secrets/Staging/a%2",
        "opward://secrets/a%5Cb/c",
        "opward://policy/other",
        "opward://audit",
        "file:///etc/passwd",
        "op://Staging/Stripe",
        "",
        "OPWARD://SECRETS",
    ] {
        let refused = read(&agent, bad).await.unwrap_err();
        assert!(bad.len() < 10 || !refused.contains(bad), "{bad}: {refused}");
    }
    agent.end().await;
}

async fn complete(agent: &Client, text: &str) -> Vec<String> {
    let reference = Reference::for_resource("opward://secrets/{+path}");
    let request = CompleteRequestParams::new(reference, ArgumentInfo::new("path", text));
    agent.peer().complete(request).await.unwrap().completion.values
}

#[tokio::test]
async fn completion_shows_what_may_be_listed() {
    let home = home().await;
    let agent = home.serve("agent").await;
    assert_eq!(complete(&agent, "Staging/St").await, ["Staging/Stripe", "Staging/Stripe/credential"]);
    assert_eq!(complete(&agent, "staging/stripe/").await, ["Staging/Stripe/credential"]);
    assert_eq!(complete(&agent, "").await.len(), 6);
    for text in ["Prod", "Production/Stripe", "Nowhere", "..", "Staging//", "\u{202e}", "a/b/c/d/e/f"] {
        assert_eq!(complete(&agent, text).await, [""; 0], "{text}");
    }
    agent.end().await;
    let stranger = home.serve("stranger").await;
    assert_eq!(complete(&stranger, "").await, [""; 0]);
    stranger.end().await;
}

#[tokio::test]
async fn completion_stops_at_what_the_protocol_allows() {
    let home = Home::new();
    home.edit_vault(|vault| {
        for number in 0..150 {
            crate::support::add(vault, "V", &format!("Item {number:03}"), |entry| crate::support::password(entry, "v"));
        }
    });
    home.policy(&policy(&[&everyone(&["list"])]));
    let agent = home.serve("agent").await;
    assert_eq!(complete(&agent, "V/").await.len(), 100);
    assert_eq!(read(&agent, "opward://secrets").await.unwrap()["secrets"].as_array().unwrap().len(), 150);
    agent.end().await;
}
