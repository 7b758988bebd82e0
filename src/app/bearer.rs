//! Makes a bearer for a principal: the token for its owner, and what the configuration keeps of it.

use jiff::Timestamp;

use crate::config::TokenConfig;
use crate::identity::NewToken;
use crate::model::{Clock, ErrorCode, PrincipalName, PublicError};
use crate::policy::parse_duration;

/// A token that was just made. Its text is shown once and kept nowhere.
#[derive(Debug)]
pub struct NewBearer {
    token: NewToken,
    config: TokenConfig,
}

impl NewBearer {
    /// Makes a token; `expires` is a time or a duration, as a person writes it.
    ///
    /// # Errors
    ///
    /// When it wouldn't be accepted at all, or the system gives no randomness.
    pub fn make(principal: PrincipalName, expires: Option<&str>, clock: &Clock) -> Result<Self, PublicError> {
        let expires = expires.map(|text| expiry(text, clock)).transpose()?;
        let internal = || PublicError::new(ErrorCode::Internal, "the system gave no randomness", "try again");
        let token = NewToken::generate().map_err(|_| internal())?;
        let sha256 = token.digest();
        Ok(Self { token, config: TokenConfig::new(principal, sha256, expires) })
    }

    /// The token itself, for the one who'll use it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.token.reveal()
    }

    /// What belongs into the configuration.
    #[must_use]
    pub fn config(&self) -> &TokenConfig {
        &self.config
    }
}

/// Reads `2027-01-31T00:00:00Z` or `90d`; parts of a second are dropped.
fn expiry(text: &str, clock: &Clock) -> Result<Timestamp, PublicError> {
    let invalid = |message: String, hint: &'static str| PublicError::new(ErrorCode::Invalid, message, hint);
    let now = clock.now().ok_or_else(|| invalid("the machine's clock can't be read".to_owned(), "set it"))?;
    let time = if let Ok(time) = text.parse::<Timestamp>() {
        Some(time)
    } else if let Ok(duration) = parse_duration(text) {
        now.checked_add(duration).ok()
    } else {
        let message = format!("--expires: {text:?} is neither a time nor a duration");
        return Err(invalid(message, "such as 2027-01-31T00:00:00Z, or 90d"));
    };
    let time = time.and_then(|time| Timestamp::from_second(time.as_second()).ok());
    time.filter(|time| *time > now).ok_or_else(|| {
        invalid(format!("--expires: {text:?} isn't a time to come"), "such a token would never be accepted")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::fixed(Some("2026-12-01T10:00:00.7Z".parse().unwrap()))
    }

    fn made(expires: Option<&str>) -> Result<NewBearer, PublicError> {
        NewBearer::make(PrincipalName::parse("ci").unwrap(), expires, &clock())
    }

    #[test]
    fn a_token_ends_when_its_maker_says() {
        for (text, expected) in [
            ("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2027-01-31T01:00:00+01:00", "2027-01-31T00:00:00Z"),
            ("90d", "2027-03-01T10:00:00Z"),
            ("1s", "2026-12-01T10:00:01Z"),
        ] {
            let expires = made(Some(text)).unwrap().config().expires;
            assert_eq!(expires, Some(expected.parse().unwrap()), "{text}");
        }
        assert_eq!(made(None).unwrap().config().expires, None);
    }

    #[test]
    fn a_token_that_would_never_be_accepted_is_not_made() {
        for text in ["", "0", "0s", "2026-12-01T10:00:00Z", "2020-01-01T00:00:00Z", "2027-01-31", "soon", "-1d", "1w"] {
            let error = made(Some(text)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Invalid, "{text}");
            assert!(!error.hint.is_empty());
        }
        let no_clock = NewBearer::make(PrincipalName::parse("ci").unwrap(), Some("1d"), &Clock::fixed(None));
        assert!(no_clock.is_err());
    }

    #[test]
    fn only_its_digest_is_shown_unasked() {
        let (one, other) = (made(None).unwrap(), made(None).unwrap());
        assert_ne!(one.reveal(), other.reveal());
        assert!(one.reveal().starts_with("opw_") && one.reveal().len() == 47);
        let shown = format!("{one:?} {}", one.config());
        assert!(!shown.contains(one.reveal()) && shown.contains("sha256 = \""), "{shown}");
    }
}
