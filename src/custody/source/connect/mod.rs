//! 1Password through its Connect server: a small REST API beside a copy of the vaults.
//!
//! # How it's asked
//!
//! | what's wanted | request |
//! |---|---|
//! | vaults | `GET /v1/vaults` |
//! | items of vaults | `GET /v1/vaults/{v}/items`, once a vault, four at a time |
//! | an item | `GET /v1/vaults/{v}/items/{i}` |
//! | make, replace, destroy an item | `POST`, `PUT`, `DELETE` of the same |
//! | one field's value | `PATCH`, which leaves all else alone |
//! | the server's own state | `GET /heartbeat`, `GET /health`, without the token |
//!
//! Names are never sent: how the server's filters compare and escape isn't documented. What's
//! wanted is found in the lists, and asked for by its id.
//!
//! # What an answer is worth
//!
//! A request ends by its deadline, its retries and the answer's body included; bodies are bounded.
//! The token goes to the configured address and nowhere else: redirects are failures, and proxies
//! named in the environment aren't used. An answer counts only if it's what Connect would say: an
//! absence reported by anything else, such as a proxy's error page, is no absence. 1Password's text
//! is matched against known phrases and dropped.
//!
//! Two refusals are known to be spurious on servers before 1.8.1, and asked again, since the server
//! did nothing: a 403 up to three times, a 401 about the token once. Everything else is said as it
//! is. A reply to a write says only that it was taken: it carries the version from before, and reads
//! may lag behind, so whoever writes has to read back.

mod address;
mod answer;
mod backend;
mod bearer;
mod body;
mod error;
mod health;
mod patch;
mod retry_after;
mod shape;
mod wire;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use self::error::ConnectSetupError;
pub use self::health::{ConnectHealth, ConnectVersion, Dependency, DependencyState};

use self::address::Address;
use self::bearer::Bearer;
use self::wire::Wire;
use crate::custody::value::SecretValue;

/// What a Connect source is made of.
#[derive(Debug)]
pub struct ConnectSettings {
    /// The server's address, such as `http://localhost:8080`.
    pub url: String,
    /// The access token: one line, without anything around it.
    pub token: SecretValue,
    /// How long a request may take, from connecting to the answer's last byte.
    pub timeout: Duration,
}

/// A client of one Connect server.
pub(in crate::custody::source) struct ConnectClient {
    wire: Wire,
}

impl ConnectClient {
    /// Checks the settings. Nothing is asked before the first call.
    ///
    /// # Errors
    ///
    /// The address or the token can't be one, or this machine has no certificates to check a
    /// server's against.
    pub(in crate::custody::source) fn new(settings: ConnectSettings) -> Result<Self, ConnectSetupError> {
        let address = Address::parse(&settings.url)?;
        let bearer = Bearer::parse(settings.token)?;
        Ok(Self { wire: Wire::new(address, bearer, settings.timeout)? })
    }
}

impl fmt::Debug for ConnectClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectClient").field("address", self.wire.address()).finish_non_exhaustive()
    }
}
