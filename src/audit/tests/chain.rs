//! What's written, and how records hang together.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::{Delivery, DeliveryName, ErrorCode};

#[tokio::test]
async fn an_intent_and_its_outcome_are_two_records_of_one_request() {
    let place = Place::new();
    let log = place.open();
    let asked = Asked::new();
    let intent = log.intent(asked.entry()).await.unwrap();
    assert_eq!(place.records().len(), 1, "the intent is in the file before anything else happens");
    assert_eq!(intent.request(), asked.request);
    let receipt = intent.settle(Outcome::failed(ErrorCode::NotFound)).await.unwrap();
    let records = place.records();
    let [intent, outcome] = records.as_slice() else { panic!("two records") };
    assert_eq!((intent.kind, outcome.kind), (Kind::Intent, Kind::Outcome));
    assert_eq!((intent.code.as_deref(), outcome.code.as_deref()), (None, Some("not_found")));
    assert!(intent.ms.is_none() && outcome.ms.is_some());
    assert_eq!((receipt.seq(), receipt.hash()), (2, outcome.hash));
    assert_eq!(outcome.prev, intent.hash);
    assert_eq!(outcome.path.as_deref(), Some("Staging/Stripe/credential"));
    assert!(verify(&place.file).unwrap().is_intact());
}

#[tokio::test]
async fn a_dropped_intent_records_that_its_request_was_abandoned() {
    let place = Place::new();
    let log = place.open();
    drop(log.intent(Asked::new().entry()).await.unwrap());
    let records = place.records();
    assert_eq!((records[1].kind, records[1].code.as_deref()), (Kind::Outcome, Some("abandoned")));
}

