//! A token's claims, each of its type or the token isn't valid.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::header::Kind;
use super::issuer::Issuer;
use super::json;
use crate::identity::rejection::{Rejection, Why};
use crate::identity::time::{Life, Now, Phase};
use crate::model::PrincipalName;

/// The most claims that policies may speak about.
const MAX_CLAIMS: usize = 64;

/// The longest claim that policies may speak about, and the longest name of one, in bytes.
const MAX_CLAIM_BYTES: usize = 512;

/// The end of the year 9999, in seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// Claims that only other kinds of tokens have: ID tokens (`nonce` and the hashes) and notices of
/// events, such as a logout.
const OF_OTHER_KINDS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Claims as they were read.
pub(super) struct Claims(Map<String, Value>);

/// What claims prove, once everything about them was found right.
pub(super) struct Claimed {
    pub(super) name: PrincipalName,
    pub(super) claims: BTreeMap<String, String>,
    pub(super) life: Life,
}

impl Claims {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Why> {
        json::object(bytes).map(Self).ok_or(Why::Claims)
    }

    /// Who says that it issued the token.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.0.get("iss").and_then(Value::as_str)
    }

    /// Judges the claims of a token whose signature is the issuer's.
    pub(super) fn judge(&self, issuer: &Issuer, kind: Kind, now: Now) -> Result<Claimed, Rejection> {
        self.check_kind(kind).map_err(Rejection::Invalid)?;
        if self.audience() != Some(&issuer.audience) {
            return Err(Rejection::Invalid(Why::Audience));
        }
        let life = self.life(issuer, now).map_err(Rejection::Invalid)?;
        let name = self.principal(issuer).ok_or(Rejection::Invalid(Why::Principal))?;
        let claims = self.for_policies().ok_or(Rejection::Invalid(Why::Claims))?;
        let scopes = self.scopes().ok_or(Rejection::Invalid(Why::Claims))?;
        if issuer.scopes.iter().any(|needed| !scopes.contains(&needed.as_str())) {
            return Err(Rejection::Scope { needed: issuer.scopes.join(" ") });
        }
        Ok(Claimed { name, claims, life })
    }

    fn check_kind(&self, kind: Kind) -> Result<(), Why> {
        // Whoever took such a token for a plain one would let a thief use it.
        if self.0.contains_key("cnf") {
            return Err(Why::Bound);
        }
        match kind {
            Kind::Jwt if OF_OTHER_KINDS.iter().any(|claim| self.0.contains_key(*claim)) => Err(Why::Kind),
            Kind::Jwt | Kind::AccessToken => Ok(()),
        }
    }

    /// The one audience. A token for several could be used here by any other of them.
    fn audience(&self) -> Option<&str> {
        match self.0.get("aud")? {
            Value::String(audience) => Some(audience),
            Value::Array(audiences) => match audiences.as_slice() {
                [Value::String(audience)] => Some(audience),
                _ => None,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }

    fn life(&self, issuer: &Issuer, now: Now) -> Result<Life, Why> {
        let issued = self.second("iat")?.ok_or(Why::Times)?;
        let until = self.second("exp")?.ok_or(Why::Times)?;
        let begins = self.second("nbf")?;
        let allowed = i64::try_from(issuer.max_lifetime.as_secs()).unwrap_or(i64::MAX);
        if until <= issued || until - issued > allowed {
            return Err(Why::Lifetime);
        }
        let life = Life { from: begins.map_or(issued, |begins| begins.max(issued)), until };
        match now.phase(life) {
            Phase::Before => Err(Why::NotYet),
            Phase::After => Err(Why::Expired),
            Phase::Within => Ok(life),
        }
    }

    /// A moment: a whole number of seconds. A fraction, a text or a year nobody means is no moment.
    fn second(&self, claim: &str) -> Result<Option<i64>, Why> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        let second = value.as_u64().filter(|second| *second <= LAST_SECOND).ok_or(Why::Times)?;
        i64::try_from(second).map(Some).map_err(|_| Why::Times)
    }

    fn principal(&self, issuer: &Issuer) -> Option<PrincipalName> {
        let claimed = self.0.get(&issuer.principal_claim)?.as_str().filter(|claimed| !claimed.is_empty())?;
        PrincipalName::parse(&format!("{}{claimed}", issuer.principal_prefix)).ok()
    }

    /// The claims that are texts, without those that no rule would name.
    ///
    /// A token with more of them than may be kept isn't cut short: a rule that denies by one of the
    /// lost ones would no longer do so.
    fn for_policies(&self) -> Option<BTreeMap<String, String>> {
        let texts = self.0.iter().filter_map(|(claim, value)| Some((claim, value.as_str()?)));
        let short = texts.filter(|(claim, text)| claim.len() <= MAX_CLAIM_BYTES && text.len() <= MAX_CLAIM_BYTES);
        let claims: BTreeMap<_, _> = short.map(|(claim, text)| (claim.clone(), text.to_owned())).collect();
        (claims.len() <= MAX_CLAIMS).then_some(claims)
    }

    /// What the token is good for: `scope`, else `scp`, as a text or as a list.
    fn scopes(&self) -> Option<Vec<&str>> {
        match (self.0.get("scope"), self.0.get("scp")) {
            (Some(Value::String(scopes)), None) | (None, Some(Value::String(scopes))) => {
                Some(scopes.split(' ').collect())
            }
            (None, Some(Value::Array(scopes))) => scopes.iter().map(Value::as_str).collect(),
            (None, None) => Some(Vec::new()),
            (Some(_), _) | (None, Some(_)) => None,
        }
    }
}
