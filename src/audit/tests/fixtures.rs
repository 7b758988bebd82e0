//! The logs in `fixtures/audit`: one intact, the others tampered with, and what's said of each.

use std::fmt::Write as _;
use std::time::Duration;

use super::*;
use crate::audit::line::{Body, Head, Stamp, render};
use crate::model::{Delivery, DeliveryName, ErrorCode, Output, Reason, Reference};

const NAMES: [&str; 14] = [
    "intact",
    "edited",
    "deleted-line",
    "swapped-lines",
    "inserted-line",
    "rehashed",
    "relinked",
    "unknown-key",
    "truncated",
    "deliveries",
    "other-delivery",
    "free-text-sandbox",
    "asked",
    "free-text-result",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit")
}

#[test]
fn each_log_gets_the_report_that_stands_beside_it() {
    for name in NAMES {
        let report = verify(&folder().join(format!("{name}.jsonl"))).unwrap();
        let expected = std::fs::read_to_string(folder().join(format!("{name}.expected"))).unwrap();
        assert_eq!(report.to_string(), expected, "{name}");
        assert_eq!(report.is_intact(), ["intact", "deliveries", "asked"].contains(&name), "{name}");
    }
}

#[test]
fn no_log_lacks_a_test() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".jsonl").map(str::to_owned))
        .collect();
    found.sort();
    let mut named = NAMES;
    named.sort_unstable();
    assert_eq!(found, named);
}

