//! What's accepted, so that what's refused is refused for its one reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::minting::{AUDIENCE, Draft, ED, ED2, ISSUER, Judge, NOW, P256, P384, PEER, Pair, RSA, encode};
use crate::identity::{Bearers, NewToken, Rejection, StaticToken, Why};
use crate::model::SigningAlgorithm;
use crate::model::{Clock, PrincipalName, Transport};

#[tokio::test]
async fn a_good_token_proves_its_principal_with_what_policies_may_ask() {
    let judge = Judge::new();
    let who = judge.verdict(&Draft::good(&ED).sign(&ED)).await.unwrap();
    let principal = who.principal();
    assert_eq!(principal.name.as_str(), "idp:alice");
    assert_eq!((principal.transport, principal.source_ip), (Transport::Http, Some(PEER)));
    let texts = [("aud", AUDIENCE), ("iss", ISSUER), ("scope", "opward other"), ("sub", "alice"), ("team", "payments")];
    let texts: BTreeMap<_, _> = texts.map(|(claim, text)| (claim.to_owned(), text.to_owned())).into();
    assert_eq!(*principal.claims, texts);
    // From another address it's the same principal at that address, though the token is remembered.
    let other = "2001:db8::1".parse().unwrap();
    let who = judge.bearers.authenticate(&Draft::good(&ED).sign(&ED), other).await.unwrap();
    assert_eq!(who.principal().source_ip, Some(other));
    assert_eq!(judge.bearers.figures().counts().cache_hits, 1);
}

#[tokio::test]
async fn every_harmless_form_is_accepted() {
    let judge = Judge::new();
    let good = Draft::good(&ED);
    for (what, draft) in [
        ("typ in full", good.clone().header("typ", json!("application/at+jwt"))),
        ("typ JWT", good.clone().header("typ", json!("JWT"))),
        ("no kid, and one key for the algorithm", good.clone().header("kid", None)),
        ("certificate's thumbprints", good.clone().header("x5t", json!("AAAA")).header("x5t#S256", json!("BBBB"))),
        ("one audience in a list", good.clone().claim("aud", json!([AUDIENCE]))),
        ("no nbf", good.clone().claim("nbf", None)),
        ("scp as a list", good.clone().claim("scope", None).claim("scp", json!(["x", "opward"]))),
        ("scp as a text", good.clone().claim("scope", None).claim("scp", json!("opward"))),
        ("the whole lifetime", good.clone().claim("exp", json!(NOW - 60 + 3600))),
        ("expired within the leeway", good.clone().claim("exp", json!(NOW - 4))),
        ("issued within the leeway", good.clone().claim("iat", json!(NOW + 5))),
        ("a long claim, which is left out", good.clone().claim("long", json!("x".repeat(513)))),
        ("64 texts", (0..59).fold(good.clone(), |draft, n| draft.claim(&format!("c{n}"), json!("x")))),
        ("an access token with a nonce", good.clone().claim("nonce", json!("n"))),
        ("other spacing", good.clone().claims_text("{", " {\n ")),
    ] {
        let verdict = judge.verdict(&draft.sign(&ED)).await;
        assert!(verdict.is_ok(), "{what}: {:?}", verdict.err());
        assert!(!verdict.unwrap().principal().claims.contains_key("long"));
    }
}

