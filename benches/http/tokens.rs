//! Bearers of both kinds: random ones that the configuration knows by digest, and signed ones of an issuer that lives
//! as long as this process.

use std::path::Path;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::Result;

const NAME: &str = "http://localhost:9000";
const AUDIENCE: &str = "http://127.0.0.1/mcp";
const KEY_ID: &str = "load-1";

/// How long a signed token is good for, in seconds: as long as the configuration allows by itself.
const LIFETIME: u64 = 3600;

/// A random token, and its digest.
pub(crate) struct StaticToken {
    pub(crate) text: String,
    sha256: String,
}

/// Who signs tokens.
pub(crate) struct Issuer {
    key: Ed25519KeyPair,
    made: std::sync::atomic::AtomicU64,
}

impl StaticToken {
    pub(crate) fn new() -> Result<Self> {
        let text = format!("opw_{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
        let sha256 = hex(digest(&SHA256, text.as_bytes()).as_ref());
        Ok(Self { text, sha256 })
    }

    /// The configuration's lines for it.
    pub(crate) fn table(&self, principal: &str) -> String {
        format!("\n[[http.token]]\nprincipal = \"{principal}\"\nsha256 = \"{}\"\n", self.sha256)
    }
}

/// What the names of principals with signed tokens begin with.
pub(crate) const SIGNED: &str = "idp:";

impl Issuer {
    pub(crate) fn new() -> Result<Self> {
        let key = Ed25519KeyPair::from_seed_unchecked(&random::<32>()?).map_err(|_| "no key could be made")?;
        Ok(Self { key, made: 0.into() })
    }

    /// Writes its keys into a home, and gives the configuration's lines for it.
    pub(crate) fn table(&self, home: &Path) -> Result<String> {
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key().as_ref());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x });
        std::fs::write(home.join("keys.json"), json!({ "keys": [key] }).to_string())?;
        Ok(format!(
            "\n[[http.issuer]]\nissuer = \"{NAME}\"\naudience = \"{AUDIENCE}\"\njwks_file = \"keys.json\"\n\
             algorithms = [\"EdDSA\"]\nprincipal_prefix = \"{SIGNED}\"\n"
        ))
    }

    /// A token for a principal, whose name begins with [`SIGNED`]. No two are the same.
    pub(crate) fn sign(&self, principal: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let id = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let sub = principal.strip_prefix(SIGNED).ok_or("the issuer can't name this principal")?;
        let claims = json!({
            "iss": NAME, "aud": AUDIENCE, "sub": sub, "iat": now, "exp": now.saturating_add(LIFETIME),
            "jti": id.to_string(), "email": format!("{sub}@example.com"),
        });
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": KEY_ID });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).as_ref());
        Ok(format!("{signed}.{signature}"))
    }
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "the system has no random bytes")?;
    Ok(bytes)
}
