//! Moments, as 1Password writes them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The time of day that 1Password's own programs give a date, so that it's the same day nearly everywhere.
const TIME_OF_DAY: (i8, i8) = (12, 1);

/// Reads a moment with its offset. The zero date that some programs write for "none" is none.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|moment| *moment > Timestamp::UNIX_EPOCH)
}

/// Reads a date field's value: seconds since 1970, or year, month and day.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    if let Ok(seconds) = value.parse() {
        return Timestamp::from_second(seconds).ok();
    }
    let date: Date = value.parse().ok()?;
    let (hour, minute) = TIME_OF_DAY;
    Some(date.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Writes a date field's value, as either way to ask accepts it.
pub(super) fn date_value(at: Timestamp) -> String {
    at.as_second().to_string()
}

/// Whether two values of a date field are the same day.
pub(super) fn same_date(one: &str, other: &str) -> bool {
    let day = |value| date(value).map(|at| at.to_zoned(TimeZone::UTC).date());
    day(one).is_some_and(|one| day(other) == Some(one))
}

/// Whether two values of a month field are the same month: `202701`, `2027/01` and `01/2027` are.
pub(super) fn same_month(one: &str, other: &str) -> bool {
    month(one).is_some_and(|one| month(other) == Some(one))
}

fn month(value: &str) -> Option<(u16, u16)> {
    let (year, month) = match value.split_once(['/', '-']) {
        Some((month, year)) if year.len() == 4 => (year, month),
        Some((year, month)) => (year, month),
        None => value.split_at_checked(4)?,
    };
    (year.len() == 4).then_some((year.parse().ok()?, month.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_moments_with_any_offset_and_no_zero_date() {
        let utc = moment("2023-08-22T22:15:37.359042Z").unwrap();
        assert_eq!(moment("2023-08-22T15:17:35.359042-07:00"), moment("2023-08-22T22:17:35.359042Z"));
        assert_eq!(utc.as_second(), 1_692_742_537);
        assert_eq!((moment("0001-01-01T00:00:00Z"), moment("yesterday")), (None, None));
    }

    #[test]
    fn reads_dates_in_both_forms() {
        assert_eq!(date("1798718460"), date("2026-12-31"));
        assert_eq!(date("2026-12-31").map(date_value).as_deref(), Some("1798718460"));
        assert!(same_date("2026-12-31", "1798675200") && !same_date("2026-12-31", "1798761600"));
        assert!(!same_date("soon", "soon") && date("2026-13-01").is_none());
        assert!(same_month("202701", "01/2027") && same_month("2027/01", "202701") && !same_month("202701", "02/2027"));
        assert!(!same_month("1/27", "1/27"));
    }
}
