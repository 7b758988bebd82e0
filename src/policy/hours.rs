//! Working hours: `Mon-Fri 08:00-19:00 Europe/Berlin`.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// A daily window on some days of the week, on the wall clock of one time zone.
///
/// The window begins with its first minute and ends before its last. One that ends before it begins
/// runs across midnight and belongs to the day it began on. Where clocks are set forward or back,
/// the wall clock decides: a skipped hour doesn't come, a repeated one comes twice.
#[derive(Clone)]
pub struct Hours {
    written: Box<str>,
    days: [bool; 7],
    begin: u16,
    end: u16,
    zone: TimeZone,
}

/// Why a text doesn't name hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HoursError {
    /// Not two or three words.
    #[error("hours are written `Mon-Fri 08:00-19:00 Europe/Berlin`: days (optional), a window and a time zone")]
    Shape,
    /// A day that isn't one.
    #[error("`{0}` isn't a day; days are Mon, Tue, Wed, Thu, Fri, Sat and Sun")]
    Day(String),
    /// A window that isn't two times of day.
    #[error("`{0}` isn't a window such as 08:00-19:00")]
    Window(String),
    /// A window of no length.
    #[error("the window `{0}` has no length; the whole day is 00:00-24:00")]
    Empty(String),
    /// A name the time zone database doesn't have.
    #[error("`{0}` isn't a time zone such as Europe/Berlin or UTC")]
    Zone(String),
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: u16 = 24 * 60;

impl Hours {
    /// Reads days (every day if there are none), a window and a time zone.
    pub(crate) fn parse(text: &str) -> Result<Self, HoursError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let (days, window, zone) = match words.as_slice() {
            [days, window, zone] => (parse_days(days)?, *window, *zone),
            [window, zone] if window.contains(':') => ([true; 7], *window, *zone),
            _ => return Err(HoursError::Shape),
        };
        let (begin, end) = parse_window(window)?;
        let zone = TimeZone::get(zone).map_err(|_| HoursError::Zone(zone.to_owned()))?;
        Ok(Self { written: words.join(" ").into(), days, begin, end, zone })
    }

    /// Whether the window is open.
    #[must_use]
    pub fn contain(&self, now: Timestamp) -> bool {
        let local = self.zone.to_datetime(now);
        let (Ok(hour), Ok(minute)) = (u16::try_from(local.hour()), u16::try_from(local.minute())) else {
            return false;
        };
        let minute = hour * 60 + minute;
        let (today, yesterday) = (local.weekday(), local.weekday().previous());
        if self.begin < self.end {
            return self.on(today) && (self.begin..self.end).contains(&minute);
        }
        (self.on(today) && minute >= self.begin) || (self.on(yesterday) && minute < self.end)
    }

    /// The hours as they were written, with single blanks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    fn on(&self, day: Weekday) -> bool {
        usize::try_from(day.to_monday_zero_offset()).ok().and_then(|index| self.days.get(index)).is_some_and(|&on| on)
    }
}

impl fmt::Debug for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn parse_days(text: &str) -> Result<[bool; 7], HoursError> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        // A range may run over the week's end: Sat-Mon is three days.
        let length = (last + 7 - first) % 7;
        for (index, day) in days.iter_mut().enumerate() {
            *day |= (index + 7 - first) % 7 <= length;
        }
    }
    Ok(days)
}

fn parse_day(text: &str) -> Result<usize, HoursError> {
    let lower = text.to_ascii_lowercase();
    DAYS.iter().position(|day| *day == lower).ok_or_else(|| HoursError::Day(text.to_owned()))
}

fn parse_window(text: &str) -> Result<(u16, u16), HoursError> {
    let wrong = || HoursError::Window(text.to_owned());
    let (begin, end) = text.split_once('-').ok_or_else(wrong)?;
    let (begin, end) = (parse_minute(begin).ok_or_else(wrong)?, parse_minute(end).ok_or_else(wrong)?);
    match (begin, end) {
        (DAY_MINUTES, _) => Err(wrong()),
        (begin, end) if begin == end => Err(HoursError::Empty(text.to_owned())),
        window => Ok(window),
    }
}

/// Minutes since midnight of `HH:MM`, `24:00` included.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
    let (hour, minute): (u16, u16) = (two(hour)??, two(minute)??);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MINUTES).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hours: &str, at: &str) -> bool {
        Hours::parse(hours).unwrap().contain(at.parse().unwrap())
    }

    #[test]
    fn the_window_includes_its_first_minute_and_excludes_its_last() {
        let hours = "Mon-Fri 08:00-19:00 Europe/Berlin";
        // 2026-11-20 is a Friday; Berlin is one hour ahead of UTC in winter.
        assert!(!open(hours, "2026-11-20T06:59:59Z"));
        assert!(open(hours, "2026-11-20T07:00:00Z"));
        assert!(open(hours, "2026-11-20T17:59:59Z"));
        assert!(!open(hours, "2026-11-20T18:00:00Z"));
        assert!(!open(hours, "2026-11-21T10:00:00Z"), "Saturday");
    }

    #[test]
    fn summer_time_moves_the_window() {
        let hours = "08:00-19:00 Europe/Berlin";
        // Clocks go forward on 2026-03-29 and back on 2026-10-25.
        assert!(!open(hours, "2026-03-28T06:30:00Z") && open(hours, "2026-03-29T06:30:00Z"));
        assert!(open(hours, "2026-10-24T06:30:00Z") && !open(hours, "2026-10-25T06:30:00Z"));
        // 02:30 comes twice in autumn and never in spring.
        let night = "02:00-03:00 Europe/Berlin";
        assert!(open(night, "2026-10-25T00:30:00Z") && open(night, "2026-10-25T01:30:00Z"));
        assert!(!open(night, "2026-03-29T00:59:59Z") && !open(night, "2026-03-29T01:00:00Z"));
    }

    #[test]
    fn a_window_across_midnight_belongs_to_the_day_it_began_on() {
        let hours = "Fri 22:00-06:00 UTC";
        assert!(open(hours, "2026-11-20T22:00:00Z") && open(hours, "2026-11-21T05:59:59Z"));
        assert!(!open(hours, "2026-11-21T06:00:00Z") && !open(hours, "2026-11-20T05:00:00Z"));
        assert!(!open(hours, "2026-11-21T22:00:00Z"));
    }

    #[test]
    fn lists_and_ranges_of_days() {
        let hours = "Sat-Mon,wed 00:00-24:00 UTC";
        let days: Vec<bool> = (16..23).map(|day| open(hours, &format!("2026-11-{day}T12:00:00Z"))).collect();
        assert_eq!(days, [true, false, true, false, false, true, true]);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for bad in [
            "",
            "Mon-Fri",
            "Mon-Fri 08:00-19:00",
            "Mon 8:00-19:00 UTC",
            "Mon 08:00-24:01 UTC",
            "Mon 24:00-01:00 UTC",
            "Mon 08:00-08:00 UTC",
            "Mo 08:00-19:00 UTC",
            "Mon, 08:00-19:00 UTC",
            "Mon 08:00 UTC",
            "Mon 08:60-19:00 UTC",
            "Mon 08:00-19:00 Europe/Berlln",
            "Mon 08:00-19:00 UTC x",
        ] {
            assert!(Hours::parse(bad).is_err(), "{bad:?}");
        }
    }
}
