//! Which values reached whom, from the first read to the rotation, as agents and their owner see it.

use serde_json::{Value, json};

use crate::support::{Home, OWNER, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-exposures";

fn shown(home: &Home, arguments: &[&str]) -> Value {
    let done = home.run(&[&["exposure", "--json"], arguments].concat(), "");
    assert!(done.status.success(), "{done:?}");
    serde_json::from_slice(&done.stdout).unwrap()
}

fn told(home: &Home, arguments: &[&str]) -> String {
    let done = home.run(&[&["exposure"], arguments].concat(), "");
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn a_read_is_shown_until_the_value_is_rotated() {
    let rules = policy(&[&everyone(&["list", "describe", "read", "rotate"])]);
    let home = Home::with(&rules, [put("Staging/Stripe/credential", CANARY), put("Staging/Stripe/other", "x")]).await;
    assert_eq!(shown(&home, &[]), json!({ "exposures": [], "unreadable_lines": 0 }));
    assert_eq!(told(&home, &[]), "no value was given to anybody, as far as the audit log goes back\n");

    let agent = home.serve("agent").await;
    let describe = async || agent.call("describe_secret", json!({ "path": "Staging/Stripe" })).await.ok();
    let field = |item: &Value, name: &str| -> Value {
        let fields = item["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    assert_eq!(field(&describe().await, "credential").get("exposure"), None);
    assert_eq!(agent.read("staging/stripe/CREDENTIAL").await, CANARY);
    assert_eq!(agent.read("Staging/Stripe/credential").await, CANARY);

    let item = describe().await;
    let exposure = &field(&item, "credential")["exposure"];
    assert_eq!((&exposure["by"], &exposure["times"], &exposure["principals"]), (&json!("read"), &json!(2), &json!(1)));
    assert_eq!((exposure.get("rotate_by"), exposure.get("overdue")), (None, None));
    assert_eq!(field(&item, "other").get("exposure"), None, "what wasn't read isn't exposed");
    assert!(!item.to_string().contains("agent"), "who was given a value is its owner's business: {item}");

    let all = shown(&home, &[]);
    let [row] = all["exposures"].as_array().unwrap().as_slice() else { panic!("{all}") };
    let expected = ["Staging/Stripe/credential", "agent", "read"];
    assert_eq!([&row["path"], &row["principal"], &row["how"]], expected.map(|text| json!(text)).each_ref());
    assert_eq!((&row["times"], &row["overdue"], row.get("changed_since")), (&json!(2), &json!(false), None));
    assert!(told(&home, &[]).contains("Staging/Stripe/credential  agent  read"), "{}", told(&home, &[]));

    let rotated = agent.call("rotate_and_store", json!({ "path": "Staging/Stripe/credential" })).await;
    rotated.ok();
    assert_eq!(field(&describe().await, "credential").get("exposure"), None, "the new value reached nobody");
    let after = shown(&home, &[]);
    assert!(after["exposures"][0]["changed_since"].is_string(), "{after}");
    assert!(told(&home, &[]).contains("changed "));
    agent.end().await;
    assert!(!home.in_the_open().contains(CANARY));
}

#[tokio::test]
async fn writing_the_same_value_back_makes_up_for_nothing() {
    let rules = policy(&[&everyone(&["list", "describe", "read", "write", "rotate"])]);
    let home = Home::with(&rules, [put("V/I/credential", CANARY)]).await;
    let agent = home.serve("agent").await;
    assert_eq!(agent.read("V/I").await, CANARY);
    let set = async |tool: &str, value: &str| {
        agent.call(tool, json!({ "path": "V/I/credential", "value": value })).await.ok();
        shown(&home, &[])["exposures"][0].get("changed_since").is_some()
    };
    assert!(!set("put_secret", CANARY).await, "whoever was given it still has it");
    assert!(!set("rotate_and_store", CANARY).await);
    assert!(set("put_secret", "c4n4ry-the-next").await);
    assert_eq!(agent.read("V/I").await, "c4n4ry-the-next");
    assert!(set("rotate_and_store", "c4n4ry-after-that").await);
    agent.end().await;
    let codes: Vec<Value> = home
        .records()
        .into_iter()
        .filter(|record| record["kind"] == "outcome" && record["principal"] == "agent")
        .filter(|record| record["action"] == "write" || record["action"] == "rotate")
        .map(|record| record["code"].clone())
        .collect();
    assert_eq!(codes, [json!("unchanged"), json!("unchanged"), Value::Null, Value::Null]);
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn what_is_shown_can_be_narrowed() {
    let rules = policy(&[&everyone(&["list", "read"])]);
    let home = Home::with(&rules, [put("A/One/credential", "1"), put("B/Two/credential", "2")]).await;
    let agent = home.serve("agent").await;
    agent.read("A/One").await;
    agent.read("B/Two").await;
    agent.end().await;
    let other = home.serve(OWNER).await;
    other.read("B/Two").await;
    other.end().await;
    let count = |arguments: &[&str]| shown(&home, arguments)["exposures"].as_array().unwrap().len();
    assert_eq!((count(&[]), count(&["--since", "1h"]), count(&["--since", "2000-01-01"])), (3, 3, 3));
    assert_eq!(count(&["--since", "2999-01-01"]), 0);
    assert_eq!((count(&["--path", "b/**"]), count(&["--path", "A/One"]), count(&["--path", "C/**"])), (2, 1, 0));
    assert_eq!(count(&["--overdue"]), 0);
    assert_eq!(told(&home, &["--overdue"]), "no rotation is overdue\n");
    let bad = home.run(&["exposure", "--since", "yesterday"], "");
    assert_eq!(bad.status.code(), Some(2));
    let doctor = String::from_utf8(home.run(&["doctor"], "").stdout).unwrap();
    assert!(doctor.contains("2 value(s) were given to 2 principal(s) in the last 30 days"), "{doctor}");
}

#[tokio::test]
async fn a_person_who_reads_is_one_it_was_given_to() {
    let home = Home::with(&policy(&[&everyone(&["list", "read"])]), [put("V/I/credential", CANARY)]).await;
    assert!(home.run(&["secret", "get", "V/I/credential"], "").status.success());
    let denied = home.run(&["secret", "get", "V/I/none"], "");
    assert!(!denied.status.success());
    let all = shown(&home, &[]);
    assert_eq!(all["exposures"].as_array().unwrap().len(), 1, "{all}");
    assert_eq!(all["exposures"][0]["principal"], "cli");
}
