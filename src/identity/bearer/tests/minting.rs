//! Makes keys, tokens, and a judge for them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::identity::{Authenticated, Bearers, Issuer, KeysFrom, Rejection, Why};
use crate::model::Clock;
use crate::model::SigningAlgorithm;

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const ISSUER: &str = "https://idp.example.com/";
pub(super) const AUDIENCE: &str = "https://vault.example.com/mcp";
pub(super) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A private key, and the name it's listed by.
pub(super) struct Pair {
    pub(super) kid: &'static str,
    pub(super) algorithm: SigningAlgorithm,
    secret: Secret,
}

enum Secret {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A token before it's signed: its JSON as text, so that it can be wrong in any way.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) header: String,
    pub(super) claims: String,
}

/// The issuer's keys, one for each family.
pub(super) static ED: LazyLock<Pair> = LazyLock::new(|| Pair::new("ed-1", SigningAlgorithm::EdDsa));
pub(super) static ED2: LazyLock<Pair> = LazyLock::new(|| Pair::new("ed-2", SigningAlgorithm::EdDsa));
pub(super) static P256: LazyLock<Pair> = LazyLock::new(|| Pair::new("p256", SigningAlgorithm::Es256));
pub(super) static P384: LazyLock<Pair> = LazyLock::new(|| Pair::new("p384", SigningAlgorithm::Es384));
pub(super) static RSA: LazyLock<Pair> = LazyLock::new(|| Pair::new("rsa", SigningAlgorithm::Rs256));
/// A key that the issuer doesn't list.
pub(super) static FOREIGN: LazyLock<Pair> = LazyLock::new(|| Pair::new("ed-1", SigningAlgorithm::EdDsa));

impl Pair {
    pub(super) fn new(kid: &'static str, algorithm: SigningAlgorithm) -> Self {
        let secret = match algorithm {
            SigningAlgorithm::EdDsa => Secret::Ed(Ed25519KeyPair::generate().unwrap()),
            SigningAlgorithm::Es256 => Secret::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            SigningAlgorithm::Es384 => Secret::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            _ => Secret::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())),
        };
        Self { kid, algorithm, secret }
    }

    /// Its public half.
    pub(super) fn jwk(&self) -> Value {
        let point = |curve: &str, bytes: &[u8]| {
            let (x, y) = bytes[1..].split_at(bytes.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y), "kid": self.kid, "use": "sig"})
        };
        match &self.secret {
            Secret::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()), "kid": self.kid})
            }
            Secret::Ec(pair) if self.algorithm == SigningAlgorithm::Es256 => point("P-256", pair.public_key().as_ref()),
            Secret::Ec(pair) => point("P-384", pair.public_key().as_ref()),
            Secret::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": encode(&public.n), "e": encode(&public.e), "kid": self.kid})
            }
        }
    }

    /// Its public half as whoever mistakes it for a shared secret would use it.
    pub(super) fn public(&self) -> Vec<u8> {
        match &self.secret {
            Secret::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Secret::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Secret::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, algorithm: SigningAlgorithm, text: &str) -> Vec<u8> {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            SigningAlgorithm::Rs384 => &RSA_PKCS1_SHA384,
            SigningAlgorithm::Rs512 => &RSA_PKCS1_SHA512,
            SigningAlgorithm::Ps256 => &RSA_PSS_SHA256,
            SigningAlgorithm::Ps384 => &RSA_PSS_SHA384,
            SigningAlgorithm::Ps512 => &RSA_PSS_SHA512,
            _ => &RSA_PKCS1_SHA256,
        };
        match &self.secret {
            Secret::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Secret::Ec(pair) => pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec(),
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                signature
            }
        }
    }
}

impl Draft {
    /// A token that's right in every way.
    pub(super) fn good(pair: &Pair) -> Self {
        Self::at(pair, NOW)
    }

