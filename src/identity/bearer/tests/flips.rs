//! A valid token, damaged in every way there is.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::minting::{AUDIENCE, Draft, ED, Judge, NOW, P256, Pair, RSA, encode};

fn decoded(token: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    token.split('.').map(|part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).collect()
}

#[tokio::test]
async fn no_bit_of_a_token_can_be_changed() {
    for pair in [&*ED, &*P256, &*RSA] {
        let judge = Judge::new();
        let token = Draft::good(pair).sign(pair);
        let parts = decoded(&token);
        let mut tried = 0;
        for part in 0..3 {
            for bit in 0..parts[part].len() * 8 {
                let mut parts = parts.clone();
                parts[part][bit / 8] ^= 1 << (bit % 8);
                let changed = parts.iter().map(|part| encode(part)).collect::<Vec<_>>().join(".");
                assert!(judge.verdict(&changed).await.is_err(), "{}: part {part}, bit {bit}", pair.kid);
                tried += 1;
            }
        }
        assert!(tried > 2500, "{tried}");
        judge.accepts(&token).await;
    }
}

#[tokio::test]
async fn no_character_of_a_token_can_be_changed_removed_or_added() {
    let judge = Judge::new();
    let token = Draft::good(&ED).sign(&ED);
    for at in 0..token.len() {
        let (before, after) = token.split_at(at);
        assert!(judge.verdict(before).await.is_err(), "the first {at}");
        assert!(judge.verdict(&token[token.len() - at..]).await.is_err(), "the last {at}");
        assert!(judge.verdict(&format!("{before}{}", &after[1..])).await.is_err(), "without {at}");
        for other in ["A", "-", "=", ".", " ", "\0", "\n"] {
            assert!(judge.verdict(&format!("{before}{other}{after}")).await.is_err(), "{other:?} before {at}");
            if !after.starts_with(other) {
                let changed = format!("{before}{other}{}", &after[1..]);
                assert!(judge.verdict(&changed).await.is_err(), "{other:?} at {at}");
            }
        }
    }
    judge.accepts(&token).await;
}

#[tokio::test]
async fn a_signature_of_one_length_is_none_of_another() {
    for pair in [&*ED, &*P256, &*RSA] {
        let judge = Judge::new();
        let token = Draft::good(pair).sign(pair);
        let (signed, _) = token.rsplit_once('.').unwrap();
        let signature = &decoded(&token)[2];
        for length in 0..=signature.len() + 2 {
            let mut other = signature.clone();
            other.resize(length, 0);
            let verdict = judge.verdict(&format!("{signed}.{}", encode(&other))).await;
            assert_eq!(verdict.is_ok(), length == signature.len(), "{}: {length}", pair.kid);
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (NOW - 5000..NOW + 5000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z:/. -]{0,12}".prop_map(Value::from),
        Just(json!(AUDIENCE)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

/// Whether changed claims are still those of a valid token, told from what the values are.
fn still_good(claim: &str, value: Option<&Value>) -> bool {
    let whole = |value: &Value| value.as_u64().and_then(|second| i64::try_from(second).ok());
    match (claim, value) {
        ("nbf", None) => true,
        ("aud", Some(value)) => *value == json!(AUDIENCE) || *value == json!([AUDIENCE]),
        ("exp", Some(value)) => whole(value).is_some_and(|exp| exp > NOW - 5 && exp <= NOW - 60 + 3600),
        ("iat", Some(value)) => whole(value).is_some_and(|iat| (NOW + 600 - 3600..=NOW + 5).contains(&iat)),
        ("nbf", Some(value)) => whole(value).is_some_and(|nbf| nbf <= NOW + 5),
        ("sub", Some(Value::String(name))) => !name.is_empty() && !name.contains([' ', '/']),
        _ => false,
    }
}

fn judged(pair: &Pair, judge: &Judge, draft: &Draft, signed_by: &Draft) -> bool {
    let signed = signed_by.sign(pair);
    let (_, signature) = signed.rsplit_once('.').unwrap();
    let token = format!("{}.{signature}", draft.signed_part());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(judge.verdict(&token)).is_ok()
}

#[test]
fn changed_claims_count_only_if_the_issuer_signed_them_and_they_are_right() {
    let judge = Judge::new();
    let good = Draft::good(&ED);
    assert!(judged(&ED, &judge, &good, &good));
    let claims = prop::sample::select(vec!["iss", "aud", "sub", "iat", "nbf", "exp"]);
    let cases = (claims, prop::option::of(any_json()));
    proptest!(ProptestConfig::with_cases(2000), |((claim, value) in cases)| {
        let mut claims: Value = serde_json::from_str(&good.claims).unwrap();
        let before = claims.clone();
        match &value {
            Some(value) => claims[claim] = value.clone(),
            None => { claims.as_object_mut().unwrap().remove(claim); }
        }
        let changed = Draft { claims: claims.to_string(), ..good.clone() };
        if claims != before {
            prop_assert!(!judged(&ED, &judge, &changed, &good), "accepted with another token's signature");
        }
        prop_assert_eq!(judged(&ED, &judge, &changed, &changed), still_good(claim, value.as_ref()));
    });
}
