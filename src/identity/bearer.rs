//! Bearer tokens: what a request over HTTP proves its principal with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Authenticated;
use super::cache::{Cache, Verified};
use super::figures::BearerFigures;
use super::jwt::{self, Issuer, Trusted};
use super::rejection::{Rejection, Why};
use super::setup::{self, BearersError};
use super::static_token::{self, StaticToken, digest_of};
use super::time::{Now, Phase, Times};
use crate::model::{Clock, Principal, PrincipalName, TOKEN_PREFIX, Transport};

/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 << 10;

/// Every token that's accepted, and whose keys tell.
#[derive(Clone)]
pub struct Bearers(Arc<Inner>);

struct Inner {
    tokens: Vec<StaticToken>,
    issuers: Vec<Trusted>,
    times: Times,
    verified: Cache,
    figures: Arc<BearerFigures>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The kinds of bearer tokens, told apart by their first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Made by `opward token new`.
    Static,
    /// Signed by an issuer.
    Jwt,
}

impl Kind {
    fn of(token: &str) -> Option<Self> {
        if token.starts_with(TOKEN_PREFIX) {
            Some(Self::Static)
        } else {
            // Neither kind can look like the other: there's no dot in a static token.
            (token.bytes().filter(|byte| *byte == b'.').count() == 2).then_some(Self::Jwt)
        }
    }
}

impl Bearers {
    /// Puts tokens and issuers in service. Key files are read, addresses aren't asked yet.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the settings, and what to do about it.
    pub fn new(tokens: Vec<StaticToken>, issuers: Vec<Issuer>, clock: Clock) -> Result<Self, BearersError> {
        setup::tokens(&tokens)?;
        setup::apart(&tokens, &issuers)?;
        let (figures, tasks, stop) = (Arc::<BearerFigures>::default(), TaskTracker::new(), CancellationToken::new());
        let issuers = setup::issuers(issuers, &figures, &tasks, &stop)?;
        let times = Times::new(clock);
        let verified = Cache::default();
        Ok(Self(Arc::new(Inner { tokens, issuers, times, verified, figures, tasks, stop })))
    }

    /// Finds out whom a token proves. It's the text after `Bearer `, as the peer sent it.
    ///
    /// # Errors
    ///
    /// When it proves nobody, or can't be judged now.
    pub async fn authenticate(&self, token: &str, peer: IpAddr) -> Result<Arc<Authenticated>, Rejection> {
        let judged = self.judge(token).await.inspect_err(|rejection| self.0.figures.refused(rejection))?;
        let (name, claims) = judged;
        let principal = Principal { name, transport: Transport::Http, source_ip: Some(peer), claims };
        Ok(Arc::new(Authenticated { principal }))
    }

    /// The names of the issuers, for clients that ask where to get a token (RFC 9728).
    pub fn authorization_servers(&self) -> impl Iterator<Item = &str> {
        self.0.issuers.iter().map(|issuer| issuer.settings.issuer.as_str())
    }

    /// The scopes that issuers' tokens need, each once.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let scopes = self.0.issuers.iter().flat_map(|issuer| &issuer.settings.scopes);
        scopes.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What happened so far.
    #[must_use]
    pub fn figures(&self) -> Arc<BearerFigures> {
        Arc::clone(&self.0.figures)
    }

    /// Asks for every issuer's keys now, so that the first requests needn't wait; says whether all were had.
    pub async fn prepare(&self) -> bool {
        let mut all = true;
        for issuer in &self.0.issuers {
            all &= issuer.keys.current().await.is_some();
        }
        all
    }

    /// Ends what's under way, and waits for that. From then on no keys are asked for.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn judge(&self, token: &str) -> Result<(PrincipalName, Arc<BTreeMap<String, String>>), Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::Invalid(Why::TooLong));
        }
        let kind = Kind::of(token).ok_or(Rejection::Invalid(Why::Malformed))?;
        let now = self.0.times.now().ok_or(Rejection::Invalid(Why::Clock))?;
        match kind {
            Kind::Static => {
                let name = static_token::find(&self.0.tokens, token, now).map_err(Rejection::Invalid)?;
                self.0.figures.static_accepted();
                Ok((name.clone(), Arc::default()))
            }
            Kind::Jwt => {
                let verified = self.verify(token, now).await?;
                self.0.figures.jwt_accepted();
                Ok((verified.name, verified.claims))
            }
        }
    }

    async fn verify(&self, token: &str, now: Now) -> Result<Verified, Rejection> {
        let digest = digest_of(token);
        if let Some(known) = self.0.verified.find(&digest) {
            if self.still_counts(&known, now).await {
                self.0.figures.cache_hit();
                return Ok(known);
            }
            // Judged anew, so that the answer says what's wrong with it.
            self.0.verified.forget(&digest);
        }
        let verified = jwt::verify(token, &self.0.issuers, &self.0.times).await?;
        self.0.verified.put(digest, verified.clone());
        Ok(verified)
    }

    /// Whether a verified token is still within its time, and its issuer still lists the same keys.
    async fn still_counts(&self, known: &Verified, now: Now) -> bool {
        let Some(issuer) = self.0.issuers.get(known.issuer).filter(|_| now.phase(known.life) == Phase::Within) else {
            return false;
        };
        issuer.keys.current().await.is_some_and(|keys| keys.generation() == known.generation)
    }
}

impl Drop for Inner {
    /// Ends what's under way when nobody judges tokens any more.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Bearers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, issuers) = (self.0.tokens.len(), self.0.issuers.len());
        f.debug_struct("Bearers").field("tokens", &tokens).field("issuers", &issuers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
