//! What somebody did to the file behind the log's back, and whether it's found and named.

use proptest::prelude::*;

use super::*;
use crate::audit::verify::verify_lines;
use crate::model::{Delivery, Output};

async fn a_few_lines() -> Vec<u8> {
    let place = Place::new();
    let log = place.open();
    fill(&log, 1).await;
    let delivery = Delivery::Run(Output::Masked);
    let asked = Asked::new();
    let words = AskedWords::of("npm");
    let entry = Entry { action: Action::Use, delivery: Some(&delivery), asked: words.as_ref(), ..asked.entry() };
    let used = log.intent(entry).await.unwrap();
    let _ = used.settle(Outcome::done().within(SandboxWords::unknown()).with(CameTo::Exit(1))).await.unwrap();
    let _ = log.event(Event::PolicyLoaded(PolicyHash([1; 32]))).await.unwrap();
    place.bytes()
}

/// Which line the byte at `at` belongs to, counted from 1.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    u64::try_from(bytes[..at].split(|&byte| byte == b'\n').count()).unwrap()
}

fn assert_found(bytes: &[u8], at: usize, changed: u8) {
    let mut tampered = bytes.to_vec();
    tampered[at] = changed;
    let report = verify_lines(tampered.as_slice()).unwrap();
    assert!(!report.is_intact(), "byte {at} changed to {changed:#x} isn't found");
    let named = report.bad.map_or_else(|| report.records + 1, |bad| bad.line);
    assert_eq!(named, line_of(bytes, at), "byte {at} changed to {changed:#x} is found elsewhere");
}

#[tokio::test]
async fn every_byte_of_every_line_counts() {
    let bytes = a_few_lines().await;
    assert!(verify_lines(bytes.as_slice()).unwrap().is_intact());
    for at in 0..bytes.len() {
        assert_found(&bytes, at, bytes[at] ^ 1);
        assert_found(&bytes, at, bytes[at] ^ 0x20);
    }
}

proptest! {
    #[test]
    fn any_change_of_one_byte_is_found_and_located(at in any::<proptest::sample::Index>(), changed in any::<u8>()) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(|| {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(a_few_lines())
        });
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != changed);
        assert_found(bytes, at, changed);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = verify_lines(bytes.as_slice()).unwrap();
    }
}

#[tokio::test]
async fn a_broken_last_line_refuses_to_open_and_is_named() {
    let place = Place::new();
    fill(&place.open(), 2).await;
    let mut bytes = place.bytes();
    let at = bytes.len() - 10;
    bytes[at] ^= 1;
    std::fs::write(&place.file, &bytes).unwrap();
    let error = place.try_open().unwrap_err();
    let AuditError::Broken { line: 4, .. } = error else { panic!("{error:?}") };
    assert!(error.public().message.contains("line 4"), "{error}");
    assert_eq!(place.bytes(), bytes, "nothing was done to the evidence");
}

#[tokio::test]
async fn a_break_is_accepted_only_as_it_was_seen() {
    let place = Place::new();
    fill(&place.open(), 2).await;
    let mut bytes = place.bytes();
    let at = bytes.len() - 10;
    bytes[at] ^= 1;
    bytes.extend_from_slice(b"{\"half");
    std::fs::write(&place.file, &bytes).unwrap();
    let Err(AuditError::Broken { line: 4, digest, .. }) = place.try_open() else { panic!("not broken") };

    let accept = |digest| AuditLog::open_accepting_break(&place.file, Durability::Write, Clock::system(), digest);
    assert_eq!(accept(RecordHash::GENESIS).unwrap_err(), AuditError::OtherBreak { digest });
    fill(&accept(digest).unwrap(), 1).await;
    fill(&place.open(), 1).await;

    let report = verify(&place.file).unwrap();
    assert!(report.is_intact(), "{report}");
    let [accepted] = report.accepted.as_slice() else { panic!("{report:?}") };
    assert_eq!((accepted.bad.line, accepted.by_line), (4, 5));
    assert!(report.to_string().contains("accepted by the owner"), "{report}");

    let mut tampered = place.bytes();
    tampered[at] ^= 2;
    let report = verify_lines(tampered.as_slice()).unwrap();
    assert_eq!(report.bad.map(|bad| bad.line), Some(4), "what was accepted is those bytes and no others");
}

