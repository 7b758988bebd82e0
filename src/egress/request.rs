//! A request, and how it's rebuilt from typed parts: nothing of it but its body is handed on as the caller wrote it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use url::{Host, Url};

use super::address::Reach;
use super::error::NotSent;
use super::headers::{self, Headers};
use super::path::PlainPath;
use super::slot::Slot;
use super::{overrides, placeholder, query};
use crate::memory::Payload;

/// A request to be sent.
#[derive(Debug)]
pub struct Outgoing {
    /// What the address begins with: scheme, host, port and path, from the policy.
    pub base: Url,
    /// The method.
    pub method: Method,
    /// Whether the policy permits PUT, PATCH and DELETE there, too, so that it's no matter if a body asks for them.
    pub any_method: bool,
    /// The path, checked against the policy's patterns, as the caller gave it: absolute on the host of `base`.
    pub path: PlainPath,
    /// Names and values of the query, not yet escaped.
    pub query: Vec<(String, String)>,
    /// The caller's headers; those that aren't its to set are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Bytes>,
    /// Where the value goes.
    pub slot: Slot,
    /// The value.
    pub secret: Payload,
    /// Whether the host may be in a private network.
    pub allow_private: bool,
    /// How long all of it may take.
    pub timeout: Duration,
    /// The most bytes of an answer's body that are kept; the rest is left unread.
    pub most_answer: usize,
}

/// A request that can be sent. It holds the value, and says nothing about itself.
pub(super) struct Rebuilt {
    /// What's sent.
    pub(super) request: reqwest::Request,
    /// Where it may arrive.
    pub(super) reach: Reach,
    /// The caller's headers that aren't in it.
    pub(super) left_out: Vec<HeaderName>,
}

/// The most bytes of a body.
const MAX_BODY: usize = 1 << 20;

impl Outgoing {
    /// Looks at every part and puts them together. The value is used last, when nothing else can be refused.
    pub(super) fn rebuild(self) -> Result<Rebuilt, NotSent> {
        let reach = reach(&self.base, self.allow_private)?;
        if matches!(self.method, Method::CONNECT | Method::TRACE) {
            return Err(NotSent::invalid("requests by CONNECT and TRACE aren't sent"));
        }
        if !self.path.is_below(&self.base) {
            return Err(NotSent::Invalid(format!(
                "the path isn't below the entry's own: it begins with `{}`",
                self.base.path()
            )));
        }
        placeholder::refuse("path", self.path.as_str().as_bytes())?;
        let slot = self.slot.header()?;
        let Headers { mut sent, left_out } = headers::sort(&self.headers, slot.as_ref())?;
        if let Some(body) = &self.body {
            if body.len() > MAX_BODY {
                return Err(NotSent::invalid("the body has more than 1 MiB"));
            }
            placeholder::refuse("body", body)?;
            if !sent.contains_key(CONTENT_TYPE) && is_json(body) {
                sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            if self.method == Method::POST && !self.any_method {
                overrides::refuse_in_body(body, &sent)?;
            }
        }
        if self.body.as_ref().is_none_or(Bytes::is_empty)
            && [Method::POST, Method::PUT, Method::PATCH].contains(&self.method)
        {
            // Many servers refuse these without a length.
            sent.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // Whoever answers compressed all the same is understood, but what isn't compressed can't be misunderstood.
        sent.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let url = self.url()?;
        if let (Some(name), Some(content)) = (slot, self.slot.content(&self.secret)?) {
            sent.insert(name, content);
        }
        let mut request = reqwest::Request::new(self.method, url);
        *request.headers_mut() = sent;
        *request.body_mut() = self.body.map(Into::into);
        Ok(Rebuilt { request, reach, left_out })
    }

    fn url(&self) -> Result<Url, NotSent> {
        let query = match &self.slot {
            Slot::Query { name } => self.secret.hand_over(|value| query::write(&self.query, Some((name, value)))),
            Slot::Header { .. } | Slot::Basic { .. } => query::write(&self.query, None),
        }?;
        let mut url = self.base.clone();
        url.set_path(self.path.as_str());
        url.set_query(query.as_ref().map(|query| query.as_str()));
        // Both were written so that there's nothing to repair.
        if url.path() != self.path.as_str() || url.query() != query.as_ref().map(|query| query.as_str()) {
            return Err(NotSent::invalid("the path or the query can't be sent as written"));
        }
        Ok(url)
    }
}

impl fmt::Debug for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuilt").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// Where a request to a base may arrive.
fn reach(base: &Url, allow_private: bool) -> Result<Reach, NotSent> {
    let plain = base.username().is_empty() && base.password().is_none();
    if !plain || base.query().is_some() || base.fragment().is_some() {
        return Err(NotSent::invalid(
            "the entry's base has more than scheme, host, port and path; the owner has to correct it",
        ));
    }
    let reach = match (base.scheme(), allow_private) {
        ("https", false) => Reach::Public,
        ("https", true) => Reach::Any,
        ("http", true) => Reach::Private,
        ("http", false) => {
            return Err(NotSent::Forbidden(
                "the entry's base isn't encrypted; `http` is for private hosts, which the owner opens with \
                 `allow_private = true`"
                    .to_owned(),
            ));
        }
        _ => {
            return Err(NotSent::invalid(
                "the entry's base is neither `https` nor `http`; the owner has to correct it",
            ));
        }
    };
    let address = match base.host() {
        // What it resolves to is looked at when it's dialled.
        Some(Host::Domain(_)) => return Ok(reach),
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        None => return Err(NotSent::invalid("the entry's base has no host; the owner has to correct it")),
    };
    if reach.covers(address) { Ok(reach) } else { Err(forbidden(reach)) }
}

/// What's said of an address that may not be reached; which one it is, is in the log only.
pub(super) fn forbidden(reach: Reach) -> NotSent {
    let why = match reach {
        Reach::Public => {
            "the host is at a private, local or reserved address, so nothing was sent; private ones are the owner's to \
             open, with `allow_private = true`"
        }
        Reach::Any => "the host is at a local or reserved address that is never reached, so nothing was sent",
        Reach::Private => {
            "the host isn't at a private address, or it's at one that is never reached, so nothing was sent without \
             encryption"
        }
    };
    NotSent::Forbidden(why.to_owned())
}

/// Whether a body is a JSON object or array: what most callers mean when they don't say.
fn is_json(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')) && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}
