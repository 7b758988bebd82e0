//! `[http]`: what's served over HTTP, to whom, and how much of it. The address is the command line's.

mod algorithm;
mod exposure;
mod hosts;
mod issuer;
mod limits;
mod token;
mod url;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

pub use exposure::{Exposure, NotServed};
pub use hosts::{AllowedHost, AllowedOrigin, NotAHost, NotAnOrigin};
pub use issuer::{IssuerConfig, KeysPlace};
pub use limits::HttpLimits;
pub use token::TokenConfig;
pub use url::{HttpUrl, IssuerUrl, NotAnHttpUrl};

use super::source::read_path;
use crate::policy::reader::{Placed, Section};
use crate::policy::{Problems, read_net};

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HttpConfig {
    /// What clients call it; `None` is the address it's bound to, which only this machine can use.
    pub url: Option<HttpUrl>,
    /// Hosts that requests may name besides the one of `url`.
    pub allowed_hosts: Vec<AllowedHost>,
    /// Origins that requests may name.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// The certificate and its key, where TLS ends here.
    pub tls: Option<TlsFiles>,
    /// The proxies through which clients come, and whose word about them counts; none where they
    /// come directly.
    pub trusted_proxies: Vec<IpNet>,
    /// Where figures are served, to anybody who can reach it.
    pub metrics: Option<SocketAddr>,
    /// Whether every request makes a line in the log.
    pub access_log: bool,
    /// How much is served.
    pub limits: HttpLimits,
    /// Bearers that are known by their digests; no two have the same one.
    pub tokens: Vec<TokenConfig>,
    /// Issuers whose tokens are believed; no two have the same name.
    pub issuers: Vec<IssuerConfig>,
}

/// `tls = { … }`: PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The certificate, and those that lead to an authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

const KEYS: [&str; 11] = [
    "url",
    "allowed_hosts",
    "allowed_origins",
    "tls",
    "behind_proxy",
    "trusted_proxies",
    "metrics",
    "access_log",
    "limits",
    "token",
    "issuer",
];

impl HttpConfig {
    /// Whether clients come through a proxy.
    #[must_use]
    pub fn is_behind_proxy(&self) -> bool {
        !self.trusted_proxies.is_empty()
    }

    /// Whether there's a bearer that could be accepted.
    #[must_use]
    pub fn has_bearers(&self) -> bool {
        !(self.tokens.is_empty() && self.issuers.is_empty())
    }
}

/// Reads `[http]`; relative paths start in `folder`.
pub(super) fn read(root: &Section<'_, '_>, folder: &Path, problems: &mut Problems) -> HttpConfig {
    let Some(section) = root.table("http", "`[http]`", &KEYS, problems) else {
        return HttpConfig::default();
    };
    let url = read_url(&section, problems);
    let hosts = |text: &str| AllowedHost::parse(text).map_err(|error| (error.to_string(), error.help()));
    let origins = |text: &str| AllowedOrigin::parse(text).map_err(|error| (error.to_string(), error.help()));
    HttpConfig {
        allowed_hosts: read_list(&section, "allowed_hosts", "not a host", hosts, problems),
        allowed_origins: read_list(&section, "allowed_origins", "not an origin", origins, problems),
        tls: read_tls(&section, folder, problems),
        trusted_proxies: read_proxies(&section, problems),
        metrics: read_metrics(&section, problems),
        access_log: section.boolean("access_log", problems).is_some_and(|wanted| wanted.value),
        limits: limits::read(&section, problems),
        tokens: token::read_all(&section, problems),
        issuers: issuer::read_all(&section, url.as_ref(), folder, problems),
        url,
    }
}

fn read_url(section: &Section<'_, '_>, problems: &mut Problems) -> Option<HttpUrl> {
    let text = section.string("url", problems)?;
    HttpUrl::parse(text.value).map_err(|error| refuse_address(&text, &error, problems)).ok()
}

