//! What the server says of itself, for `doctor`.

use std::fmt;

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::ConnectClient;
use super::wire::{Ask, unexpected};
use crate::custody::source::onepassword::failure::Failure;

/// A server that's there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectHealth {
    /// Its version, if it says one.
    pub version: Option<ConnectVersion>,
    /// What it's made of; `None` if it doesn't tell, as behind a proxy that shows only part of it.
    pub dependencies: Option<Vec<Dependency>>,
}

/// A part of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name: a short word.
    pub service: String,
    /// How it is.
    pub state: DependencyState,
}

/// How a part of the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependencyState {
    /// It works.
    Active,
    /// It waits for a first request with a token.
    TokenNeeded,
    /// Anything else.
    Other,
}

/// A Connect server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectVersion {
    major: u16,
    minor: u16,
    patch: u16,
}

#[derive(Deserialize)]
struct Report {
    version: Option<String>,
    #[serde(default)]
    dependencies: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    service: String,
    #[serde(default)]
    status: String,
}

impl ConnectClient {
    /// Whether the server is there, and what it says of itself. The token isn't sent.
    pub(in crate::custody::source) async fn health(&self) -> Result<ConnectHealth, Failure> {
        let address = self.wire.address();
        let beat = self.wire.ask(&Ask::state(address.root("heartbeat"))).await?;
        if beat.body.trim_ascii() != b"." {
            return Err(unexpected("what answers has no heartbeat of a Connect server"));
        }
        let answer = self.wire.ask(&Ask::state(address.root("health"))).await.ok();
        let report = answer.as_ref().and_then(|answer| serde_json::from_slice::<Report>(&answer.body).ok());
        let version = answer.and_then(|answer| answer.version).or(beat.version);
        let Some(report) = report else { return Ok(ConnectHealth { version, dependencies: None }) };
        let version = version.or_else(|| ConnectVersion::parse(report.version.as_deref()?));
        let dependencies = report.dependencies.into_iter().map(Part::into_dependency).collect();
        Ok(ConnectHealth { version, dependencies: Some(dependencies) })
    }
}

impl Part {
    fn into_dependency(self) -> Dependency {
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let named = (1..=32).contains(&self.service.len()) && word(&self.service);
        let service = if named { self.service } else { "unnamed".to_owned() };
        let state = match self.status.as_str() {
            "ACTIVE" => DependencyState::Active,
            "TOKEN_NEEDED" => DependencyState::TokenNeeded,
            _ => DependencyState::Other,
        };
        Dependency { service, state }
    }
}

impl ConnectVersion {
    /// The header that Connect says it in, with each answer.
    pub(super) const HEADER: &'static str = "1password-connect-version";

    /// Reads three numbers with dots between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits)
        });
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }

    /// The version an answer names.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(Self::HEADER)?.to_str().ok()?)
    }
}

impl fmt::Display for ConnectVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_three_numbers() {
        let version = ConnectVersion::parse("1.8.1").unwrap();
        assert_eq!(version.to_string(), "1.8.1");
        assert!(version > ConnectVersion::parse("1.7.10").unwrap());
        for text in ["", "1.8", "1.8.1.0", "v1.8.1", "1.8.+1", "1.8.1-k4n4ry", "1.8.99999"] {
            assert_eq!(ConnectVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_part_is_named_only_by_a_short_word() {
        let part = |service: &str, status: &str| {
            Part { service: service.to_owned(), status: status.to_owned() }.into_dependency()
        };
        let sync = Dependency { service: "sync".to_owned(), state: DependencyState::TokenNeeded };
        assert_eq!(part("sync", "TOKEN_NEEDED"), sync);
        assert_eq!(part("sqlite", "ACTIVE").state, DependencyState::Active);
        assert_eq!(part("sqlite", "k4n4ry").state, DependencyState::Other);
        for name in ["", "two words", "\u{1b}[31mred", &"x".repeat(33)] {
            assert_eq!(part(name, "ACTIVE").service, "unnamed");
        }
    }
}
