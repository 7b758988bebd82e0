//! What a record costs: an intent and its outcome, with each durability, and their bytes alone.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use opward::audit::{AuditLog, Decision, Durability, Entry, Ledger, Outcome, Subject, verify};
use opward::model::{
    Action, ClientName, Clock, PolicyHash, PrincipalName, RequestId, RuleId, SecretPath, SourceName, Transport,
};

struct Asked {
    principal: PrincipalName,
    client: ClientName,
    path: SecretPath,
    source: SourceName,
    rules: Vec<RuleId>,
}

impl Asked {
    fn new() -> Option<Self> {
        Some(Self {
            principal: PrincipalName::parse("claude-code").ok()?,
            client: ClientName::claimed("Claude Code", "2.1.0"),
            path: SecretPath::parse("Staging/Stripe/credential").ok()?,
            source: SourceName::new("home"),
            rules: vec![RuleId::new("claude-reads-staging")],
        })
    }

    fn entry(&self, request: RequestId) -> Entry<'_> {
        Entry {
            request,
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
            reason: None,
        }
    }
}

fn pair(criterion: &mut Criterion, name: &str, folder: &Path, durability: Durability) {
    let Some(asked) = Asked::new() else { return };
    let Ok(folder) = tempfile::tempdir_in(folder) else { return };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let Ok(log) = AuditLog::open(&folder.path().join("audit.jsonl"), durability, Clock::system()) else { return };
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let intent = log.intent(asked.entry(black_box(RequestId::new()))).await?;
                intent.settle(Outcome::done()).await
            })
        });
    });
}

fn records(criterion: &mut Criterion) {
    let disk = std::env::temp_dir();
    pair(criterion, "intent and outcome, write, temporary folder", &disk, Durability::Write);
    pair(criterion, "intent and outcome, fsync, temporary folder", &disk, Durability::Fsync);
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        pair(criterion, "intent and outcome, write, memory", memory, Durability::Write);
    }
}

fn whole_logs(criterion: &mut Criterion) {
    let Some(asked) = Asked::new() else { return };
    let Ok(folder) = tempfile::tempdir() else { return };
    let file = folder.path().join("audit.jsonl");
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let Ok(log) = AuditLog::open(&file, Durability::Write, Clock::system()) else { return };
    runtime.block_on(async {
        for _ in 0..50_000 {
            if let Ok(intent) = log.intent(asked.entry(RequestId::new())).await {
                drop(intent.settle(Outcome::done()).await);
            }
        }
    });
    drop(log);
    criterion.bench_function("opening a log of 100,000 records", |bencher| {
        bencher.iter(|| AuditLog::open(&file, Durability::Write, Clock::system()));
    });
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(10);
    group.bench_function("verifying 100,000 records", |bencher| bencher.iter(|| verify(&file)));
    group.bench_function("the ledger's first question, 100,000 records", |bencher| {
        bencher.iter(|| Ledger::open(file.as_path()).since(None));
    });
    group.finish();
    let ledger = Ledger::open(file.as_path());
    criterion.bench_function("the ledger's next question", |bencher| {
        bencher.iter(|| ledger.of(std::slice::from_ref(&asked.path)));
    });
}

criterion_group!(benches, records, whole_logs);
criterion_main!(benches);