/// Notes what's wrong with an address, without what could be secret in it.
fn refuse_address(text: &Placed<&str>, error: &NotAnHttpUrl, problems: &mut Problems) {
    if text.value.contains(['@', '?', '#']) {
        problems.hide(text.span.clone());
    }
    problems.add_with_help(text.span.clone(), error.to_string(), "here", error.help());
}

/// What's wrong with a text, and what to write.
type Wrong = (String, Option<String>);

fn read_list<T: PartialEq>(
    section: &Section<'_, '_>,
    key: &str,
    label: &str,
    parse: impl Fn(&str) -> Result<T, Wrong>,
    problems: &mut Problems,
) -> Vec<T> {
    let texts = section.strings(key, problems).map(|texts| texts.value).unwrap_or_default();
    let mut list: Vec<T> = Vec::with_capacity(texts.len());
    for text in texts {
        match parse(text.value) {
            Ok(value) if list.contains(&value) => {
                problems.add(text.span, format!("`{}` is named twice", text.value), "the second time");
            }
            Ok(value) => list.push(value),
            Err((message, help)) => problems.add_with_help(text.span, message, label, help),
        }
    }
    list
}

fn read_tls(section: &Section<'_, '_>, folder: &Path, problems: &mut Problems) -> Option<TlsFiles> {
    let table = section.table("tls", "`tls`", &["cert", "key"], problems)?;
    for (key, help) in [
        ("cert", "the certificate and those that lead to an authority, in one PEM file"),
        ("key", "the certificate's private key, a PEM file that only you can read"),
    ] {
        if table.value(key).is_none() {
            table.missing(key, help, problems);
        }
    }
    let cert = read_path(&table, "cert", folder, problems);
    let key = read_path(&table, "key", folder, problems);
    Some(TlsFiles { cert: cert?, key: key? })
}

/// `behind_proxy` and `trusted_proxies` say one thing, and neither says it alone.
fn read_proxies(section: &Section<'_, '_>, problems: &mut Problems) -> Vec<IpNet> {
    let behind = section.boolean("behind_proxy", problems);
    let proxies = read_list(section, "trusted_proxies", "not a proxy", read_proxy, problems);
    match (behind, section.key_span("trusted_proxies")) {
        (Some(Placed { value: true, span }), None) => {
            let help = "trusted_proxies = [\"10.0.0.7\"]: the addresses from which the proxy connects".to_owned();
            problems.add_with_help(span, "`behind_proxy` needs `trusted_proxies`", "which?", Some(help));
        }
        (Some(Placed { value: false, .. }), Some(span)) => {
            problems.add(span, "`behind_proxy` is false, so nothing a proxy says counts", "not needed");
        }
        (None, Some(span)) if section.value("behind_proxy").is_none() => {
            let help = "write behind_proxy = true, or leave this out".to_owned();
            problems.add_with_help(span, "`trusted_proxies` needs `behind_proxy`", "not used", Some(help));
        }
        _ => {}
    }
    proxies
}

fn read_proxy(text: &str) -> Result<IpNet, Wrong> {
    let net = read_net(text).map_err(|message| (message, None))?;
    if net.prefix_len() == 0 {
        let help = "name the addresses from which the proxy connects".to_owned();
        return Err((format!("`{text}` is everybody: each client could say it's another one"), Some(help)));
    }
    Ok(net)
}

fn read_metrics(section: &Section<'_, '_>, problems: &mut Problems) -> Option<SocketAddr> {
    let text = section.string("metrics", problems)?;
    let address = text.value.parse().ok();
    if address.is_none() {
        let message = "`metrics` is an address and a port, such as 127.0.0.1:9464";
        let help = "a name isn't looked up; whoever can reach the address sees the figures".to_owned();
        problems.add_with_help(text.span, message, "here", Some(help));
    }
    address
}

#[cfg(test)]
mod tests;
