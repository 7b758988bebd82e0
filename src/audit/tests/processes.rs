//! Several threads and several processes on one file, killed and cut off from the disk.
//!
//! The processes are this test program itself, started with the name of one of the tests that wait
//! for that, marked as ignored.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use super::*;

const FILE: &str = "OPWARD_TEST_AUDIT_FILE";

#[expect(clippy::disallowed_methods, reason = "tells a test that runs as a child from one that doesn't")]
fn file_to_write() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "starts this test program once more")]
pub(in crate::audit) fn child(test: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("audit::tests::processes::{test}");
    command.args([&name, "--exact", "--ignored", "--nocapture"]).env(FILE, file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn load(runtime: &tokio::runtime::Runtime, log: &AuditLog, tasks: usize, each: usize) {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let log = log.clone();
            runtime.spawn(async move {
                for _ in 0..each {
                    let intent = log.intent(Asked::new().entry()).await.unwrap();
                    let acknowledged = format!("{}\n", intent.seq());
                    std::io::stderr().write_all(acknowledged.as_bytes()).unwrap();
                    let _ = intent.settle(Outcome::done()).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
#[ignore = "runs as a child of the tests below"]
fn child_under_load() {
    let Some(file) = file_to_write() else { return };
    let log = AuditLog::open(&file, Durability::Write, Clock::system()).unwrap();
    load(&threads(), &log, 3, 100_000);
}

#[test]
#[ignore = "runs as a child of the tests below"]
fn child_that_ends() {
    let Some(file) = file_to_write() else { return };
    let log = AuditLog::open(&file, Durability::Write, Clock::system()).unwrap();
    load(&threads(), &log, 2, 50);
}

#[test]
fn many_threads_make_one_chain() {
    let place = Place::new();
    let runtime = threads();
    let log = place.open();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let log = log.clone();
            runtime.spawn(async move { fill(&log, 50).await })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let report = verify(&place.file).unwrap();
    assert!(report.is_intact() && report.unfinished.is_empty(), "{report}");
    assert_eq!(report.records, 800);
}

#[test]
fn several_processes_make_one_chain() {
    let place = Place::new();
    let children: Vec<Child> = (0..4).map(|_| child("child_that_ends", &place.file).spawn().unwrap()).collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let report = verify(&place.file).unwrap();
    assert!(report.is_intact() && report.unfinished.is_empty(), "{report}");
    assert_eq!(report.records, 4 * 2 * 50 * 2);
}

#[test]
fn killed_two_hundred_times_no_acknowledged_intent_is_missing() {
    let mut random = 0x9e37_79b9_u64;
    for _ in 0..10 {
        let place = Place::new();
        let mut acknowledged = Vec::new();
        for _ in 0..10 {
            let children: Vec<Child> =
                (0..2).map(|_| child("child_under_load", &place.file).spawn().unwrap()).collect();
            for child in children {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                kill_after(child, usize::try_from(random >> 33).unwrap() % 40, &mut acknowledged);
            }
            // The next start recovers, whatever the last moment left behind.
            drop(place.open());
        }
        let report = verify(&place.file).unwrap();
        assert!(report.is_intact(), "{report}");
        let records = place.records();
        for seq in acknowledged {
            let record = &records[seq - 1];
            assert_eq!((record.kind, record.seq), (Kind::Intent, u64::try_from(seq).unwrap()));
        }
    }
}

/// Kills a child once it has acknowledged some more intents, and notes all it has acknowledged.
fn kill_after(mut child: Child, lines: usize, acknowledged: &mut Vec<usize>) {
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let mut read = 0;
    while reader.read_line(&mut line).unwrap() > 0 {
        // The last line may be cut off by the kill.
        if let Some(seq) = line.strip_suffix('\n') {
            acknowledged.push(seq.parse().unwrap_or_else(|_| panic!("{line}")));
        }
        line.clear();
        read += 1;
        if read == lines + 1 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(read > lines, "the child ended by itself");
}

#[test]
#[ignore = "runs as a child of the test below"]
fn child_on_a_full_disk() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Some(file) = file_to_write() else { return };
    let runtime = threads();
    let log = AuditLog::open(&file, Durability::Write, Clock::system()).unwrap();
    let allow = |bytes| setrlimit(Resource::Fsize, Rlimit { current: bytes, ..getrlimit(Resource::Fsize) }).unwrap();
    let try_one = || runtime.block_on(async { log.intent(Asked::new().entry()).await.map(drop) });
    runtime.block_on(fill(&log, 3));
    let whole = std::fs::read(&file).unwrap();
    let length = u64::try_from(whole.len()).unwrap();
    // No room at all, room for a part of a record, and all but its line end.
    for room in [0, 1, 100, 400] {
        allow(Some(length + room));
        for _ in 0..2 {
            let error = try_one().unwrap_err();
            assert_eq!(error.to_string(), "the audit log can't be written: the file has the largest size allowed");
            assert_eq!(error.public().code, crate::model::ErrorCode::AuditUnavailable);
            assert_eq!(std::fs::read(&file).unwrap(), whole, "no half line stays behind");
        }
    }
    allow(None);
    runtime.block_on(fill(&log, 1));
    let report = verify(&file).unwrap();
    assert!(report.is_intact() && report.records == 8, "{report}");
    std::io::stderr().write_all(b"done\n").unwrap();
}

#[test]
fn a_full_disk_refuses_and_works_again_once_there_is_room() {
    let place = Place::new();
    let command = child("child_on_a_full_disk", &place.file);
    // A shell is the simplest way to have a signal ignored in a process.
    #[expect(clippy::disallowed_methods, reason = "starts this test program once more, through a shell")]
    let done = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env(FILE, &place.file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("done"), "{said}\n{}", String::from_utf8_lossy(&done.stdout));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_given_back_is_an_answer_and_not_a_hang() {
    let place = Place::new();
    let log = place.open();
    let other = std::fs::File::open(&place.file).unwrap();
    other.lock().unwrap();
    assert_eq!(log.intent(Asked::new().entry()).await.unwrap_err(), AuditError::Busy);
    other.unlock().unwrap();
    fill(&log, 1).await;
}
