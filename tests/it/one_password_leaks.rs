//! Nothing that lists, describes, refuses, logs or records holds a value, or any of what 1Password adds to one.

use serde_json::{Value, json};

use crate::fake_connect::FakeConnect;
use crate::support::one_password::{Kind, Stage, all, both_ways, none_of};
use crate::support::{Home, about};

both_ways! { a_walk_through_everything_shows_no_value }

async fn a_walk_through_everything_shows_no_value(kind: Kind) {
    let stage = Stage::new(kind);
    let agent = stage.serve("agent").await;
    for query in [json!({}), json!({ "vault": "Staging" }), json!({ "query": "value-" }), json!({ "query": "canary" })]
    {
        agent.call("list_secrets", query).await.ok();
    }
    agent.call("list_vaults", json!({})).await.ok();
    let all_paths = agent.paths(json!({ "limit": 200 })).await;
    assert_eq!(all_paths.len(), 12, "{all_paths:?}");
    let mut fields = 0;
    for path in &all_paths {
        let item = agent.call("describe_secret", json!({ "path": path })).await;
        if path == "Production/Runner" {
            // It holds a file and no field, so there's nothing a rule could be about.
            assert_eq!(item.code(), "denied");
            continue;
        }
        let item = item.ok();
        fields += item["fields"].as_array().unwrap().len();
        agent.call("check_access", json!({ "path": path, "action": "read" })).await.ok();
    }
    assert!(fields > 30, "{fields} fields were described");
    // Now that all fields are known, lists show their names, and a search goes over those alone.
    let list = agent.call("list_secrets", json!({ "limit": 200 })).await.ok();
    assert!(list.to_string().contains("Tokens/deploy token"), "{list}");
    for word in ["value", "canary", "bearer", "postgresql", "second line", "github.com"] {
        let found = agent.call("list_secrets", json!({ "query": word })).await.ok();
        assert_eq!(found["secrets"], json!([]), "{word}");
    }
    // What can be read, then changed, shows afterwards in no list either.
    for path in ["Staging/GitHub", "Staging/Stripe", "Staging/Orders DB/password", "Production/Stripe"] {
        assert!(agent.read(path).await.starts_with("value-"), "{path}");
        agent.call("rotate_and_store", json!({ "path": path })).await.ok();
        let new = json!({ "path": path, "value": "value-put-3c1d" });
        agent.call("put_secret", new).await.ok();
    }
    for path in ["Staging/GitHub", "Staging/Nothing", "Staging/Twin", "Nowhere/It/field"] {
        for (tool, arguments) in about(path) {
            // A bundle of an item gives its notes and names, as it's meant to.
            if tool != "get_env_bundle" && tool != "get_secret" {
                agent.call(tool, arguments).await;
            }
        }
    }
    let resources = agent.peer().list_all_resources().await.unwrap();
    let resources = serde_json::to_string(&resources).unwrap();
    none_of(&["canary", "value-", "JBSWY"], &resources, "resources");
    stage.end([agent]).await;
}

/// The other world, in which every value is a canary, and one vault is another's.
#[tokio::test]
async fn nothing_of_what_1passwords_own_clients_are_tried_on_shows() {
    let connect = FakeConnect::built_in();
    let home = Home::empty();
    home.write("far.token", connect.token.as_bytes());
    home.policy(&all());
    let config = format!(
        "version = 1\n[[source]]\nname = \"far\"\nkind = \"connect\"\nurl = {:?}\ntoken_file = \"far.token\"\n",
        connect.url
    );
    home.write("opward.toml", config.as_bytes());
    let agent = home.serve("agent").await;
    let paths = agent.paths(json!({})).await;
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in &paths {
        agent.call("describe_secret", json!({ "path": path })).await.ok();
    }
    agent.call("list_secrets", json!({})).await.ok();
    agent.call("list_vaults", json!({})).await.ok();
    for hidden in ["bbbbbbbbbbbbbbbbbbbbbbbbbb/hiddenaaaaaaaaaaaaaaaaaaaa", "Automation/hiddenaaaaaaaaaaaaaaaaaaaa"] {
        let answer = agent.call("get_secret", json!({ "path": hidden })).await;
        assert_eq!(answer.code(), "not_found");
    }
    let token = agent.read("Automation/GitHub %2F prod & \"ci\" \u{e9}/API/token").await;
    assert_eq!(token, "canary-token");
    let heard = agent.heard();
    assert_eq!(heard.values.matches("canary").count(), 1, "{}", heard.values);
    let log = agent.end().await;
    none_of(
        &["canary", connect.token.as_str()],
        &[heard.others, log, home.in_the_open()].concat(),
        "an answer or a log",
    );
    let requests = Value::from(connect.requests()).to_string();
    none_of(&["canary"], &requests, "a request");
}
