//! From `[http]` to what the transport and identity take.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::config::{AllowedOrigin, HttpConfig, IssuerConfig, KeysPlace};
use crate::identity::{Bearers, BearersError, Issuer, KeysFrom, StaticToken};
use crate::model::Clock;
use crate::policy::read_trusted;
use crate::transport::http::{Admission, Allowance, Gate, Limits, Resource, SessionLimits, Settings};

/// Where the protocol is, unless the server's address says otherwise.
const PATH: &str = "/mcp";

/// How long a session is kept that nobody uses.
const IDLE_SESSION: Duration = Duration::from_mins(30);

/// How requests to this address are served.
pub(super) fn settings(http: &HttpConfig, bound: SocketAddr, admission: Admission) -> Settings {
    let limits = http.limits;
    Settings {
        gate: gate(http, bound),
        resource: resource(http, &admission),
        admission,
        trusted_proxies: http.trusted_proxies.clone(),
        only_proxies: http.is_behind_proxy() && http.tls.is_none(),
        quota: Allowance {
            requests: limits.requests.count,
            per: limits.requests.per,
            burst: limits.burst,
            concurrent: NonZeroUsize::new(limits.concurrent).unwrap_or(NonZeroUsize::MIN),
        },
        sessions: SessionLimits {
            all: limits.sessions,
            per_principal: limits.sessions_per_principal,
            idle: IDLE_SESSION,
        },
        access_log: http.access_log,
    }
}

/// How connections are taken in.
pub(super) fn limits(http: &HttpConfig) -> Limits {
    Limits { connections: http.limits.connections, ..Limits::default() }
}

/// Where clients on this machine, or those who read the log, find the server.
pub(super) fn address(http: &HttpConfig, bound: SocketAddr) -> String {
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{bound}{}", path(http))
}

/// Whose tokens are accepted.
pub(super) fn bearers(http: &HttpConfig, clock: Clock) -> Result<Bearers, BearersError> {
    let tokens = http.tokens.iter().map(|token| StaticToken {
        principal: token.principal.clone(),
        sha256: token.sha256,
        expires: token.expires,
    });
    Bearers::new(tokens.collect(), http.issuers.iter().map(issuer).collect(), clock)
}

fn issuer(issuer: &IssuerConfig) -> Issuer {
    Issuer {
        issuer: issuer.issuer.as_str().to_owned(),
        audience: issuer.audience.clone(),
        keys: match &issuer.keys {
            KeysPlace::Url(url) => KeysFrom::Url(url.url().clone()),
            KeysPlace::File(file) => KeysFrom::File {
                file: file.clone(),
                read: |file, limit| read_trusted(file, limit).map_err(|error| error.to_string()),
            },
        },
        algorithms: issuer.algorithms.clone(),
        principal_claim: issuer.principal_claim.clone(),
        principal_prefix: issuer.principal_prefix.clone(),
        max_lifetime: issuer.max_lifetime,
        scopes: issuer.scopes.clone(),
    }
}

fn gate(http: &HttpConfig, bound: SocketAddr) -> Gate {
    let with_port = |name: &str, port: Option<u16>| match port {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    let mut hosts: Vec<String> = http.allowed_hosts.iter().map(|host| with_port(host.name(), host.port())).collect();
    hosts.extend(http.url.as_ref().map(|url| with_port(url.host(), url.port())));
    if bound.ip().is_loopback() {
        let own = match bound.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let names = [own.as_str(), "localhost", "127.0.0.1", "[::1]"];
        hosts.extend(names.map(|name| with_port(name, Some(bound.port()))));
    }
    Gate::new(hosts, http.allowed_origins.iter().map(AllowedOrigin::as_str).map(str::to_owned))
}

fn resource(http: &HttpConfig, admission: &Admission) -> Resource {
    let (servers, scopes) = match admission {
        Admission::Bearers(bearers) => {
            let servers = bearers.authorization_servers().map(str::to_owned).collect();
            (servers, bearers.scopes().into_iter().map(str::to_owned).collect())
        }
        Admission::Everybody(_) => (Vec::new(), Vec::new()),
    };
    Resource {
        url: http.url.as_ref().map(|url| url.as_str().to_owned()),
        scheme: if http.tls.is_some() { "https" } else { "http" },
        path: path(http).to_owned(),
        authorization_servers: servers,
        scopes,
    }
}

fn path(http: &HttpConfig) -> &str {
    http.url.as_ref().map_or(PATH, |url| url.path())
}
