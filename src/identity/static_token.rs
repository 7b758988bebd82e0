//! Tokens that a person makes and gives to one client. The configuration knows only their digests.

use std::fmt;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::rejection::Why;
use super::time::Now;
use crate::model::{PrincipalName, TOKEN_PREFIX, TokenDigest};

/// How many random bytes a token has.
const RANDOM: usize = 32;

/// How many characters a token has.
const LENGTH: usize = TOKEN_PREFIX.len() + (RANDOM * 8).div_ceil(6);

/// A token as the configuration knows it.
#[derive(Debug, Clone)]
pub struct StaticToken {
    /// Whom it proves.
    pub principal: PrincipalName,
    /// What it hashes to.
    pub sha256: TokenDigest,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
}

/// A token that was just made. Its text is shown once and kept nowhere.
pub struct NewToken(Zeroizing<String>);

/// The operating system gave no random bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token was made: the operating system gives no random bytes; try again")]
pub struct RandomError(());

impl NewToken {
    /// Makes a token of 256 random bits.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, RandomError> {
        let mut random = Zeroizing::new([0_u8; RANDOM]);
        rand::fill(random.as_mut_slice()).map_err(|_| RandomError(()))?;
        // Sized once: a growing text would leave pieces behind.
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.push_str(TOKEN_PREFIX);
        URL_SAFE_NO_PAD.encode_string(random.as_slice(), &mut text);
        Ok(Self(text))
    }

    /// The token itself, for the one who'll use it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the configuration keeps of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        digest_of(&self.0)
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken(..)")
    }
}

/// The digest of any token's text.
pub(super) fn digest_of(token: &str) -> TokenDigest {
    let mut bytes = [0; 32];
    // SHA-256 has as many bytes as the array, so nothing is cut.
    for (byte, hashed) in bytes.iter_mut().zip(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()) {
        *byte = *hashed;
    }
    TokenDigest::of_bytes(bytes)
}

/// Finds the principal that a token proves.
///
/// The digest is compared with every one there is, whether or not an earlier one is equal: how long
/// that takes says nothing about which are near.
pub(super) fn find<'t>(tokens: &'t [StaticToken], token: &str, now: Now) -> Result<&'t PrincipalName, Why> {
    let body = token.strip_prefix(TOKEN_PREFIX).ok_or(Why::Malformed)?;
    let is_body = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if token.len() != LENGTH || !body.bytes().all(is_body) {
        return Err(Why::Malformed);
    }
    let digest = digest_of(token);
    let mut found = None;
    for known in tokens {
        if constant_time::verify_slices_are_equal(known.sha256.as_bytes(), digest.as_bytes()).is_ok() {
            found = Some(known);
        }
    }
    let found = found.ok_or(Why::Unknown)?;
    if found.expires.is_some_and(|expires| now.is_past(expires.as_millisecond())) {
        return Err(Why::Expired);
    }
    Ok(&found.principal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::identity::time::Times;
    use crate::model::Clock;

    const NOW: i64 = 1_800_000_000;

    fn now_at(second: i64) -> Now {
        Times::new(Clock::fixed(Some(Timestamp::from_second(second).unwrap()))).now().unwrap()
    }

    fn known(name: &str, token: &NewToken, expires: Option<i64>) -> StaticToken {
        let expires = expires.map(|second| Timestamp::from_second(second).unwrap());
        StaticToken { principal: PrincipalName::parse(name).unwrap(), sha256: token.digest(), expires }
    }

    #[test]
    fn each_token_proves_its_own_principal_until_it_ends() {
        let (one, two, other) = (NewToken::generate(), NewToken::generate(), NewToken::generate());
        let (one, two, other) = (one.unwrap(), two.unwrap(), other.unwrap());
        let tokens = [known("one", &one, None), known("two", &two, Some(NOW))];
        let found = |token: &NewToken, second| find(&tokens, token.reveal(), now_at(second)).map(PrincipalName::as_str);
        assert_eq!(found(&one, NOW), Ok("one"));
        assert_eq!(found(&two, NOW - 1), Ok("two"));
        assert_eq!(found(&two, NOW), Err(Why::Expired));
        assert_eq!(found(&other, NOW), Err(Why::Unknown));
    }

    #[test]
    fn nothing_but_the_exact_text_is_the_token() {
        let token = NewToken::generate().unwrap();
        let tokens = [known("one", &token, None)];
        let text = token.reveal();
        let body = text.strip_prefix(TOKEN_PREFIX).unwrap();
        let verdict = |text: &str| find(&tokens, text, now_at(NOW)).err();
        assert_eq!(verdict(text), None);
        let swapped: String = body
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        assert_eq!(verdict(&format!("{TOKEN_PREFIX}{swapped}")), Some(Why::Unknown));
        for bad in [
            format!("OPW_{body}"),
            format!("opx_{body}"),
            body.to_owned(),
            format!("{text}A"),
            format!("{text}="),
            format!("{text}\n"),
            format!(" {text}"),
            format!("{TOKEN_PREFIX}{}", body.replacen(|_: char| true, "+", 1)),
            format!("{TOKEN_PREFIX}{}", body.replacen(|_: char| true, "\u{e9}", 1)),
            TOKEN_PREFIX.to_owned(),
            String::new(),
        ] {
            assert_eq!(verdict(&bad), Some(Why::Malformed), "{bad:?}");
        }
        for end in 0..text.len() {
            assert_eq!(verdict(text.get(..end).unwrap()), Some(Why::Malformed), "{end}");
        }
        // The digest is in the configuration; knowing it must not be enough.
        assert_eq!(verdict(&format!("{TOKEN_PREFIX}{}", token.digest())), Some(Why::Malformed));
    }

    #[test]
    fn new_tokens_are_canonical_different_and_shown_only_when_asked() {
        let made: BTreeSet<String> = (0..100).map(|_| NewToken::generate().unwrap().reveal().to_owned()).collect();
        assert_eq!(made.len(), 100);
        for text in &made {
            assert_eq!(text.len(), LENGTH);
            let random = URL_SAFE_NO_PAD.decode(text.strip_prefix(TOKEN_PREFIX).unwrap()).unwrap();
            assert_eq!(random.len(), RANDOM);
        }
        let token = NewToken::generate().unwrap();
        assert_eq!(format!("{token:?}"), "NewToken(..)");
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits_of_the_text() {
        let digest = digest_of("abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), text);
        assert_eq!(TokenDigest::parse(text), Ok(digest));
        assert_eq!(TokenDigest::parse(&text.to_uppercase()), Ok(digest));
        for bad in [
            "",
            "ba",
            text.trim_start_matches('b'),
            &format!("{text}00"),
            &text.replace('b', "g"),
            &text.replace("ba", "+a"),
        ] {
            assert!(TokenDigest::parse(bad).is_err(), "{bad}");
        }
    }
}
