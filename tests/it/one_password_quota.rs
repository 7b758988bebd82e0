//! 1Password is asked no more often than it allows: counted before each request, shared out, and kept over crashes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::one_password::{EVERYTHING, Kind, On, Stage, all, both_ways, put, refused, seed};
use crate::support::{Client, Home, everyone, policy};

const LIMITS: &str = "limits = { reads_per_hour = 500, writes_per_hour = 50, requests_per_day = 800 }\n";

both_ways! {
    a_pause_that_is_asked_for_outlasts_a_restart,
    a_value_is_served_while_its_source_is_down_and_says_so,
    one_cannot_take_everything_from_the_others,
}

/// What's left, as a description tells.
async fn left(agent: &Client, path: &str) -> Value {
    agent.call("describe_secret", json!({ "path": path })).await.ok()["requests_left"].clone()
}

#[tokio::test]
async fn what_is_spent_is_what_1password_counts() {
    let stage = Stage::of(Kind::Op, &seed(), &format!("{LIMITS}[cache]\nttl = 0\n"), &all());
    let agent = stage.serve("agent").await;
    let count = async |what: &str| {
        let left = left(&agent, "Staging/GitHub").await;
        let spent = &stage.far.op().world()["spent"];
        let [reads, writes] = ["reads", "writes"].map(|key| spent[key].as_u64().unwrap_or(0));
        assert_eq!(
            left,
            json!({ "reads": 500 - reads, "writes": 50 - writes, "today": 800 - reads - writes }),
            "{what}"
        );
        reads + writes
    };
    count("list").await;
    for path in ["Staging/Stripe", "Production/Stripe", "Staging/Orders DB/password", "Staging/Stripe"] {
        agent.read(path).await;
    }
    count("reads").await;
    put(&agent, "Staging/Stripe", "value-new").await;
    count("a write").await;
    put(&agent, "Staging/Brand new", "value-new").await;
    count("a new item").await;
    agent.call("rotate_and_store", json!({ "path": "Staging/Stripe", "if_version": 1 })).await.code();
    count("a conflict").await;
    agent.call("delete_secret", json!({ "path": "Staging/Brand new" })).await.ok();
    let all = count("a deletion").await;
    assert!((20..100).contains(&all), "{all} requests");
    stage.end([agent]).await;
}

#[tokio::test]
async fn limits_set_for_connect_are_kept_and_without_any_there_are_none() {
    let stage = Stage::of(Kind::Connect, &seed(), "limits = { reads_per_hour = 10 }\n[cache]\nttl = 0\n", &all());
    let agent = stage.serve("agent").await;
    assert!(left(&agent, "Staging/GitHub").await["reads"].as_u64().unwrap() < 10);
    for _ in 0..20 {
        agent.call("get_secret", json!({ "path": "Staging/Stripe/credential" })).await;
    }
    let asked = stage.far.asked();
    assert!(asked <= 10, "{asked} requests");
    stage.configure("[cache]\nttl = 0\n");
    let free = stage.serve("agent").await;
    assert_eq!(left(&free, "Staging/GitHub").await, Value::Null);
    for _ in 0..20 {
        free.read("Staging/Stripe").await;
    }
    assert!(stage.far.asked() >= asked + 20);
    stage.end([agent, free]).await;
}

async fn a_pause_that_is_asked_for_outlasts_a_restart(kind: Kind) {
    let stage = Stage::of(kind, &seed(), "[cache]\nttl = 0\n", &all());
    let told = json!({ "status": 429, "message": "later", "headers": { "Retry-After": "3540" } });
    let not_told = json!({ "status": 429, "message": "later" });
    for (op, connect, seconds) in [(json!("429"), told, 3400..=3540), (json!("429_no_time"), not_told, 200..=300)] {
        let agent = stage.serve("agent").await;
        assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
        stage.far.fault(On::Read, 1, &op, &connect);
        let answer = agent.call("get_secret", json!({ "path": "Staging/Stripe" })).await;
        assert_eq!(answer.code(), "rate_limited");
        stage.far.heal();
        let asked = stage.far.asked();
        agent.kill().await;
        for _ in 0..3 {
            let again = stage.serve("other").await;
            for (tool, arguments) in [
                ("list_secrets", json!({})),
                ("get_secret", json!({ "path": "Staging/GitHub/password" })),
                ("put_secret", json!({ "path": "Staging/GitHub/password", "value": "value-x" })),
            ] {
                let answer = again.call(tool, arguments).await;
                assert_eq!(answer.code(), "rate_limited", "{tool}");
                let wait = answer.value["error"]["retry_after_s"].as_u64().unwrap();
                assert!(seconds.contains(&wait), "{tool}: {wait}");
            }
            again.kill().await;
        }
        assert_eq!(stage.far.asked(), asked, "nothing was asked");
        // As if that time had gone by.
        std::fs::read_dir(stage.home.folder()).unwrap().map(Result::unwrap).for_each(|entry| {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("far.") && name != "far.token" && entry.file_type().unwrap().is_file() {
                std::fs::remove_file(entry.path()).unwrap();
            }
        });
    }
    stage.end([]).await;
}

