//! Settings that must be found wrong before the first request.

use std::fs;
use std::path::Path;

use super::*;
use crate::identity::{Bearers, KeysFrom, NewToken};
use crate::model::Clock;
use crate::model::SigningAlgorithm;

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn url(text: &str) -> KeysFrom {
    KeysFrom::Url(text.parse().unwrap())
}

fn file(file: &Path) -> KeysFrom {
    KeysFrom::File {
        file: file.to_owned(),
        read: |file, _| fs::read_to_string(file).map_err(|_| "there's no such file".to_owned()),
    }
}

fn issuer(name: &str, prefix: &str) -> Issuer {
    Issuer {
        issuer: name.to_owned(),
        audience: "https://vault.example.com/mcp".to_owned(),
        keys: url("https://idp.example.com/jwks"),
        algorithms: SigningAlgorithm::DEFAULT.to_vec(),
        principal_claim: "sub".to_owned(),
        principal_prefix: prefix.to_owned(),
        max_lifetime: Duration::from_hours(1),
        scopes: Vec::new(),
    }
}

fn refusal(issuers: Vec<Issuer>) -> Option<BearersError> {
    Bearers::new(Vec::new(), issuers, Clock::system()).err()
}

#[test]
fn each_setting_of_an_issuer_is_checked() {
    type Change = fn(&mut Issuer);
    let good = || issuer("https://idp.example.com/", "");
    assert!(refusal(vec![good()]).is_none());
    let name = |name: &'static str| (name, "its name must be");
    for (name, says) in [
        name(""),
        name("idp"),
        name("http://idp.example.com/"),
        name("https://idp.example.com/?realm=a"),
        name("https://idp.example.com/#a"),
        name("https://user@idp.example.com/"),
        name(" https://idp.example.com/"),
        name("https://idp.example.com/\n"),
    ] {
        let error = refusal(vec![issuer(name, "")]).unwrap().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    let changes: [(&str, Change); 12] = [
        ("`audience`", |issuer| issuer.audience = String::new()),
        ("`algorithms`", |issuer| issuer.algorithms.clear()),
        ("`principal_claim`", |issuer| issuer.principal_claim = String::new()),
        ("`principal_prefix`", |issuer| issuer.principal_prefix = "a/".to_owned()),
        ("`principal_prefix`", |issuer| issuer.principal_prefix = "a".repeat(128)),
        ("`max_lifetime`", |issuer| issuer.max_lifetime = Duration::from_millis(999)),
        ("`max_lifetime`", |issuer| issuer.max_lifetime = Duration::from_hours(24) + Duration::from_secs(1)),
        ("`scopes`", |issuer| issuer.scopes = vec![String::new()]),
        ("`scopes`", |issuer| issuer.scopes = vec!["a b".to_owned()]),
        ("`scopes`", |issuer| issuer.scopes = vec!["a\"".to_owned()]),
        ("`jwks_url`", |issuer| issuer.keys = url("http://idp.example.com/jwks")),
        ("`jwks_url`", |issuer| issuer.keys = url("https://user:pass@idp.example.com/jwks")),
    ];
    for (says, change) in changes {
        let mut issuer = good();
        change(&mut issuer);
        let error = refusal(vec![issuer]).unwrap().to_string();
        assert!(error.contains(says) && error.contains("https://idp.example.com/"), "{says}: {error}");
    }
}

#[test]
fn a_key_file_is_read_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keys.json");
    let from_file = || Issuer { keys: file(&path), ..issuer("https://idp.example.com/", "") };
    assert!(refusal(vec![from_file()]).unwrap().to_string().contains("no such file"));
    for (text, says) in [
        ("{}", "isn't a JWK set"),
        (r#"{"keys":[]}"#, "no key that can be used"),
        (r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#, "no key that can be used"),
    ] {
        fs::write(&path, text).unwrap();
        let error = refusal(vec![from_file()]).unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
    fs::write(&path, KEYS).unwrap();
    assert!(refusal(vec![from_file()]).is_none());
}

#[test]
fn no_two_issuers_can_name_the_same_principal() {
    let (a, b) = ("https://a.example.com/", "https://b.example.com/");
    for (first, second, apart) in [
        ("a:", "b:", true),
        ("", "", false),
        ("", "b:", false),
        ("a:", "a:", false),
        ("a:", "a:b:", false),
        ("a-", "a", false),
        ("a1:", "a:", true),
    ] {
        for issuers in [[issuer(a, first), issuer(b, second)], [issuer(b, second), issuer(a, first)]] {
            let refused = refusal(issuers.into());
            let is_refused = matches!(refused, Some(BearersError::SamePrincipals { .. }));
            assert_eq!(!is_refused, apart, "{first} {second}: {refused:?}");
            assert_eq!(refused.is_none(), apart);
        }
    }
    // With something in between, a pair is found as well.
    let three = vec![issuer(a, "a"), issuer(b, "ab"), issuer("https://c.example.com/", "b")];
    assert!(matches!(refusal(three), Some(BearersError::SamePrincipals { .. })));
    assert!(matches!(refusal(vec![issuer(a, "a:"), issuer(a, "b:")]), Some(BearersError::SameIssuer { .. })));
}

#[test]
fn one_token_cannot_be_two_principals() {
    let (one, two) = (NewToken::generate().unwrap(), NewToken::generate().unwrap());
    let known = |name: &str, token: &NewToken| StaticToken {
        principal: PrincipalName::parse(name).unwrap(),
        sha256: token.digest(),
        expires: None,
    };
    let made = |tokens| Bearers::new(tokens, Vec::new(), Clock::system());
    assert!(made(vec![known("a", &one), known("a", &two)]).is_ok());
    let error = made(vec![known("a", &one), known("c", &two), known("b", &one)]).err().unwrap().to_string();
    assert!(error.contains("for a and b") && !error.contains(one.reveal()), "{error}");
}

#[test]
fn no_issuer_may_name_who_has_a_static_token() {
    let token = |name: &str| StaticToken {
        principal: PrincipalName::parse(name).unwrap(),
        sha256: NewToken::generate().unwrap().digest(),
        expires: None,
    };
    let made = |prefix: &str, name: &str| {
        Bearers::new(vec![token(name)], vec![issuer("https://idp.example.com/", prefix)], Clock::system())
    };
    for (prefix, name) in [("", "ci"), ("idp:", "idp:ann"), ("c", "ci")] {
        let error = made(prefix, name).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("principal_prefix"), "{error}");
    }
    for (prefix, name) in [("idp:", "ci"), ("idp:", "idp"), ("CI", "ci")] {
        assert!(made(prefix, name).is_ok(), "{prefix} {name}");
    }
}
