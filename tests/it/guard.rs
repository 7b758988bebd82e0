//! What a caller was never given, it can't pass on: not in any argument of any tool, however it's written.

use rmcp::model::{ArgumentInfo, CompleteRequestParams, ReadResourceRequestParams, Reference};
use serde_json::{Value, json};

use crate::support::http::{AUDIENCE, call, token, tokens};
use crate::support::one_password::{Kind, Stage, both_ways, seed};
use crate::support::{Answer, Client, Home, everyone, policy, put};

both_ways! { values_of_1password_are_known_once_their_item_was_read }

/// The value that leaked.
const LEAKED: &str = "c4n4ry-l3aked+v4lue/of=Str1pe";
const PATH: &str = "Staging/Stripe/credential";

/// So many leaks are refused one by one; after the next, nothing is taken for a while.
const BEFORE_OUT: usize = 4;

fn rules() -> String {
    policy(&[
        "principals = [\"agent\", \"ann\", \"bob\"]\nactions = [\"list\", \"describe\", \"write\", \"rotate\", \"delete\"]\npaths = [\"Staging/**\"]",
        "principals = [\"reader\", \"ann\"]\nactions = [\"list\", \"describe\", \"read\", \"write\", \"rotate\"]\npaths = [\"Staging/**\"]",
        "principals = [\"blind\"]\nactions = [\"list\", \"write\"]\npaths = [\"Elsewhere/**\"]",
    ])
}

async fn home() -> Home {
    Home::with(&rules(), [put(PATH, LEAKED), put("Staging/Other/credential", "sh0rt-0ne-42")]).await
}

/// The records of leaks.
fn leaks(home: &Home) -> Vec<Value> {
    let log = std::fs::read_to_string(home.path("audit.jsonl")).unwrap();
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["decision"] == "leak").collect()
}

/// That nothing anywhere holds the value: neither an answer nor the log nor what's said to the operator.
fn says_nothing(home: &Home, answers: &str, said: &str) {
    let log = std::fs::read_to_string(home.path("audit.jsonl")).unwrap();
    for text in [answers, said, &log] {
        assert!(!text.contains("c4n4ry") && !text.contains("sh0rt"), "{text}");
    }
}

fn is_a_leak(answer: &Answer) {
    assert_eq!(answer.code(), "denied", "{answer:?}");
    assert!(answer.message().contains("never given") && answer.message().contains(PATH), "{answer:?}");
}

/// Every argument of every tool that takes a text, each holding the value in another place.
fn everywhere(text: &str) -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let inside = format!("before {text} after");
    vec![
        ("check_access", "describe", "path", json!({ "path": text, "action": "read" })),
        ("check_access", "describe", "action", json!({ "path": PATH, "action": inside })),
        ("delete_secret", "delete", "path", json!({ "path": text })),
        ("delete_secret", "delete", "reason", json!({ "path": "Staging/Other", "reason": inside })),
        ("describe_secret", "describe", "path", json!({ "path": format!("Staging/{text}") })),
        ("get_env_bundle", "read", "path", json!({ "path": text })),
        ("get_env_bundle", "read", "reason", json!({ "path": "Staging/Other", "reason": inside })),
        ("get_secret", "read", "path", json!({ "path": format!("op://Staging/{text}/x") })),
        ("get_secret", "read", "reason", json!({ "path": "Staging/Other", "reason": inside })),
        ("list_secrets", "list", "prefix", json!({ "prefix": text })),
        ("list_secrets", "list", "vault", json!({ "vault": text })),
        ("list_secrets", "list", "category", json!({ "category": text })),
        ("list_secrets", "list", "tag", json!({ "tag": inside })),
        ("list_secrets", "list", "query", json!({ "query": inside })),
        ("list_secrets", "list", "cursor", json!({ "cursor": text })),
        ("list_secrets", "list", "limit", json!({ "limit": [[{ "deep": text }]] })),
        ("list_vaults", "list", "", json!({ "unknown": inside })),
        ("list_vaults", "list", "", json!({ text: 1 })),
        ("put_secret", "write", "path", json!({ "path": text, "value": "n3w-v4lue" })),
        ("put_secret", "write", "value", json!({ "path": "Staging/Copy/credential", "value": text })),
        ("put_secret", "write", "value", json!({ "path": "Staging/Copy/credential", "value": inside })),
        ("put_secret", "write", "category", json!({ "path": "Staging/A/b", "value": "v", "category": text })),
        ("put_secret", "write", "tags", json!({ "path": "Staging/A/b", "value": "v", "tags": ["fine", inside] })),
        ("put_secret", "write", "expires_at", json!({ "path": "Staging/A/b", "value": "v", "expires_at": text })),
        ("put_secret", "write", "reason", json!({ "path": "Staging/A/b", "value": "v", "reason": inside })),
        (
            "put_secret",
            "write",
            "tags",
            json!({ "path": "Staging/A/b", "value": "v", "tags": { (inside.clone()): {} } }),
        ),
        ("rotate_and_store", "rotate", "path", json!({ "path": text })),
        ("rotate_and_store", "rotate", "value", json!({ "path": "Staging/Other", "value": inside })),
        (
            "rotate_and_store",
            "rotate",
            "generate",
            json!({ "path": "Staging/Other", "generate": { "length": inside } }),
        ),
        ("rotate_and_store", "rotate", "reason", json!({ "path": "Staging/Other", "reason": inside })),
    ]
}

