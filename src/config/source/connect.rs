//! A source of kind `connect`: 1Password, through a Connect server.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::VaultFilter;
use super::common::{self, RequestLimits};
use super::token::{self, TokenPlace};
use crate::config::environment::{CONNECT_HOST, CONNECT_TOKEN};
use crate::model::{Name, SourceName};
use crate::policy::Problems;
use crate::policy::reader::Section;

/// A source of kind `connect`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectConfig {
    /// Its unique name.
    pub name: SourceName,
    /// Where the server is; `None` is what `OP_CONNECT_HOST` says.
    pub url: Option<ConnectUrl>,
    /// Where its token is.
    pub token: TokenPlace,
    /// How long one request may take; `None` is the usual time.
    pub timeout: Option<Duration>,
    /// How many requests it may make. Connect itself has no limit.
    pub limits: RequestLimits,
    /// Whether an item may be deleted although Connect can't bring it back.
    pub allow_permanent_delete: bool,
    /// Which of its vaults are seen.
    pub vaults: VaultFilter,
    /// Other names for its vaults, by their name in 1Password.
    pub rename: BTreeMap<Name, Name>,
}

/// Where a Connect server is: `http` or `https`, a host, and perhaps a port and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectUrl {
    text: Box<str>,
    open_to_the_network: bool,
}

/// Why a text isn't where a server is. It quotes nothing: a password may stand in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAUrl {
    /// Something else altogether, or what would have to be repaired first.
    #[error("not an address such as http://localhost:8080")]
    Malformed,
    /// Another scheme, or none.
    #[error("an address begins with http:// or https://")]
    Scheme,
    /// A name or password before the host.
    #[error("an address carries no name and no password; the token has a place of its own")]
    Credentials,
    /// `?…` or `#…`.
    #[error("an address ends with the server's path: no `?` and no `#`")]
    Extra,
}

pub(super) const KEYS: [&str; 11] = [
    "name",
    "kind",
    "url",
    "token_file",
    "token_env",
    "timeout",
    "limits",
    "allow_permanent_delete",
    "vaults",
    "blocked_vaults",
    "rename",
];

impl ConnectUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// What it lacks, or has too much of.
    pub fn parse(text: &str) -> Result<Self, NotAUrl> {
        if !(text.starts_with("http://") || text.starts_with("https://")) {
            return Err(NotAUrl::Scheme);
        }
        if text.contains('@') {
            return Err(NotAUrl::Credentials);
        }
        if text.contains(['?', '#']) {
            return Err(NotAUrl::Extra);
        }
        // A parser of addresses drops blanks and turns a backslash round; the token goes where it then points.
        let would_be_repaired = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '%');
        let dots = text.split('/').any(|segment| matches!(segment, "." | ".."));
        let url = reqwest::Url::parse(text).ok().filter(|_| !dots && !text.contains(would_be_repaired));
        let host = url.as_ref().and_then(reqwest::Url::host_str).ok_or(NotAUrl::Malformed)?;
        let open_to_the_network = text.starts_with("http://") && !is_this_machine(host);
        Ok(Self { text: text.into(), open_to_the_network })
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether token and values go over the network unencrypted.
    #[must_use]
    pub fn is_open_to_the_network(&self) -> bool {
        self.open_to_the_network
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback())
}

impl fmt::Display for ConnectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ConnectConfig {
    /// One whose address and token are in the usual variables, with nothing else said.
    pub(in crate::config) fn of_environment(name: SourceName) -> Self {
        Self {
            name,
            url: None,
            token: TokenPlace::Variable(CONNECT_TOKEN.to_owned()),
            timeout: None,
            limits: RequestLimits::default(),
            allow_permanent_delete: false,
            vaults: VaultFilter::default(),
            rename: BTreeMap::new(),
        }
    }
}

pub(super) fn read(
    section: &Section<'_, '_>,
    name: Option<SourceName>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<ConnectConfig> {
    let url = read_url(section, problems);
    let token = token::read(section, folder, problems);
    let timeout = common::read_timeout(section, problems);
    let limits = common::read_limits(section, problems).unwrap_or_default();
    let allow = section.boolean("allow_permanent_delete", problems).is_some_and(|allow| allow.value);
    let (vaults, rename) = common::read_vaults(section, problems);
    Some(ConnectConfig {
        url,
        token: token.unwrap_or_else(|| TokenPlace::Variable(CONNECT_TOKEN.to_owned())),
        timeout,
        limits,
        allow_permanent_delete: allow,
        vaults,
        rename,
        name: name?,
    })
}

fn read_url(section: &Section<'_, '_>, problems: &mut Problems) -> Option<ConnectUrl> {
    let text = section.string("url", problems)?;
    match ConnectUrl::parse(text.value) {
        Ok(url) => Some(url),
        Err(error) => {
            let help = format!("leave it out for what {CONNECT_HOST} says");
            problems.add_with_help(text.span, error.to_string(), "here", Some(help));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_this_machine_from_the_network() {
        for local in [
            "http://localhost:8080",
            "http://127.0.0.1/x/",
            "http://[::1]:1",
            "http://op.localhost",
            "https://connect.example.com",
        ] {
            assert!(!ConnectUrl::parse(local).unwrap().is_open_to_the_network(), "{local}");
        }
        for open in [
            "http://onepassword-connect.default.svc:8080",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://[fd00::1]",
        ] {
            assert!(ConnectUrl::parse(open).unwrap().is_open_to_the_network(), "{open}");
        }
    }

    #[test]
    fn an_address_has_nothing_in_it_but_the_way() {
        let wrong = |text: &str| ConnectUrl::parse(text).unwrap_err();
        assert_eq!(wrong("localhost:8080"), NotAUrl::Scheme);
        for repaired in
            ["http://", "http://a b", "http://h\\@x", "http://h/a/../b", "http://h/%2e%2e", "http://h:99999"]
        {
            assert!(matches!(wrong(repaired), NotAUrl::Malformed | NotAUrl::Credentials), "{repaired}");
        }
        assert_eq!(wrong("https://u:p@h"), NotAUrl::Credentials);
        assert_eq!(wrong("https://h/?t=1"), NotAUrl::Extra);
    }
}
