//! A record's time: RFC 3339 in UTC, always with three digits after the point.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// The text of a second, kept because many records fall into one.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    second: i64,
    text: Vec<u8>,
}

impl Seconds {
    /// The text of a time.
    pub(super) fn text(&mut self, time: Timestamp) -> &[u8] {
        let second = time.as_second();
        if self.text.is_empty() || self.second != second {
            self.second = second;
            self.text = text(time);
        }
        let millis = u16::try_from(time.subsec_millisecond()).unwrap_or_default();
        let digit = |value: u16| b'0' + u8::try_from(value % 10).unwrap_or_default();
        let end = self.text.len();
        if let Some([hundreds, tens, ones, _]) =
            self.text.get_mut(end.saturating_sub(4)..).and_then(|tail| <&mut [u8; 4]>::try_from(tail).ok())
        {
            (*hundreds, *tens, *ones) = (digit(millis / 100), digit(millis / 10), digit(millis));
        }
        &self.text
    }
}

/// The text of a time.
pub(super) fn text(time: Timestamp) -> Vec<u8> {
    format!("{time:.3}").into_bytes()
}

pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("not a time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_second_gives_the_same_text_as_a_fresh_one() {
        let mut seconds = Seconds::default();
        for nanos in [0, 999_999, 1_000_000, 1_999_999_999, 2_123_000_000, 1_792_000_000_007_000_000] {
            let time = Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(seconds.text(time), text(time), "{nanos}");
        }
    }

    #[test]
    fn always_has_three_digits_after_the_point() {
        assert_eq!(text(Timestamp::UNIX_EPOCH), b"1970-01-01T00:00:00.000Z");
    }
}
