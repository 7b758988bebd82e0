//! From settings to what's in service: everything that can be wrong is found before the first request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::figures::BearerFigures;
use super::jwt::{Issuer, KeyStore, KeysFile, KeysFrom, LoadError, Patience, Place, Trusted, client, may_be_asked};
use super::static_token::StaticToken;
use crate::model::PrincipalName;

/// The longest lifetime that a token may be allowed.
const LONGEST: Duration = Duration::from_hours(24);

/// Why tokens can't be judged as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearersError {
    /// One token, two principals.
    #[error(
        "two static tokens have the same SHA-256, for {first} and {second}: make a token for each with `opward token new`"
    )]
    SameToken {
        /// Whose it is.
        first: PrincipalName,
        /// Whose it is as well.
        second: PrincipalName,
    },
    /// One issuer, two settings.
    #[error("the issuer `{issuer}` is configured twice")]
    SameIssuer {
        /// Its name.
        issuer: String,
    },
    /// Two issuers could prove the same principal.
    #[error(
        "the issuers `{first}` and `{second}` could both name the same principal: give each a `principal_prefix` of which neither begins with the other"
    )]
    SamePrincipals {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// An issuer could prove a principal that has a static token.
    #[error(
        "the issuer `{issuer}` could name `{principal}`, who has a static token: give the issuer a `principal_prefix` with which no token's principal begins"
    )]
    TokensPrincipal {
        /// The issuer.
        issuer: String,
        /// The principal.
        principal: PrincipalName,
    },
    /// A setting of one issuer.
    #[error("the issuer `{issuer}`: {error}")]
    Issuer {
        /// Its name.
        issuer: String,
        /// What's wrong with it.
        #[source]
        error: IssuerError,
    },
}

/// What's wrong with an issuer's settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// Its name isn't an address.
    #[error("its name must be an `https` address without a query or a fragment, exactly as its tokens' `iss` has it")]
    Name,
    /// No audience.
    #[error("`audience` is empty: name this server as the issuer's tokens do in `aud`")]
    Audience,
    /// No algorithm.
    #[error("`algorithms` is empty: leave it out for the usual ones")]
    Algorithms,
    /// No claim.
    #[error("`principal_claim` is empty: leave it out for `sub`")]
    Claim,
    /// Not the beginning of a principal's name.
    #[error("`principal_prefix` must consist of letters, digits or `. _ - @ : +`")]
    Prefix,
    /// Too long, or nothing.
    #[error("`max_lifetime` must be from 1 second to 24 hours")]
    Lifetime,
    /// Not a scope.
    #[error("each of `scopes` is one word, without spaces, quotes or backslashes")]
    Scope,
    /// Keys from somewhere that anybody could pretend to be.
    #[error("`jwks_url` must be an `https` address without user and fragment; `http` is for loopback addresses only")]
    KeysUrl,
    /// The list of authorities can't be used.
    #[error("this machine's list of certificate authorities can't be read, so `jwks_url` can't be asked")]
    Certificates,
    /// The file.
    #[error("its keys can't be used: {0}")]
    Keys(#[source] LoadError),
    /// A file without a key that's fit.
    #[error(
        "`jwks_file` has no key that can be used: public keys for signatures, Ed25519, P-256, P-384, or RSA from 2048 bits"
    )]
    NoKey,
}

/// Checks static tokens.
pub(super) fn tokens(tokens: &[StaticToken]) -> Result<(), BearersError> {
    let mut seen: Vec<&StaticToken> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let Some(first) = seen.iter().find(|first| first.sha256 == token.sha256) {
            let (first, second) = (first.principal.clone(), token.principal.clone());
            return Err(BearersError::SameToken { first, second });
        }
        seen.push(token);
    }
    Ok(())
}

