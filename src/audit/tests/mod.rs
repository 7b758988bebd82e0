//! The log as a whole: on real files, under load, killed, tampered with and full.

mod chain;
mod figures;
mod fixtures;
mod injection;
pub(super) mod processes;
mod showing;
mod tampering;
mod torn;

use std::path::{Path, PathBuf};

use super::*;
use crate::model::{
    Action, ClientName, Clock, PolicyHash, PrincipalName, Reason, RequestId, RuleId, SecretPath, SourceName, Transport,
};

/// Everything an entry borrows.
pub(super) struct Asked {
    pub(super) request: RequestId,
    pub(super) principal: PrincipalName,
    client: ClientName,
    pub(super) path: SecretPath,
    pub(super) source: SourceName,
    pub(super) rules: Vec<RuleId>,
    pub(super) reason: Option<Reason>,
}

impl Asked {
    pub(super) fn new() -> Self {
        Self {
            request: RequestId::new(),
            principal: PrincipalName::parse("claude-code").unwrap(),
            client: ClientName::claimed("Claude Code", "2.1.0"),
            path: SecretPath::parse("Staging/Stripe/credential").unwrap(),
            source: SourceName::new("home"),
            rules: vec![RuleId::new("claude-reads-staging")],
            reason: None,
        }
    }

    pub(super) fn entry(&self) -> Entry<'_> {
        Entry {
            request: self.request,
            principal: &self.principal,
            client: &self.client,
            transport: Transport::Stdio,
            action: Action::Read,
            path: Subject::Secret(&self.path),
            source: Some(&self.source),
            delivery: None,
            asked: None,
            decision: Decision::Allow,
            rules: &self.rules,
            policy: PolicyHash([0xab; 32]),
            reason: self.reason.as_ref(),
        }
    }
}

/// A folder that goes away with the test, and a log's place in it.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) file: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        Self { folder, file }
    }

    pub(super) fn open(&self) -> AuditLog {
        self.try_open().unwrap()
    }

    pub(super) fn try_open(&self) -> Result<AuditLog, AuditError> {
        AuditLog::open(&self.file, Durability::Write, Clock::system())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        records(&self.file)
    }
}

pub(super) fn records(file: &Path) -> Vec<Record> {
    show(file, Filter::default()).unwrap().map(Result::unwrap).collect()
}

/// A log of `count` requests, each an intent and its outcome.
pub(super) async fn fill(log: &AuditLog, count: usize) {
    for _ in 0..count {
        let asked = Asked::new();
        log.intent(asked.entry()).await.unwrap().settle(Outcome::done()).await.unwrap();
    }
}
