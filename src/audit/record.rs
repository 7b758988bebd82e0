//! One record read back from a line, checked against its own hash.

use std::fmt;

use jiff::Timestamp;

use super::asked::{AskedWords, CameTo};
use super::entry::{Decision, Kind};
use super::hash::RecordHash;
use super::line::{Body, Head, MAX_LINE, Parts, Stamp, render};
use super::sandbox::SandboxWords;
use super::{time, words};
use crate::model::{Action, Transport};

/// One record of the log.
///
/// Where a key has no meaning, as `request` has none when a server starts, the text is empty.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// When it was written.
    #[serde(with = "time")]
    pub time: Timestamp,
    /// The hash of the record before it.
    pub prev: RecordHash,
    /// What kind of record it is.
    #[serde(serialize_with = "words::word", deserialize_with = "words::kind")]
    pub kind: Kind,
    /// The request's name.
    pub request: String,
    /// Who asked.
    pub principal: String,
    /// What the client said it is.
    pub client: String,
    /// How the request came.
    #[serde(serialize_with = "words::word", deserialize_with = "words::transport")]
    pub transport: Option<Transport>,
    /// What was asked for.
    #[serde(serialize_with = "words::word", deserialize_with = "words::action")]
    pub action: Option<Action>,
    /// What it was asked of.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The source that keeps it.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was decided.
    #[serde(serialize_with = "words::word", deserialize_with = "words::decision")]
    pub decision: Decision,
    /// How the value was to be put where it's needed: `command:NAME`, `trusted-code:NAME`, `http:NAME`, `run` or
    /// `run-unmasked`.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// What it was to do there: a request's method, path and names of the query, a command's parameters, a program.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedWords>,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// The policy they stand in.
    pub policy: String,
    /// Why, in the caller's words.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it, or what happened.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// What came of the delivery.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub result: Option<CameTo>,
    /// What confined the program that got the value.
    #[serde(default, deserialize_with = "words::present", skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWords>,
    /// SHA-256 over the line's RFC 8785 form without this field.
    pub hash: RecordHash,
}

/// What's wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// It isn't JSON, or not one object.
    #[error("it isn't a JSON object")]
    NotJson,
    /// A key that every record has is missing.
    #[error("the key `{key}` is missing")]
    MissingKey {
        /// Which key.
        key: &'static str,
    },
    /// It has a key that no record has.
    #[error("it has a key that no record has")]
    UnknownKey,
    /// A value has the wrong type or isn't one of the known words, or a key stands there twice.
    #[error("a key stands there twice or has a value it can't have")]
    Malformed,
    /// It says the right things in another form than opward writes.
    #[error("it isn't written the way opward writes records")]
    NotCanonical,
    /// Its content doesn't match its hash: it was changed.
    #[error("its hash doesn't match its content: the record was changed")]
    WrongHash,
    /// It links to another record than the one before it.
    #[error("it doesn't follow from the record before it: one of the two was changed, or one was put in or taken out")]
    WrongPrev,
    /// Its number isn't the next one.
    #[error("it has number {found} where {expected} belongs: records were taken out, put in or moved")]
    WrongSeq {
        /// The number that belongs there.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// The last line has no end.
    #[error("it ends in the middle: the last write was cut off (the next start sets the piece aside)")]
    Torn,
    /// It has more bytes than a record can have.
    #[error("it's longer than any record")]
    TooLong,
}

/// The keys every record has.
const REQUIRED: [&str; 13] = [
    "action",
    "client",
    "decision",
    "hash",
    "kind",
    "policy",
    "prev",
    "principal",
    "request",
    "rules",
    "seq",
    "time",
    "transport",
];

/// The keys some records have.
const OPTIONAL: [&str; 9] = ["asked", "code", "delivery", "ms", "path", "reason", "result", "sandbox", "source"];

impl Record {
    /// Reads one line, without its line end, and checks that it's byte for byte what its content and
    /// its hash say. Whether it follows from the line before it is the caller's to check.
    pub(super) fn check(line: &[u8]) -> Result<Self, Fault> {
        if line.len() > MAX_LINE {
            return Err(Fault::TooLong);
        }
        let record: Self = serde_json::from_slice(line).map_err(|error| explain(line, &error))?;
        let mut written = Vec::with_capacity(line.len() + 1);
        let before = Head { seq: record.seq.saturating_sub(1), hash: record.prev };
        let head = render(&record.body(), &record.stamp(), &before, &time::text(record.time), &mut written);
        if head.hash != record.hash {
            return Err(Fault::WrongHash);
        }
        if written.strip_suffix(b"\n") != Some(line) {
            return Err(Fault::NotCanonical);
        }
        Ok(record)
    }

    /// Checks that this record is the next one after `before`.
    pub(super) fn follows(&self, before: &Head) -> Result<(), Fault> {
        let expected = before.seq.saturating_add(1);
        if self.seq != expected {
            return Err(Fault::WrongSeq { expected, found: self.seq });
        }
        if self.prev != before.hash {
            return Err(Fault::WrongPrev);
        }
        Ok(())
    }

    pub(super) fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    fn body(&self) -> Body {
        let parts = Parts {
            action: self.action.map(Action::as_str).unwrap_or_default(),
            asked: self.asked.as_ref().map(AskedWords::as_str),
            client: &self.client,
            decision: self.decision.as_str(),
            delivery: self.delivery.as_deref(),
            path: self.path.as_deref(),
            policy: &self.policy,
            principal: &self.principal,
            reason: self.reason.as_deref(),
            request: &self.request,
            source: self.source.as_deref(),
            transport: self.transport.map(Transport::as_str).unwrap_or_default(),
        };
        Body::of_parts(&parts, self.rules.iter().map(String::as_str))
    }

    fn stamp(&self) -> Stamp {
        let code = self.code.clone().map(Into::into);
        Stamp { kind: self.kind, code, ms: self.ms, result: self.result, sandbox: self.sandbox.clone() }
    }
}

/// Finds out what the parser stumbled over. Its own message isn't used: it quotes the line.
fn explain(line: &[u8], error: &serde_json::Error) -> Fault {
    if !error.is_data() {
        return Fault::NotJson;
    }
    let Ok(serde_json::Value::Object(keys)) = serde_json::from_slice(line) else {
        return Fault::NotJson;
    };
    if let Some(key) = REQUIRED.into_iter().find(|key| !keys.contains_key(*key)) {
        return Fault::MissingKey { key };
    }
    let known = |key: &String| REQUIRED.contains(&key.as_str()) || OPTIONAL.contains(&key.as_str());
    if keys.keys().all(known) { Fault::Malformed } else { Fault::UnknownKey }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Vec::new();
        let before = Head { seq: self.seq.saturating_sub(1), hash: self.prev };
        render(&self.body(), &self.stamp(), &before, &time::text(self.time), &mut written);
        f.write_str(String::from_utf8_lossy(&written).trim_end_matches('\n'))
    }
}
