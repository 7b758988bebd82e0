//! What a rule says is what happens.

use serde_json::{Value, json};

use crate::support::{Client, Home, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-decisions";

fn reads(more: &str) -> String {
    format!("id = \"reads\"\nprincipals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"V/**\"]\n{more}")
}

fn values() -> [crate::support::Put; 3] {
    [
        put("V/A/credential", CANARY).with("tags", json!(["agent", "low"])),
        put("V/B/password", CANARY).with("category", "DATABASE"),
        put("V/Root CA/private_key", CANARY).with("category", "ssh_key").with("tags", json!(["pki"])),
    ]
}

/// Which of the three items can be read; what `check_access` foretells has to come true.
async fn readable(agent: &Client) -> [bool; 3] {
    let mut readable = [false; 3];
    for (index, path) in ["V/A", "V/B", "V/Root CA"].into_iter().enumerate() {
        let foretold = agent.call("check_access", json!({ "path": path, "action": "read" })).await.ok();
        let answer = agent.call("get_secret", json!({ "path": path })).await;
        assert_eq!(foretold["decision"] == "allow", !answer.is_error, "{path}: {foretold} {}", answer.value);
        readable[index] = !answer.is_error;
        if answer.is_error {
            assert_eq!(answer.code(), "denied");
            assert_eq!(foretold.get("rule"), answer.value["error"].get("rule"), "{path}");
        }
    }
    readable
}

#[tokio::test]
async fn conditions_hold_or_the_rule_does_not_match() {
    let home = Home::with("version = 1\n", values()).await;
    let (all, none) = ([true; 3], [false; 3]);
    for (more, expected) in [
        ("", all),
        ("when.expires = 2020-01-01T00:00:00Z", none),
        ("when.expires = 2999-01-01T00:00:00Z", all),
        ("when.not_before = 2999-01-01T00:00:00Z", none),
        ("when.not_before = 2020-01-01T00:00:00Z\nwhen.expires = 2999-01-01T00:00:00+05:30", all),
        ("when.hours = \"Mon-Sun 00:00-24:00 UTC\"", all),
        ("when.transport = [\"stdio\"]", all),
        ("when.transport = [\"cli\"]", none),
        ("when.transport = [\"http\", \"socket\"]", none),
        ("when.source_ip = [\"0.0.0.0/0\", \"::/0\"]", none),
        ("when.claims = { team = \"payments\" }", none),
        ("categories = [\"API_CREDENTIAL\"]", [true, false, false]),
        ("categories = [\"DATABASE\", \"SSH_KEY\"]", [false, true, true]),
        ("tags = [\"AGENT\"]", [true, false, false]),
        ("tags = [\"pki\", \"low\"]", [true, false, true]),
        ("tags = [\"agen\"]", none),
        ("tags = [\"agent\"]\ncategories = [\"DATABASE\"]", none),
    ] {
        home.policy(&policy(&[&everyone(&["list"]), &reads(more)]));
        let agent = home.serve("agent").await;
        assert_eq!(readable(&agent).await, expected, "{more}");
        agent.end().await;
    }
}

#[tokio::test]
async fn a_closed_hour_is_closed() {
    let home = Home::with("version = 1\n", values()).await;
    // An hour that was over an hour ago, or that begins in an hour, on any clock this test may run on.
    let hour = home.records().last().unwrap()["time"].as_str().unwrap()[11..13].parse::<u32>().unwrap();
    let from = (hour + 2) % 23;
    let closed = format!("when.hours = \"{from:02}:00-{:02}:00 UTC\"", from + 1);
    home.policy(&policy(&[&everyone(&["list"]), &reads(&closed)]));
    let agent = home.serve("agent").await;
    assert_eq!(readable(&agent).await, [false; 3], "{closed}");
    agent.end().await;
}

#[tokio::test]
async fn a_deny_wins_wherever_it_stands() {
    let home = Home::with("version = 1\n", values()).await;
    let deny =
        "id = \"root-stays\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"*/root*\"]";
    let precise =
        "id = \"precise\"\nprincipals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"V/Root CA/private_key\"]";
    let (list, reads) = (everyone(&["list"]), reads(""));
    for rules in [[&list, &reads, precise, deny], [deny, precise, &reads, &list]] {
        home.policy(&policy(&rules));
        let agent = home.serve("agent").await;
        assert_eq!(readable(&agent).await, [true, true, false]);
        let answer = agent.call("get_secret", json!({ "path": "V/Root CA" })).await;
        assert_eq!(answer.value["error"]["rule"], "root-stays");
        agent.end().await;
    }
    // A deny under a condition that doesn't hold says nothing.
    home.policy(&policy(&[&list, &reads, &format!("{deny}\nwhen.transport = [\"cli\"]")]));
    let agent = home.serve("agent").await;
    assert_eq!(readable(&agent).await, [true; 3]);
    agent.end().await;
}

#[tokio::test]
async fn the_rule_that_denied_is_named_only_to_one_who_may_list() {
    let deny = "id = \"hush-hush\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"V/A\"]";
    let list = "principals = [\"lister\"]\nactions = [\"list\"]\npaths = [\"**\"]";
    let home = Home::with(&policy(&[deny, list]), values()).await;
    for (principal, named) in [("lister", true), ("stranger", false)] {
        let agent = home.serve(principal).await;
        let denied = agent.call("get_secret", json!({ "path": "V/A" })).await;
        let foretold = agent.call("check_access", json!({ "path": "V/A", "action": "read" })).await.ok();
        assert_eq!(denied.code(), "denied");
        assert_eq!(denied.text().contains("hush-hush"), named, "{principal}");
        assert_eq!(foretold.to_string().contains("hush-hush"), named, "{principal}");
        agent.end().await;
    }
    let denied: Vec<Value> = home.records().into_iter().filter(|record| record["kind"] == "denied").collect();
    assert_eq!(denied.len(), 2);
    assert!(denied.iter().all(|record| record["rules"] == json!(["hush-hush"])), "the owner's log names it always");
}

#[tokio::test]
async fn a_rate_is_kept_for_each_principal() {
    let limited =
        "id = \"slow\"\nprincipals = [\"agent-*\"]\nactions = [\"read\"]\npaths = [\"V/**\"]\nlimit.rate = \"2/1h\"";
    let free = "id = \"free\"\nprincipals = [\"agent-*\"]\nactions = [\"read\"]\npaths = [\"V/B\"]";
    let home = Home::with(&policy(&[&everyone(&["list"]), limited, free]), values()).await;
    let agent = home.serve("agent-1").await;
    let foretold = agent.call("check_access", json!({ "path": "V/A", "action": "read" })).await.ok();
    assert!(foretold["obligations"][0].as_str().unwrap().contains("slow"), "{foretold}");
    // What was foretold wasn't counted, and every matching rule's limit counts, whichever path is read.
    agent.read("V/A").await;
    agent.read("V/B").await;
    for path in ["V/A", "V/B"] {
        let answer = agent.call("get_secret", json!({ "path": path })).await;
        assert_eq!(answer.code(), "rate_limited", "{path}");
        let error = &answer.value["error"];
        assert_eq!(error["rule"], "slow");
        assert!((1..=3600).contains(&error["retry_after_s"].as_u64().unwrap()), "{error}");
    }
    let other = home.serve("agent-2").await;
    other.read("V/A").await;
    other.end().await;
    agent.end().await;
}

#[tokio::test]
async fn what_is_foretold_comes_true_for_every_action() {
    let rules = [
        everyone(&["list", "describe"]),
        "id = \"w\"\nprincipals = [\"agent\"]\nactions = [\"write\", \"delete\"]\npaths = [\"V/A\"]".to_owned(),
        "id = \"r\"\nprincipals = [\"agent\"]\nactions = [\"rotate\"]\npaths = [\"V/B\"]\nrequire.reason = true"
            .to_owned(),
    ];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let home = Home::with(&policy(&rules), values()).await;
    let agent = home.serve("agent").await;
    for path in ["V/A", "V/B", "V/Root CA"] {
        for (action, tool, mut arguments) in [
            ("describe", "describe_secret", json!({ "path": path })),
            ("read", "get_secret", json!({ "path": path })),
            ("write", "put_secret", json!({ "path": path, "value": "v" })),
            ("rotate", "rotate_and_store", json!({ "path": path })),
            ("delete", "delete_secret", json!({ "path": path })),
        ] {
            let foretold = agent.call("check_access", json!({ "path": path, "action": action })).await.ok();
            if foretold["obligations"] == json!(["pass a reason"]) {
                assert_eq!(agent.call(tool, arguments.clone()).await.code(), "denied", "{path} {action}");
                arguments["reason"] = json!("because");
            }
            let answer = agent.call(tool, arguments).await;
            assert_eq!(
                foretold["decision"] == "allow",
                !answer.is_error,
                "{path} {action}: {foretold} {}",
                answer.value
            );
            assert!(foretold["policy"].as_str().unwrap().starts_with("sha256:"));
        }
    }
    agent.end().await;
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn nobody_can_tag_their_own_way_to_a_value() {
    // Tags and categories decide, so who may write a value mustn't thereby decide what may be read.
    let rules = policy(&[
        &everyone(&["list", "describe", "write"]),
        "id = \"tagged\"\nprincipals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"**\"]\ntags = [\"open\"]",
        "id = \"databases\"\nprincipals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"**\"]\ncategories = [\"SERVER\"]",
        "id = \"crown\"\neffect = \"deny\"\nprincipals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"**\"]\ntags = [\"crown\"]",
    ]);
    let home = Home::with(
        &rules,
        [put("V/A/credential", CANARY), put("V/Jewel/credential", CANARY).with("tags", json!(["crown", "open"]))],
    )
    .await;
    let agent = home.serve("agent").await;
    for change in [
        json!({ "path": "V/A/mine", "tags": ["open"] }),
        json!({ "path": "V/A/mine", "category": "SERVER" }),
        json!({ "path": "V/Jewel/mine", "tags": ["open"] }),
    ] {
        let mut arguments = change.clone();
        arguments["value"] = json!("x");
        assert_eq!(agent.call("put_secret", arguments).await.code(), "denied", "{change}");
    }
    for path in ["V/A/credential", "V/Jewel/credential"] {
        assert_eq!(agent.call("get_secret", json!({ "path": path })).await.code(), "denied");
    }
    // What changes nothing about who may do what is as free as before.
    for change in [json!({ "path": "V/A/mine", "tags": ["other"] }), json!({ "path": "V/A/mine", "category": "LOGIN" })]
    {
        let mut arguments = change.clone();
        arguments["value"] = json!("x");
        agent.call("put_secret", arguments).await.ok();
    }
    agent.end().await;
}
