//! Which `op` this is.

use std::fmt;

/// A version of `op`. What follows its three numbers, as in `2.33.0-beta.02`, isn't looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The oldest that can be used: it takes documents on a pipe, and asks with few requests.
    pub(super) const MINIMUM: Self = Self { major: 2, minor: 30, patch: 0 };

    /// Reads what `op --version` prints.
    pub(super) fn parse(printed: &[u8]) -> Option<Self> {
        let printed = std::str::from_utf8(printed).ok()?.trim();
        let numbers = printed.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_number() {
        let version = |text: &str| Version::parse(text.as_bytes()).unwrap();
        assert!(version("2.9.9\n") < Version::MINIMUM);
        assert!(version("2.29.12") < Version::MINIMUM);
        assert!(version("2.30.0\n") >= Version::MINIMUM);
        assert!(version("2.41.0") > version("2.5.11"));
        assert!(version("10.0.0") > version("2.99.99"));
        assert_eq!(version("2.33.0-beta.02").to_string(), "2.33.0");
    }

    #[test]
    fn knows_what_is_no_version() {
        for bad in ["", "2.30", "2.30.x", "2.30.0.1", "v2.30.0", "op 2.30.0", "2.30.0\n2.31.0", "-1.2.3"] {
            assert_eq!(Version::parse(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Version::parse(b"2.30.\xff"), None);
    }
}
