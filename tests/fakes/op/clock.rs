//! The time, in the three ways `op` writes it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// As it stands in what's read: `2026-11-21T14:04:35Z`.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// As it stands in the answer to a write: local, with microseconds.
pub(crate) fn local(stored: &str, utc_offset: i64) -> String {
    stored.parse::<Timestamp>().map_or_else(
        |_| stored.to_owned(),
        |time| time.to_zoned(zone(utc_offset)).strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string(),
    )
}

/// As it stands before an error.
pub(crate) fn error_stamp(utc_offset: i64) -> String {
    Timestamp::now().to_zoned(zone(utc_offset)).strftime("%Y/%m/%d %H:%M:%S").to_string()
}

/// Whether a time in JSON is one after 1970.
pub(crate) fn is_after_1970(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok_and(|time| time.as_second() > 0)
}

pub(crate) fn sleep_ms(ms: u64) {
    if ms > 0 {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

fn zone(utc_offset: i64) -> TimeZone {
    let seconds = i32::try_from(utc_offset).unwrap_or_default();
    TimeZone::fixed(Offset::from_seconds(seconds).unwrap_or(Offset::UTC))
}