#[tokio::test]
async fn accepting_a_break_in_a_whole_log_changes_nothing() {
    let place = Place::new();
    fill(&place.open(), 1).await;
    let before = place.bytes();
    AuditLog::open_accepting_break(&place.file, Durability::Write, Clock::system(), RecordHash::GENESIS).unwrap();
    assert_eq!(place.bytes(), before);
}

#[tokio::test]
async fn a_foreign_line_while_in_use_stops_the_log() {
    let place = Place::new();
    let log = place.open();
    fill(&log, 1).await;
    let mut bytes = place.bytes();
    bytes.extend_from_slice(b"hello\n");
    std::fs::write(&place.file, &bytes).unwrap();
    for _ in 0..2 {
        assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Foreign);
    }
    assert_eq!(place.bytes(), bytes);
}

#[tokio::test]
async fn a_log_cut_short_while_in_use_stops_for_good() {
    let place = Place::new();
    let log = place.open();
    fill(&log, 2).await;
    let bytes = place.bytes();
    std::fs::write(&place.file, "").unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Truncated);
    std::fs::write(&place.file, &bytes).unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Truncated);
}

#[tokio::test]
async fn a_moved_or_replaced_log_refuses_within_a_tenth_of_a_second() {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T10:00:00Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
    fill(&log, 1).await;
    let elsewhere = place.folder.path().join("audit.jsonl.1");
    std::fs::rename(&place.file, &elsewhere).unwrap();
    clock.advance(std::time::Duration::from_millis(99));
    fill(&log, 1).await;
    assert_eq!(records(&elsewhere).len(), 4, "what's recorded meanwhile is in the moved file");
    clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Moved);
    std::fs::write(&place.file, "").unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Moved);
    assert_eq!(place.bytes(), b"", "nothing is written to the one in its place");
    std::fs::remove_file(&place.file).unwrap();
    std::fs::rename(&elsewhere, &place.file).unwrap();
    fill(&log, 1).await;
    assert!(verify(&place.file).unwrap().is_intact());
}

#[tokio::test]
async fn a_deleted_log_refuses_at_once() {
    let place = Place::new();
    let log = place.open();
    fill(&log, 1).await;
    std::fs::remove_file(&place.file).unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Moved);
    assert!(!place.file.exists());
}

#[test]
fn links_folders_devices_and_shared_files_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let open = |file: &Path| AuditLog::open(file, Durability::Write, Clock::system()).unwrap_err();
    let trouble = |error: AuditError| {
        let AuditError::Io { trouble, .. } = error else { panic!("{error:?}") };
        trouble
    };
    let target = place.folder.path().join("target");
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &place.file).unwrap();
    assert_eq!(trouble(open(&place.file)), Trouble::Link);
    assert_eq!(trouble(open(place.folder.path())), Trouble::NotAFile);
    assert_eq!(trouble(open(Path::new("/"))), Trouble::NotAFile);
    let pipe = place.folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert_eq!(trouble(open(&pipe)), Trouble::NotAFile);
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(open(&target), AuditError::NotPrivate(_)));
}

#[tokio::test]
async fn a_break_in_the_middle_stops_the_log_once_it_is_checked_whole() {
    let place = Place::new();
    fill(&place.open(), 5).await;
    let text = String::from_utf8(place.bytes()).unwrap();
    std::fs::write(&place.file, text.replacen("claude-code", "claude-cod3", 1)).unwrap();
    let log = place.open();
    let Err(AuditError::Broken { line: 1, digest, .. }) = log.check_whole() else { panic!("the edit isn't found") };
    let asked = Asked::new();
    assert!(matches!(log.intent(asked.entry()).await, Err(AuditError::Broken { line: 1, .. })));
    let accept = AuditLog::open_accepting_break(&place.file, Durability::Write, Clock::system(), digest).unwrap();
    assert_eq!(accept.check_whole(), Ok(()));
    fill(&place.open(), 1).await;
    assert!(verify(&place.file).unwrap().is_intact());
}
