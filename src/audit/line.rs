//! One record as bytes: its RFC 8785 form, written by hand because it's on the way of every request.
//!
//! Most of a record is known before its place in the chain is. That part, the [`Body`], is written
//! once, outside any lock, and serves the intent and its outcome. [`render`] puts the rest, the
//! [`Stamp`] and the chain's links, between its pieces.

use std::borrow::Cow;

use aws_lc_rs::digest;

use super::asked::{AskedWords, CameTo};
use super::entry::{Decision, Entry, Event, Kind, Subject};
use super::hash::{RecordHash, hex_into};
use super::json::{Text, escape_invisible};
use super::sandbox::SandboxWords;
use crate::model::{PolicyHash, RuleId};

/// The most bytes a line may have. Nothing comes near it but a request that hundreds of rules match.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// More than a stamp and the links of the chain take.
const STAMP: usize = 1024;

/// `,"hash":"` and 64 digits and `"`.
const HASH_FIELD: usize = 74;

/// The last record of a chain: what the next one links to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: RecordHash,
}

impl Head {
    /// Before the first record.
    pub(super) const GENESIS: Self = Self { seq: 0, hash: RecordHash::GENESIS };
}

/// What a record and a later one about the same request have in common.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// Pieces of the line, in order, without what a [`Stamp`] puts between them.
    bytes: Vec<u8>,
    /// Where the pieces end; the last one ends with the bytes.
    cuts: [usize; 6],
    /// Whether a character is in it that RFC 8785 leaves as it is and that we don't want in a file.
    invisible: bool,
}

/// What a body is made of, as text.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) action: &'a str,
    pub(super) asked: Option<&'a str>,
    pub(super) client: &'a str,
    pub(super) decision: &'a str,
    pub(super) delivery: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) policy: &'a str,
    pub(super) principal: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) request: &'a str,
    pub(super) source: Option<&'a str>,
    pub(super) transport: &'a str,
}

/// What one record adds to its body.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub(super) kind: Kind,
    pub(super) code: Option<Cow<'static, str>>,
    pub(super) ms: Option<u64>,
    pub(super) result: Option<CameTo>,
    pub(super) sandbox: Option<SandboxWords>,
}

impl Stamp {
    pub(super) const fn of(kind: Kind) -> Self {
        Self { kind, code: None, ms: None, result: None, sandbox: None }
    }

    pub(super) fn with_code(kind: Kind, code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), ..Self::of(kind) }
    }
}

impl Body {
    pub(super) fn of_entry(entry: &Entry<'_>) -> Self {
        let path = match entry.path {
            Subject::Secret(path) => Some(Cow::Borrowed(path.as_str())),
            Subject::Item(path) => Some(Cow::Borrowed(path.as_str())),
            Subject::Reference(reference) => Some(Cow::Owned(reference.to_string())),
            Subject::None => None,
        };
        let delivery = entry.delivery.map(ToString::to_string);
        let parts = Parts {
            action: entry.action.as_str(),
            asked: entry.asked.map(AskedWords::as_str),
            client: entry.client.as_str(),
            decision: entry.decision.as_str(),
            delivery: delivery.as_deref(),
            path: path.as_deref(),
            policy: &policy_text(entry.policy),
            principal: entry.principal.as_str(),
            reason: entry.reason.map(crate::model::Reason::as_str),
            request: &entry.request.to_string(),
            source: entry.source.map(crate::model::SourceName::as_str),
            transport: entry.transport.as_str(),
        };
        Self::of_parts(&parts, entry.rules.iter().map(RuleId::as_str))
    }

    pub(super) fn of_event(event: &Event<'_>) -> (Self, Stamp) {
        let policy = |hash: Option<PolicyHash>| hash.map(policy_text).unwrap_or_default();
        match *event {
            Event::Start { principal, transport, policy: hash, protections } => {
                let parts = Parts {
                    principal: principal.map(crate::model::PrincipalName::as_str).unwrap_or_default(),
                    transport: transport.as_str(),
                    policy: &policy(hash),
                    ..Parts::default()
                };
                (Self::of_parts(&parts, []), Stamp::with_code(Kind::Start, protections.join(" ")))
            }
            Event::PolicyLoaded(hash) => {
                (Self::of_policy(&policy_text(hash)), Stamp::with_code(Kind::Policy, "loaded"))
            }
            Event::PolicyRejected { kept } => {
                (Self::of_policy(&policy(kept)), Stamp::with_code(Kind::Policy, "rejected"))
            }
            Event::ConfigLoaded => (Self::empty(), Stamp::with_code(Kind::Config, "loaded")),
            Event::ConfigRejected => (Self::empty(), Stamp::with_code(Kind::Config, "rejected")),
        }
    }

    /// The body of a record that's about no request at all.
    pub(super) fn empty() -> Self {
        Self::of_policy("")
    }

