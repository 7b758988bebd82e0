//! What whoever runs the server sees of it and does with it: signals, health, figures and logs.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::http::{Ask, Hosted, Wire, call, token, tokens};
use crate::support::one_password::{Kind, On, Stage, all, seed};
use crate::support::{Home, everyone, policy, put};

/// Waits until something is so, and not for ever.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waits = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waits).await.is_ok(), "in vain: {what}");
}

async fn home() -> Home {
    Home::with(&policy(&[&everyone(&["read"])]), [put("Staging/Stripe/password", "v4lue-0f-operations")]).await
}

fn read() -> Ask {
    call("get_secret", &json!({ "path": "Staging/Stripe" })).bearer(&token("ann"))
}

fn http(more: &str) -> String {
    format!("[http]\n{more}{}", tokens(&["ann"]))
}

async fn readiness(hosted: &Hosted) -> (u16, Value) {
    let reply = hosted.ask(&Ask::new("GET", "/readyz")).await;
    (reply.status, reply.json())
}

#[tokio::test]
async fn signals_are_heeded_from_the_moment_it_says_where_it_is() {
    let home = Home::new();
    for _ in 0..5 {
        let hosted = home.host(&http("")).await;
        // Unheard, either would end the process.
        hosted.signal(Signal::HUP);
        hosted.stop().await;
    }
    let starts = home.records().iter().filter(|record| record["kind"] == "start").count();
    assert_eq!(starts, 5);
}

#[tokio::test]
async fn health_is_said_to_everybody_and_says_no_more_than_that() {
    let home = home().await;
    let hosted = home.host(&http("")).await;
    let alive = hosted.ask(&Ask::new("GET", "/livez")).await;
    assert_eq!((alive.status, alive.text()), (200, "ok\n"));
    let well = json!({ "status": "ok", "audit": "ok", "policy": "ok", "sources": "ok" });
    assert_eq!(readiness(&hosted).await, (200, well.clone()));
    for path in ["/livez", "/readyz"] {
        let other = Ask::new("GET", path).header("Host", "10.1.2.3:8080").header("Origin", "https://evil.test");
        let reply = hosted.ask(&other).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "a prober knows an address");
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert_eq!(hosted.ask(&Ask::new("HEAD", path)).await.status, 200);
        assert_eq!(hosted.ask(&Ask::new("POST", path)).await.status, 405);
    }
    // A policy that can't be read: the one there was is in force, and that's said.
    fs::write(home.path("policy.toml"), "version = 1\n[[rule]\n").unwrap();
    hosted.signal(Signal::HUP);
    until("the policy is degraded", async || readiness(&hosted).await.1["policy"] == "degraded").await;
    assert_eq!(readiness(&hosted).await.0, 200);
    assert_eq!(hosted.ask(&read()).await.json()["result"]["isError"], json!(false));
    home.policy(&policy(&[&everyone(&["read"])]));
    hosted.signal(Signal::HUP);
    until("the policy is well", async || readiness(&hosted).await.1 == well).await;
    // A log that can't be written: nothing is opened, and nobody is to be sent here.
    fs::rename(home.path("audit.jsonl"), home.path("moved.jsonl")).unwrap();
    fs::create_dir(home.path("audit.jsonl")).unwrap();
    let refused = hosted.call(&token("ann"), "get_secret", json!({ "path": "Staging/Stripe" })).await;
    assert_eq!(refused["error"]["code"], "audit_unavailable", "{refused}");
    until("it isn't ready", async || readiness(&hosted).await.0 == 503).await;
    let (_, parts) = readiness(&hosted).await;
    assert_eq!((&parts["status"], &parts["audit"], &parts["policy"]), (&json!("down"), &json!("down"), &json!("ok")));
    assert_eq!(hosted.ask(&Ask::new("GET", "/livez")).await.status, 200, "it lives all the same");
    hosted.stop().await;
}

