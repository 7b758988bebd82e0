//! The proof that a request is in the log, and what becomes of it.

use std::fmt;
use std::time::Instant;

use super::AuditError;
use super::asked::CameTo;
use super::entry::{Kind, Outcome};
use super::hash::RecordHash;
use super::line::{Body, Head, Stamp};
use super::log::AuditLog;
use super::sandbox::SandboxWords;
use crate::model::RequestId;

/// The outcome of a request that nobody waited for.
pub(super) const ABANDONED: &str = "abandoned";

/// The proof that a request's record was written before anything was opened for it.
///
/// It's worth one outcome. Dropped without one, it records that the request was abandoned.
#[must_use = "an intent that's dropped records its request as abandoned"]
pub struct Intent {
    log: AuditLog,
    body: Body,
    /// Whether the outcome is on its way, so that it's written once.
    handed_over: bool,
    /// What to record when this is dropped.
    code: Option<&'static str>,
    sandbox: Option<SandboxWords>,
    result: Option<CameTo>,
    request: RequestId,
    head: Head,
    since: Instant,
}

/// The proof that a record was written.
pub struct Receipt(Head);

impl Intent {
    pub(super) fn new(log: AuditLog, body: Body, request: RequestId, head: Head) -> Self {
        let code = Some(ABANDONED);
        Self { log, body, handed_over: false, code, sandbox: None, result: None, request, head, since: Instant::now() }
    }

    /// The request it was recorded for.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// The record's place in the log.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.head.seq
    }

    /// Records how the request ended.
    ///
    /// # Errors
    ///
    /// When it can't be recorded; the log then shows the request as one whose outcome is unknown.
    pub async fn settle(mut self, outcome: Outcome) -> Result<Receipt, AuditError> {
        // Should the caller go away while this waits, the drop below records this outcome.
        self.code = outcome.word();
        self.result = outcome.result();
        self.sandbox = outcome.into_sandbox();
        let stamp = self.stamp();
        self.log.append(&self.body, &stamp, &mut self.handed_over).await.map(Receipt::new)
    }

    fn stamp(&self) -> Stamp {
        let ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (code, sandbox) = (self.code.map(Into::into), self.sandbox.clone());
        Stamp { kind: Kind::Outcome, code, ms: Some(ms), result: self.result, sandbox }
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        if self.handed_over {
            return;
        }
        if let Err(error) = self.log.append_now(&self.body, self.stamp()) {
            tracing::error!(request = %self.request, %error, "a request's outcome couldn't be recorded");
        }
    }
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intent").field("request", &self.request).field("seq", &self.head.seq).finish_non_exhaustive()
    }
}

impl Receipt {
    pub(super) fn new(head: Head) -> Self {
        Self(head)
    }

    /// The record's place in the log.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// The record's hash, which vouches for all records before it too.
    #[must_use]
    pub fn hash(&self) -> RecordHash {
        self.0.hash
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("seq", &self.0.seq).field("hash", &self.0.hash).finish()
    }
}
