//! What the library's own validation accepts, as it's commonly set up, and what's accepted here.

use jiff::Timestamp;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};

use super::minting::{AUDIENCE, Draft, ED, ISSUER, Judge, Pair};
use crate::identity::{Rejection, Why};
use crate::model::Clock;

fn naive_accepts(token: &str, pair: &Pair) -> bool {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ed_der(&pair.public()), &validation).is_ok()
}

#[tokio::test]
async fn what_a_usual_setup_of_the_library_accepts_is_refused() {
    // The library reads the machine's clock, so these tokens are of today.
    let now = Clock::system().now().unwrap().as_second();
    let judge = Judge::new();
    judge.clock.set(Some(Timestamp::from_second(now).unwrap()));
    let good = || Draft::at(&ED, now);
    let good_token = good().sign(&ED);
    assert!(naive_accepts(&good_token, &ED));
    judge.accepts(&good_token).await;
    let crit = |names: Value, member: &str, value: Value| good().header("crit", names).header(member, value);
    let evil = "https://evil.example.com/";
    for (what, draft, why) in [
        ("aud absent", good().claim("aud", None), Why::Audience),
        ("aud a number", good().claim("aud", json!(1)), Why::Audience),
        ("aud an object", good().claim("aud", json!({"a": 1})), Why::Audience),
        ("aud null", good().claim("aud", json!(null)), Why::Audience),
        ("aud another and us", good().claim("aud", json!(["other", AUDIENCE])), Why::Audience),
        ("iss absent", good().claim("iss", None), Why::Issuer),
        ("iss a number", good().claim("iss", json!(1)), Why::Issuer),
        ("iss another and ours", good().claim("iss", json!([evil, ISSUER])), Why::Issuer),
        ("nbf in the future", good().claim("nbf", json!(now + 3600)), Why::NotYet),
        ("nbf a text", good().claim("nbf", json!("tomorrow")), Why::Times),
        ("expired 50 seconds ago", good().claim("exp", json!(now - 50)), Why::Expired),
        ("exp 1e18", good().claim("exp", json!(1_000_000_000_000_000_000_u64)), Why::Times),
        ("jku", good().header("jku", json!(evil)), Why::HeaderMember),
        ("crit with an extension", crit(json!(["exp2"]), "exp2", json!("x")), Why::HeaderMember),
        ("crit b64", good().header("crit", json!(["b64"])), Why::HeaderMember),
        ("a custom claim twice", good().claims_text("{", r#"{"team":"admin","#), Why::Claims),
    ] {
        let token = draft.sign(&ED);
        assert!(naive_accepts(&token, &ED), "{what}: the library refuses it by now");
        assert_eq!(judge.verdict(&token).await.err(), Some(Rejection::Invalid(why)), "{what}");
    }
}
