//! A place on the network that a value may be sent to, in one slot of a request.

use std::time::Duration;

use url::{Host, Url};

use super::super::rate::Rate;
use super::shape;
use crate::model::{Delivery, DeliveryName, Reference};

/// The port of `https` that needn't be named.
const HTTPS: u16 = 443;

/// One `[[http]]` of a policy file.
#[derive(Debug)]
pub struct HttpEntry {
    /// Its name.
    pub name: DeliveryName,
    /// What it's for, for the agents that may use it.
    pub description: Option<String>,
    /// What every address begins with: `https` (or, with `allow_private`, `http`), a
    /// host, perhaps a port, and a path that ends with `/`.
    pub base: Url,
    /// The methods that may be asked with.
    pub methods: Vec<::http::Method>,
    /// Patterns of the paths that may be asked for, of which one must match: `*` within a segment, `**` any segments.
    /// They're absolute on the host: each begins with the base's path.
    pub paths: Vec<String>,
    /// Where the value goes.
    pub inject: Inject,
    /// The value.
    pub secret: Reference,
    /// How often each principal may ask.
    pub rate: Option<Rate>,
    /// Whether the host may be in a private network.
    pub allow_private: bool,
    /// How long a request may take.
    pub timeout: Duration,
    /// The line its table begins on.
    pub line: usize,
}

/// The slot for the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inject {
    /// A header, with `{}` in its format.
    Header {
        /// Its name.
        name: ::http::HeaderName,
        /// Its content, with `{}` for the value.
        format: String,
    },
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
    },
    /// Basic authentication, with the value as the password.
    Basic {
        /// The user's name.
        username: String,
    },
}

impl HttpEntry {
    /// What it is to a decision.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        Delivery::Http(self.name.clone())
    }

    /// The host, with its port unless that's the usual one of `https`: how rules name it. Plain `http` always has its
    /// port there, so that a rule about the one opens nothing of the other.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port().or_else(|| self.base.port_or_known_default().filter(|port| *port != HTTPS));
        port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether its host is written as an address of this machine.
    pub(in crate::policy) fn is_this_machine(&self) -> bool {
        is_this_machine(&self.base)
    }

    /// Whether a path may be asked for in this way. It's absolute on the host, so it begins with the base's, and it has
    /// one spelling and one reading: nothing is decoded or repaired, and a path that could be read otherwise isn't
    /// permitted.
    #[must_use]
    pub fn permits(&self, method: &::http::Method, path: &str) -> bool {
        self.methods.contains(method)
            && shape::is_plain(path)
            && shape::lies_below(path, self.base.path())
            && self.paths.iter().any(|pattern| shape::covers(pattern, path))
    }
}

/// Whether an address's host is written as an address of this machine.
pub(super) fn is_this_machine(base: &Url) -> bool {
    match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}