#[tokio::test]
async fn every_argument_of_every_tool_is_looked_at() {
    let home = home().await;
    let (mut heard, mut said) = (String::new(), String::new());
    let all = everywhere(LEAKED);
    for some in all.chunks(BEFORE_OUT) {
        let agent = home.serve("agent").await;
        for (tool, _, argument, arguments) in some {
            let answer = agent.call(tool, arguments.clone()).await;
            is_a_leak(&answer);
            let named =
                if argument.is_empty() { "an argument holds".to_owned() } else { format!("`{argument}` holds") };
            assert!(answer.message().starts_with(&named), "{tool}: {answer:?}");
        }
        heard += &agent.heard().others;
        said += &agent.end().await;
    }
    let records = leaks(&home);
    assert_eq!(records.len(), all.len());
    for (record, (tool, action, ..)) in records.iter().zip(&all) {
        let told = [&record["kind"], &record["code"], &record["path"], &record["principal"], &record["source"]];
        assert_eq!(told, ["denied", "denied", PATH, "agent", "home"], "{tool}");
        assert_eq!(record["action"], *action, "{tool}");
    }
    assert_eq!(said.matches("was never given").count(), all.len());
    says_nothing(&home, &heard, &said);
    assert_eq!(
        home.serve("agent").await.paths(json!({})).await,
        ["Staging/Other", "Staging/Stripe"],
        "nothing was done"
    );
}

#[tokio::test]
async fn an_encoding_hides_nothing() {
    use base64::Engine as _;
    let home = home().await;
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("key={LEAKED}\n"));
    let hex = LEAKED.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let url = LEAKED.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let reversed: String = LEAKED.chars().rev().collect();
    let json = json!({ "token": LEAKED }).to_string();
    let twice = base64::engine::general_purpose::URL_SAFE.encode(&base64);
    for some in [base64, hex, url, reversed, json, twice].chunks(BEFORE_OUT) {
        let agent = home.serve("agent").await;
        for text in some {
            is_a_leak(&agent.call("list_secrets", json!({ "query": text })).await);
        }
        agent.end().await;
    }
    says_nothing(&home, "", "");
}

#[tokio::test]
async fn addresses_of_resources_and_completions_are_looked_at() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let uri = format!("opward://secrets/Staging/{}", LEAKED.replace('+', "%2B"));
    for uri in [uri, format!("opward://{LEAKED}")] {
        let error = agent.peer().read_resource(ReadResourceRequestParams::new(uri)).await.unwrap_err().to_string();
        assert!(error.contains("`uri` holds the value of") && !error.contains(LEAKED), "{error}");
    }
    let argument = ArgumentInfo::new("path", LEAKED);
    let about = Reference::for_resource("opward://secrets/{+path}");
    let error = agent.peer().complete(CompleteRequestParams::new(about, argument)).await.unwrap_err().to_string();
    assert!(error.contains("never given") && !error.contains(LEAKED), "{error}");
    agent.end().await;
    assert_eq!(leaks(&home).len(), 3);
}

