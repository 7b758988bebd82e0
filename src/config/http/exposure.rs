//! Whether an address may be served with what's configured.

use std::net::SocketAddr;

use super::HttpConfig;

/// Who can reach a server, and by which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Programs on this machine, each with a bearer.
    ThisMachine,
    /// Every program on this machine, without a bearer: for trials.
    Open,
    /// The network, through TLS that ends here.
    Tls,
    /// The network, through a proxy at which the clients' TLS ends. Where a certificate is configured,
    /// the proxy's way here is encrypted, too.
    Proxy,
}

/// Why an address isn't served. Each says what's missing, and its hint what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotServed {
    /// No bearer could be accepted.
    #[error("{address}: nobody could sign in: there's neither a token nor an issuer")]
    NoBearers {
        /// The address.
        address: SocketAddr,
    },
    /// Others could read what's sent.
    #[error("{address} can be reached from other machines, and nothing encrypts what's sent there")]
    Unencrypted {
        /// The address.
        address: SocketAddr,
    },
    /// Clients on other machines couldn't be told where they are.
    #[error("clients come from other machines, and there's no `url` that says what they call this server")]
    NoUrl,
    /// `--no-auth` on the network.
    #[error("--no-auth is for this machine only, and {address} can be reached from others")]
    OpenToTheNetwork {
        /// The address.
        address: SocketAddr,
    },
    /// `--no-auth` where a proxy or a public address brings others here.
    #[error("--no-auth is for this machine only, and the configuration says that clients come from others")]
    OpenToClients,
}

impl NotServed {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoBearers { .. } => {
                "`opward token new --principal NAME` makes a token; paste the [[http.token]] it prints into opward.toml, \
                 or add an [[http.issuer]]; to try it out on this machine: --no-auth --principal NAME"
            }
            Self::Unencrypted { .. } => {
                "under [http], write tls = { cert = \"cert.pem\", key = \"key.pem\" }, or, if TLS ends at a proxy, \
                 behind_proxy = true and trusted_proxies = [\"ADDRESS\"]; or serve 127.0.0.1"
            }
            Self::NoUrl => "under [http], write url = \"https://HOST/mcp\", as clients reach it",
            Self::OpenToTheNetwork { .. } => {
                "serve 127.0.0.1, or leave --no-auth out: `opward token new --principal NAME` makes a token"
            }
            Self::OpenToClients => {
                "leave --no-auth out, or name a configuration without `behind_proxy` and without a public `url`"
            }
        }
    }
}

impl HttpConfig {
    /// How an address is exposed, if it may be served at all.
    ///
    /// On this machine every request shows a bearer, unless `no_auth` says otherwise. Anywhere else it
    /// needs TLS, here or at a trusted proxy, as well.
    ///
    /// # Errors
    ///
    /// What's missing, or what `no_auth` must not be combined with.
    pub fn exposure(&self, address: SocketAddr, no_auth: bool) -> Result<Exposure, NotServed> {
        // 0.0.0.0 and [::] are every address of the machine, so they aren't loopback.
        let this_machine = address.ip().to_canonical().is_loopback();
        if no_auth {
            if !this_machine {
                return Err(NotServed::OpenToTheNetwork { address });
            }
            let public = self.url.as_ref().is_some_and(|url| !url.is_loopback());
            return if public || self.is_behind_proxy() { Err(NotServed::OpenToClients) } else { Ok(Exposure::Open) };
        }
        if !self.has_bearers() {
            return Err(NotServed::NoBearers { address });
        }
        let way = match (self.is_behind_proxy(), self.tls.is_some()) {
            (true, _) => Exposure::Proxy,
            (false, _) if this_machine => return Ok(Exposure::ThisMachine),
            (false, true) => Exposure::Tls,
            (false, false) => return Err(NotServed::Unencrypted { address }),
        };
        if self.url.is_none() {
            return Err(NotServed::NoUrl);
        }
        Ok(way)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HttpUrl, TlsFiles, TokenConfig};
    use super::*;
    use crate::model::PrincipalName;
    use crate::model::TokenDigest;

    /// What's configured, as bits.
    #[derive(Debug, Clone, Copy)]
    struct Given {
        bearers: bool,
        tls: bool,
        proxy: bool,
        url: Option<&'static str>,
    }

    const PUBLIC: &str = "https://vault.example.com/mcp";
    const LOCAL: &str = "http://127.0.0.1:8787/mcp";

