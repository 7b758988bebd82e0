//! When a server that was asked too often wants to be asked again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait that's believed.
const LONGEST: Duration = Duration::from_hours(24);

/// The shortest: a time that's just over needn't be over on the server's clock.
const SHORTEST: Duration = Duration::from_secs(1);

/// Reads `Retry-After`: seconds, or a date. A date is measured against the answer's own, since the
/// two come from one clock; without that, it says nothing.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a long time all the same.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let until = date(text)?;
        let now = date(headers.get(DATE)?.to_str().ok()?)?;
        until.duration_since(now).try_into().unwrap_or(Duration::ZERO)
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_taken_within_bounds() {
        assert_eq!(wait("90", None), Some(90));
        assert_eq!(wait("0", None), Some(1));
        assert_eq!(wait("31536000", None), Some(86_400));
        assert_eq!(wait("99999999999999999999999", None), Some(86_400));
    }

    #[test]
    fn a_date_is_measured_by_the_servers_own_clock() {
        let date = Some("Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(wait("Wed, 21 Oct 2015 07:29:30 GMT", date), Some(90));
        assert_eq!(wait("Wed, 21 Oct 2015 07:00:00 GMT", date), Some(1));
        assert_eq!(wait("Wed, 21 Oct 2015 07:29:30 GMT", None), None);
    }

    #[test]
    fn anything_else_says_nothing() {
        assert_eq!(retry_after(&HeaderMap::new()), None);
        for text in ["", "soon", "-5", "1.5", "5 minutes"] {
            assert_eq!(wait(text, Some("Wed, 21 Oct 2015 07:28:00 GMT")), None, "{text}");
        }
    }
}
