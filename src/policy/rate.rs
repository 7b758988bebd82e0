//! Durations and rates as people write them: `15m`, `30/1h`.

use std::num::NonZeroU32;
use std::time::Duration;

/// At most so many requests in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// Why a text isn't a duration or a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RateError {
    #[error("a duration is a number and a unit: `90s`, `15m`, `1h` or `7d`")]
    Duration,
    #[error("a rate is a number, a slash and a duration, such as `30/1h`")]
    Rate,
    #[error("neither part of a rate can be zero")]
    Zero,
}

impl Rate {
    /// Reads `30/1h`.
    pub(crate) fn parse(text: &str) -> Result<Self, RateError> {
        let (count, per) = text.split_once('/').ok_or(RateError::Rate)?;
        let count: u32 = digits(count).ok_or(RateError::Rate)?;
        let per = parse_duration(per)?;
        let count = NonZeroU32::new(count).filter(|_| !per.is_zero()).ok_or(RateError::Zero)?;
        Ok(Self { count, per })
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.count, written(self.per))
    }
}

/// Reads a number and one of `s`, `m`, `h`, `d`; a bare `0` is zero.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, RateError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(RateError::Duration)?;
    let unit: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(RateError::Duration),
    };
    let number: u32 = digits(number).ok_or(RateError::Duration)?;
    Ok(Duration::from_secs(u64::from(number) * unit))
}

/// A number without the signs and blanks that `parse` would let pass.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A duration in the largest unit that holds it exactly.
pub(crate) fn written(duration: Duration) -> String {
    let seconds = duration.as_secs();
    [(86400, 'd'), (3600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size))
        .map_or_else(|| format!("{seconds}s"), |(size, unit)| format!("{}{unit}", seconds / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let rate = Rate::parse("30/1h").unwrap();
        assert_eq!((rate.count.get(), rate.per), (30, Duration::from_hours(1)));
        assert_eq!(rate.to_string(), "30/1h");
        assert_eq!(Rate::parse("1/90s").unwrap().to_string(), "1/90s");
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_hours(48)));
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [
            "",
            "30",
            "/1h",
            "30/",
            "30/h",
            "0/1h",
            "30/0s",
            "-1/1h",
            "+1/1h",
            "1/1w",
            "1/1é",
            "1 / 1h",
            "9999999999/1s",
        ] {
            assert!(Rate::parse(bad).is_err(), "{bad:?}");
        }
    }
}
