//! When a certificate expires.
//!
//! That stands near its beginning: `SEQUENCE { SEQUENCE { [0] version?, serial, algorithm, issuer, validity, … } … }`.
//! A library for the rest of it isn't needed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a DER certificate's validity; `None` if it isn't a certificate.
#[must_use]
pub fn certificate_end(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = sequence(certificate)?;
    let (mut rest, _) = sequence(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    for _before in ["serial", "algorithm", "issuer"] {
        rest = element(rest)?.2;
    }
    let (validity, _) = sequence(rest)?;
    let (_, _, end) = element(validity)?;
    let (kind, time, _) = element(end)?;
    instant(kind, str::from_utf8(time).ok()?)
}

/// A sequence's content, and what follows.
fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(der)?;
    (tag == SEQUENCE).then_some((content, rest))
}

/// The first element's tag and content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, der) = der.split_first()?;
    let (&first, mut der) = der.split_first()?;
    let mut length = usize::from(first & 0x7f);
    // The long form: so many bytes of length follow.
    if first & 0x80 != 0 {
        let (bytes, rest) = der.split_at_checked(length).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        der = rest;
    }
    let (content, rest) = der.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from 2050 on.
fn instant(kind: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = match kind {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    if rest.len() != 10 {
        return None;
    }
    let local = DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 7, 9);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_either_form() {
        for year in [2031, 2049, 2050, 2999] {
            let expected: Timestamp = format!("{year}-07-09T00:00:00Z").parse().unwrap();
            assert_eq!(certificate_end(&certificate(year)), Some(expected));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = certificate(2031);
        for length in 0..whole.len() {
            assert_eq!(certificate_end(&whole[..length]), None, "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                // Whatever it says, it says it without a panic.
                let _ = certificate_end(&changed);
            }
        }
        assert_eq!(instant(UTC_TIME, "310709000000+0100"), None);
        assert_eq!(instant(UTC_TIME, "3107090000Z"), None);
        assert_eq!(instant(GENERALIZED_TIME, "20311309000000Z"), None);
    }
}
