//! An issuer's keys from where it publishes them.

use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use super::keys::{KeySetError, MAX_BYTES};
use super::place::LoadError;

/// How long the issuer has.
#[derive(Debug, Clone, Copy)]
pub(in crate::identity) struct Patience {
    pub(in crate::identity) connecting: Duration,
    pub(in crate::identity) altogether: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connecting: Duration::from_secs(3), altogether: Duration::from_secs(5) }
    }
}

/// Whether keys may be had from an address: over an encrypted connection, or from this machine.
pub(in crate::identity) fn may_be_asked(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(url))
}

/// Whether an address is this machine's own, whatever a name service says.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Makes a client that goes to one address and nowhere else, whatever it's answered.
pub(in crate::identity) fn client(url: &Url, patience: Patience) -> Result<Client, reqwest::Error> {
    let client = Client::builder()
        .user_agent(concat!("opward/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .connect_timeout(patience.connecting)
        .timeout(patience.altogether);
    // A server of this machine has no certificate, and a container with one no list of authorities.
    if url.scheme() == "https" { client.https_only(true).build() } else { client.tls_certs_only([]).build() }
}

/// Asks for the keys.
pub(super) async fn fetch(client: &Client, url: &Url) -> Result<Vec<u8>, LoadError> {
    let request = client.get(url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
    let mut response = request.send().await.map_err(|error| LoadError::of(&error))?;
    if response.status() != StatusCode::OK {
        return Err(LoadError::Status(response.status().as_u16()));
    }
    let too_long = |length: u64| usize::try_from(length).map_or(true, |length| length > MAX_BYTES);
    if response.content_length().is_some_and(too_long) {
        return Err(LoadError::Set(KeySetError::TooLong));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| LoadError::of(&error))? {
        if piece.len() > MAX_BYTES - body.len() {
            return Err(LoadError::Set(KeySetError::TooLong));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

impl LoadError {
    fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Slow
        } else if error.is_connect() {
            Self::Unreachable
        } else {
            Self::Broken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_or_local_addresses_are_asked() {
        for (text, allowed) in [
            ("https://idp.example.com/jwks", true),
            ("https://10.0.0.1:8443/jwks?v=1", true),
            ("http://127.0.0.1:8080/jwks", true),
            ("http://[::1]:8080/jwks", true),
            ("http://localhost/jwks", true),
            ("http://idp.example.com/jwks", false),
            ("http://10.0.0.1/jwks", false),
            ("http://localhost.example.com/jwks", false),
            ("http://127.0.0.1.example.com/jwks", false),
            ("http://127.0.0.1@idp.example.com/jwks", false),
            ("https://user@idp.example.com/jwks", false),
            ("https://user:pass@idp.example.com/jwks", false),
            ("https://idp.example.com/jwks#keys", false),
            ("ftp://127.0.0.1/jwks", false),
            ("file:///etc/keys.json", false),
        ] {
            assert_eq!(may_be_asked(&Url::parse(text).unwrap()), allowed, "{text}");
        }
    }
}
