//! How a value leaves custody.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::cache::Cached;
use super::value::SecretValue;
use super::{dotenv, otp};
use crate::model::kind::Read;

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
