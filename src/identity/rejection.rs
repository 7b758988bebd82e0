//! Why a bearer token wasn't accepted.

use std::fmt;

/// A bearer token that proves nothing, or not enough.
///
/// Nothing in it comes from the token, so it can be logged, counted and answered as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The token isn't valid (401, `invalid_token`).
    #[error("the bearer token isn't valid: {0}")]
    Invalid(Why),
    /// The token is valid and lacks a scope (403, `insufficient_scope`).
    #[error("the bearer token lacks a scope; needed: {needed}")]
    Scope {
        /// Every scope that's needed, separated by spaces, as the configuration has them.
        needed: String,
    },
    /// The keys that would tell can't be had now (503).
    #[error("the keys of the token's issuer can't be had now; try again in a few seconds")]
    Unavailable,
}

/// What's wrong with a token: the first thing found, in the order in which tokens are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Why {
    /// Longer than any token may be.
    TooLong,
    /// Of no kind that's known here.
    Malformed,
    /// A static token that isn't in the configuration.
    Unknown,
    /// A part isn't base64url in its one canonical form.
    Encoding,
    /// The header isn't a JSON object with every key once and every member of its type.
    Header,
    /// The header has a member that isn't understood or not allowed, such as `crit` or `jwk`.
    HeaderMember,
    /// The header's `typ` is absent or another kind of token's.
    Type,
    /// The algorithm isn't one of the issuer's, or isn't the key's.
    Algorithm,
    /// The claims aren't a JSON object with every key once and every member of its type.
    Claims,
    /// `iss` is absent or not a configured issuer's.
    Issuer,
    /// No key, or more than one, of the issuer fits.
    Key,
    /// The signature isn't the key's over this token.
    Signature,
    /// The claims are those of another kind of token, such as an ID token.
    Kind,
    /// The token is bound to a key (`cnf`), so bearing it proves nothing.
    Bound,
    /// `aud` isn't this server and nobody else.
    Audience,
    /// `exp`, `iat` or `nbf` isn't a whole number of seconds in range, or a needed one is absent.
    Times,
    /// It was issued for longer than allowed, or for no time at all.
    Lifetime,
    /// It's from the future.
    NotYet,
    /// Its time is over.
    Expired,
    /// The principal's claim is absent or no principal's name.
    Principal,
    /// This machine's clock can't be read or shows a time before 1970.
    Clock,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 21] = [
        Self::TooLong,
        Self::Malformed,
        Self::Unknown,
        Self::Encoding,
        Self::Header,
        Self::HeaderMember,
        Self::Type,
        Self::Algorithm,
        Self::Claims,
        Self::Issuer,
        Self::Key,
        Self::Signature,
        Self::Kind,
        Self::Bound,
        Self::Audience,
        Self::Times,
        Self::Lifetime,
        Self::NotYet,
        Self::Expired,
        Self::Principal,
        Self::Clock,
    ];

    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Encoding => "encoding",
            Self::Header => "header",
            Self::HeaderMember => "header_member",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Kind => "kind",
            Self::Bound => "bound",
            Self::Audience => "audience",
            Self::Times => "times",
            Self::Lifetime => "lifetime",
            Self::NotYet => "not_yet",
            Self::Expired => "expired",
            Self::Principal => "principal",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it's too long",
            Self::Malformed => "it's of no known kind",
            Self::Unknown => "it isn't known here",
            Self::Encoding => "a part of it isn't canonical base64url",
            Self::Header => "its header can't be read",
            Self::HeaderMember => "its header has a member that isn't allowed",
            Self::Type => "its header's typ isn't an access token's",
            Self::Algorithm => "its algorithm isn't allowed",
            Self::Claims => "its claims can't be read",
            Self::Issuer => "its issuer isn't trusted",
            Self::Key => "its key isn't known",
            Self::Signature => "its signature is wrong",
            Self::Kind => "it isn't an access token",
            Self::Bound => "it's bound to a key and no bearer token",
            Self::Audience => "it's for another audience",
            Self::Times => "its times can't be read",
            Self::Lifetime => "its lifetime isn't allowed",
            Self::NotYet => "it isn't valid yet",
            Self::Expired => "it has expired",
            Self::Principal => "it names no principal",
            Self::Clock => "this server's clock can't be trusted",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_is_listed_once_and_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Why::ALL.iter().map(|why| why.as_str()).collect();
        assert_eq!(words.len(), Why::ALL.len());
        assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
