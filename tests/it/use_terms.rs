//! What a use costs and takes: nobody who's bound by a rule changes what it asks for, and one delivery counts once.

use serde_json::{Value, json};

use crate::support::{Client, Home, policy, put};

const VALUE: &str = "c4n4ry-of-the-terms-of-use";

const COMMANDS: &str = r#"
[[command]]
name = "sum"
exe = "/usr/bin/sha256sum"
class = "sealed"
stdin = "V/DB/password"

[[command]]
name = "tests"
exe = "/bin/cat"
class = "trusted-code"
accept_exposure = true
stdin = "V/DB/password"

[[command]]
name = "two"
exe = "/bin/cat"
class = "sealed"
stdin = "V/DB/password"
fd.3 = "V/Other/password"
"#;

fn agents(actions: &str, paths: &str, rest: &str) -> String {
    format!("principals = [\"agent\", \"cli\"]\nactions = [{actions}]\npaths = [{paths}]\n{rest}")
}

async fn home(rules: &[&str]) -> Home {
    let seen = agents("\"list\", \"describe\"", "\"V/**\"", "");
    let written = agents("\"write\"", "\"V/DB/comment\"", "");
    let all = [&[seen.as_str(), written.as_str()], rules].concat();
    let rules = format!("{}{COMMANDS}", policy(&all));
    let values = [put("V/DB/password", VALUE), put("V/DB/comment", "a"), put("V/Other/password", VALUE)];
    Home::with(&rules, values).await
}

async fn comment(agent: &Client, more: Value) -> crate::support::Answer {
    let mut arguments = json!({ "path": "V/DB/comment", "value": "b" });
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    agent.call("put_secret", arguments).await
}

#[tokio::test]
async fn no_tag_of_its_own_opens_a_delivery_to_an_agent() {
    let sum = agents("\"use\"", "\"V/**\"", "use.commands = [\"sum\"]");
    let tests = agents("\"use\"", "\"V/**\"", "use.commands = [\"tests\"]\ntags = [\"test\"]");
    let home = home(&[&sum, &tests]).await;
    let agent = home.serve("agent").await;
    agent.call("run_command", json!({ "name": "sum" })).await.ok();
    agent.call("run_command", json!({ "name": "tests" })).await.refused("denied");
    comment(&agent, json!({ "tags": ["test"] })).await.refused("denied");
    agent.call("run_command", json!({ "name": "tests" })).await.refused("denied");
    // What opens nothing is the agent's to choose.
    comment(&agent, json!({ "tags": ["other"] })).await.ok();
    comment(&agent, json!({})).await.ok();
    agent.end().await;
}

#[tokio::test]
async fn no_tag_that_it_takes_away_lifts_what_binds_an_agent() {
    let sum = agents("\"use\"", "\"V/**\"", "use.commands = [\"sum\", \"two\"]");
    let locked = agents("\"use\"", "\"V/**\"", "effect = \"deny\"\nuse.commands = [\"sum\"]\ntags = [\"locked\"]");
    let home = home(&[&sum, &locked]).await;
    home.furnish([put("V/DB/comment", "a").with("tags", json!(["locked"]))]).await;
    let agent = home.serve("agent").await;
    agent.call("run_command", json!({ "name": "sum" })).await.refused("denied");
    agent.call("run_command", json!({ "name": "two" })).await.ok();
    for tags in [json!([]), json!(["x"])] {
        comment(&agent, json!({ "tags": tags })).await.refused("denied");
    }
    agent.call("run_command", json!({ "name": "sum" })).await.refused("denied");
    comment(&agent, json!({ "tags": ["locked", "x"] })).await.ok();
    agent.end().await;
}

#[tokio::test]
async fn no_tag_that_it_takes_away_spares_an_agent_what_a_rule_asks_for() {
    let plain = agents("\"use\"", "\"V/**\"", "use.commands = [\"sum\"]");
    let strict = agents("\"use\"", "\"V/**\"", "use.commands = [\"sum\"]\ntags = [\"strict\"]\nrequire.reason = true");
    let home = home(&[&plain, &strict]).await;
    home.furnish([put("V/DB/comment", "a").with("tags", json!(["strict"]))]).await;
    let agent = home.serve("agent").await;
    agent.call("run_command", json!({ "name": "sum" })).await.refused("denied");
    comment(&agent, json!({ "tags": [] })).await.refused("denied");
    agent.call("run_command", json!({ "name": "sum" })).await.refused("denied");
    agent.call("run_command", json!({ "name": "sum", "reason": "the sum" })).await.ok();
    agent.end().await;
}

#[tokio::test]
async fn a_delivery_of_two_secrets_counts_once() {
    let two = agents("\"use\"", "\"V/**\"", "use.commands = [\"two\"]\nlimit.rate = \"1/1h\"");
    let home = home(&[&two]).await;
    let agent = home.serve("agent").await;
    let ran = agent.call("run_command", json!({ "name": "two" })).await.ok();
    assert_eq!(ran["exit_code"], 0, "{ran}");
    agent.call("run_command", json!({ "name": "two" })).await.refused("rate_limited");
    agent.end().await;
    let records = home.records();
    let allowed = |kind| records.iter().filter(|record| record["kind"] == kind && record["action"] == "use").count();
    assert_eq!((allowed("intent"), allowed("denied")), (2, 1));
}

#[tokio::test]
async fn a_program_of_ones_own_counts_once_however_many_variables_it_gets() {
    let run = agents("\"use\"", "\"V/**\"", "use.run = \"masked\"\nlimit.rate = \"1/1h\"");
    let home = home(&[&run]).await;
    home.write("env", b"ONE=op://V/DB/password\nTWO=op://V/Other/password\n");
    let file = home.path("env");
    let done = home.run(&["run", "--env-file", file.to_str().unwrap(), "--", "printenv", "ONE", "TWO"], "");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stdout).matches("[hidden by opward").count(), 2);
}

#[tokio::test]
async fn a_secret_that_nothing_delivers_is_said_to_be_of_no_use() {
    let sum = agents("\"use\"", "\"V/**\"", "use.commands = [\"sum\"]");
    let run = agents("\"use\"", "\"V/Other/**\"", "use.run = \"masked\"");
    let home = home(&[&sum, &run]).await;
    let agent = home.serve("agent").await;
    let access = async |path: &str| agent.call("check_access", json!({ "path": path, "action": "use" })).await.ok();
    let delivered = access("V/DB/password").await;
    assert_eq!((&delivered["decision"], &delivered["deliveries"]), (&json!("allow"), &json!(["command:sum"])));
    let nothing = access("V/DB/comment").await;
    assert_eq!((&nothing["decision"], nothing.get("deliveries")), (&json!("deny"), None), "{nothing}");
    assert_eq!(nothing.get("rule"), None, "no rule denies it: {nothing}");
    assert!(nothing["obligations"][0].as_str().unwrap().contains("none does"), "{nothing}");
    assert_eq!(access("V/Other/password").await["deliveries"], json!(["run"]));
    agent.end().await;
}
