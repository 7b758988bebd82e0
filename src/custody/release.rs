//! How a value leaves custody.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::cache::Cached;
use super::value::SecretValue;
use super::{dotenv, otp};
use crate::memory::Payload;
use crate::model::kind::{Read, Use};
use crate::redact::{self, Mask, Redactor};

/// One opened secret, for the action its permit was for.
///
/// A lease for anything but reading can't show its value:
///
/// ```compile_fail,E0599
/// # use opward::{custody::Lease, model::kind::Use};
/// fn show(lease: Lease<Use>) {
///     let shown = lease.reveal();
/// }
/// ```
#[derive(Debug)]
pub struct Lease<A> {
    value: SecretValue,
    version: u64,
    stale: Option<Duration>,
    action: PhantomData<fn() -> A>,
}

/// A plaintext on its way to the caller: the only secret-bearing type that serializes, and only a
/// `Lease<Read>` makes one.
pub struct Revealed(SecretValue);

impl<A> Lease<A> {
    pub(super) fn new(cached: Cached) -> Self {
        Self { value: cached.value, version: cached.version, stale: cached.stale, action: PhantomData }
    }

    /// The version of the item the value belongs to.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How old the value is, if it's served only because its source is down.
    #[must_use]
    pub fn stale(&self) -> Option<Duration> {
        self.stale
    }
}

impl Lease<Use> {
    /// The value, for whoever puts it where it's needed.
    #[must_use]
    pub fn payload(&self) -> Payload {
        Payload::new(Zeroizing::new(self.value.plaintext().to_vec()))
    }

    /// The same for the current one-time code in place of its seed; `None` if the value is the seed of none.
    #[must_use]
    pub fn into_code(self, now: Timestamp) -> Option<Self> {
        let value = otp::code(self.value.plaintext(), now)?;
        Some(Self { value, ..self })
    }

    /// Whether it's long enough to be hidden in an output.
    #[must_use]
    pub fn can_be_hidden(&self) -> bool {
        redact::can_be_hidden(self.value.plaintext())
    }

    /// Whether a variable can hold it, which ends at a NUL.
    #[must_use]
    pub fn fits_a_variable(&self) -> bool {
        !self.value.plaintext().contains(&0)
    }

    pub(super) fn plaintext(&self) -> &[u8] {
        self.value.plaintext()
    }
}

/// Hides used values in what comes back.
#[must_use]
pub fn redactor<'a>(leases: impl IntoIterator<Item = (&'a Lease<Use>, &'a str)>) -> Redactor {
    Redactor::new(leases.into_iter().map(|(lease, marker)| Mask { value: lease.value.plaintext(), marker }))
}

impl Lease<Read> {
    /// The value; `None` if it isn't text.
    #[must_use]
    pub fn reveal(self) -> Option<Revealed> {
        std::str::from_utf8(self.value.plaintext()).is_ok().then_some(Revealed(self.value))
    }

    /// The current one-time code, if the value is the seed of one.
    #[must_use]
    pub fn one_time_code(self, now: Timestamp) -> Option<Revealed> {
        otp::code(self.value.plaintext(), now).map(Revealed)
    }

    /// The variables in the value, read as a `.env` file; `None` if it isn't one.
    #[must_use]
    pub fn variables(self) -> Option<Vec<(String, Revealed)>> {
        let text = std::str::from_utf8(self.value.plaintext()).ok()?;
        let variables = dotenv::parse(text).ok()?;
        Some(variables.into_iter().map(|variable| (variable.key, Revealed(variable.value))).collect())
    }
}

impl Revealed {
    /// What's shown.
    pub(super) fn value(&self) -> &SecretValue {
        &self.0
    }
}

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `reveal`, `one_time_code` and `variables` made this from valid UTF-8.
        serializer.serialize_str(std::str::from_utf8(self.0.plaintext()).unwrap_or_default())
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed")
    }
}
