//! One public key of an issuer.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::aws_lc;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::algorithm::{self, Family};
use super::base64url;
use super::compact::Compact;
use super::header::MAX_KID_BYTES;
use super::json;
use crate::model::SigningAlgorithm;

/// What only a private or a shared key has. One that was published is nobody's proof any more.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The sizes of RSA keys that are used, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key that signatures can be verified with.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    family: Family,
    /// The only algorithm it's for, if it says so.
    algorithm: Option<SigningAlgorithm>,
    material: DecodingKey,
}

impl Key {
    /// Reads a key; `None` is one that can't or mustn't be used here.
    pub(super) fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |member| json::text(jwk, member).ok();
        if PRIVATE.iter().any(|member| jwk.contains_key(*member)) || text("use")?.is_some_and(|word| word != "sig") {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops") {
            operations.as_array()?.iter().find(|operation| *operation == "verify")?;
        }
        let (family, material) = match (text("kty")??, text("crv")?) {
            ("OKP", Some("Ed25519")) => (Family::Ed25519, DecodingKey::from_ed_der(&bytes(jwk, "x", 32)?)),
            ("EC", Some("P-256")) => (Family::P256, point(jwk, 32)?),
            ("EC", Some("P-384")) => (Family::P384, point(jwk, 48)?),
            ("RSA", None) => (Family::Rsa, rsa(jwk)?),
            _ => return None,
        };
        let algorithm = match text("alg")? {
            Some(name) => Some(SigningAlgorithm::parse(name).filter(|of| algorithm::family(*of) == family)?),
            None => None,
        };
        let kid = text("kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_BYTES) {
            return None;
        }
        Some(Self { kid, family, algorithm, material })
    }

    /// Whether it's a key for an algorithm.
    pub(super) fn fits(&self, algorithm: SigningAlgorithm) -> bool {
        self.family == algorithm::family(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether a token's signature was made with this key's other half.
    pub(super) fn verifies(&self, algorithm: SigningAlgorithm, compact: &Compact<'_>) -> bool {
        // This provider by name, so that no other part of the process decides which one it is.
        let verifier = (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&algorithm::library(algorithm), &self.material);
        verifier.is_ok_and(|verifier| verifier.verify(compact.signed.as_bytes(), &compact.signature).is_ok())
    }
}

/// A member of exactly so many bytes.
fn bytes(jwk: &Map<String, Value>, member: &str, length: usize) -> Option<Zeroizing<Vec<u8>>> {
    base64url::decode(jwk.get(member)?.as_str()?).filter(|bytes| bytes.len() == length)
}

/// A point of a curve, uncompressed. That it's on the curve is checked as it's used.
fn point(jwk: &Map<String, Value>, length: usize) -> Option<DecodingKey> {
    let (x, y) = (bytes(jwk, "x", length)?, bytes(jwk, "y", length)?);
    Some(DecodingKey::from_ec_der(&[&[4], x.as_slice(), y.as_slice()].concat()))
}

fn rsa(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let number = |member| base64url::decode(jwk.get(member)?.as_str()?);
    let (n, e) = (number("n")?, number("e")?);
    let bits = (n.len() * 8).checked_sub(usize::try_from(n.first()?.leading_zeros()).ok()?)?;
    // 65537 or a little more: smaller ones forgive too much, larger ones only cost time.
    let exponent = e.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let usual = e.len() <= 4 && exponent > 0xffff && exponent % 2 == 1;
    let canonical = *n.first()? != 0 && *e.first()? != 0;
    (RSA_BITS.contains(&bits) && n.last()? % 2 == 1 && usual && canonical)
        .then(|| DecodingKey::from_rsa_raw_components(&n, &e))
}