#[tokio::test]
async fn two_hundred_crashes_in_a_row_stay_within_the_budget() {
    const READS: u64 = 60;
    let more = format!("limits = {{ reads_per_hour = {READS}, requests_per_day = 1000 }}\n");
    let stage = Stage::of(Kind::Op, &seed(), &more, &all());
    let crash = async |home: &Home, number: usize| {
        let agent = home.serve("agent").await;
        let list = agent.call("list_secrets", json!({}));
        if number.is_multiple_of(5) {
            // Amid of it.
            let _ = tokio::time::timeout(Duration::from_millis(20), list).await;
        } else {
            let list = list.await;
            assert!(!list.is_error || list.code() == "rate_limited", "{}", list.text());
        }
        agent.kill().await;
    };
    for number in 0..50 {
        let home = &stage.home;
        tokio::join!(crash(home, number), crash(home, number + 1), crash(home, number + 2), crash(home, number + 3));
    }
    let spent = stage.far.op().world()["spent"]["reads"].as_u64().unwrap();
    assert!((20..=READS).contains(&spent), "{spent} reads");
    stage.end([]).await;
}

async fn one_cannot_take_everything_from_the_others(kind: Kind) {
    let more = "limits = { reads_per_hour = 200, requests_per_day = 1000 }\n[cache]\nttl = 0\nstale_if_error = 0\n";
    let stage = Stage::of(kind, &seed(), more, &all());
    let (greedy, modest) = (stage.serve("greedy").await, stage.serve("modest").await);
    let mut answers = 0;
    for _ in 0..200 {
        let answer = greedy.call("get_secret", json!({ "path": "Staging/GitHub" })).await;
        if answer.is_error {
            assert_eq!(answer.code(), "rate_limited");
            break;
        }
        answers += 1;
    }
    assert!((20..180).contains(&answers), "{answers}");
    let before = stage.far.asked();
    assert_eq!(refused(&greedy, "Staging/Stripe").await, "rate_limited");
    assert_eq!(stage.far.asked(), before, "what can't be paid for isn't asked");
    assert_eq!(modest.read("Staging/GitHub").await, "value-github-password");
    stage.end([greedy, modest]).await;
}

async fn a_value_is_served_while_its_source_is_down_and_says_so(kind: Kind) {
    let rules = |deny: &str| {
        let deny =
            format!("id = \"never\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [{deny}]");
        policy(&[&everyone(&EVERYTHING), &deny])
    };
    let stage = Stage::of(kind, &seed(), "[cache]\nttl = \"1s\"\n", &rules("\"Staging/GitHub/username\""));
    let agent = stage.serve("agent").await;
    assert_eq!(agent.read("Staging/GitHub").await, "value-github-password");
    stage.far.fault(On::Any, None, &json!("unreachable"), &json!("reset"));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = agent.call("get_secret", json!({ "path": "Staging/GitHub" })).await.ok();
        assert_eq!(answer["value"], "value-github-password");
        if answer["stale"].is_u64() {
            break;
        }
        assert!(Instant::now() < end, "it's fresh for a second");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(refused(&agent, "Staging/GitHub/username").await, "denied");
    assert_eq!(refused(&agent, "Staging/Stripe").await, "source_unavailable");
    // The right to a value isn't kept with it.
    stage.home.policy(&rules("\"Staging/GitHub/**\""));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = agent.call("get_secret", json!({ "path": "Staging/GitHub" })).await;
        if answer.is_error {
            assert_eq!(answer.code(), "denied");
            break;
        }
        assert!(Instant::now() < end, "the new policy came into force");
        sleep(Duration::from_millis(50)).await;
    }
    stage.far.heal();
    stage.end([agent]).await;
}
