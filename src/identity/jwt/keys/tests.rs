//! Lists of keys, good and bad.

#![expect(clippy::string_slice, reason = "tests that cut ASCII")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed() -> Value {
    let pair = Ed25519KeyPair::generate().unwrap();
    json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()), "kid": "one"})
}

/// The form of an RSA key; whether anybody has the other half plays no part here.
fn rsa(bits: usize) -> Value {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    json!({"kty": "RSA", "n": encode(&n), "e": "AQAB", "kid": "one"})
}

fn ec(curve: &str, length: usize) -> Value {
    json!({"kty": "EC", "crv": curve, "x": encode(&vec![1; length]), "y": encode(&vec![2; length]), "kid": "one"})
}

fn with(mut key: Value, member: &str, value: Value) -> Value {
    key[member] = value;
    key
}

fn without(mut key: Value, member: &str) -> Value {
    assert!(key.as_object_mut().unwrap().remove(member).is_some());
    key
}

fn usable(key: &Value) -> usize {
    KeySet::parse(json!({"keys": [key]}).to_string().as_bytes(), 1).unwrap().len()
}

#[test]
fn public_keys_for_signatures_can_be_used() {
    for key in [
        ed(),
        without(ed(), "kid"),
        with(ed(), "use", json!("sig")),
        with(ed(), "alg", json!("EdDSA")),
        with(ed(), "key_ops", json!(["verify"])),
        with(ed(), "x5c", json!(["ignored"])),
        ec("P-256", 32),
        ec("P-384", 48),
        rsa(2048),
        rsa(4096),
        rsa(8192),
        with(rsa(2048), "alg", json!("PS512")),
    ] {
        assert_eq!(usable(&key), 1, "{key}");
    }
}

#[test]
fn keys_that_prove_nothing_are_passed_over() {
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    for (what, key) in [
        ("a shared secret", json!({"kty": "oct", "k": encode(&[7; 32]), "kid": "one", "alg": "HS256"})),
        ("a shared secret in a public key", with(ed(), "k", json!("AAAA"))),
        ("an Ed25519 key with its private half", with(ed(), "d", json!(encode(&[7; 32])))),
        ("an RSA key with a prime", with(rsa(2048), "p", json!("AQAB"))),
        ("for encryption", with(ed(), "use", json!("enc"))),
        ("use a list", with(ed(), "use", json!(["sig"]))),
        ("for signing only", with(ed(), "key_ops", json!(["sign"]))),
        ("for nothing", with(ed(), "key_ops", json!([]))),
        ("key_ops a text", with(ed(), "key_ops", json!("verify"))),
        ("an algorithm of another family", with(ed(), "alg", json!("ES256"))),
        ("an algorithm for encryption", with(rsa(2048), "alg", json!("RSA-OAEP"))),
        ("an algorithm with a shared secret", with(rsa(2048), "alg", json!("HS256"))),
        ("alg a number", with(ed(), "alg", json!(1))),
        ("kid a number", with(ed(), "kid", json!(1))),
        ("kid empty", with(ed(), "kid", json!(""))),
        ("kid too long", with(ed(), "kid", json!("x".repeat(257)))),
        ("no kty", without(ed(), "kty")),
        ("kty unknown", with(ed(), "kty", json!("AKP"))),
        ("another curve", with(ed(), "crv", json!("X25519"))),
        ("a curve of another kind", with(ed(), "crv", json!("P-256"))),
        ("no curve", without(ed(), "crv")),
        ("no point", without(ed(), "x")),
        ("a point too short", with(ed(), "x", json!(encode(&[1; 31])))),
        ("a point with padding", with(ed(), "x", json!(format!("{}=", encode(&[1; 32]))))),
        ("a curve not supported", ec("P-521", 66)),
        ("a curve of cryptocurrencies", ec("secp256k1", 32)),
        ("half a point", without(ec("P-256", 32), "y")),
        ("a point of another curve", ec("P-256", 48)),
        ("RSA with 1024 bits", rsa(1024)),
        ("RSA with 2047 bits", rsa(2047)),
        ("RSA with 8200 bits", rsa(8200)),
        ("RSA with a leading zero", with(rsa(2048), "n", json!(encode(&[&[0], vec![0xff; 256].as_slice()].concat())))),
        ("RSA with an even modulus", with(rsa(2048), "n", json!(encode(&even)))),
        ("RSA with nothing", with(rsa(2048), "n", json!(""))),
        ("RSA with the exponent 1", with(rsa(2048), "e", json!("AQ"))),
        ("RSA with the exponent 3", with(rsa(2048), "e", json!("Aw"))),
        ("RSA with an even exponent", with(rsa(2048), "e", json!("AQAC"))),
        ("RSA with a huge exponent", with(rsa(2048), "e", json!(encode(&[1; 5])))),
        ("RSA without an exponent", without(rsa(2048), "e")),
    ] {
        assert_eq!(usable(&key), 0, "{what}");
        // It doesn't take the good ones with it.
        let list = json!({"keys": [key, ed()]}).to_string();
        assert_eq!(KeySet::parse(list.as_bytes(), 1).unwrap().len(), 1, "{what}");
    }
}

