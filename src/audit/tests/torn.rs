//! Lines whose writer was stopped in the middle.

use super::*;

#[tokio::test]
async fn a_torn_last_line_of_any_length_is_set_aside_and_recorded() {
    let place = Place::new();
    fill(&place.open(), 1).await;
    let bytes = place.bytes();
    let first = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for length in (0..first - 1).chain(first + 1..bytes.len()) {
        let torn = Place::new();
        std::fs::write(&torn.file, &bytes[..length]).unwrap();
        private(&torn.file);
        drop(torn.open());
        let whole = if length > first { first } else { 0 };
        let aside = torn.folder.path().join("audit.jsonl.torn-1");
        if length == 0 {
            assert!(!aside.exists() && torn.bytes().is_empty());
            continue;
        }
        assert_eq!(std::fs::read(&aside).unwrap(), &bytes[whole..length], "{length}");
        assert!(torn.bytes().starts_with(&bytes[..whole]));
        let report = verify(&torn.file).unwrap();
        assert!(report.is_intact(), "{length}: {report}");
        let last = torn.records().pop().unwrap();
        assert_eq!((last.kind, last.code.as_deref()), (Kind::Error, Some("torn_tail")));
    }
}

#[tokio::test]
async fn a_torn_line_left_by_another_process_is_set_aside_under_the_lock() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let log = place.open();
    for round in 1..=3 {
        fill(&log, 1).await;
        let mut other = std::fs::OpenOptions::new().append(true).open(&place.file).unwrap();
        other.write_all(b"{\"action\":\"re").unwrap();
        fill(&log, 1).await;
        let aside = place.folder.path().join(format!("audit.jsonl.torn-{round}"));
        assert_eq!(std::fs::read(&aside).unwrap(), b"{\"action\":\"re");
        assert_eq!(std::fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let report = verify(&place.file).unwrap();
    assert!(report.is_intact() && report.records == 15, "{report}");
}

#[tokio::test]
async fn a_torn_piece_longer_than_any_record_is_left_alone() {
    let place = Place::new();
    fill(&place.open(), 1).await;
    let mut bytes = place.bytes();
    bytes.extend(std::iter::repeat_n(b'x', 1 << 20));
    std::fs::write(&place.file, &bytes).unwrap();
    assert!(place.try_open().is_err());
    assert_eq!(place.bytes(), bytes);
}

fn private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