/// Writes the logs and the reports anew; run it when the format changes, and read what it wrote.
#[tokio::test]
#[ignore = "writes into the repository"]
async fn write_the_logs_anew() {
    let (intact, deliveries, asked) = (intact().await, deliveries().await, asked().await);
    let lines: Vec<&str> = intact.lines().collect();
    let all = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        change(&mut lines);
        lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{line}").unwrap();
            text
        })
    };
    let logs = [
        intact.clone(),
        all(&|lines| lines[3] = lines[3].replace("Production/", "Staging/")),
        all(&|lines| drop(lines.remove(3))),
        all(&|lines| lines.swap(2, 3)),
        all(&|lines| lines.insert(4, lines[4].clone())),
        // The hash is made right again, so it's the next line that doesn't follow.
        all(&|lines| lines[3] = again(&lines[3], |record| record.path = Some("Staging/Stripe/credential".to_owned()))),
        // The line is right in itself but linked to another.
        all(&|lines| lines[4] = again(&lines[4], |record| record.prev = RecordHash::GENESIS)),
        all(&|lines| lines[3] = lines[3].replacen('{', r#"{"":0,"#, 1)),
        intact.get(..intact.len() - 200).unwrap().to_owned(),
        deliveries.clone(),
        deliveries.replacen("trusted-code:test", "command:test", 1),
        deliveries.replacen("landlock:7 seccomp", "landlock:7; all is well", 1),
        asked.clone(),
        asked.replacen("exit 1", "all is well", 1),
    ];
    std::fs::create_dir_all(folder()).unwrap();
    for (name, log) in NAMES.into_iter().zip(logs) {
        let file = folder().join(format!("{name}.jsonl"));
        std::fs::write(&file, log).unwrap();
        let report = verify(&file).unwrap().to_string();
        std::fs::write(file.with_extension("expected"), report).unwrap();
    }
}

/// A small day: a start, a policy, a read, a refusal, a bad request, and a use that was cut off.
async fn intact() -> String {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T09:00:00Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
    let policy = PolicyHash([0xab; 32]);
    let tick = || clock.advance(Duration::from_millis(12_345));
    let mut asked = Asked::new();
    let start = Event::Start {
        principal: Some(asked.entry().principal),
        transport: Transport::Stdio,
        policy: Some(policy),
        protections: &["no_core_dumps", "not_dumpable", "no_new_privileges"],
    };
    let _ = log.event(start).await.unwrap();
    tick();
    asked.reason = Some(Reason::parse(r#"the "checkout" job fails, café"#).unwrap());
    let intent = log.intent(asked.entry()).await.unwrap();
    tick();
    let _ = intent.settle(Outcome::done()).await.unwrap();
    tick();
    let mut production = Asked::new();
    production.path = SecretPath::parse("Production/PostgreSQL/password").unwrap();
    let denied = Entry { decision: Decision::Deny, rules: &[], source: None, ..production.entry() };
    let _ = log.refusal(denied, ErrorCode::Denied).await.unwrap();
    tick();
    let _ = log.event(Event::PolicyLoaded(PolicyHash([0xcd; 32]))).await.unwrap();
    tick();
    let reference = Reference::parse("op://Staging/stripe").unwrap();
    let unknown = Asked::new();
    let failed = Entry {
        decision: Decision::None,
        path: Subject::Reference(&reference),
        rules: &[],
        source: None,
        ..unknown.entry()
    };
    let _ = log.failure(failed, ErrorCode::Ambiguous).await.unwrap();
    tick();
    let used = Asked::new();
    let intent = log.intent(Entry { action: Action::Use, ..used.entry() }).await.unwrap();
    let text = String::from_utf8(place.bytes()).unwrap();
    drop(intent);
    text
}

/// Values put where they're needed, each in another way: by a sealed command, by code the caller may have written, and
/// into a request that was never sent.
async fn deliveries() -> String {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T09:00:00Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
    let name = |name| DeliveryName::parse(name).unwrap();
    let words = |text| SandboxWords::parse(text).unwrap();
    let failed = Outcome::failed(ErrorCode::SourceUnavailable);
    for (delivery, outcome) in [
        (Delivery::Command(name("migrate")), Outcome::done().within(words("landlock:7 seccomp no_network"))),
        (Delivery::TrustedCode(name("test")), Outcome::done().within(words("none"))),
        (Delivery::Http(name("stripe")), failed),
        (Delivery::Run(Output::Unmasked), Outcome::done()),
    ] {
        let used = Asked::new();
        let entry = Entry { action: Action::Use, delivery: Some(&delivery), ..used.entry() };
        let intent = log.intent(entry).await.unwrap();
        clock.advance(Duration::from_millis(12_345));
        let _ = intent.settle(outcome).await.unwrap();
    }
    String::from_utf8(place.bytes()).unwrap()
}

/// What was asked for and what came of it: by a request, by commands, and by one that was refused in the end.
async fn asked() -> String {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T09:00:00Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
    let name = |name| DeliveryName::parse(name).unwrap();
    for (delivery, words, came_to) in [
        (Delivery::Http(name("stripe")), "POST /v1/refunds?limit,starting_after", CameTo::Status(200)),
        (Delivery::Command(name("migrate")), "file=003_x.sql mode=dry", CameTo::Exit(1)),
        (Delivery::TrustedCode(name("test")), "suite=\"all of them\"", CameTo::TimedOut),
        (Delivery::Run(Output::Masked), "npm", CameTo::Killed),
    ] {
        let (used, words) = (Asked::new(), AskedWords::of(words));
        let entry = Entry { action: Action::Use, delivery: Some(&delivery), asked: words.as_ref(), ..used.entry() };
        let intent = log.intent(entry).await.unwrap();
        clock.advance(Duration::from_millis(12_345));
        let _ = intent.settle(Outcome::done().with(came_to)).await.unwrap();
    }
    let (used, delivery, words) = (Asked::new(), Delivery::Http(name("stripe")), AskedWords::of("GET /v1/balance"));
    let entry = Entry { action: Action::Use, delivery: Some(&delivery), asked: words.as_ref(), ..used.entry() };
    let _ = log.refusal(Entry { decision: Decision::Deny, ..entry }, ErrorCode::RateLimited).await.unwrap();
    String::from_utf8(place.bytes()).unwrap()
}

/// Changes a record and makes its hash right again, as somebody who can write the file can.
fn again(line: &str, change: impl Fn(&mut Record)) -> String {
    let mut record: Record = serde_json::from_str(line).unwrap();
    change(&mut record);
    let parts = crate::audit::line::Parts {
        action: record.action.map(Action::as_str).unwrap_or_default(),
        asked: record.asked.as_ref().map(AskedWords::as_str),
        client: &record.client,
        decision: record.decision.as_str(),
        delivery: record.delivery.as_deref(),
        path: record.path.as_deref(),
        policy: &record.policy,
        principal: &record.principal,
        reason: record.reason.as_deref(),
        request: &record.request,
        source: record.source.as_deref(),
        transport: record.transport.map(Transport::as_str).unwrap_or_default(),
    };
    let body = Body::of_parts(&parts, record.rules.iter().map(String::as_str));
    let (code, ms) = (record.code.map(Into::into), record.ms);
    let stamp = Stamp { kind: record.kind, code, ms, result: record.result, sandbox: record.sandbox };
    let before = Head { seq: record.seq - 1, hash: record.prev };
    let mut out = Vec::new();
    render(&body, &stamp, &before, &crate::audit::time::text(record.time), &mut out);
    String::from_utf8(out).unwrap().trim_end().to_owned()
}
