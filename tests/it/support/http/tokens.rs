//! Bearers: static ones, and those that an issuer of our own signs.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

pub(crate) const ISSUER: &str = "https://idp.example.com/";
pub(crate) const AUDIENCE: &str = "https://vault.example.com/mcp";

/// The static token of a principal, always the same.
pub(crate) fn token(principal: &str) -> String {
    format!("opw_{}", URL_SAFE_NO_PAD.encode(digest(&SHA256, principal.as_bytes())))
}

/// What a configuration says of the tokens of these principals.
pub(crate) fn tokens(principals: &[&str]) -> String {
    let block = |principal: &&str| {
        let digest = digest(&SHA256, token(principal).as_bytes());
        let digest: String = digest.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("[[http.token]]\nprincipal = \"{principal}\"\nsha256 = \"{digest}\"\n")
    };
    principals.iter().map(block).collect()
}

/// What a configuration says of our issuer, whose keys are in `keys.json`, and more of it.
pub(crate) fn issuer(more: &str) -> String {
    format!("[[http.issuer]]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks_file = \"keys.json\"\n{more}\n")
}

/// The seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "a token is made for this very moment")]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An issuer's key, and the name it's listed by.
pub(crate) struct Key {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

/// A token before it's signed: its JSON as text, so that it can be wrong in any way.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) header: String,
    pub(crate) claims: String,
}

impl Key {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self { kid, pair: Ed25519KeyPair::generate().unwrap() }
    }

    /// A token for somebody that's right in every way, to be changed.
    pub(crate) fn draft(&self, sub: &str) -> Draft {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.kid });
        let now = now();
        let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": sub, "iat": now - 60, "exp": now + 600 });
        Draft { header: header.to_string(), claims: claims.to_string() }
    }

    pub(crate) fn sign(&self, draft: &Draft) -> String {
        let signed = draft.signed();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes())))
    }

    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid })
    }
}

/// What lists these keys.
pub(crate) fn jwks(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

impl Draft {
    /// The first two parts.
    pub(crate) fn signed(&self) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&self.header), URL_SAFE_NO_PAD.encode(&self.claims))
    }

    /// With a member of the header set, or taken away.
    pub(crate) fn header(mut self, member: &str, value: impl Into<Option<Value>>) -> Self {
        self.header = with(&self.header, member, value.into());
        self
    }

    /// With a claim set, or taken away.
    pub(crate) fn claim(mut self, claim: &str, value: impl Into<Option<Value>>) -> Self {
        self.claims = with(&self.claims, claim, value.into());
        self
    }
}

fn with(object: &str, member: &str, value: Option<Value>) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(object).unwrap();
    match value {
        Some(value) => drop(object.insert(member.to_owned(), value)),
        None => drop(object.remove(member).expect("it's there")),
    }
    Value::Object(object).to_string()
}