#[test]
fn what_is_no_list_is_refused_as_a_whole() {
    let list = json!({"keys": [ed()]}).to_string();
    let refusal = |text: &str| KeySet::parse(text.as_bytes(), 1).err();
    assert_eq!(refusal(&list), None);
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#, &list[1..]] {
        assert_eq!(refusal(bad), Some(KeySetError::NotASet), "{bad}");
    }
    assert_eq!(refusal(&list.replacen("\"kty\"", "\"kty\":\"oct\",\"kty\"", 1)), Some(KeySetError::NotASet));
    let keys = |count: usize| json!({"keys": (0..count).map(|_| ed()).collect::<Vec<_>>()}).to_string();
    assert_eq!((refusal(&keys(64)), refusal(&keys(65))), (None, Some(KeySetError::TooMany)));
    let padded = |bytes: usize| format!("{list}{}", " ".repeat(bytes - list.len()));
    assert_eq!((refusal(&padded(65_536)), refusal(&padded(65_537))), (None, Some(KeySetError::TooLong)));
}

#[test]
fn a_key_is_found_only_if_it_is_clear_which_one_is_meant() {
    let named = |key: Value, kid: &str| with(key, "kid", json!(kid));
    let keys = json!({"keys": [
        named(ed(), "a"), named(ed(), "twice"), named(ed(), "twice"), named(ec("P-256", 32), "both"),
        named(rsa(2048), "both"), without(ec("P-384", 48), "kid"),
    ]});
    let set = KeySet::parse(keys.to_string().as_bytes(), 1).unwrap();
    let find = |kid, algorithm| set.find(kid, algorithm).map(|key| key.kid.as_deref());
    assert_eq!(find(Some("a"), SigningAlgorithm::EdDsa), Ok(Some("a")));
    assert_eq!(find(Some("a"), SigningAlgorithm::Es256), Err(NoKey::Unfit));
    assert_eq!(find(Some("b"), SigningAlgorithm::EdDsa), Err(NoKey::Unknown));
    assert_eq!(find(Some("twice"), SigningAlgorithm::EdDsa), Err(NoKey::Several));
    assert_eq!(find(Some("both"), SigningAlgorithm::Es256), Ok(Some("both")));
    assert_eq!(find(Some("both"), SigningAlgorithm::Ps256), Ok(Some("both")));
    assert_eq!(find(None, SigningAlgorithm::EdDsa), Err(NoKey::Several));
    assert_eq!(find(None, SigningAlgorithm::Es384), Ok(None));
    let empty = KeySet::parse(br#"{"keys":[]}"#, 1).unwrap();
    assert_eq!(empty.find(None, SigningAlgorithm::EdDsa).err(), Some(NoKey::Unknown));
}
