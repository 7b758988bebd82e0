//! What a request's head must look like before anybody asks who sent it.
//!
//! A page in somebody's browser can make that browser send requests, to this machine too, and under a name of the
//! page's choosing (DNS rebinding). What it can't do is lie about `Host` and `Origin`, so both are compared with lists.

use std::collections::BTreeSet;

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::refused::Refused;

/// The names a server answers to, and the pages whose scripts may talk to it.
#[derive(Debug, Clone)]
pub struct Gate {
    hosts: BTreeSet<String>,
    origins: BTreeSet<String>,
}

/// What a request wants of the protocol's address, as its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To bring a message.
    Message,
    /// To listen to a session.
    Stream,
    /// To end a session.
    End,
    /// A browser asks whether a page may send such a request.
    Preflight,
}

/// A header that may be there once or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repeated;

impl Gate {
    /// Lists of hosts (`name`, `name:port`) and origins (`scheme://host`, with a port that isn't the scheme's own).
    pub fn new(hosts: impl IntoIterator<Item = String>, origins: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().map(|host| normal_host(&host)).collect();
        let origins = origins.into_iter().map(|origin| normal_origin(&origin)).collect();
        Self { hosts, origins }
    }

    /// Compares `Host` and `Origin` with the lists; gives the origin, if there's one.
    pub(super) fn pass<'p>(&self, head: &'p Parts) -> Result<Option<&'p HeaderValue>, Refused> {
        let host = match single(&head.headers, &HOST) {
            Ok(Some(host)) => host.to_str().map_err(|_| Refused::Host)?,
            Ok(None) | Err(Repeated) => return Err(Refused::HostMissing),
        };
        // The absolute form of a target names a host, too, and that's the one a proxy would believe.
        let differs = head.uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host));
        if differs || !self.hosts.contains(&normal_host(host)) {
            return Err(Refused::Host);
        }
        match single(&head.headers, &ORIGIN) {
            Ok(None) => Ok(None),
            Ok(Some(origin)) => match origin.to_str() {
                Ok(text) if self.origins.contains(&normal_origin(text)) => Ok(Some(origin)),
                _ => Err(Refused::Origin),
            },
            Err(Repeated) => Err(Refused::Origin),
        }
    }
}

/// Reads from method and headers what's wanted of the protocol's address.
pub(super) fn wanted(head: &Parts) -> Result<Wanted, Refused> {
    // A token there would end up in logs and histories; nothing else has any business there either.
    if head.uri.query().is_some() {
        return Err(Refused::Query);
    }
    match head.method {
        Method::POST => {
            if !is_json(&head.headers) {
                return Err(Refused::ContentType);
            }
            if head.headers.contains_key(CONTENT_ENCODING) {
                return Err(Refused::ContentEncoding);
            }
            if !accepts(&head.headers, "application", "json") {
                return Err(Refused::Accept);
            }
            Ok(Wanted::Message)
        }
        Method::GET if accepts(&head.headers, "text", "event-stream") => Ok(Wanted::Stream),
        Method::GET => Err(Refused::Accept),
        Method::DELETE => Ok(Wanted::End),
        Method::OPTIONS => Ok(Wanted::Preflight),
        _ => Err(Refused::Method("GET, POST, DELETE, OPTIONS")),
    }
}

/// A header's value, where it's there once.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

/// The same text for the same host: lower case, and without the port that a scheme has by itself.
fn normal_host(host: &str) -> String {
    let without = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80"));
    without.unwrap_or(host).to_ascii_lowercase()
}

/// The same text for the same origin. What isn't of an origin's form is like none in the list.
fn normal_origin(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let own_port = if origin.starts_with("https://") { ":443" } else { ":80" };
    match origin.strip_suffix(own_port) {
        Some(without) => without.to_owned(),
        None => origin,
    }
}

/// Whether the body is said to be JSON, in UTF-8 if anything is said about that. This is what a page can't send
/// elsewhere without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let Ok(Some(value)) = single(headers, &CONTENT_TYPE) else { return false };
    let Ok(text) = value.to_str() else { return false };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    essence.trim().eq_ignore_ascii_case("application/json")
        && parameters.split(';').map(str::trim).all(|parameter| {
            let charset = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
            charset.is_none_or(|(_, charset)| charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"))
        })
}

/// Whether an answer of this type is welcome. Who says nothing takes anything.
pub(super) fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let mut listed = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if listed.peek().is_none() {
        return true;
    }
    listed.flat_map(|value| value.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let (of, sub) = parts.next().and_then(|essence| essence.split_once('/')).unwrap_or_default();
        let matches = |asked: &str, have: &str| asked == "*" || asked.eq_ignore_ascii_case(have);
        let unwelcome = |part: &str| {
            let quality = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            quality.is_some_and(|(_, quality)| quality.trim().parse() == Ok(0.0_f32))
        };
        matches(of, kind) && matches(sub, subtype) && !parts.any(unwelcome)
    })
}

#[cfg(test)]
#[path = "gate/tests.rs"]
mod tests;