#[tokio::test]
async fn what_was_read_or_brought_may_be_passed_on() {
    let home = home().await;
    let reader = home.serve("reader").await;
    let copy = json!({ "path": "Staging/Copy/credential", "value": LEAKED });
    is_a_leak(&reader.call("put_secret", copy.clone()).await);
    assert_eq!(reader.read(PATH).await, LEAKED);
    reader.call("put_secret", copy).await.ok();
    reader.call("list_secrets", json!({ "query": LEAKED })).await.ok();
    // Part of a value that one has is no other's.
    let whole = format!("postgres://app:{LEAKED}@db.internal/app");
    reader.call("put_secret", json!({ "path": "Staging/Whole/credential", "value": whole })).await.ok();
    let own = "br0ught-by-the-reader";
    reader.call("put_secret", json!({ "path": "Staging/Own/credential", "value": own })).await.ok();
    reader.call("put_secret", json!({ "path": "Staging/Own2/credential", "value": own })).await.ok();
    assert_eq!(
        reader.call("put_secret", json!({ "path": "Staging/X/y", "value": "sh0rt-0ne-42" })).await.code(),
        "denied"
    );
    reader.end().await;

    let agent = home.serve("agent").await;
    // Whoever stores it would be taken to know it, so not even where it is already.
    assert_eq!(agent.call("put_secret", json!({ "path": "Staging/Own", "value": own })).await.code(), "denied");
    assert_eq!(agent.call("put_secret", json!({ "path": "Staging/New/x", "value": own })).await.code(), "denied");
    // A value that's replaced is none any more.
    agent.call("rotate_and_store", json!({ "path": "Staging/Other/credential" })).await.ok();
    agent.call("put_secret", json!({ "path": "Staging/X/y", "value": "sh0rt-0ne-42" })).await.ok();
    // And one that another program puts into the file is one at once.
    home.edit_vault(|vault| {
        crate::support::add(vault, "Staging", "Outside", |entry| {
            crate::support::password(entry, "fr0m-an0ther-program");
        });
    });
    assert_eq!(agent.call("list_secrets", json!({ "query": "fr0m-an0ther-program" })).await.code(), "denied");
    agent.end().await;
}

#[tokio::test]
async fn who_may_not_know_of_a_path_is_not_told_it() {
    let home = home().await;
    let blind = home.serve("blind").await;
    let answer = blind.call("put_secret", json!({ "path": "Elsewhere/A/b", "value": LEAKED })).await;
    assert_eq!(answer.code(), "denied");
    assert!(answer.message().starts_with("`value` holds a value of a vault") && !answer.text().contains("Stripe"));
    blind.end().await;
    let records = leaks(&home);
    assert_eq!((&records[0]["path"], &records[0]["principal"]), (&json!(PATH), &json!("blind")), "its owner is");
}

#[tokio::test]
async fn after_five_leaks_nothing_is_taken_for_a_while() {
    let home = home().await;
    let agent = home.serve("agent").await;
    for _ in 0..5 {
        is_a_leak(&agent.call("list_secrets", json!({ "query": LEAKED })).await);
    }
    for (tool, arguments) in [("list_secrets", json!({})), ("get_secret", json!({ "path": PATH }))] {
        let answer = agent.call(tool, arguments).await;
        assert_eq!(answer.code(), "rate_limited");
        let wait = answer.value["error"]["retry_after_s"].as_u64().unwrap();
        assert!((590..=601).contains(&wait), "{wait}");
    }
    assert!(agent.peer().read_resource(ReadResourceRequestParams::new("opward://secrets")).await.is_err());
    assert!(agent.end().await.contains("nothing more is taken from it"));
}

