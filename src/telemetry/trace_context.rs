//! Which trace of its client's a request belongs to, as the W3C's `traceparent` header says.
//!
//! A client says it, so it's worth no more than that: it's put beside our own request id in the log,
//! and nothing is decided by it. A header that isn't exactly as it should be counts for nothing.
//! `tracestate` isn't read at all: it's free text.

use std::fmt;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// What a header of the version that's known has: `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;

/// A version that there'll never be.
const NO_VERSION: u8 = 0xff;

/// The id of a trace: 32 hexadecimal digits, not all of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// The id of the step in a trace that a request was made in: 16 hexadecimal digits, not all of them zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ParentId(u64);

/// Where in a client's trace a request belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The step in it.
    pub parent: ParentId,
}

impl TraceContext {
    /// What the values of a request's `traceparent` headers say; nothing if there are several.
    #[must_use]
    pub fn of<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value),
            _ => None,
        }
    }

    /// Reads one header's value. A version that isn't known yet may have more at its end.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, more) = value.split_at_checked(LENGTH)?;
        let mut parts = known.split(|byte| *byte == b'-');
        let version = u8::try_from(hexadecimal(parts.next()?, 2)?).ok()?;
        let trace = hexadecimal(parts.next()?, 32)?;
        let parent = u64::try_from(hexadecimal(parts.next()?, 16)?).ok()?;
        let _flags = hexadecimal(parts.next()?, 2)?;
        let ends_well = match version {
            0 => more.is_empty(),
            NO_VERSION => false,
            _ => more.first().is_none_or(|byte| *byte == b'-'),
        };
        let is_whole = parts.next().is_none() && ends_well && trace != 0 && parent != 0;
        is_whole.then_some(Self { trace: TraceId(trace), parent: ParentId(parent) })
    }
}

/// So many digits, all of them in lower case.
fn hexadecimal(digits: &[u8], count: usize) -> Option<u128> {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let digits = Some(digits).filter(|digits| digits.len() == count && digits.iter().all(is_digit))?;
    u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for ParentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<(String, String)> {
        TraceContext::parse(text.as_bytes()).map(|context| (context.trace.to_string(), context.parent.to_string()))
    }

    #[test]
    fn a_good_header_gives_its_ids_as_they_are_written() {
        let ids = ("0af7651916cd43dd8448eb211c80319c".to_owned(), "00f067aa0ba902b7".to_owned());
        assert_eq!(parse(GOOD), Some(ids.clone()));
        for later in ["01", "cc", "fe"] {
            for more in ["", "-", "-anything \u{7f}at-all"] {
                assert_eq!(
                    parse(&GOOD.replacen("00", later, 1).replace("-01", &format!("-01{more}"))),
                    Some(ids.clone())
                );
            }
        }
        assert_eq!(parse(&GOOD.replace("-01", "-ff")), Some(ids));
    }

    #[test]
    fn whatever_is_not_as_it_should_be_counts_for_nothing() {
        let bad = [
            String::new(),
            "-".repeat(LENGTH),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "0g", 1),
            GOOD.replacen("00", "CC", 1),
            GOOD.to_uppercase(),
            GOOD.replace("0af7", "0AF7"),
            GOOD.replace("0af7", "+af7"),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c-", "0af7651916cd43dd8448eb211c80319-c"),
            GOOD.replacen('-', "_", 1),
            GOOD.replace("-01", "-0"),
            GOOD.replace("-01", "-0x"),
            GOOD.replace("-01", "-011"),
            GOOD.replace("-01", "-01-"),
            GOOD.replace("-01", "-01-more"),
            GOOD.replacen("00", "01", 1).replace("-01", "-01more"),
            format!(" {GOOD}"),
            format!("{GOOD} "),
            format!("{GOOD},{GOOD}"),
        ];
        for text in bad {
            assert_eq!(parse(&text), None, "{text}");
        }
    }

    #[test]
    fn one_header_counts_and_several_do_not() {
        let good = GOOD.as_bytes();
        assert!(TraceContext::of([good]).is_some());
        assert_eq!(TraceContext::of([]), None);
        assert_eq!(TraceContext::of([good, good]), None);
        assert_eq!(TraceContext::of([good, b"rubbish".as_slice()]), None);
        assert_eq!(TraceContext::of([b"rubbish".as_slice(), good]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = TraceContext::parse(&bytes);
        }

        #[test]
        fn what_is_read_is_what_was_written(trace in 1_u128.., parent in 1_u64.., flags in any::<u8>()) {
            let text = format!("00-{trace:032x}-{parent:016x}-{flags:02x}");
            let read = TraceContext::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(format!("00-{}-{}-{flags:02x}", read.trace, read.parent), text);
        }
    }
}
