//! What the log says of a use: what was asked for, and what came of it.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Home, put};
use crate::use_attacks::{Host, answered};

const KEY: &str = "c4n4ry-of-asking/1";
const OWN: &str = "c4n4ry-that-was-read";

fn policy(host: u16, nobody: u16) -> String {
    format!(
        r#"
version = 1
[[rule]]
id = "names"
principals = ["*"]
actions = ["list", "describe"]
paths = ["**"]

[[rule]]
id = "agent"
principals = ["agent"]
actions = ["use"]
paths = ["Prod/Api", "Prod/Own"]
use.commands = ["write", "fail", "die", "wait"]
use.hosts = ["127.0.0.1:{host}", "127.0.0.1:{nobody}"]

[[rule]]
id = "reads"
principals = ["agent"]
actions = ["read"]
paths = ["Prod/Own"]

[[rule]]
id = "runs"
principals = ["cli"]
actions = ["use"]
paths = ["Prod/Own"]
use.run = "masked"
when.transport = ["cli"]

[[command]]
name = "write"
exe = "/bin/echo"
args = ["-n", "--mode={{mode}}", "{{word}}", "{{mode}}"]
params.mode = {{ kind = "enum", values = ["dry", "wet"] }}
params.word = {{ kind = "regex", pattern = "[^x]*" }}
env.KEY = "Prod/Api/credential"
class = "parametrised"

[[command]]
name = "fail"
exe = "/bin/false"
env.KEY = "Prod/Api/credential"
class = "sealed"
output = "none"

[[command]]
name = "die"
exe = "/bin/sh"
args = ["-c", "kill -KILL $$"]
env.KEY = "Prod/Api/credential"
class = "trusted-code"
accept_exposure = true

[[command]]
name = "wait"
exe = "/bin/sleep"
args = ["60"]
env.KEY = "Prod/Api/credential"
class = "sealed"
timeout = "1s"

[[http]]
name = "api"
base = "http://127.0.0.1:{host}/v1/"
methods = ["GET", "POST"]
paths = ["/v1/**"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Api/credential" }}
allow_private = true
limit.rate = "3/1h"

[[http]]
name = "nobody"
base = "http://127.0.0.1:{nobody}/"
methods = ["GET"]
paths = ["/**"]
inject = {{ header = "Authorization", format = "Bearer {{}}", secret = "Prod/Api/credential" }}
allow_private = true
"#
    )
}

async fn home() -> (Home, Host) {
    let host = Host::start(|request| {
        let status = if request.contains("refunds") { "402 Payment Required" } else { "200 OK" };
        answered(status, "", "{}")
    })
    .await;
    // A port that's free when it's looked at, and that nobody listens on.
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let home = Home::new();
    home.furnish([put("Prod/Api/credential", KEY), put("Prod/Own/password", OWN)]).await;
    home.policy(&policy(host.address.port(), nobody));
    (home, host)
}

/// Of each record of a use: its kind, what was asked for, what came of it, and its code.
fn told(home: &Home) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let uses = home.records().into_iter().filter(|record| record["action"] == "use");
    uses.map(|record| ["kind", "asked", "result", "code"].map(|key| text(&record[key]))).collect()
}