    const HERE: [&str; 4] = ["127.0.0.1:0", "127.9.9.9:1", "[::1]:8787", "[::ffff:127.0.0.1]:80"];
    const ELSEWHERE: [&str; 7] = [
        "0.0.0.0:443",
        "[::]:443",
        "10.0.0.7:80",
        "[2001:db8::1]:0",
        "[::ffff:10.0.0.7]:1",
        "[::ffff:0.0.0.0]:1",
        "169.254.0.1:1",
    ];

    fn config(given: Given) -> HttpConfig {
        let token = || {
            let principal = PrincipalName::parse("ci").unwrap();
            TokenConfig::new(principal, TokenDigest::of_bytes([7; 32]), None)
        };
        HttpConfig {
            url: given.url.map(|url| HttpUrl::parse(url).unwrap()),
            tls: given.tls.then(|| TlsFiles { cert: "cert.pem".into(), key: "key.pem".into() }),
            trusted_proxies: if given.proxy { vec!["10.0.0.0/8".parse().unwrap()] } else { Vec::new() },
            tokens: if given.bearers { vec![token()] } else { Vec::new() },
            ..HttpConfig::default()
        }
    }

    fn every() -> Vec<Given> {
        let mut every = Vec::new();
        for bits in 0..8 {
            for url in [None, Some(PUBLIC), Some(LOCAL)] {
                every.push(Given { bearers: bits & 1 != 0, tls: bits & 2 != 0, proxy: bits & 4 != 0, url });
            }
        }
        every
    }

    /// What the table in words says, in the order in which it's looked at.
    fn expected(given: Given, here: bool, no_auth: bool) -> &'static str {
        match (no_auth, here, given) {
            (true, false, _) => "open to the network",
            (true, true, Given { proxy: true, .. } | Given { url: Some(PUBLIC), .. }) => "open to clients",
            (true, true, _) => "open",
            (false, _, Given { bearers: false, .. }) => "no bearers",
            (false, true, Given { proxy: false, .. }) => "this machine",
            (false, false, Given { proxy: false, tls: false, .. }) => "unencrypted",
            (false, _, Given { url: None, .. }) => "no url",
            (false, _, Given { proxy: true, .. }) => "proxy",
            (false, false, Given { proxy: false, tls: true, .. }) => "tls",
        }
    }

    fn said(result: Result<Exposure, NotServed>) -> &'static str {
        match result {
            Ok(Exposure::ThisMachine) => "this machine",
            Ok(Exposure::Open) => "open",
            Ok(Exposure::Tls) => "tls",
            Ok(Exposure::Proxy) => "proxy",
            Err(NotServed::NoBearers { .. }) => "no bearers",
            Err(NotServed::Unencrypted { .. }) => "unencrypted",
            Err(NotServed::NoUrl) => "no url",
            Err(NotServed::OpenToTheNetwork { .. }) => "open to the network",
            Err(NotServed::OpenToClients) => "open to clients",
        }
    }

    #[test]
    fn serves_exactly_what_the_table_says() {
        let mut seen = std::collections::BTreeSet::new();
        for given in every() {
            let config = config(given);
            let addresses = HERE.map(|a| (a, true)).into_iter().chain(ELSEWHERE.map(|a| (a, false)));
            for (address, here) in addresses {
                for no_auth in [false, true] {
                    let found = said(config.exposure(address.parse().unwrap(), no_auth));
                    assert_eq!(found, expected(given, here, no_auth), "{given:?} {address} {no_auth}");
                    seen.insert(found);
                }
            }
        }
        assert_eq!(seen.len(), 9, "each answer is somebody's: {seen:?}");
    }

    #[test]
    fn nothing_beyond_this_machine_is_served_without_a_bearer_and_encryption() {
        for (given, address) in every().into_iter().flat_map(|given| ELSEWHERE.map(|address| (given, address))) {
            for no_auth in [false, true] {
                if config(given).exposure(address.parse().unwrap(), no_auth).is_ok() {
                    assert!(given.bearers && (given.tls || given.proxy) && !no_auth, "{given:?} {address}");
                }
            }
        }
    }

    #[test]
    fn each_refusal_says_what_to_write() {
        let address: SocketAddr = "0.0.0.0:443".parse().unwrap();
        for (refusal, word) in [
            (NotServed::NoBearers { address }, "opward token new"),
            (NotServed::Unencrypted { address }, "tls = {"),
            (NotServed::Unencrypted { address }, "behind_proxy = true"),
            (NotServed::NoUrl, "url = \"https://"),
            (NotServed::OpenToTheNetwork { address }, "127.0.0.1"),
            (NotServed::OpenToClients, "--no-auth"),
        ] {
            assert!(refusal.hint().contains(word), "{refusal:?}");
        }
    }
}
