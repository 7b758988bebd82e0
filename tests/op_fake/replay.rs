//! What 1Password's own package for JavaScript, and a third party's for Python, were seen to ask: all of it is taken.

use serde_json::{Value, json};

use crate::fake_op::{STAGING, seed};
use crate::{Op, Stdin};

const RECORDED: &str = include_str!("../../fixtures/onepassword/op-cli-argv.jsonl");

/// The ids in the recordings stand for what the call before them made.
const MADE: [&str; 3] = ["4uoomnxqqo8tkn2habp3t4tf5c", "hxkm3jp8qi2uiqxdnjy4n8zal1", "xwi880afwl1oo5l4oj4sanz338"];

/// Asked for what isn't there, `op` says so.
const MISSING: &str = "nope";

#[test]
fn every_recorded_call_is_taken() {
    let mut world = seed();
    world["settings"]["desktop"] = json!("ok");
    world["vaults"][0]["name"] = json!("Automation");
    let python = "2fcbqwe9ndg175zg2dzwftvkpa";
    let items = world["items"].as_array_mut().unwrap();
    items[0]["id"] = json!(python);
    let mut op = Op::with(&world);
    let (mut last_made, mut count) = (String::new(), 0);
    for line in RECORDED.lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let variables = call["env"].as_object().unwrap().iter();
        let variables: Vec<(&str, &str)> =
            variables.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        op = op.signed_in(&variables);
        let words = call["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let words: Vec<&str> = words.map(|word| if MADE.contains(&word) { last_made.as_str() } else { word }).collect();
        let stdin = call["stdin"].as_str().unwrap();
        let stdin = if call["stdin_kind"] == "pipe" { Stdin::Pipe(stdin) } else { Stdin::Nothing };
        let answer = op.run_with(&words, &stdin);
        if words.contains(&MISSING) {
            assert!(answer.error(1).starts_with("\"nope\" isn't an item in the \"Automation\" vault."));
        } else {
            assert_eq!((answer.exit, answer.stderr.as_str()), (Some(0), ""), "{words:?}");
        }
        if words.contains(&"inject") {
            assert_eq!(answer.text(), "foo bar\n");
        }
        if words.contains(&"create") && words.contains(&"--format=json") {
            let made: Value = serde_json::from_str(answer.text()).unwrap();
            let id = made.get("id").or(made.get("uuid")).unwrap();
            id.as_str().unwrap().clone_into(&mut last_made);
        }
        count += 1;
    }
    assert_eq!(count, 45);
    let archived = op.fake.item(python).unwrap();
    assert_eq!((&archived["state"], &archived["vault"]["id"]), (&json!("ARCHIVED"), &json!(STAGING)));
}