#[tokio::test]
async fn a_request_is_told_by_method_path_names_and_status() {
    let (home, _host) = home().await;
    let agent = home.serve("agent").await;
    let send = |mut request: Value| {
        request["name"] = "api".into();
        agent.call("http_request", request)
    };
    let query = json!({ "limit": 9, "starting_after": "s3nsitive" });
    send(json!({ "method": "POST", "path": "/v1/refunds", "query": query, "body": "s3nsitive" })).await.ok();
    send(json!({ "method": "GET", "path": "/v1/balance", "headers": { "x-y": "s3nsitive" } })).await.ok();
    send(json!({ "method": "GET", "path": format!("/v1/{}", "x".repeat(1500)) })).await.ok();
    // What the entry doesn't permit isn't repeated; what's refused after that is.
    send(json!({ "method": "GET", "path": "/elsewhere" })).await.refused("invalid");
    send(json!({ "method": "GET", "path": "/v1/late" })).await.refused("rate_limited");
    agent
        .call("http_request", json!({ "name": "made-up", "method": "GET", "path": "/made-up" }))
        .await
        .refused("denied");
    agent.end().await;
    let told = told(&home);
    let refund = "POST /v1/refunds?limit,starting_after";
    assert_eq!(told[0], ["intent", refund, "-", "-"]);
    assert_eq!(told[1], ["outcome", refund, "402", "-"]);
    assert_eq!(told[3], ["outcome", "GET /v1/balance", "200", "-"]);
    let [_, long, result, _] = &told[5];
    assert!(long.starts_with("GET /v1/xxx") && long.ends_with('…') && long.len() <= 1024, "{long}");
    assert_eq!(result, "200");
    assert_eq!(told[6], ["error", "-", "-", "invalid"]);
    assert_eq!(told[7], ["denied", "GET /v1/late", "-", "rate_limited"]);
    assert_eq!(told[8], ["denied", "-", "-", "denied"]);
    assert_eq!(told.len(), 9);
    let written = home.in_the_open();
    for absent in ["c4n4ry", "s3nsitive", "made-up", "elsewhere"] {
        assert!(!written.contains(absent), "{absent}");
    }
    let shown = String::from_utf8(home.run(&["audit", "show", "--delivery", "http"], "").stdout).unwrap();
    assert!(shown.contains(&format!("by http:api {refund} → 402 [agent]")), "{shown}");
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn a_command_is_told_by_its_parameters_and_how_it_ended() {
    let (home, _host) = home().await;
    let agent = home.serve("agent").await;
    let run = |name: &str, params: Value| agent.call("run_command", json!({ "name": name, "params": params }));
    run("write", json!({ "mode": "dry", "word": "two words" })).await.ok();
    run("fail", json!({})).await.ok();
    run("die", json!({})).await.ok();
    run("wait", json!({})).await.ok();
    run("write", json!({ "mode": "s3nsitive", "word": "a" })).await.refused("invalid");
    run("made-up", json!({ "mode": "s3nsitive" })).await.refused("denied");
    agent.end().await;
    let told = told(&home);
    let outcomes: Vec<_> =
        told.iter().filter(|record| record[0] == "outcome").map(|[_, asked, result, _]| [asked, result]).collect();
    let asked = "mode=dry word=\"two words\"";
    assert_eq!(outcomes, [[asked, "exit 0"], ["-", "exit 1"], ["-", "killed"], ["-", "timed out"]]);
    assert_eq!(told[0], ["intent", asked, "-", "-"]);
    assert_eq!(
        told[8..],
        [["error", "-", "-", "invalid"].map(str::to_owned), ["denied", "-", "-", "denied"].map(str::to_owned)]
    );
    assert!(!home.in_the_open().contains("s3nsitive"));
}

#[tokio::test]
async fn a_value_that_was_given_to_the_caller_is_left_out() {
    let (home, _host) = home().await;
    let agent = home.serve("agent").await;
    assert_eq!(agent.read("Prod/Own/password").await, OWN);
    let params = json!({ "mode": "wet", "word": format!("as {OWN}") });
    assert_eq!(agent.call("run_command", json!({ "name": "write", "params": params })).await.ok()["exit_code"], 0);
    let path = format!("/v1/{OWN}");
    let query = json!({ (OWN): 1, "plain": 2 });
    let asking = json!({ "name": "api", "method": "GET", "path": path, "query": query });
    agent.call("http_request", asking).await.ok();
    agent.end().await;
    let asked: Vec<String> =
        told(&home).into_iter().filter(|told| told[0] == "outcome").map(|[_, asked, ..]| asked).collect();
    let left_out = "[left out: it holds a value]";
    assert_eq!(asked, [format!("mode=wet word={left_out}"), format!("GET {left_out}?{left_out},plain")]);
    assert!(!home.in_the_open().contains("c4n4ry"));
}

#[tokio::test]
async fn where_nothing_was_sent_nobody_is_told_to_look_for_it() {
    let (home, _host) = home().await;
    let agent = home.serve("agent").await;
    let asking = json!({ "name": "nobody", "method": "GET", "path": "/" });
    let error = agent.call("http_request", asking).await.refused("source_unavailable");
    assert!(error["message"].as_str().unwrap().ends_with("; nothing was sent"), "{error}");
    assert!(error["hint"].as_str().unwrap().starts_with("try again"), "{error}");
    agent.end().await;
}

#[tokio::test]
async fn an_entry_of_another_secret_is_neither_open_nor_owed() {
    let (home, _host) = home().await;
    let agent = home.serve("agent").await;
    let access = |path: &str| agent.call("check_access", json!({ "path": path, "action": "use" }));
    let key = access("Prod/Api/credential").await.ok();
    assert_eq!(key["obligations"], json!(["at most 3/1h (http:api)"]), "{key}");
    assert!(key["deliveries"].as_array().unwrap().contains(&json!("http:api")), "{key}");
    let own = access("Prod/Own/password").await.ok();
    assert_eq!((&own["decision"], own.get("deliveries")), (&json!("deny"), None), "{own}");
    assert!(!own.to_string().contains("http:api"), "{own}");
    agent.end().await;
    let explain = |who: &str, path: &str| {
        String::from_utf8(home.run(&["policy", "explain", who, "use", path], "").stdout).unwrap()
    };
    let key = explain("agent", "Prod/Api/credential");
    assert!(key.contains("at most 3/1h by `http:api`") && key.contains("http:api, http:nobody"), "{key}");
    let own = explain("agent", "Prod/Own/password");
    assert!(own.contains("open deliveries: none") && !own.contains("http:"), "{own}");
    // The person's requests come from the command line, whatever the rule says of that.
    let run = explain("cli", "Prod/Own/password");
    assert!(run.starts_with("allow") && run.contains("open deliveries: run\n"), "{run}");
}
