//! A request, read whole.

use std::collections::BTreeMap;

use axum::http::request::Parts;
use serde_json::{Map, Value};

use crate::answer::{Refusal, invalid};

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(parts: &Parts, body: Vec<u8>) -> Self {
        let header = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), header(value))).collect(),
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The parts of its path; a slash at the end makes no difference.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.strip_suffix('/').unwrap_or(path).split('/').collect()
    }

    /// A parameter of the query, the first of that name.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<String>, Refusal> {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        let mut found = pairs.filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
        let value = found.next().map(|(_, value)| decode(value));
        value.map(|value| value.ok_or_else(|| invalid(format!("Invalid {name}")))).transpose()
    }

    /// A parameter that's true or false; false if it isn't there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.parameter(name)?.as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(_) => Err(invalid(format!("Invalid {name}"))),
        }
    }

    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body).map_err(|_| invalid("Invalid request body"))
    }

    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        serde_json::from_slice(&self.body).map_err(|_| invalid("Invalid request body"))
    }
}

/// The text behind percent signs and pluses.
fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
