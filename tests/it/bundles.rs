//! Several values at once, as environment variables.

use serde_json::json;

use crate::support::{Home, everyone, policy, put};

const CANARY: &str = "c4n4ry-of-bundles";
const SEED: &str = "otpauth://totp/Example:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";

const NOTE: &str = "# for the checkout service\n\nexport LOG_LEVEL=debug\nGREETING=\"Hello, \\\"you\\\"\"  # said\n\
    PEM=\"-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n\"\nRAW='$HOME \\n'\nEMPTY=\nHASH=a#b\n";

#[tokio::test]
async fn one_bad_key_never_fails_the_rest() {
    let rules = policy(&[
        &everyone(&["list", "describe"]),
        "principals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"Staging/**\"]",
        "principals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"Limited/**\"]\nrequire.reason = true",
    ]);
    let home = Home::with(
        &rules,
        [
            put("Staging/Stripe/credential", "fine"),
            put("Staging/Mail/otp", SEED),
            put("Staging/Two/one", CANARY),
            put("Staging/Two/two", CANARY),
            put("Production/Stripe/credential", CANARY),
            put("Limited/Stripe/credential", "with a reason"),
        ],
    )
    .await;
    home.configure(
        "[env_bundle.checkout]\nSTRIPE_KEY = \"op://Staging/Stripe/credential\"\nLIVE_KEY = \"Production/Stripe\"\n\
         GONE = \"Staging/Gone/credential\"\nNOWHERE = \"Nowhere/X/y\"\nUNCLEAR = \"Staging/Two\"\n\
         REASONED = \"Limited/Stripe\"\nCODE = \"Staging/Mail/otp?attribute=otp\"\nNO_CODE = \"Staging/Stripe/credential?attribute=otp\"\n",
    );
    let agent = home.serve("agent").await;
    let bundle = agent.call("get_env_bundle", json!({ "path": "checkout" })).await.ok();
    assert_eq!(bundle["env"]["STRIPE_KEY"], "fine");
    let code = bundle["env"]["CODE"].as_str().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "a code and never its seed: {code}");
    assert_eq!(bundle["env"].as_object().unwrap().len(), 2);
    assert_eq!(bundle["missing"], json!(["GONE", "NOWHERE", "NO_CODE", "UNCLEAR"]));
    assert_eq!(bundle["denied"], json!(["LIVE_KEY", "REASONED"]));
    let bundle = agent.call("get_env_bundle", json!({ "path": "checkout", "reason": "the tests" })).await.ok();
    assert_eq!(bundle["env"]["REASONED"], "with a reason");
    let unknown = agent.call("get_env_bundle", json!({ "path": "nothing" })).await;
    assert_eq!(unknown.code(), "not_found");
    let code = agent.call("get_env_bundle", json!({ "path": "Staging/Mail/otp?attribute=otp" })).await;
    assert_eq!(code.code(), "invalid");
    let log = agent.end().await + &home.in_the_open();
    assert!(!log.contains(CANARY) && !log.contains("GEZDGNBVGY3TQOJQ"));
}

#[tokio::test]
async fn to_one_who_may_not_list_what_is_missing_is_denied() {
    let rules = policy(&["principals = [\"agent\"]\nactions = [\"read\"]\npaths = [\"Staging/Stripe\"]"]);
    let home =
        Home::with(&rules, [put("Staging/Stripe/credential", "fine"), put("Production/Stripe/credential", CANARY)])
            .await;
    home.configure(
        "[env_bundle.b]\nA = \"Staging/Stripe\"\nTHERE = \"Production/Stripe\"\nGONE = \"Production/Gone\"\n",
    );
    let agent = home.serve("agent").await;
    let bundle = agent.call("get_env_bundle", json!({ "path": "b" })).await.ok();
    assert_eq!(bundle, json!({ "env": { "A": "fine" }, "missing": [], "denied": ["GONE", "THERE"] }));
    agent.end().await;
}

#[tokio::test]
async fn an_items_fields_are_variables() {
    let rules = policy(&[
        &everyone(&["list", "describe", "read"]),
        "id = \"not-this\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"Staging/DB/password\"]",
        "id = \"nor-that\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"list\"]\npaths = [\"Staging/DB/hidden\"]",
    ]);
    let home = Home::with(
        &rules,
        [
            put("Staging/DB/username", "checkout").with("category", "DATABASE"),
            put("Staging/DB/password", CANARY),
            put("Staging/DB/DATABASE_URL", "postgres://db"),
            put("Staging/DB/api key", "k"),
            put("Staging/DB/hidden", CANARY),
            put("Staging/DB/notesPlain", "not a variable"),
        ],
    )
    .await;
    let agent = home.serve("agent").await;
    for path in ["Staging/DB", "op://staging/db"] {
        let bundle = agent.call("get_env_bundle", json!({ "path": path })).await.ok();
        assert_eq!(
            bundle,
            json!({
                "env": { "USERNAME": "checkout", "DATABASE_URL": "postgres://db", "API_KEY": "k" },
                "missing": [], "denied": ["PASSWORD"],
            })
        );
    }
    agent.end().await;
}

#[tokio::test]
async fn a_note_is_read_as_a_dotenv_file() {
    let rules = policy(&[&everyone(&["list", "describe", "read"])]);
    let home = Home::with(
        &rules,
        [
            put("Staging/checkout-env", NOTE).with("category", "env_bundle"),
            put("Staging/Other/env", NOTE),
            put("Staging/Prose", "Dear all,\nthis is c4n4ry-of-bundles\n").with("category", "note"),
            put("Staging/Open", "A=\"c4n4ry-of-bundles").with("category", "note"),
            put("Staging/Blank", "# nothing\n").with("category", "note"),
        ],
    )
    .await;
    let agent = home.serve("agent").await;
    let expected = json!({
        "LOG_LEVEL": "debug", "GREETING": "Hello, \"you\"", "PEM": "-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n",
        "RAW": "$HOME \\n", "EMPTY": "", "HASH": "a#b",
    });
    for path in ["Staging/checkout-env", "Staging/checkout-env/notesPlain", "Staging/Other/env"] {
        let bundle = agent.call("get_env_bundle", json!({ "path": path })).await.ok();
        assert_eq!(bundle, json!({ "env": expected, "missing": [], "denied": [] }), "{path}");
    }
    for path in ["Staging/Prose", "Staging/Open"] {
        let refused = agent.call("get_env_bundle", json!({ "path": path })).await;
        assert_eq!(refused.code(), "unsupported", "{path}");
        assert!(!refused.text().contains(CANARY) && !refused.text().contains("Dear"), "{}", refused.text());
    }
    let blank = agent.call("get_env_bundle", json!({ "path": "Staging/Blank" })).await.ok();
    assert_eq!(blank, json!({ "env": {}, "missing": [], "denied": [] }));
    agent.end().await;
    let stranger = Home::with(&policy(&[&everyone(&["list"])]), [put("V/env", NOTE).with("category", "note")]).await;
    let agent = stranger.serve("agent").await;
    assert_eq!(agent.call("get_env_bundle", json!({ "path": "V/env" })).await.code(), "denied");
    agent.end().await;
}
