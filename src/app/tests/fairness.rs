//! How much one principal's flood slows another. It's measured by hand: `cargo test -- --ignored --nocapture slows`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::transport::http::{Allowance, Quotas};

const RULES: &str = r#"
[[rule]]
id = "both"
effect = "allow"
principals = ["flood", "honest"]
actions = ["list", "describe", "read", "write"]
paths = ["**"]
"#;

const VALUES: [(&str, &str); 3] = [("Prod/Item/one", "1"), ("Prod/Item/two", "2"), ("Other/Item/one", "1")];

/// What the honest principal waits, in microseconds: the middle one and the worst of a hundred.
async fn honest_waits(house: &House, quotas: &Quotas, asked: usize) -> (u128, u128) {
    let tools = house.toolbox(house.session("honest"));
    let name = PrincipalName::parse("honest").unwrap();
    let mut waits = Vec::new();
    for _ in 0..asked {
        let since = Instant::now();
        let _turn = quotas.admit(&name).unwrap();
        ask(&tools, ToolName::GetSecret, json!({"path": "Prod/Item/one"})).await.unwrap();
        waits.push(since.elapsed().as_micros());
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    waits.sort_unstable();
    (waits[asked / 2], waits[asked * 99 / 100])
}

fn arguments(tool: ToolName, connection: usize) -> Value {
    if tool.changes() {
        json!({"path": format!("Other/Item/{connection}"), "value": "x"})
    } else if tool == ToolName::ListSecrets {
        json!({})
    } else {
        json!({"path": "Other/Item/one"})
    }
}

/// The same while another principal asks from a hundred connections as fast as it's answered.
async fn measured(house: &Arc<House>, tool: ToolName, concurrent: usize, pause: bool) -> String {
    let quotas = Quotas::new(Allowance {
        requests: NonZeroU32::new(100).unwrap(),
        per: Duration::from_secs(1),
        burst: NonZeroU32::new(200).unwrap(),
        concurrent: NonZeroUsize::new(concurrent).unwrap(),
    });
    let refused = Arc::new(AtomicUsize::new(0));
    let mut flood = tokio::task::JoinSet::new();
    for connection in 0..100 {
        let (house, quotas, refused) = (Arc::clone(house), quotas.clone(), Arc::clone(&refused));
        flood.spawn(async move {
            let tools = house.toolbox(house.session("flood"));
            let name = PrincipalName::parse("flood").unwrap();
            loop {
                match quotas.admit(&name) {
                    Ok(_turn) => {
                        ask(&tools, tool, arguments(tool, connection)).await.unwrap();
                    }
                    Err(quota) => {
                        refused.fetch_add(1, Ordering::Relaxed);
                        if pause {
                            tokio::time::sleep(quota.pause()).await;
                        } else {
                            tokio::task::yield_now().await;
                        }
                    }
                }
            }
        });
    }
    let (middle, worst) = honest_waits(house, &quotas, 200).await;
    flood.abort_all();
    while flood.join_next().await.is_some() {}
    format!("p50 {middle} µs, p99 {worst} µs, {} refused", refused.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and says nothing true on a busy machine"]
async fn how_much_a_flood_slows_another_principal() {
    let unbounded = usize::MAX;
    for (cache, ttl) in [("cached", Duration::from_mins(5)), ("from the file", Duration::ZERO)] {
        let house = Arc::new(House::with(RULES, &VALUES, Plan { ttl, ..Plan::default() }).await);
        let alone = Quotas::new(Allowance {
            requests: NonZeroU32::new(1000).unwrap(),
            per: Duration::from_secs(1),
            burst: NonZeroU32::new(1000).unwrap(),
            concurrent: NonZeroUsize::MIN,
        });
        eprintln!("{cache}, alone: {:?}", honest_waits(&house, &alone, 200).await);
        for tool in [ToolName::GetSecret, ToolName::ListSecrets, ToolName::PutSecret] {
            for (concurrent, pause) in [(16, true), (16, false), (unbounded, true)] {
                let said = measured(&house, tool, concurrent, pause).await;
                eprintln!("{cache}, beside {tool:?}, at most {concurrent} at a time, pause {pause}: {said}");
            }
        }
    }
}