#[tokio::test]
async fn every_algorithm_is_verified_with_a_key_of_its_own_kind() {
    let pairs: [&Pair; 4] = [&ED, &P256, &P384, &RSA];
    let judge = Judge::with(&pairs, |issuer| issuer.algorithms = SigningAlgorithm::ALL.to_vec());
    for algorithm in SigningAlgorithm::ALL {
        for pair in pairs {
            let mut draft = Draft::good(pair);
            if algorithm != pair.algorithm {
                draft = draft.header("alg", json!(algorithm.as_str()));
            }
            let signed = draft.signed_part();
            let token = format!("{signed}.{}", encode(&pair.sign(algorithm, &signed)));
            let is_own = algorithm == pair.algorithm
                || pair.algorithm == SigningAlgorithm::Rs256
                    && !matches!(
                        algorithm,
                        SigningAlgorithm::EdDsa | SigningAlgorithm::Es256 | SigningAlgorithm::Es384
                    );
            match judge.verdict(&token).await {
                Ok(_) => assert!(is_own, "{algorithm} with {}", pair.kid),
                Err(error) => {
                    assert!(!is_own, "{algorithm} with {}: {error}", pair.kid);
                    assert_eq!(error, Rejection::Invalid(Why::Algorithm));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_listed_for_one_algorithm_verifies_no_other() {
    let judge = Judge::with(&[&RSA], |issuer| issuer.algorithms = SigningAlgorithm::ALL.to_vec());
    let mut jwk = RSA.jwk();
    jwk["alg"] = json!("PS256");
    std::fs::write(&judge.keys, json!({"keys": [jwk]}).to_string()).unwrap();
    let bearers = again(&judge);
    let refused = bearers.authenticate(&Draft::good(&RSA).sign(&RSA), PEER).await.err();
    assert_eq!(refused, Some(Rejection::Invalid(Why::Algorithm)));
    let draft = Draft::good(&RSA).header("alg", json!("PS256"));
    let signed = draft.signed_part();
    let token = format!("{signed}.{}", encode(&RSA.sign(SigningAlgorithm::Ps256, &signed)));
    assert!(bearers.authenticate(&token, PEER).await.is_ok());
}

fn again(judge: &Judge) -> Bearers {
    let mut issuer = super::minting::issuer(super::minting::from_file(&judge.keys));
    issuer.algorithms = SigningAlgorithm::ALL.to_vec();
    Bearers::new(Vec::new(), vec![issuer], judge.clock.clone()).unwrap()
}

#[tokio::test]
async fn a_token_without_kid_needs_an_issuer_with_one_key_for_it() {
    let judge = Judge::with(&[&ED, &ED2, &P256], |_| ());
    judge.refuses(&Draft::good(&ED).header("kid", None).sign(&ED), Why::Key).await;
    judge.accepts(&Draft::good(&P256).header("kid", None).sign(&P256)).await;
    judge.accepts(&Draft::good(&ED2).sign(&ED2)).await;
    judge.refuses(&Draft::good(&ED).sign(&ED2), Why::Signature).await;
}

#[tokio::test]
async fn static_tokens_and_issuers_stand_side_by_side() {
    let clock = Clock::fixed(Some(Timestamp::from_second(NOW).unwrap()));
    let (lasting, ending) = (NewToken::generate().unwrap(), NewToken::generate().unwrap());
    let known = |name: &str, token: &NewToken, expires: Option<i64>| StaticToken {
        principal: PrincipalName::parse(name).unwrap(),
        sha256: token.digest(),
        expires: expires.map(|at| Timestamp::from_second(at).unwrap()),
    };
    let judge = Judge::new();
    let issuer = super::minting::issuer(super::minting::from_file(&judge.keys));
    let tokens = vec![known("ci", &lasting, None), known("demo", &ending, Some(NOW + 10))];
    let bearers = Bearers::new(tokens, vec![issuer], clock.clone()).unwrap();
    for token in [&lasting, &ending] {
        let who = bearers.authenticate(token.reveal(), PEER).await.unwrap();
        assert!(who.principal().claims.is_empty());
        assert_eq!(who.principal().source_ip, Some(PEER));
    }
    assert!(bearers.authenticate(&Draft::good(&ED).sign(&ED), PEER).await.is_ok());
    clock.set(Some(Timestamp::from_second(NOW + 10).unwrap()));
    assert!(bearers.authenticate(lasting.reveal(), PEER).await.is_ok());
    let refused = bearers.authenticate(ending.reveal(), PEER).await.err();
    assert_eq!(refused, Some(Rejection::Invalid(Why::Expired)));
    // A clock set back doesn't bring it back.
    clock.set(Some(Timestamp::from_second(NOW).unwrap()));
    let refused = bearers.authenticate(ending.reveal(), PEER).await.err();
    assert_eq!(refused, Some(Rejection::Invalid(Why::Expired)));
    let counts = bearers.figures().counts();
    assert_eq!((counts.accepted_static, counts.accepted_jwt, counts.cache_hits), (3, 1, 0));
    assert_eq!(counts.rejected.iter().map(|(_, count)| count).sum::<u64>(), 2);
    let shown = format!("{bearers:?}");
    assert!(!shown.contains("ci") && !shown.contains(&lasting.digest().to_string()), "{shown}");
}