    /// The same, as issued at another time.
    pub(super) fn at(pair: &Pair, now: i64) -> Self {
        let header = json!({"alg": pair.algorithm.as_str(), "typ": "at+jwt", "kid": pair.kid});
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now - 60, "nbf": now - 60, "exp": now + 600,
            "scope": "opward other", "team": "payments", "groups": ["a", "b"], "nested": {"deep": [{"x": 1}]},
        });
        Self { header: header.to_string(), claims: claims.to_string() }
    }

    /// With a member of the header set to something, or taken away.
    pub(super) fn header(mut self, member: &str, value: impl Into<Option<Value>>) -> Self {
        self.header = with(&self.header, member, value.into());
        self
    }

    /// With a claim set to something, or taken away.
    pub(super) fn claim(mut self, claim: &str, value: impl Into<Option<Value>>) -> Self {
        self.claims = with(&self.claims, claim, value.into());
        self
    }

    /// With another text in the place of a part of the header's.
    pub(super) fn header_text(mut self, from: &str, to: &str) -> Self {
        assert!(self.header.contains(from), "{from}");
        self.header = self.header.replacen(from, to, 1);
        self
    }

    /// With another text in the place of a part of the claims'.
    pub(super) fn claims_text(mut self, from: &str, to: &str) -> Self {
        assert!(self.claims.contains(from), "{from}");
        self.claims = self.claims.replacen(from, to, 1);
        self
    }

    pub(super) fn signed_part(&self) -> String {
        format!("{}.{}", encode(self.header.as_bytes()), encode(self.claims.as_bytes()))
    }

    pub(super) fn sign(&self, pair: &Pair) -> String {
        let signed = self.signed_part();
        let signature = encode(&pair.sign(pair.algorithm, &signed));
        format!("{signed}.{signature}")
    }
}

fn with(object: &str, member: &str, value: Option<Value>) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(object).unwrap();
    match value {
        Some(value) => assert!(object.insert(member.to_owned(), value.clone()) != Some(value), "{member} is as it was"),
        None => assert!(object.remove(member).is_some(), "{member} isn't there"),
    }
    Value::Object(object).to_string()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn jwks(pairs: &[&Pair]) -> String {
    json!({"keys": pairs.iter().map(|pair| pair.jwk()).collect::<Vec<_>>()}).to_string()
}

/// A judge whose issuer's keys are in a file.
pub(super) struct Judge {
    pub(super) bearers: Bearers,
    pub(super) clock: Clock,
    pub(super) keys: PathBuf,
    _home: tempfile::TempDir,
}

pub(super) fn issuer(keys: KeysFrom) -> Issuer {
    Issuer {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys,
        algorithms: vec![SigningAlgorithm::EdDsa, SigningAlgorithm::Es256, SigningAlgorithm::Rs256],
        principal_claim: "sub".to_owned(),
        principal_prefix: "idp:".to_owned(),
        max_lifetime: Duration::from_hours(1),
        scopes: vec!["opward".to_owned()],
    }
}

impl Judge {
    pub(super) fn new() -> Self {
        Self::with(&[&ED, &P256, &P384, &RSA], |_| ())
    }

    pub(super) fn with(pairs: &[&Pair], change: impl FnOnce(&mut Issuer)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let keys = home.path().join("keys.json");
        fs::write(&keys, jwks(pairs)).unwrap();
        let mut issuer = issuer(from_file(&keys));
        change(&mut issuer);
        let clock = Clock::fixed(Some(Timestamp::from_second(NOW).unwrap()));
        let bearers = Bearers::new(Vec::new(), vec![issuer], clock.clone()).unwrap();
        Self { bearers, clock, keys, _home: home }
    }

    pub(super) async fn verdict(&self, token: &str) -> Result<Arc<Authenticated>, Rejection> {
        self.bearers.authenticate(token, PEER).await
    }

    pub(super) async fn accepts(&self, token: &str) {
        let verdict = self.verdict(token).await;
        assert!(verdict.is_ok(), "{:?}", verdict.err());
    }

    pub(super) async fn refuses(&self, token: &str, why: Why) {
        assert_eq!(self.verdict(token).await.err(), Some(Rejection::Invalid(why)));
    }
}

pub(super) fn from_file(keys: &std::path::Path) -> KeysFrom {
    KeysFrom::File {
        file: keys.to_owned(),
        read: |file, _| fs::read_to_string(file).map_err(|error| error.to_string()),
    }
}
