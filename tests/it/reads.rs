//! Reading one value.

use serde_json::json;

use crate::support::{Home, OWNER, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-reads";
const SEED: &str = "otpauth://totp/Example:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";

#[tokio::test]
async fn every_spelling_leads_to_the_one_value() {
    let rules = policy(&[&everyone(&["list", "describe", "read"])]);
    let home = Home::with(
        &rules,
        [
            put("Staging/Stripe/credential", CANARY),
            put("Staging/A%2FB 100%25/credential", "slash"),
            put("Staging/Stripe/note", "no default"),
        ],
    )
    .await;
    let ids = home.edit_vault(|vault| {
        let entry = vault.iter_all_entries().find(|entry| entry.get_title() == Some("Stripe")).unwrap();
        [entry.parent().id().uuid(), entry.id().uuid()].map(crate::support::id)
    });
    let agent = home.serve("agent").await;
    let [vault, item] = &ids;
    for path in [
        "Staging/Stripe/credential".to_owned(),
        "Staging/Stripe".to_owned(),
        "op://Staging/Stripe/credential".to_owned(),
        "op://Staging/Stripe".to_owned(),
        "STAGING/stripe/CREDENTIAL".to_owned(),
        format!("{vault}/{item}/credential"),
        format!("Staging/{item}"),
        format!("op://{vault}/Stripe/credential"),
    ] {
        let answer = agent.call("get_secret", json!({ "path": path })).await.ok();
        // The canonical path, the value and the version; a value from a source that answers is never called stale.
        assert_eq!(answer, json!({ "path": "Staging/Stripe/credential", "value": CANARY, "version": 2 }), "{path}");
    }
    assert_eq!(agent.read("staging/a%2fb 100%25").await, "slash");
    for bad in [
        "",
        "Staging",
        "/",
        "Staging/",
        "Staging/Stripe/credential/",
        "Staging//credential",
        "Staging/./credential",
        "Staging/../Stripe",
        "Staging/Stripe/cred%65ntial",
        "Staging\\Stripe",
        "op:///Staging/Stripe",
        "Staging/Stripe\0",
        "Staging/Stripe?attribute=otp",
        "Staging/Stripe/credential?attribute=seed",
        "a/b/c/d/e",
        "Staging/Str\u{200b}ipe",
    ] {
        assert_eq!(agent.call("get_secret", json!({ "path": bad })).await.code(), "invalid", "{bad:?}");
    }
    agent.end().await;
}

#[tokio::test]
async fn the_default_field_is_found_or_the_answer_says_which_there_are() {
    let rules = policy(&[&everyone(&["list", "read"])]);
    let home = Home::with(
        &rules,
        [
            put("V/Api/credential", "by id credential"),
            put("V/Api/other", "x"),
            put("V/Only/token", "the only concealed one"),
            put("V/Two/first", "1"),
            put("V/Two/second", "2"),
            put("V/Named/apikey", "by another name").with("category", "api_key"),
            put("V/Named/zzz", "3"),
            put("V/Login/password", "the password").with("category", "LOGIN"),
            put("V/Login/credential", "not this"),
        ],
    )
    .await;
    home.configure("[fields]\napi_key = [\"api_key\", \"apikey\", \"key\"]\n");
    let agent = home.serve("agent").await;
    assert_eq!(agent.read("V/Api").await, "by id credential");
    assert_eq!(agent.read("V/Only").await, "the only concealed one");
    assert_eq!(agent.read("V/Named").await, "by another name");
    assert_eq!(agent.read("V/Login").await, "the password");
    let answer = agent.call("get_secret", json!({ "path": "V/Two" })).await;
    assert_eq!(answer.code(), "ambiguous");
    assert!(answer.message().contains("first, second"), "{}", answer.message());
    agent.end().await;
}

#[tokio::test]
async fn a_one_time_code_is_given_and_never_its_seed() {
    let rules = policy(&[&everyone(&["list", "describe", "read"])]);
    let home = Home::with(&rules, [put("V/Mail/otp", SEED), put("V/Mail/password", CANARY)]).await;
    let agent = home.serve("agent").await;
    for path in ["V/Mail/otp?attribute=otp", "op://V/Mail/otp?attr=otp", "v/MAIL/OTP?attribute=otp"] {
        let answer = agent.call("get_secret", json!({ "path": path })).await.ok();
        let code = answer["value"].as_str().unwrap();
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        assert_eq!(answer["path"], "V/Mail/otp");
    }
    let answer = agent.call("get_secret", json!({ "path": "V/Mail/password?attribute=otp" })).await;
    assert_eq!(answer.code(), "unsupported");
    assert!(!answer.text().contains(CANARY));
    let item = agent.call("describe_secret", json!({ "path": "V/Mail" })).await.ok();
    assert!(
        item["fields"].as_array().unwrap().iter().any(|field| field["type"] == "otp" && field["concealed"] == true)
    );
    assert!(!(agent.end().await + &home.in_the_open()).contains("GEZDGNBVGY3TQOJQ"));
}

#[tokio::test]
async fn a_code_is_not_a_thing_to_change() {
    let rules = policy(&[&everyone(&["list", "describe", "read", "write", "rotate", "delete"])]);
    let home = Home::with(&rules, [put("V/Mail/otp", SEED)]).await;
    let agent = home.serve("agent").await;
    for (tool, arguments) in [
        ("put_secret", json!({ "path": "V/Mail/otp?attribute=otp", "value": "x" })),
        ("rotate_and_store", json!({ "path": "V/Mail/otp?attribute=otp" })),
        ("delete_secret", json!({ "path": "V/Mail/otp?attribute=otp" })),
    ] {
        assert_eq!(agent.call(tool, arguments).await.code(), "invalid", "{tool}");
    }
    assert_eq!(agent.read("V/Mail/otp").await, SEED);
    agent.end().await;
}

#[tokio::test]
async fn a_reason_is_asked_for_and_recorded() {
    let rules = policy(&[
        &everyone(&["list"]),
        "principals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"V/**\"]\nrequire.reason = true",
    ]);
    let home = Home::with(&rules, [put("V/A/password", CANARY)]).await;
    let agent = home.serve("agent").await;
    let without = agent.call("get_secret", json!({ "path": "V/A" })).await;
    assert_eq!(without.code(), "denied");
    assert!(
        without.message().contains("reason") && without.value["error"]["hint"].as_str().unwrap().contains("`reason`")
    );
    for bad in ["", "   ", "two\nlines", "\u{202e}backwards", &"x".repeat(201)] {
        assert_eq!(
            agent.call("get_secret", json!({ "path": "V/A", "reason": bad })).await.code(),
            "invalid",
            "{bad:?}"
        );
    }
    let reason = "to look at \"ticket\" 7";
    let with = agent.call("get_secret", json!({ "path": "V/A", "reason": reason })).await.ok();
    assert_eq!(with["value"], CANARY);
    agent.end().await;
    let records = home.records();
    let intents: Vec<_> =
        records.iter().filter(|record| record["action"] == "read" && record["kind"] == "intent").collect();
    assert_eq!(intents.len(), 1, "{intents:?}");
    assert_eq!((&intents[0]["reason"], &intents[0]["path"]), (&json!(reason), &json!("V/A/password")));
    assert_eq!(intents[0]["principal"], "agent");
    assert!(home.run(&["audit", "verify"], "").status.success());
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_without_being_quoted() {
    let home = Home::with(&policy(&[&everyone(&["list", "read", "write"])]), []).await;
    let agent = home.serve(OWNER).await;
    for (tool, arguments) in [
        ("get_secret", json!({})),
        ("get_secret", json!({ "path": 7 })),
        ("get_secret", json!({ "path": "V/A", "hunter2": true })),
        ("put_secret", json!({ "path": "V/A", "value": { "hunter2": "hunter2" } })),
        ("put_secret", json!({ "path": "V/A", "value": "hunter2", "tags": "hunter2" })),
        ("put_secret", json!({ "path": "V/A", "value": "hunter2", "expires_at": "hunter2" })),
        ("put_secret", json!({ "path": "V/A", "value": "hunter2", "category": "hunter2" })),
        ("put_secret", json!({ "path": "hunter2", "value": "hunter2" })),
        ("rotate_and_store", json!({ "path": "V/A", "generate": { "hunter2": 1 } })),
        ("check_access", json!({ "path": "V/A", "action": "hunter2" })),
        ("list_vaults", json!({ "hunter2": 1 })),
        ("describe_secret", json!({ "path": ["hunter2"] })),
    ] {
        let answer = agent.call(tool, arguments.clone()).await;
        assert_eq!(answer.code(), "invalid", "{tool} {arguments}");
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
    assert!(!(agent.end().await + &home.in_the_open()).contains("hunter2"));
}