/// Checks issuers, and puts them in service.
pub(super) fn issuers(
    issuers: Vec<Issuer>,
    figures: &Arc<BearerFigures>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<Trusted>, BearersError> {
    check_apart(&issuers)?;
    let trust = |settings: Issuer| {
        let keys = keys(&settings, figures, tasks, stop);
        match check(&settings).and(keys) {
            Ok(keys) => Ok(Trusted { settings, keys: Arc::new(keys) }),
            Err(error) => Err(BearersError::Issuer { issuer: settings.issuer, error }),
        }
    };
    issuers.into_iter().map(trust).collect()
}

/// No issuer may speak for a principal that has a static token: whoever may choose their name there could choose that.
pub(super) fn apart(tokens: &[StaticToken], issuers: &[Issuer]) -> Result<(), BearersError> {
    for issuer in issuers {
        let own = |token: &&StaticToken| token.principal.as_str().starts_with(&issuer.principal_prefix);
        if let Some(token) = tokens.iter().find(own) {
            let (issuer, principal) = (issuer.issuer.clone(), token.principal.clone());
            return Err(BearersError::TokensPrincipal { issuer, principal });
        }
    }
    Ok(())
}

/// No two issuers may speak for the same principal.
fn check_apart(issuers: &[Issuer]) -> Result<(), BearersError> {
    let mut names = BTreeSet::new();
    for issuer in issuers {
        if !names.insert(&issuer.issuer) {
            return Err(BearersError::SameIssuer { issuer: issuer.issuer.clone() });
        }
    }
    let mut prefixes: Vec<_> = issuers.iter().map(|issuer| (&issuer.principal_prefix, &issuer.issuer)).collect();
    prefixes.sort();
    // In this order, whatever begins with a text follows it at once.
    for ((shorter, first), (longer, second)) in prefixes.iter().zip(prefixes.iter().skip(1)) {
        if longer.starts_with(shorter.as_str()) {
            return Err(BearersError::SamePrincipals { first: (*first).clone(), second: (*second).clone() });
        }
    }
    Ok(())
}

fn check(issuer: &Issuer) -> Result<(), IssuerError> {
    let name = Url::parse(&issuer.issuer).map_err(|_| IssuerError::Name)?;
    let spelled = !issuer.issuer.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#'));
    if !spelled || !may_be_asked(&name) {
        return Err(IssuerError::Name);
    }
    let is_scope = |scope: &String| {
        let is_allowed = |b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        !scope.is_empty() && scope.bytes().all(is_allowed)
    };
    if issuer.audience.is_empty() {
        Err(IssuerError::Audience)
    } else if issuer.algorithms.is_empty() {
        Err(IssuerError::Algorithms)
    } else if issuer.principal_claim.is_empty() {
        Err(IssuerError::Claim)
    } else if PrincipalName::parse(&format!("{}x", issuer.principal_prefix)).is_err() {
        Err(IssuerError::Prefix)
    } else if issuer.max_lifetime < Duration::from_secs(1) || issuer.max_lifetime > LONGEST {
        Err(IssuerError::Lifetime)
    } else if !issuer.scopes.iter().all(is_scope) {
        Err(IssuerError::Scope)
    } else {
        Ok(())
    }
}

fn keys(
    issuer: &Issuer,
    figures: &Arc<BearerFigures>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<KeyStore, IssuerError> {
    let place = match &issuer.keys {
        KeysFrom::Url(url) if !may_be_asked(url) => return Err(IssuerError::KeysUrl),
        KeysFrom::Url(url) => {
            let client = client(url, Patience::default()).map_err(|_| IssuerError::Certificates)?;
            Place::Url(client, url.clone())
        }
        KeysFrom::File { file, read } => Place::File(KeysFile { file: file.clone(), read: *read }),
    };
    let keys = KeyStore::new(&issuer.issuer, place, Arc::clone(figures), tasks.clone(), stop.clone());
    match keys.read_now().map_err(IssuerError::Keys)? {
        Some(0) => Err(IssuerError::NoKey),
        Some(_) | None => Ok(keys),
    }
}

#[cfg(test)]
mod tests;