#[tokio::test]
async fn the_command_line_is_looked_at_except_for_what_a_person_stores() {
    let home = home().await;
    home.policy(&policy(&[&everyone(&["list", "describe", "write", "rotate"])]));
    for arguments in [
        &["secret", "get", "Staging/Other", "--reason", LEAKED][..],
        &["secret", "list", "--tag", LEAKED],
        &["secret", "describe", LEAKED],
    ] {
        let done = home.run(arguments, "");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains("never given") && !said.contains(LEAKED), "{said}");
    }
    let done = home.run(&["secret", "put", "Staging/Copy/credential"], LEAKED);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(leaks(&home).len(), 3);
    assert!(home.run(&["audit", "verify"], "").status.success());
    let shown = home.run(&["audit", "show"], "");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("leak"), "{}", String::from_utf8_lossy(&shown.stdout));
}

#[tokio::test]
async fn over_http_one_may_have_what_another_may_not_pass_on() {
    let home = home().await;
    let hosted = home.host(&format!("[http]\nurl = \"{AUDIENCE}\"\n{}", tokens(&["ann", "bob"]))).await;
    assert_eq!(hosted.read(&token("ann"), PATH).await, LEAKED);
    let code = async |who: &str| {
        let ask = call("list_secrets", &json!({ "query": LEAKED })).bearer(&token(who));
        let answer = hosted.ask(&ask).await.json()["result"]["structuredContent"].clone();
        answer["error"]["code"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!((code("ann").await, code("bob").await), ("none".to_owned(), "denied".to_owned()));
    for _ in 0..4 {
        assert_eq!(code("bob").await, "denied");
    }
    assert_eq!((code("ann").await, code("bob").await), ("none".to_owned(), "rate_limited".to_owned()));
    hosted.stop().await;
    let records = leaks(&home);
    assert_eq!(records.len(), 5);
    assert!(records.iter().all(|record| record["principal"] == "bob" && record["transport"] == "http"));
}

/// Ordinary words are no values, even where somebody took one for a password.
#[tokio::test]
async fn ordinary_text_is_let_through() {
    let values = [
        put("Staging/A/password", "production"),
        put("Staging/Prod2025/password", "Prod2025"),
        put("Staging/B/username", "ann-from-4711-street"),
        put("Staging/Named-8xK2q9ZrLm/password", "8xK2q9ZrLm"),
        put("Staging/Env/region", "us-east-1"),
        put("Staging/Env/api", "https://api.staging.example.com"),
        put("Staging/Env/host", "db.staging.internal"),
        put("Staging/Env/mail", "noreply@example.com"),
        put("Staging/Env/bucket", "acme-uploads-staging"),
        put("Staging/Env/words", "running the migration"),
    ];
    let home = Home::with(&rules(), values).await;
    let agent = home.serve("agent").await;
    for text in [
        "production",
        "Prod2025",
        "ann-from-4711-street",
        "8xK2q9ZrLm",
        "deploying to us-east-1",
        "see https://api.staging.example.com/docs",
        "psql: could not connect to db.staging.internal",
        "mail to noreply@example.com, bucket acme-uploads-staging",
        "running the migration we agreed on",
    ] {
        agent.call("list_secrets", json!({ "query": text })).await.ok();
    }
    assert_eq!(leaks(&home).len(), 0);
    agent.call("describe_secret", json!({ "path": "Staging/Prod2025" })).await.ok();
    drop::<Client>(agent);
}

/// Who knows a value from elsewhere can't make a name of it, not even in other letters, so that it's known as one.
#[tokio::test]
async fn a_name_in_another_case_makes_no_value_public() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let tag = json!({ "path": "Staging/Mine/credential", "value": "n", "tags": [LEAKED.to_lowercase()] });
    agent.call("put_secret", tag).await.ok();
    let item = json!({ "path": format!("Staging/{}/x", LEAKED.to_uppercase().replace('/', "%2F")), "value": "n" });
    agent.call("put_secret", item).await.ok();
    is_a_leak(&agent.call("put_secret", json!({ "path": "Staging/Copy/credential", "value": LEAKED })).await);
    is_a_leak(&agent.call("list_secrets", json!({ "query": LEAKED })).await);
}

/// After more text than short values are compared with, nobody can make a value theirs or send it anywhere.
#[tokio::test]
async fn who_sent_too_much_text_can_store_no_short_value() {
    let home = home().await;
    let agent = home.serve("agent").await;
    for _ in 0..2 {
        agent.call("list_secrets", json!({ "query": "a b ".repeat(150_000) })).await;
    }
    let short = "sh0rt-0ne-42";
    for (tool, arguments) in [
        ("put_secret", json!({ "path": "Staging/Mine/credential", "value": short })),
        ("rotate_and_store", json!({ "path": "Staging/Other/credential", "value": short })),
        ("put_secret", json!({ "path": "Staging/Mine/credential", "value": format!("a\n{short}\nb") })),
    ] {
        let answer = agent.call(tool, arguments).await;
        assert_eq!(answer.code(), "rate_limited", "{tool}: {answer:?}");
        let wait = answer.value["error"]["retry_after_s"].as_u64().unwrap();
        assert!((500..=601).contains(&wait), "{wait}");
    }
    assert_eq!(agent.paths(json!({})).await, ["Staging/Other", "Staging/Stripe"], "nothing was done");
    // All else goes on.
    agent.call("put_secret", json!({ "path": "Staging/Mine/credential", "value": "kQ8zR2mW5xT9cV3nB7hJ" })).await.ok();
    is_a_leak(&agent.call("list_secrets", json!({ "query": LEAKED })).await);
    agent.end().await;
    // Nor is it taken to know it from then on.
    let agent = home.serve("agent").await;
    assert_eq!(agent.call("list_secrets", json!({ "query": short })).await.code(), "denied");
}

#[tokio::test]
async fn a_number_is_looked_at_like_a_text() {
    let home = Home::with(&rules(), [put("Staging/Card/number", "4929123456781236")]).await;
    let agent = home.serve("agent").await;
    for card in [json!("4929123456781236"), json!(4_929_123_456_781_236_u64)] {
        let ask = json!({ "name": "x", "method": "POST", "path": "/", "json": { "of": [card] } });
        let answer = agent.call("http_request", ask).await;
        assert!(answer.message().contains("`json` holds the value of Staging/Card/number"), "{answer:?}");
    }
}

/// What's made to take long isn't read to its end, and isn't let through.
#[tokio::test]
async fn more_than_can_be_looked_through_is_refused_and_nothing_else_waits() {
    let home = home().await;
    let agent = home.serve("agent").await;
    let hard = format!("%41+ \\x41 &amp; '\\'' {}", "a word ".repeat(130_000));
    let asked = agent.call("list_secrets", json!({ "query": hard }));
    let other = async {
        agent.call("list_vaults", json!({})).await.ok();
        std::time::Instant::now()
    };
    let looked = async {
        let answer = asked.await;
        (answer, std::time::Instant::now())
    };
    let ((answer, long), short) = tokio::join!(looked, other);
    assert_eq!(answer.code(), "invalid", "{answer:?}");
    assert!(answer.message().contains("can be looked through"), "{answer:?}");
    assert!(short < long, "the other waited");
}

async fn values_of_1password_are_known_once_their_item_was_read(kind: Kind) {
    let seed = seed().to_string().replace("value-github-password", "c4n4ry-g1thub-passw0rd");
    let seed = serde_json::from_str(&seed).unwrap();
    let stage = Stage::of(kind, &seed, "", &policy(&[&everyone(&["list", "describe", "rotate"])]));
    let agent = stage.serve("agent").await;
    let passed_on =
        async || agent.call("check_access", json!({ "path": "c4n4ry-g1thub-passw0rd", "action": "read" })).await;
    assert!(!passed_on().await.message().contains("never given"));
    agent.call("describe_secret", json!({ "path": "Staging/GitHub" })).await.ok();
    let refused = passed_on().await;
    assert!(refused.message().starts_with("`path` holds the value of Staging/GitHub/password"), "{refused:?}");
    agent.call("rotate_and_store", json!({ "path": "Staging/GitHub/password" })).await.ok();
    assert!(!passed_on().await.message().contains("never given"), "it's no longer a value");
    stage.end([agent]).await;
}
