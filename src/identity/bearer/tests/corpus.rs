//! Bad tokens, each made from a good one by one change, and the one reason for which each is refused.

use aws_lc_rs::hmac;
use serde_json::json;

use super::minting::{AUDIENCE, Draft, ED, FOREIGN, ISSUER, Judge, NOW, P256, P384, RSA, encode};
use crate::identity::{Rejection, Why};

/// What's changed, the token, and what it's refused for.
type Case = (&'static str, String, Why);

async fn check(judge: &Judge, cases: &[Case]) {
    let mut seen = std::collections::BTreeSet::new();
    for (what, token, why) in cases {
        assert!(seen.insert(*what), "{what} stands there twice");
        let verdict = judge.verdict(token).await.err();
        assert_eq!(verdict, Some(Rejection::Invalid(*why)), "{what}");
    }
}

#[tokio::test]
async fn tokens_that_are_not_three_canonical_parts() {
    let judge = Judge::new();
    let token = Draft::good(&ED).sign(&ED);
    judge.accepts(&token).await;
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    // The last character of a signature holds two bits of it and four that must be zero.
    let last = signature.chars().last().unwrap();
    let stray = char::from(u8::try_from(last).unwrap() + 1);
    let changed = |from: &str, to: &str| token.replacen(from, to, 1);
    let long = Draft::good(&ED).claim("pad", json!("x".repeat(6000))).sign(&ED);
    let longest = Draft::good(&ED).claim("pad", json!("x".repeat(1 << 20))).sign(&ED);
    let cases: Vec<Case> = vec![
        ("nothing", String::new(), Why::Malformed),
        ("one part", header.to_owned(), Why::Malformed),
        ("two parts", format!("{header}.{claims}"), Why::Malformed),
        ("four parts", format!("{token}.{signature}"), Why::Malformed),
        ("five parts, as of an encrypted token", format!("{token}.{signature}.{signature}"), Why::Malformed),
        ("a dot at the end", format!("{token}."), Why::Malformed),
        ("two dots", "..".to_owned(), Why::Header),
        ("a space before", format!(" {token}"), Why::Encoding),
        ("a space after", format!("{token} "), Why::Encoding),
        ("a line's end after", format!("{token}\n"), Why::Encoding),
        ("a NUL after", format!("{token}\0"), Why::Encoding),
        ("the scheme before", format!("Bearer {token}"), Why::Encoding),
        ("a comma and another", format!("{token},{header}"), Why::Encoding),
        ("padding of the header", format!("{header}=.{claims}.{signature}"), Why::Encoding),
        ("padding of the claims", format!("{header}.{claims}==.{signature}"), Why::Encoding),
        ("padding of the signature", format!("{token}=="), Why::Encoding),
        ("stray bits in the signature", format!("{}{stray}", &token[..token.len() - 1]), Why::Encoding),
        ("the other alphabet", format!("{header}.{claims}.+{}", &signature[1..]), Why::Encoding),
        ("percent signs", changed("ey", "%65y"), Why::Encoding),
        ("letters that look alike", changed("ey", "\u{435}y"), Why::Encoding),
        ("a space inside", format!("{header}. {claims}.{signature}"), Why::Encoding),
        ("more than 8 KiB", long, Why::TooLong),
        ("more than 1 MiB", longest, Why::TooLong),
    ];
    check(&judge, &cases).await;
    assert_eq!(cases.len(), 23);
}

#[tokio::test]
async fn headers_that_say_anything_else() {
    let judge = Judge::new();
    let good = || Draft::good(&ED);
    judge.accepts(&good().sign(&ED)).await;
    let with = |member: &str, value: serde_json::Value| good().header(member, value).sign(&ED);
    let text = |from: &str, to: &str| good().header_text(from, to).sign(&ED);
    let raw = |header: &str| Draft { header: header.to_owned(), ..good() }.sign(&ED);
    let none = |name: &str| format!("{}.", good().header("alg", json!(name)).signed_part());
    let hmac = |name: &str, algorithm, secret: &[u8]| {
        let signed = good().header("alg", json!(name)).signed_part();
        let tag = hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes());
        format!("{signed}.{}", encode(tag.as_ref()))
    };
    let cases: Vec<Case> = vec![
        ("alg none", none("none"), Why::Algorithm),
        ("alg None", none("None"), Why::Algorithm),
        ("alg nOnE", none("nOnE"), Why::Algorithm),
        ("alg NONE", none("NONE"), Why::Algorithm),
        ("alg none, signed", with("alg", json!("none")), Why::Algorithm),
        ("alg empty", with("alg", json!("")), Why::Algorithm),
        ("HS256 with the public key", hmac("HS256", hmac::HMAC_SHA256, &ED.public()), Why::Algorithm),
        (
            "HS256 with the listed key",
            hmac("HS256", hmac::HMAC_SHA256, ED.jwk().to_string().as_bytes()),
            Why::Algorithm,
        ),
        ("HS256 with nothing", hmac("HS256", hmac::HMAC_SHA256, b""), Why::Algorithm),
        ("HS384 with the public key", hmac("HS384", hmac::HMAC_SHA384, &ED.public()), Why::Algorithm),
        ("HS512 with the public key", hmac("HS512", hmac::HMAC_SHA512, &ED.public()), Why::Algorithm),
        ("alg of another key's kind", with("alg", json!("ES256")), Why::Algorithm),
        ("alg RS256 with an Ed25519 key", with("alg", json!("RS256")), Why::Algorithm),
        ("alg not configured", with("alg", json!("PS256")), Why::Algorithm),
        ("alg not configured, of a listed key", Draft::good(&P384).sign(&P384), Why::Algorithm),
        ("alg unknown", with("alg", json!("ES256K")), Why::Algorithm),
        ("alg in small letters", with("alg", json!("eddsa")), Why::Algorithm),
        ("alg with a space", with("alg", json!("EdDSA ")), Why::Algorithm),
        ("alg absent", good().header("alg", None).sign(&ED), Why::Header),
        ("alg a number", with("alg", json!(1)), Why::Header),
        ("alg null", with("alg", json!(null)), Why::Header),
        ("alg a list", with("alg", json!(["EdDSA"])), Why::Header),
        ("typ absent", good().header("typ", None).sign(&ED), Why::Type),
        ("typ jwt", with("typ", json!("jwt")), Why::Type),
        ("typ AT+JWT", with("typ", json!("AT+JWT")), Why::Type),
        ("typ of a job token", with("typ", json!("job+jwt")), Why::Type),
        ("typ of a DPoP proof", with("typ", json!("dpop+jwt")), Why::Type),
        ("typ of a logout token", with("typ", json!("logout+jwt")), Why::Type),
        ("typ of an event", with("typ", json!("secevent+jwt")), Why::Type),
        ("typ of a client's assertion", with("typ", json!("client-authentication+jwt")), Why::Type),
        ("typ of a receipt", with("typ", json!("receipt+jwt")), Why::Type),
        ("typ JOSE", with("typ", json!("JOSE")), Why::Type),
        ("typ a number", with("typ", json!(1)), Why::Header),
        ("typ null", with("typ", json!(null)), Why::Header),
        ("kid unknown", with("kid", json!("ed-9")), Why::Key),
        ("kid in other letters", with("kid", json!("ED-1")), Why::Key),
        ("kid a path", with("kid", json!("../../../../dev/null")), Why::Key),
        ("kid SQL", with("kid", json!("' OR 1=1 --")), Why::Key),
        ("kid an address", with("kid", json!("https://evil.example.com/jwks")), Why::Key),
        ("kid with a NUL", with("kid", json!("ed-1\0")), Why::Key),
        ("kid of another key", with("kid", json!("p256")), Why::Algorithm),
        ("kid empty", with("kid", json!("")), Why::Header),
        ("kid too long", with("kid", json!("x".repeat(257))), Why::Header),
        ("kid a number", with("kid", json!(1)), Why::Header),
        ("kid a list", with("kid", json!(["ed-1"])), Why::Header),
        ("crit empty", with("crit", json!([])), Why::HeaderMember),
        (
            "crit unknown",
            good().header("crit", json!(["exp2"])).header("exp2", json!("x")).sign(&ED),
            Why::HeaderMember,
        ),
        ("crit b64", good().header("crit", json!(["b64"])).header("b64", json!(false)).sign(&ED), Why::HeaderMember),
        ("crit null", with("crit", json!(null)), Why::HeaderMember),
        ("b64 alone", with("b64", json!(false)), Why::HeaderMember),
        ("jku", with("jku", json!("https://evil.example.com/jwks")), Why::HeaderMember),
        ("jwk, and signed with it", good().header("jwk", FOREIGN.jwk()).sign(&FOREIGN), Why::HeaderMember),
        ("x5u", with("x5u", json!("https://evil.example.com/cert")), Why::HeaderMember),
        ("x5c", with("x5c", json!(["MIIB"])), Why::HeaderMember),
        ("zip", with("zip", json!("DEF")), Why::HeaderMember),
        ("cty, as of a nested token", with("cty", json!("JWT")), Why::HeaderMember),
        ("enc, as of an encrypted token", with("enc", json!("A256GCM")), Why::HeaderMember),
        ("nonce", with("nonce", json!("x")), Why::HeaderMember),
        ("a member nobody knows", with("foo", json!("x")), Why::HeaderMember),
        ("x5t a number", with("x5t", json!(1)), Why::Header),
        ("alg twice, the same", text("{", r#"{"alg":"EdDSA","#), Why::Header),
        ("alg twice, none first", text("{", r#"{"alg":"none","#), Why::Header),
        ("kid twice", text("{", r#"{"kid":"p256","#), Why::Header),
        ("alg twice, once in escapes", text("{", r#"{"\u0061lg":"EdDSA","#), Why::Header),
        ("a byte order mark", raw(&format!("\u{feff}{}", good().header)), Why::Header),
        ("bytes after the header", raw(&format!("{}x", good().header)), Why::Header),
        ("two headers", raw(&good().header.repeat(2)), Why::Header),
        ("a list", raw(&format!("[{}]", good().header)), Why::Header),
        ("a text", raw("\"header\""), Why::Header),
        ("no JSON", raw("header"), Why::Header),
        ("nothing", raw(""), Why::Header),
    ];
    check(&judge, &cases).await;
    assert!(cases.len() >= 70, "{}", cases.len());
}

#[tokio::test]
async fn signatures_that_are_not_the_keys_over_this_token() {
    let judge = Judge::new();
    let good = Draft::good(&ED);
    let token = good.sign(&ED);
    judge.accepts(&token).await;
    let signed = good.signed_part();
    let (_, signature) = token.rsplit_once('.').unwrap();
    let other = good.clone().claim("sub", json!("bob"));
    let others = other.sign(&ED).rsplit_once('.').unwrap().1.to_owned();
    let with = |signature: &[u8]| format!("{signed}.{}", encode(signature));
    let cases: Vec<Case> = vec![
        ("none", format!("{signed}."), Why::Signature),
        ("zeros", with(&[0; 64]), Why::Signature),
        ("half of it", format!("{signed}.{}", &signature[..40]), Why::Signature),
        (
            "twice",
            format!("{signed}.{}", encode(&[ED.sign(ED.algorithm, &signed), ED.sign(ED.algorithm, &signed)].concat())),
            Why::Signature,
        ),
        ("another token's", format!("{signed}.{others}"), Why::Signature),
        ("other claims", format!("{}.{signature}", other.signed_part()), Why::Signature),
        ("a key that isn't listed, under a listed name", good.sign(&FOREIGN), Why::Signature),
        ("over the claims alone", with(&ED.sign(ED.algorithm, signed.split_once('.').unwrap().1)), Why::Signature),
        (
            "over the decoded parts",
            with(&ED.sign(ED.algorithm, &format!("{}.{}", good.header, good.claims))),
            Why::Signature,
        ),
    ];
    check(&judge, &cases).await;
}

#[tokio::test]
async fn claims_that_are_not_one_readable_object() {
    let judge = Judge::new();
    let good = || Draft::good(&ED);
    judge.accepts(&good().sign(&ED)).await;
    let first = |member: &str| good().claims_text("{", &format!("{{{member},")).sign(&ED);
    let raw = |claims: String| Draft { claims, ..good() }.sign(&ED);
    let invalid = {
        let signed = format!("{}.{}", encode(good().header.as_bytes()), encode(b"{\"iss\":\"\xff\"}"));
        format!("{signed}.{}", encode(&ED.sign(ED.algorithm, &signed)))
    };
    let cases: Vec<Case> = vec![
        ("exp twice", first(r#""exp":1"#), Why::Claims),
        ("exp twice, the same", first(&format!(r#""exp":{}"#, NOW + 600)), Why::Claims),
        ("iss twice", first(r#""iss":"https://evil.example.com/""#), Why::Claims),
        ("aud twice", first(r#""aud":"other""#), Why::Claims),
        ("sub twice", first(r#""sub":"root""#), Why::Claims),
        ("a custom claim twice", first(r#""team":"admin""#), Why::Claims),
        ("sub twice, once in escapes", first(r#""\u0073ub":"root""#), Why::Claims),
        ("a key twice in a claim", good().claims_text(r#"{"x":1}"#, r#"{"x":1,"x":2}"#).sign(&ED), Why::Claims),
        ("a byte order mark", raw(format!("\u{feff}{}", good().claims)), Why::Claims),
        ("bytes after the claims", raw(format!("{}x", good().claims)), Why::Claims),
        ("a NUL after the claims", raw(format!("{}\0", good().claims)), Why::Claims),
        ("two objects", raw(good().claims.repeat(2)), Why::Claims),
        ("a list", raw(format!("[{}]", good().claims)), Why::Claims),
        ("a token in a token", raw(good().sign(&ED)), Why::Claims),
        ("nothing", raw(String::new()), Why::Claims),
        ("null", raw("null".to_owned()), Why::Claims),
        ("NaN", good().claims_text(&(NOW + 600).to_string(), "NaN").sign(&ED), Why::Claims),
        ("half a surrogate", first(r#""x":"\ud800""#), Why::Claims),
        ("no UTF-8", invalid, Why::Claims),
        ("deeper than any claim", first(&format!(r#""x":{}1{}"#, "[".repeat(200), "]".repeat(200))), Why::Claims),
        (
            "more texts than may be kept",
            (0..60).fold(good(), |draft, n| draft.claim(&format!("c{n}"), json!("x"))).sign(&ED),
            Why::Claims,
        ),
        ("scope a number", good().claim("scope", json!(1)).sign(&ED), Why::Claims),
        ("scope a list", good().claim("scope", json!(["opward"])).sign(&ED), Why::Claims),
        ("scope and scp", good().claim("scp", json!("opward")).sign(&ED), Why::Claims),
        ("scp with a number", good().claim("scope", None).claim("scp", json!(["opward", 1])).sign(&ED), Why::Claims),
    ];
    check(&judge, &cases).await;
}

#[tokio::test]
async fn claims_that_are_wrong() {
    let judge = Judge::new();
    let good = || Draft::good(&ED);
    judge.accepts(&good().sign(&ED)).await;
    let with = |claim: &str, value: serde_json::Value| good().claim(claim, value).sign(&ED);
    let without = |claim: &str| good().claim(claim, None).sign(&ED);
    let exp = (NOW + 600).to_string();
    let cases: Vec<Case> = vec![
        ("iss absent", without("iss"), Why::Issuer),
        ("iss a number", with("iss", json!(1)), Why::Issuer),
        ("iss null", with("iss", json!(null)), Why::Issuer),
        ("iss a list", with("iss", json!([ISSUER])), Why::Issuer),
        ("iss a list with another", with("iss", json!(["https://evil.example.com/", ISSUER])), Why::Issuer),
        ("iss another", with("iss", json!("https://evil.example.com/")), Why::Issuer),
        ("iss without its slash", with("iss", json!("https://idp.example.com")), Why::Issuer),
        ("iss in other letters", with("iss", json!("https://IDP.example.com/")), Why::Issuer),
        ("iss with more", with("iss", json!(format!("{ISSUER}realm"))), Why::Issuer),
        ("iss over http", with("iss", json!("http://idp.example.com/")), Why::Issuer),
        ("aud absent", without("aud"), Why::Audience),
        ("aud a number", with("aud", json!(1)), Why::Audience),
        ("aud an object", with("aud", json!({AUDIENCE: true})), Why::Audience),
        ("aud null", with("aud", json!(null)), Why::Audience),
        ("aud an empty list", with("aud", json!([])), Why::Audience),
        ("aud empty", with("aud", json!("")), Why::Audience),
        ("aud another", with("aud", json!("https://other.example.com/mcp")), Why::Audience),
        ("aud a client, as of an ID token", with("aud", json!("client-1")), Why::Audience),
        ("aud another and us", with("aud", json!(["https://other.example.com/mcp", AUDIENCE])), Why::Audience),
        ("aud us and another", with("aud", json!([AUDIENCE, "https://other.example.com/mcp"])), Why::Audience),
        ("aud us twice", with("aud", json!([AUDIENCE, AUDIENCE])), Why::Audience),
        ("aud a list in a list", with("aud", json!([[AUDIENCE]])), Why::Audience),
        ("aud the beginning of ours", with("aud", json!("https://vault.example.com")), Why::Audience),
        ("aud ours with more", with("aud", json!(format!("{AUDIENCE}2"))), Why::Audience),
        ("aud ours with a slash", with("aud", json!(format!("{AUDIENCE}/"))), Why::Audience),
        ("aud ours with a space", with("aud", json!(format!("{AUDIENCE} "))), Why::Audience),
        ("aud in other letters", with("aud", json!(AUDIENCE.to_uppercase())), Why::Audience),
        ("exp absent", without("exp"), Why::Times),
        ("exp a text", with("exp", json!(exp)), Why::Times),
        ("exp a fraction", with("exp", json!(1_800_000_600.5)), Why::Times),
        ("exp written as a fraction", good().claims_text(&exp, &format!("{exp}.0")).sign(&ED), Why::Times),
        ("exp written with an exponent", good().claims_text(&exp, "18000006e2").sign(&ED), Why::Times),
        ("exp negative", with("exp", json!(-1)), Why::Times),
        ("exp 1e18", with("exp", json!(1_000_000_000_000_000_000_u64)), Why::Times),
        ("exp 1e400", good().claims_text(&exp, &format!("1{}", "0".repeat(300))).sign(&ED), Why::Times),
        ("exp in milliseconds", with("exp", json!((NOW + 600) * 1000)), Why::Times),
        ("exp in the year 10000", with("exp", json!(253_402_300_800_u64)), Why::Times),
        ("exp null", with("exp", json!(null)), Why::Times),
        ("exp true", with("exp", json!(true)), Why::Times),
        ("exp a list", with("exp", json!([NOW + 600])), Why::Times),
        ("iat absent", without("iat"), Why::Times),
        ("iat a text", with("iat", json!((NOW - 60).to_string())), Why::Times),
        ("iat a fraction", with("iat", json!(1_799_999_940.5)), Why::Times),
        ("iat negative", with("iat", json!(-1)), Why::Times),
        ("iat null", with("iat", json!(null)), Why::Times),
        ("nbf a text", with("nbf", json!((NOW - 60).to_string())), Why::Times),
        ("nbf a fraction", with("nbf", json!(1.5)), Why::Times),
        ("nbf negative", with("nbf", json!(-1)), Why::Times),
        ("nbf null", with("nbf", json!(null)), Why::Times),
        ("expired", with("exp", json!(NOW - 30)), Why::Expired),
        ("expired by just the leeway", with("exp", json!(NOW - 5)), Why::Expired),
        ("issued in the future", with("iat", json!(NOW + 30)), Why::NotYet),
        ("issued just past the leeway", with("iat", json!(NOW + 6)), Why::NotYet),
        ("not valid yet", with("nbf", json!(NOW + 30)), Why::NotYet),
        ("a lifetime of a second too much", with("exp", json!(NOW - 60 + 3601)), Why::Lifetime),
        ("a lifetime of ages", with("exp", json!(253_402_300_799_u64)), Why::Lifetime),
        ("issued in 1970", with("iat", json!(0)), Why::Lifetime),
        ("no lifetime", with("exp", json!(NOW - 60)), Why::Lifetime),
        ("ended before it was issued", with("exp", json!(NOW - 61)), Why::Lifetime),
        ("sub absent", without("sub"), Why::Principal),
        ("sub a number", with("sub", json!(1)), Why::Principal),
        ("sub null", with("sub", json!(null)), Why::Principal),
        ("sub a list", with("sub", json!(["alice"])), Why::Principal),
        ("sub empty", with("sub", json!("")), Why::Principal),
        ("sub with a space", with("sub", json!("alice ")), Why::Principal),
        ("sub with a line's end", with("sub", json!("alice\n")), Why::Principal),
        ("sub with a NUL", with("sub", json!("alice\0")), Why::Principal),
        ("sub a wildcard", with("sub", json!("*")), Why::Principal),
        ("sub that looks like another", with("sub", json!("\u{430}lice")), Why::Principal),
        ("sub too long", with("sub", json!("a".repeat(125))), Why::Principal),
        ("bound to a DPoP key", with("cnf", json!({"jkt": "x"})), Why::Bound),
        ("bound to a certificate", with("cnf", json!({"x5t#S256": "x"})), Why::Bound),
        ("bound to nothing", with("cnf", json!(null)), Why::Bound),
    ];
    check(&judge, &cases).await;
    assert!(cases.len() >= 70, "{}", cases.len());
}

#[tokio::test]
async fn plain_jwts_that_are_other_kinds_of_tokens() {
    let judge = Judge::new();
    let good = || Draft::good(&ED).header("typ", json!("JWT"));
    judge.accepts(&good().sign(&ED)).await;
    let with = |claim: &str| good().claim(claim, json!("x")).sign(&ED);
    let cases: Vec<Case> = vec![
        ("an ID token's nonce", with("nonce"), Why::Kind),
        ("an ID token's hash of an access token", with("at_hash"), Why::Kind),
        ("an ID token's hash of a code", with("c_hash"), Why::Kind),
        ("an ID token's hash of a state", with("s_hash"), Why::Kind),
        ("a logout's event", with("events"), Why::Kind),
    ];
    check(&judge, &cases).await;
}

#[tokio::test]
async fn the_same_with_ecdsa_and_rsa() {
    for pair in [&*P256, &*RSA] {
        let judge = Judge::new();
        let good = || Draft::good(pair);
        judge.accepts(&good().sign(pair)).await;
        let signed = good().header("alg", json!("HS256")).signed_part();
        let confused = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &pair.public()), signed.as_bytes());
        let zeros = vec![0; pair.sign(pair.algorithm, "x").len()];
        let cases: Vec<Case> = vec![
            ("HS256 with the public key", format!("{signed}.{}", encode(confused.as_ref())), Why::Algorithm),
            ("alg none", format!("{}.", good().header("alg", json!("none")).signed_part()), Why::Algorithm),
            ("alg EdDSA", good().header("alg", json!("EdDSA")).sign(pair), Why::Algorithm),
            ("alg of more bits", good().header("alg", json!("ES384")).sign(pair), Why::Algorithm),
            ("alg PSS", good().header("alg", json!("PS256")).sign(pair), Why::Algorithm),
            ("no signature", format!("{}.", good().signed_part()), Why::Signature),
            ("a signature of zeros", format!("{}.{}", good().signed_part(), encode(&zeros)), Why::Signature),
            ("another key's kid", good().header("kid", json!("ed-1")).sign(pair), Why::Algorithm),
            ("other claims", good().claim("aud", json!("other")).sign(pair), Why::Audience),
            ("an ID token's typ", good().header("typ", json!("id+jwt")).sign(pair), Why::Type),
            ("crit", good().header("crit", json!(["exp"])).sign(pair), Why::HeaderMember),
        ];
        check(&judge, &cases).await;
    }
}

#[tokio::test]
async fn a_valid_token_that_lacks_a_scope_is_told_which_are_needed() {
    let judge = Judge::with(&[&ED], |issuer| issuer.scopes = vec!["opward".to_owned(), "vault:read".to_owned()]);
    let scopes = |scopes: &str| Draft::good(&ED).claim("scope", json!(scopes));
    judge.accepts(&scopes("vault:read x opward").sign(&ED)).await;
    let needed = Rejection::Scope { needed: "opward vault:read".to_owned() };
    for (what, draft) in [
        ("none", Draft::good(&ED).claim("scope", None)),
        ("empty", scopes("")),
        ("one of two", scopes("opward")),
        ("other letters", scopes("OPWARD vault:read")),
        ("the beginning of one", scopes("opward vault:rea")),
        ("one with more", scopes("opward vault:read2")),
        ("a tab between", scopes("opward\tvault:read")),
        ("commas", scopes("opward,vault:read")),
        ("an empty list", Draft::good(&ED).claim("scope", None).claim("scp", json!([]))),
        ("a list with both in one", Draft::good(&ED).claim("scope", None).claim("scp", json!(["opward vault:read"]))),
    ] {
        assert_eq!(judge.verdict(&draft.sign(&ED)).await.err(), Some(needed.clone()), "{what}");
    }
    // A token that's wrong isn't told what a right one would need.
    judge.refuses(&scopes("").claim("aud", json!("other")).sign(&ED), Why::Audience).await;
    assert_eq!(judge.bearers.scopes(), ["opward", "vault:read"]);
    assert_eq!(judge.bearers.authorization_servers().collect::<Vec<_>>(), [ISSUER]);
}
