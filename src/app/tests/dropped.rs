//! A client that goes away in the middle of a request leaves nothing half done, wherever it was.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use serde_json::json;

use super::*;
use crate::audit::Kind;

/// More polls than any call takes.
const MOST_POLLS: usize = 200;

const RULES: &str = r#"
[[rule]]
id = "ann"
effect = "allow"
principals = ["ann"]
actions = ["list", "describe", "use", "read", "write", "rotate", "delete"]
paths = ["**"]
use.commands = ["true"]
use.hosts = ["127.0.0.1:@port@"]

[[command]]
name = "true"
exe = "/bin/true"
stdin = "Prod/Item/one"
class = "sealed"
sandbox = "off"

[[http]]
name = "api"
base = "http://127.0.0.1:@port@/"
methods = ["GET"]
paths = ["/**"]
inject = { query = "key", secret = "Prod/Item/one" }
allow_private = true
"#;

const BUNDLE: [(&str, &str); 3] =
    [("ONE", "Prod/Item/one"), ("TWO", "Prod/Item/two"), ("THREE", "op://Prod/Item/three")];

const VALUES: [(&str, &str); 3] = [("Prod/Item/one", "1"), ("Prod/Item/two", "2"), ("Prod/Item/three", "3")];

/// The program that watches over commands: tests of the library aren't it.
fn supervised() {
    let tests = std::env::current_exe().unwrap();
    let opward = tests.parent().and_then(std::path::Path::parent).unwrap().join("opward");
    assert!(opward.exists(), "{} is missing: cargo build", opward.display());
    crate::runner::supervised_by(opward);
}

/// Polls a future so often, if it takes so long, and drops it then, before it's woken again.
async fn cut_short<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

impl House {
    /// Waits until what was begun is over: only the cache's sweeper goes on.
    async fn settled(&self) {
        while self.tasks.len() > 1 {
            tokio::task::yield_now().await;
        }
    }

    /// What its owner sees of the item; the call's record goes to the log after whatever is on its way there.
    async fn item(&self) -> Option<Value> {
        let mut item = self.call("owner", ToolName::DescribeSecret, json!({"path": "Prod/Item"})).await.ok()?;
        item.as_object_mut().unwrap().remove("age_s");
        // What the log says of it changes with every read.
        for field in item["fields"].as_array_mut().unwrap() {
            field.as_object_mut().unwrap().remove("exposure");
        }
        Some(item)
    }

    /// How each of ann's requests since a record ended: done or not. Each intent has its one outcome.
    fn outcomes(&self, since: u64) -> Vec<bool> {
        let records = self.records();
        let report = verify(&self.log()).unwrap();
        assert!(report.unfinished.is_empty(), "{:?}", report.unfinished);
        let anns = records.iter().filter(|record| record.principal == "ann" && record.seq > since);
        let (intents, others): (Vec<_>, Vec<_>) = anns.partition(|record| record.kind == Kind::Intent);
        assert_eq!(intents.len(), others.len(), "{others:?}");
        for record in &others {
            assert_eq!(record.kind, Kind::Outcome);
            assert!(matches!(record.code.as_deref(), None | Some("abandoned")), "{record:?}");
        }
        others.iter().map(|record| record.code.is_none()).collect()
    }
}

/// Drops a call after each number of polls, until it's done before that; gives how often it was dropped.
async fn drop_everywhere(tool: ToolName, durability: Durability, ttl: Duration) -> usize {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let rules = RULES.replace("@port@", &listener.local_addr().unwrap().port().to_string());
    let answers = axum::Router::new().route("/one", axum::routing::get(async || "one"));
    let _serving = tokio::spawn(async { axum::serve(listener, answers).await });
    supervised();
    let house = House::with(&rules, &VALUES, Plan { ttl, durability, bundle: BUNDLE.to_vec() }).await;
    let ann = house.toolbox(house.session("ann"));
    for polls in 0..MOST_POLLS {
        for (path, value) in VALUES {
            house.call("owner", ToolName::PutSecret, json!({"path": path, "value": value})).await.unwrap();
        }
        let arguments = match tool {
            ToolName::GetEnvBundle => json!({"path": "bundle"}),
            ToolName::ListActions | ToolName::ListSecrets | ToolName::ListVaults => json!({}),
            ToolName::HttpRequest => json!({"name": "api", "method": "GET", "path": "/one"}),
            ToolName::RunCommand => json!({"name": "true"}),
            ToolName::PutSecret => json!({"path": "Prod/Item/one", "value": format!("new {polls}")}),
            ToolName::DescribeSecret | ToolName::DeleteSecret => json!({"path": "Prod/Item"}),
            ToolName::CheckAccess => json!({"path": "Prod/Item/one", "action": "read"}),
            ToolName::GetSecret | ToolName::RotateAndStore => json!({"path": "Prod/Item/one"}),
        };
        let before = house.item().await;
        let since = house.records().last().unwrap().seq;
        let answer = cut_short(ask(&ann, tool, arguments), polls).await;
        house.settled().await;
        let after = house.item().await;
        let outcomes = house.outcomes(since);
        if tool.changes() {
            // What the log says became of it is what became of it, and nothing is done by halves.
            let expected = before != after;
            assert!(outcomes.iter().all(|done| *done == expected), "{tool:?}, {polls} polls: {outcomes:?}, {expected}");
            assert!(!expected || !outcomes.is_empty());
        } else {
            assert_eq!(before, after);
        }
        if let Some(answer) = answer {
            answer.unwrap();
            assert!(!outcomes.is_empty() && outcomes.iter().all(|done| *done));
            return polls;
        }
    }
    panic!("{tool:?} takes more than {MOST_POLLS} polls");
}

async fn drop_all_tools(durability: Durability, ttl: Duration) {
    for tool in ToolName::ALL {
        let dropped = drop_everywhere(tool, durability, ttl).await;
        // The first poll is no poll at all. How many more there are is up to the disk and to other tasks.
        assert!(dropped >= 1, "{tool:?} was dropped {dropped} times");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_half_done() {
    Box::pin(drop_all_tools(Durability::Write, Duration::from_mins(5))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_that_asks_its_source_leaves_nothing_half_done() {
    Box::pin(drop_all_tools(Durability::Write, Duration::ZERO)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_that_waits_for_the_disk_leaves_nothing_half_done() {
    Box::pin(drop_all_tools(Durability::Fsync, Duration::ZERO)).await;
}
