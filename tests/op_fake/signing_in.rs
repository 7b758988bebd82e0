//! Who asks: Connect before service account before session before desktop app.

use serde_json::json;

use crate::Op;
use crate::fake_op::{CONNECT_TOKEN, DELETED_TOKEN, GITHUB, PERSON, SESSION, STAGING, STAGING_TOKEN, TOKEN, seed};

const CONNECT: [(&str, &str); 2] = [("OP_CONNECT_HOST", "http://localhost:1"), ("OP_CONNECT_TOKEN", CONNECT_TOKEN)];

#[test]
fn connect_wins_and_can_do_little() {
    let both = [CONNECT[0], CONNECT[1], ("OP_SERVICE_ACCOUNT_TOKEN", TOKEN)];
    let op = Op::new().signed_in(&both);
    assert!(op.error(&["vault", "list"]).contains("doesn't work with Connect"));
    assert!(op.error(&["item", "get", GITHUB]).contains("doesn't work with Connect"));
    assert_eq!(op.json(&["item", "get", GITHUB])["id"], GITHUB);
    assert_eq!(op.ok(&["read", "op://Staging/Stripe/credential"]), "value-stripe-credential\n");
    let wrong = Op::new().signed_in(&[CONNECT[0], ("OP_CONNECT_TOKEN", "another"), both[2]]);
    assert!(wrong.error(&["read", "op://Staging/Stripe/credential"]).contains("Invalid bearer token"));
    let half = Op::new().signed_in(&[CONNECT[0], both[2]]);
    assert!(half.error(&["vault", "list"]).contains("OP_CONNECT_TOKEN"));
}

#[test]
fn a_service_account_sees_what_it_was_granted() {
    let op = Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", STAGING_TOKEN)]);
    let vaults = op.json(&["vault", "list"]);
    assert_eq!(vaults.as_array().unwrap().len(), 1);
    assert!(op.error(&["vault", "get", "Production"]).contains("isn't a vault in this account"));
    assert_eq!(op.json(&["whoami"])["user_type"], "SERVICE_ACCOUNT");
    // With one vault it needn't be named.
    assert_eq!(op.json(&["item", "get", GITHUB])["vault"]["id"], STAGING);
}

#[test]
fn with_several_vaults_it_has_to_name_one() {
    let op = Op::new();
    let needed = "a vault query must be provided when this command is called by a service account";
    for words in [&["item", "get", GITHUB][..], &["item", "edit", GITHUB, "--title=x"], &["item", "delete", GITHUB]] {
        assert_eq!(op.error(words), needed, "{words:?}");
    }
    assert_eq!(op.error(&["item", "create", "--category=login", "--title=x"]), needed);
    assert_eq!(op.run(&["item", "list"]).exit, Some(0));
    op.settings(&json!({ "list_needs_vault": true }));
    assert_eq!(op.error(&["item", "list"]), needed);
}

#[test]
fn bad_tokens_are_told_apart() {
    let with = |token| Op::new().signed_in(&[("OP_SERVICE_ACCOUNT_TOKEN", token)]).error(&["vault", "list"]);
    assert!(with("ops_unknown").contains("failed to DecodeSACredentials"));
    assert!(with("gibberish").contains("failed to DecodeSACredentials"));
    assert!(with(DELETED_TOKEN).contains("(403) (Forbidden (Service Account Deleted))"));
}

#[test]
fn a_session_belongs_to_an_account() {
    let own = format!("OP_SESSION_{PERSON}");
    let ok = |op: &Op| op.json(&["vault", "list"]).as_array().unwrap().len() == 2;
    assert!(ok(&Op::new().signed_in(&[(&own, SESSION)])));
    assert!(ok(&Op::new().signed_in(&[("OP_SESSION", SESSION), ("OP_ACCOUNT", "my.1password.com")])));
    assert!(ok(&Op::new().signed_in(&[("OP_SESSION_my", SESSION)])));
    let expired = Op::new().signed_in(&[(&own, "session-expired")]);
    assert_eq!(expired.error(&["vault", "list"]), "session expired, sign in to create a new session");
    assert!(
        Op::new().signed_in(&[(&own, SESSION)]).error(&["vault", "list", "--account", "other"]).contains("\"other\"")
    );
}

#[test]
fn the_app_is_asked_last_and_a_stale_session_blocks_it() {
    let op = Op::new().signed_in(&[]);
    assert!(op.error(&["vault", "list"]).contains("You are not currently signed in."));
    op.settings(&json!({ "desktop": "ok" }));
    assert_eq!(op.json(&["vault", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(op.json(&["whoami"])["email"], "person@example.com");
    assert_eq!(op.json(&["vault", "list", "--account", "person@example.com"]).as_array().unwrap().len(), 2);
    assert_eq!(op.error(&["vault", "list", "--account", "nobody"]), "found no accounts for filter \"nobody\"");
    for (how, text) in [
        ("dismissed", "authorization prompt dismissed, please try again"),
        ("timeout", "authorization timeout"),
        ("locked", "RequestDelegatedSession: "),
        ("unreachable", "connecting to desktop app: "),
    ] {
        op.settings(&json!({ "desktop": how }));
        assert!(op.error(&["vault", "list"]).contains(text), "{how}");
    }
    let stale = Op::new().signed_in(&[("OP_SESSION_other", "stale")]);
    stale.settings(&json!({ "desktop": "ok" }));
    assert_eq!(stale.error(&["vault", "list"]), "account is not signed in");
}

#[test]
fn a_prompt_nobody_answers_hangs() {
    let op = Op::new().signed_in(&[]);
    op.settings(&json!({ "desktop": "hang" }));
    crate::faults::hangs_until_killed(&op, &["vault", "list"]);
    // Neither needs anybody's consent.
    assert_eq!(op.ok(&["--version"]), "2.30.3\n");
    assert_eq!(op.json(&["account", "list"])[0]["email"], "person@example.com");
}

#[test]
fn without_accounts_there_are_none() {
    let mut world = seed();
    world["accounts"] = json!([]);
    let op = Op::with(&world).signed_in(&[]);
    assert_eq!(op.json(&["account", "list"]), json!([]));
    assert_eq!(op.error(&["vault", "list"]), "No accounts configured for use with 1Password CLI.");
}

#[test]
fn whoami_may_not_know_yet() {
    let op = Op::new();
    op.settings(&json!({ "whoami": "not_yet" }));
    assert_eq!(op.error(&["whoami"]), "service account token set, but not authenticated yet");
    op.ok(&["vault", "list"]);
    assert_eq!(op.json(&["whoami"])["user_type"], "SERVICE_ACCOUNT");
    let old = Op::new().version("2.18.0").json(&["whoami"]);
    assert_eq!(old, json!({ "URL": "https://my.1password.com", "ServiceAccountType": "SERVICE_ACCOUNT" }));
    let app = Op::new().signed_in(&[]);
    app.settings(&json!({ "desktop": "ok", "whoami": "not_signed_in" }));
    assert_eq!(app.error(&["whoami"]), "account is not signed in");
    assert_eq!(app.run(&["vault", "list"]).exit, Some(0));
}