/// A page of figures, by name and labels.
fn figures(page: &str) -> BTreeMap<String, String> {
    assert!(page.ends_with("# EOF\n"), "{page}");
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(name.starts_with("opward_"), "{line}");
        assert!(!name.contains('{') || name.ends_with('}'), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        (name.to_owned(), value.to_owned())
    };
    page.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

#[tokio::test]
async fn figures_have_a_port_of_their_own_and_name_nobody() {
    let home =
        Home::with(&policy(&[&everyone(&["list", "read"])]), [put("Canary7V/Canary7I/canary7f", "c4n4ry-0f-figures")])
            .await;
    let hosted = home.host(&format!("[http]\nmetrics = \"127.0.0.1:0\"\n{}", tokens(&["canary7p"]))).await;
    let said = hosted.says("figures at http://").await;
    let place = said.split_once("figures at http://").and_then(|(_, rest)| rest.split_once('/')).unwrap().0;
    let place: SocketAddr = place.parse().unwrap();
    let get = async |path: &str| Wire::open(place).await.ask(&Ask::new("GET", path)).await;
    let before = figures(get("/metrics").await.text());
    for _ in 0..3 {
        hosted.read(&token("canary7p"), "Canary7V/Canary7I/canary7f").await;
    }
    hosted.ask(&read()).await;
    hosted.ask(&read().header("Host", "canary7host.test")).await;
    hosted.ask(&Ask::new("GET", "/canary7path")).await;
    hosted.call(&token("canary7p"), "list_vaults", json!({})).await;
    let odd = call("canary7tool", &json!({})).bearer(&token("canary7p")).header("User-Agent", "canary7agent");
    hosted.ask(&odd).await;
    let session = hosted.open(&token("canary7p"), "2025-11-25").await;
    let page = get("/metrics").await;
    assert!(page.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let after = figures(page.text());
    let count =
        |of: &BTreeMap<String, String>, name: &str| of.get(name).map_or(0, |value| value.parse::<u64>().unwrap());
    let grew = |name: &str| count(&after, name) - count(&before, name);
    let requests = |method: &str, outcome: &str| {
        grew(&format!("opward_http_requests_total{{route=\"mcp\",method=\"{method}\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!(requests("get_secret", "ok"), 3);
    assert_eq!(requests("list_vaults", "ok"), 1);
    assert_eq!(grew("opward_http_refusals_total{reason=\"unauthenticated\"}"), 1);
    assert_eq!(grew("opward_http_refusals_total{reason=\"host\"}"), 1);
    assert_eq!(grew("opward_http_refusals_total{reason=\"not_found\"}"), 1);
    assert_eq!(grew("opward_http_sessions"), 1);
    let text = page.text().to_lowercase();
    assert!(!text.contains("canary") && !text.contains("c4n4ry") && !text.contains(&session), "{text}");
    assert_eq!(get("/readyz").await.status, 200);
    assert_eq!(get("/mcp").await.status, 404, "nothing else is served there");
    assert_eq!(hosted.ask(&Ask::new("GET", "/metrics")).await.status, 404, "nor the figures elsewhere");
    hosted.stop().await;
    assert!(TcpStream::connect(place).await.is_err(), "it ends with the server");
}

#[tokio::test]
async fn each_request_is_a_line_that_says_which_and_whose_and_nothing_of_what() {
    let home = home().await;
    home.configure(&http("access_log = true\n"));
    let hosted = Hosted::start_among(home.folder(), &[], &[("OPWARD_LOG", "info,json")]).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = read().header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
    let mut asked = Vec::new();
    for (ask, status, method, principal, of) in [
        (traced, 200, "get_secret", json!("ann"), json!(trace)),
        (read().header("traceparent", "00-zz-canary-01"), 200, "get_secret", json!("ann"), Value::Null),
        (read().without("authorization"), 401, "other", Value::Null, Value::Null),
        (Ask::new("GET", "/canary"), 404, "other", Value::Null, Value::Null),
    ] {
        let reply = hosted.ask(&ask).await;
        assert_eq!(reply.status, status);
        asked.push((reply.header("x-request-id").unwrap().to_owned(), status, method, principal, of));
    }
    let said = hosted.stop().await;
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (id, status, method, principal, trace) in asked {
        let is_its = |line: &&Value| line["request"] == id.as_str() && line["target"] == "access";
        let of: Vec<&Value> = lines.iter().filter(is_its).collect();
        let [line] = of.as_slice() else { panic!("one line for {id}: {said}") };
        let fields = &line["fields"];
        assert_eq!((&fields["status"], &fields["method"]), (&json!(status), &json!(method)), "{line}");
        assert_eq!((&fields["principal"], &line["trace"]), (&principal, &trace), "{line}");
        assert!(fields["ms"].is_number() && line["timestamp"].is_string(), "{line}");
    }
    assert!(!said.contains("canary") && !said.contains("Stripe") && !said.contains("v4lue"), "{said}");
    assert!(!said.contains(&token("ann")), "{said}");
}

#[tokio::test]
async fn a_policy_is_read_again_when_it_is_told_to() {
    let home = home().await;
    home.policy(&policy(&[]));
    let hosted = home.host(&http("")).await;
    let code = async || hosted.code(&token("ann"), "Staging/Stripe").await;
    assert_ne!(code().await, "none");
    home.policy(&policy(&[&everyone(&["read"])]));
    hosted.signal(Signal::HUP);
    until("it's allowed", async || code().await == "none").await;
    home.policy(&policy(&[]));
    until("it's refused again, without a signal", async || code().await != "none").await;
    hosted.stop().await;
    let reloads = home.records().iter().filter(|record| record["kind"] == "policy").count();
    assert!(reloads >= 2, "{:?}", home.records());
}

#[tokio::test]
async fn who_was_being_served_is_answered_before_the_end() {
    let home = home().await;
    let hosted = home.host(&http("")).await;
    let address = hosted.address;
    let mut idle = hosted.connect().await;
    assert_eq!(idle.ask(&read()).await.status, 200);
    let mut busy = hosted.connect().await;
    busy.begin(&read()).await;
    hosted.signal(Signal::TERM);
    hosted.says("told to end").await;
    assert_eq!(idle.reply().await, None, "who wasn't is let go at once");
    until("nobody else is taken in", async || TcpStream::connect(address).await.is_err()).await;
    let reply = busy.finish(&read()).await;
    assert_eq!(reply.json()["result"]["structuredContent"]["value"], "v4lue-0f-operations");
    assert_eq!(busy.reply().await, None, "and then it's closed");
    let (status, said) = hosted.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn a_value_on_its_way_from_far_arrives_before_the_end() {
    let stage = Stage::of(Kind::Op, &seed(), "", &all());
    stage.configure(&http(""));
    let hosted = Hosted::start_among(stage.home.folder(), &[], &[("PATH", "/usr/bin:/bin")]).await;
    stage.far.fault(On::Read, None, &json!({ "delay_ms": 700 }), &json!(null));
    let mut wire = hosted.connect().await;
    let ask = call("get_secret", &json!({ "path": "Staging/GitHub/password" })).bearer(&token("ann"));
    wire.send(&ask.bytes(wire.host())).await;
    until("op is asked", async || stage.far.read() > 0).await;
    hosted.signal(Signal::TERM);
    let reply = wire.reply().await.expect("an answer");
    assert_eq!(reply.json()["result"]["structuredContent"]["value"], "value-github-password", "{reply:?}");
    let (status, said) = hosted.ended().await;
    assert_eq!(status.code(), Some(0), "{said}");
    let ends = stage.home.requests().iter().filter(|record| record["kind"] == "outcome").count();
    assert_eq!(ends, 1, "{:?}", stage.home.requests());
    stage.end([]).await;
}

#[tokio::test]
async fn a_server_that_asks_for_no_bearer_says_so_and_is_one_principals() {
    let home = home().await;
    let hosted = Hosted::start(home.folder(), &["--no-auth", "--principal", "trial"]).await;
    assert!(hosted.says("--no-auth").await.contains("every program on this machine is trial"));
    for ask in [read().without("authorization"), read()] {
        let reply = hosted.ask(&ask).await;
        assert_eq!(reply.json()["result"]["structuredContent"]["value"], "v4lue-0f-operations");
    }
    // The gate is as it was: a page could reach this machine, too.
    assert_eq!(hosted.ask(&read().header("Origin", "https://evil.test")).await.status, 403);
    assert_eq!(hosted.ask(&read().header("Host", "evil.test")).await.status, 403);
    assert_eq!(hosted.ask(&read().with("Content-Type", "text/plain")).await.status, 415);
    hosted.stop().await;
    let records = home.records();
    let start = records.iter().rfind(|record| record["kind"] == "start").unwrap();
    assert_eq!((&start["principal"], &start["transport"]), (&json!("trial"), &json!("http")), "{start}");
    assert!(!start["code"].as_str().unwrap().contains("bearers"), "{start}");
    let last = records.iter().rfind(|record| record["kind"] == "outcome").unwrap();
    assert_eq!((&last["principal"], &last["transport"]), (&json!("trial"), &json!("http")), "{last}");
}