    fn of_policy(policy: &str) -> Self {
        Self::of_parts(&Parts { policy, ..Parts::default() }, [])
    }

    pub(super) fn of_parts<'a>(parts: &Parts<'_>, rules: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = Text { bytes: Vec::with_capacity(512), invisible: false };
        text.field("{\"action\":", parts.action);
        text.optional(",\"asked\":", parts.asked);
        text.field(",\"client\":", parts.client);
        let head = text.bytes.len();
        text.field(",\"decision\":", parts.decision);
        text.optional(",\"delivery\":", parts.delivery);
        let decision = text.bytes.len();
        text.optional(",\"path\":", parts.path);
        text.field(",\"policy\":", parts.policy);
        let policy = text.bytes.len();
        text.field(",\"principal\":", parts.principal);
        text.optional(",\"reason\":", parts.reason);
        text.field(",\"request\":", parts.request);
        let request = text.bytes.len();
        text.raw(",\"rules\":[");
        for (index, rule) in rules.into_iter().enumerate() {
            text.field(if index == 0 { "" } else { "," }, rule);
        }
        text.raw("]");
        let rules = text.bytes.len();
        text.optional(",\"source\":", parts.source);
        let source = text.bytes.len();
        text.field(",\"transport\":", parts.transport);
        text.raw("}");
        Self { bytes: text.bytes, cuts: [head, decision, policy, request, rules, source], invisible: text.invisible }
    }

    /// Whether a line can hold it, whatever its stamp and however its characters are written.
    pub(super) fn fits(&self) -> bool {
        let widest = if self.invisible { 3 } else { 1 };
        self.bytes.len().saturating_mul(widest) <= MAX_LINE - STAMP
    }

    fn pieces(&self) -> [&[u8]; 7] {
        let [head, decision, policy, request, rules, source] = self.cuts;
        let piece = |from: usize, to: usize| self.bytes.get(from..to).unwrap_or_default();
        [
            piece(0, head),
            piece(head, decision),
            piece(decision, policy),
            piece(policy, request),
            piece(request, rules),
            piece(rules, source),
            piece(source, self.bytes.len()),
        ]
    }
}

/// Appends the record that follows `before` to `out`, with its line end, and gives the new head.
pub(super) fn render(body: &Body, stamp: &Stamp, before: &Head, time: &[u8], out: &mut Vec<u8>) -> Head {
    let seq = before.seq + 1;
    let start = out.len();
    let [head, decision, policy, request, rules, source, transport] = body.pieces();
    let mut text = Text { bytes: std::mem::take(out), invisible: false };
    text.bytes.extend_from_slice(head);
    text.optional(",\"code\":", stamp.code.as_deref());
    text.bytes.extend_from_slice(decision);
    let hash_at = text.bytes.len();
    text.raw(",\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"");
    text.raw(",\"kind\":\"");
    text.raw(stamp.kind.as_str());
    text.raw("\"");
    if let Some(ms) = stamp.ms {
        text.raw(",\"ms\":");
        text.number(ms);
    }
    text.bytes.extend_from_slice(policy);
    text.raw(",\"prev\":\"");
    text.bytes.extend_from_slice(&before.hash.hex());
    text.raw("\"");
    text.bytes.extend_from_slice(request);
    text.optional(",\"result\":", stamp.result.map(|result| result.to_string()).as_deref());
    text.bytes.extend_from_slice(rules);
    text.optional(",\"sandbox\":", stamp.sandbox.as_ref().map(SandboxWords::as_str));
    text.raw(",\"seq\":");
    text.number(seq);
    text.bytes.extend_from_slice(source);
    text.raw(",\"time\":\"");
    text.bytes.extend_from_slice(time);
    text.raw("\"");
    text.bytes.extend_from_slice(transport);
    let invisible = text.invisible || body.invisible;
    *out = text.bytes;
    let hash = seal(out, start, hash_at);
    if invisible {
        escape_invisible(out, start);
    }
    out.push(b'\n');
    Head { seq, hash }
}

/// Digests the line that begins at `start`, without its hash field, and fills that field in.
fn seal(out: &mut [u8], start: usize, hash_at: usize) -> RecordHash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(out.get(start..hash_at).unwrap_or_default());
    context.update(out.get(hash_at + HASH_FIELD..).unwrap_or_default());
    let digest = context.finish();
    if let Some(digits) = out.get_mut(hash_at + 9..hash_at + 73) {
        hex_into(digest.as_ref(), digits);
    }
    RecordHash::from(digest)
}

fn policy_text(policy: PolicyHash) -> String {
    let mut text = *b"sha256:0000000000000000000000000000000000000000000000000000000000000000";
    hex_into(&policy.0, text.split_at_mut(7).1);
    String::from_utf8_lossy(&text).into_owned()
}

impl Decision {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == word)
    }
}