#[tokio::test]
async fn the_file_is_private_and_so_is_its_folder() {
    let place = Place::new();
    let file = place.folder.path().join("new/folder/audit.jsonl");
    AuditLog::open(&file, Durability::Write, Clock::system()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn each_kind_of_record_reads_back_as_it_was_told() {
    let place = Place::new();
    let log = place.open();
    let asked = Asked::new();
    let policy = PolicyHash([7; 32]);
    log.event(Event::Start {
        principal: None,
        transport: Transport::Stdio,
        policy: Some(policy),
        protections: &["no_core_dumps", "not_dumpable"],
    })
    .await
    .unwrap();
    log.event(Event::PolicyLoaded(policy)).await.unwrap();
    log.event(Event::PolicyRejected { kept: Some(policy) }).await.unwrap();
    log.refusal(Entry { decision: Decision::Deny, ..asked.entry() }, ErrorCode::Denied).await.unwrap();
    let failed = Entry { decision: Decision::None, path: Subject::None, source: None, rules: &[], ..asked.entry() };
    log.failure(failed, ErrorCode::Invalid).await.unwrap();
    let told: Vec<_> = place.records().into_iter().map(|r| (r.kind, r.code.unwrap())).collect();
    let expected = [
        (Kind::Start, "no_core_dumps not_dumpable"),
        (Kind::Policy, "loaded"),
        (Kind::Policy, "rejected"),
        (Kind::Denied, "denied"),
        (Kind::Error, "invalid"),
    ];
    assert_eq!(told, expected.map(|(kind, code)| (kind, code.to_owned())));
    assert!(verify(&place.file).unwrap().is_intact());
}

#[tokio::test]
async fn a_line_is_what_the_design_says() {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T10:00:00.25Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock).unwrap();
    let mut asked = Asked::new();
    asked.reason = Some(Reason::parse(r#"say "why" \ é"#).unwrap());
    let delivery = Delivery::Command(DeliveryName::parse("migrate").unwrap());
    let words = AskedWords::of("file=003_x.sql note=\"é\"").unwrap();
    let entry = Entry { delivery: Some(&delivery), asked: Some(&words), ..asked.entry() };
    let intent = log.intent(entry).await.unwrap();
    let sandbox = SandboxWords::parse("landlock:7 no_network").unwrap();
    let outcome = Outcome::failed(ErrorCode::Internal).within(sandbox).with(CameTo::TimedOut);
    let _ = intent.settle(outcome).await.unwrap();
    let text = String::from_utf8(place.bytes()).unwrap();
    let line = text.lines().next_back().unwrap();
    // An RFC 8785 writer of its own: serde_json sorts keys and escapes as that form asks, for what
    // can stand in a record.
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    assert_eq!(serde_json::to_string(&sorted(&object)).unwrap(), line);
    let hash = object.remove("hash").unwrap();
    assert_eq!(hash, RecordHash::of(serde_json::to_string(&sorted(&object)).unwrap().as_bytes()).to_string());
    assert_eq!(object["time"], "2026-11-21T10:00:00.250Z");
    assert_eq!((&object["delivery"], &object["sandbox"]), (&"command:migrate".into(), &"landlock:7 no_network".into()));
    assert_eq!((&object["asked"], &object["result"]), (&words.as_str().into(), &"timed out".into()));
    let intent = &place.records()[0];
    assert_eq!((intent.asked.as_ref(), intent.result), (Some(&words), None));
    assert_eq!(object["prev"], intent.hash.to_string());
    assert_eq!(object["reason"], r#"say "why" \ é"#);
    assert_eq!(object["policy"], format!("sha256:{}", "ab".repeat(32)));
}

fn sorted(
    object: &serde_json::Map<String, serde_json::Value>,
) -> std::collections::BTreeMap<&String, &serde_json::Value> {
    object.iter().collect()
}

#[tokio::test]
async fn a_second_log_on_the_same_file_continues_the_chain_and_so_does_the_first() {
    let place = Place::new();
    let (one, two) = (place.open(), place.open());
    for _ in 0..3 {
        fill(&one, 2).await;
        fill(&two, 1).await;
    }
    let report = verify(&place.file).unwrap();
    assert!(report.is_intact());
    assert_eq!((report.records, report.last_seq), (18, 18));
}

#[tokio::test]
async fn with_fsync_records_are_there_once_they_are_acknowledged() {
    let place = Place::new();
    let log = AuditLog::open(&place.file, Durability::Fsync, Clock::system()).unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let log = log.clone();
            tokio::spawn(async move {
                let intent = log.intent(Asked::new().entry()).await.unwrap();
                let seq = intent.seq();
                (seq, intent.settle(Outcome::done()).await.unwrap().seq())
            })
        })
        .collect();
    for task in tasks {
        let (intent, outcome) = task.await.unwrap();
        let records = place.records();
        assert_eq!(records[usize::try_from(intent).unwrap() - 1].kind, Kind::Intent);
        assert_eq!(records[usize::try_from(outcome).unwrap() - 1].kind, Kind::Outcome);
    }
    let abandoned = log.intent(Asked::new().entry()).await.unwrap();
    drop(abandoned);
    drop(log);
    let report = verify(&place.file).unwrap();
    assert!(report.is_intact() && report.unfinished.is_empty());
    assert_eq!(report.records, 82, "the queue was emptied before the log went away");
}

#[tokio::test]
async fn with_fsync_too_a_record_that_fits_no_line_is_refused_alone() {
    let place = Place::new();
    let log = AuditLog::open(&place.file, Durability::Fsync, Clock::system()).unwrap();
    let mut long = Asked::new();
    long.rules = vec![RuleId::new(&"r".repeat(70_000))];
    let short = Asked::new();
    let (long, short) = tokio::join!(log.intent(long.entry()), log.intent(short.entry()));
    assert_eq!((long.unwrap_err(), short.unwrap().seq()), (AuditError::TooLong, 1));
}

#[tokio::test]
async fn with_fsync_a_failure_is_told_to_each_who_waits() {
    let place = Place::new();
    let log = AuditLog::open(&place.file, Durability::Fsync, Clock::system()).unwrap();
    fill(&log, 1).await;
    std::fs::remove_file(&place.file).unwrap();
    let (one, two) = (Asked::new(), Asked::new());
    let (one, two) = tokio::join!(log.intent(one.entry()), log.intent(two.entry()));
    assert_eq!((one.unwrap_err(), two.unwrap_err()), (AuditError::Moved, AuditError::Moved));
}

#[tokio::test]
async fn a_clock_that_cannot_be_read_writes_nothing() {
    let place = Place::new();
    let log = AuditLog::open(&place.file, Durability::Write, Clock::fixed(None)).unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Clock);
    assert!(place.bytes().is_empty());
}

#[tokio::test]
async fn an_unavailable_log_refuses_everything_and_says_why() {
    let place = Place::new();
    let log = AuditLog::unavailable(&place.file, AuditError::NotPrivate("other users may read or write it"));
    let error = log.intent(Asked::new().entry()).await.unwrap_err().public();
    assert_eq!(error.code, ErrorCode::AuditUnavailable);
    assert_eq!(error.message, "the audit log isn't private: other users may read or write it");
    assert!(!place.file.exists());
}
