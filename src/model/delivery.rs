//! How a value is put where it's needed without its caller seeing it.

use std::fmt;
use std::sync::Arc;

use super::name::is_plain_name;

/// The name of a command or of an HTTP entry in a policy file: 1 to 64 letters, digits, `.`, `_` or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct DeliveryName(Arc<str>);

/// Why a text can't be the name of a command or an HTTP entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 letters, digits, `.`, `_` or `-`")]
pub struct DeliveryNameError(());

/// Why a text doesn't spell a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery is `command:NAME`, `trusted-code:NAME`, `http:NAME`, `run` or `run-unmasked`")]
pub struct DeliveryError(());

/// A way a value may be put where it's needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// To a program that the policy names, as a command of this name.
    Command(DeliveryName),
    /// Likewise, where the program runs what the caller may have written, so that the caller can get the value.
    TrustedCode(DeliveryName),
    /// Into a request to a place that the policy names.
    Http(DeliveryName),
    /// To a program that the caller chooses, as `opward run` does.
    Run(Output),
}

/// What becomes of the output of a program that the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Values are hidden in it.
    Masked,
    /// It's shown as it is.
    Unmasked,
}

impl DeliveryName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// When it's empty, too long, or holds other characters.
    pub fn parse(text: &str) -> Result<Self, DeliveryNameError> {
        if is_plain_name(text) { Ok(Self(text.into())) } else { Err(DeliveryNameError(())) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DeliveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Delivery {
    /// Reads what `Display` writes.
    ///
    /// # Errors
    ///
    /// When it's none of the five.
    pub fn parse(text: &str) -> Result<Self, DeliveryError> {
        let named = |name: &str| DeliveryName::parse(name).map_err(|_| DeliveryError(()));
        match text.split_once(':') {
            Some(("command", name)) => Ok(Self::Command(named(name)?)),
            Some(("trusted-code", name)) => Ok(Self::TrustedCode(named(name)?)),
            Some(("http", name)) => Ok(Self::Http(named(name)?)),
            None if text == "run" => Ok(Self::Run(Output::Masked)),
            None if text == "run-unmasked" => Ok(Self::Run(Output::Unmasked)),
            Some(_) | None => Err(DeliveryError(())),
        }
    }

    /// Whether whoever asks can get at the value through it, whatever is hidden in the answer.
    #[must_use]
    pub const fn exposes(&self) -> bool {
        matches!(self, Self::TrustedCode(_) | Self::Run(_))
    }
}

/// As records and answers write it: `command:migrate`, `trusted-code:test`, `http:stripe`, `run`, `run-unmasked`.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(f, "command:{name}"),
            Self::TrustedCode(name) => write!(f, "trusted-code:{name}"),
            Self::Http(name) => write!(f, "http:{name}"),
            Self::Run(Output::Masked) => f.write_str("run"),
            Self::Run(Output::Unmasked) => f.write_str("run-unmasked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for good in ["a", "db.migrate", "A_1-b", &"x".repeat(64)] {
            assert_eq!(DeliveryName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a/b", "é", "a:b", &"x".repeat(65)] {
            assert!(DeliveryName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_delivery_has_one_spelling() {
        let name = DeliveryName::parse("x").unwrap();
        let all = [
            Delivery::Command(name.clone()),
            Delivery::TrustedCode(name.clone()),
            Delivery::Http(name),
            Delivery::Run(Output::Masked),
            Delivery::Run(Output::Unmasked),
        ];
        let spelled: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(spelled, ["command:x", "trusted-code:x", "http:x", "run", "run-unmasked"]);
        for (delivery, spelled) in all.iter().zip(&spelled) {
            assert_eq!(Delivery::parse(spelled).as_ref(), Ok(delivery));
        }
        for bad in ["", "x", "command", "command:", "command:a b", "run:x", "Run", "http:x:y", "shell:x"] {
            assert!(Delivery::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(all.iter().filter(|delivery| delivery.exposes()).count(), 3);
    }
}
