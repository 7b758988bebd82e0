//! Each fault does what its name says.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

use crate::fake_op::{GITHUB, STAGING};
use crate::{Op, Stdin};

const GET: [&str; 6] = ["item", "get", GITHUB, "--vault", STAGING, "--format=json"];
const RENAME: [&str; 6] = ["item", "edit", GITHUB, "--vault", STAGING, "--title=Renamed"];

/// Starts a call, sees that it has begun and hasn't ended, and kills it.
pub(crate) fn hangs_until_killed(op: &Op, words: &[&str]) {
    let before = op.fake.calls().len();
    let mut child = Running(op.start(words, &Stdin::Nothing));
    wait_for(|| op.fake.calls().len() > before && met(op));
    std::thread::sleep(Duration::from_millis(50));
    assert!(child.0.try_wait().unwrap().is_none(), "{words:?} ended");
    drop(child);
    let call = op.fake.calls().pop().unwrap();
    assert_eq!((call.exit, call.ms), (None, None), "a killed call has a line without an end");
}

/// A call that ends with the test at the latest.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the fault that was set has hit.
fn met(op: &Op) -> bool {
    op.fake.world()["faults"].as_array().unwrap().is_empty()
}

fn wait_for(done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(20), "it didn't come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn title(op: &Op) -> Value {
    op.json(&GET[..5])["title"].clone()
}

#[test]
fn faults_hit_their_command_as_often_as_they_say() {
    let op = Op::new();
    op.fake.fault(json!({ "on": "item get", "times": 2, "do": "404" }));
    op.fake.fault(json!({ "on": null, "times": 1, "do": "unreachable" }));
    assert_eq!(op.ok(&["--version"]), "2.30.3\n");
    assert_eq!(op.run(&GET).error(4), "(404) Not Found: The requested resource was not found.");
    assert!(op.error(&["vault", "list"]).contains("no such host"));
    assert_eq!(op.run(&GET).exit, Some(4));
    assert_eq!(op.run(&GET).exit, Some(0));
    op.fake
        .fault(json!({ "on": "--version", "times": null, "do": { "exit": 3, "stderr": "broken", "stdout": "out" } }));
    for _ in 0..3 {
        let answer = op.run(&["--version"]);
        assert_eq!((answer.exit, answer.text(), answer.stderr.as_str()), (Some(3), "out", "broken"));
    }
    op.fake.no_faults();
    assert_eq!(op.run(&["--version"]).exit, Some(0));
}

#[test]
fn named_errors_have_their_texts_and_codes() {
    let op = Op::new();
    for (name, exit, text) in [
        ("400", 4, "(400) Bad Request"),
        ("401", 1, "(401) Unauthorized: You aren't authorized to perform this action."),
        ("403", 1, "(403) Forbidden: You aren't authorized to access this resource."),
        ("404", 4, "(404) Not Found"),
        ("409", 1, "(409) Conflict: Internal server conflict"),
        ("429", 1, "Please retry in 59 minutes or try other requests."),
        ("429_no_time", 1, "Too many requests. Your client has been rate-limited."),
        ("500", 0, "(500) Internal Server Error"),
        ("502_html", 0, "<html>"),
        ("unreachable", 1, "dial tcp"),
        ("bad_token", 1, "failed to DecodeSACredentials"),
        ("revoked", 1, "has been deleted."),
        ("exit0_with_error", 0, "(500)"),
    ] {
        op.fault(None, &json!(name));
        let error = op.run(&GET).error(exit);
        assert!(error.contains(text), "{name}: {error}");
    }
    // From 2.32.1 on a server's error it doesn't know is a failure too.
    let newer = Op::new().version("2.32.1");
    newer.settings(&json!({ "exit_4xx": 4 }));
    for (name, exit) in [("500", 1), ("502_html", 1), ("403", 4), ("429", 4), ("exit0_with_error", 0)] {
        newer.fault(None, &json!(name));
        newer.run(&GET).error(exit);
    }
}

#[test]
fn delays_delay_and_do_not_queue_up() {
    let op = Op::new();
    op.fault(Some("item get"), &json!({ "delay_ms": 150 }));
    let began = Instant::now();
    assert_eq!(op.run(&GET).exit, Some(0));
    assert!(began.elapsed() >= Duration::from_millis(150));
    op.settings(&json!({ "delay_ms": 300 }));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| op.ok(&GET));
        }
    });
    assert!((300..1500).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[test]
fn a_hanging_call_stops_for_a_signal_unless_it_ignores_it() {
    let op = Op::new();
    op.fault(None, &json!("hang"));
    hangs_until_killed(&op, &GET);
    for (fault, ends) in [("hang", true), ("hang_ignoring_sigterm", false)] {
        op.fault(None, &json!(fault));
        let mut child = Running(op.start(&GET, &Stdin::Nothing));
        let pid = Pid::from_child(&child.0);
        let name = || std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        // It ignores the signal once it has become something that does.
        wait_for(|| met(&op) && (ends || name().trim() == "sleep"));
        kill_process(pid, Signal::TERM).unwrap();
        if ends {
            wait_for_end(&mut child.0);
        } else {
            std::thread::sleep(Duration::from_millis(100));
            assert!(child.0.try_wait().unwrap().is_none(), "it didn't ignore it");
        }
    }
}

fn wait_for_end(child: &mut Child) {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn answers_can_be_too_long_broken_or_of_another_shape() {
    let op = Op::new();
    let whole = op.run(&GET).stdout;
    let get = |what: Value| {
        op.fault(Some("item get"), &what);
        op.run(&GET)
    };
    let huge = get(json!({ "huge_stdout": 3_000_000 }));
    assert_eq!((huge.exit, huge.stdout.len()), (Some(0), 3_000_000));
    let noisy = get(json!({ "huge_stderr": 1_000_000 }));
    assert!(noisy.stderr.len() >= 1_000_000 && noisy.stdout == whole && noisy.exit == Some(0));
    let odd = get(json!("invalid_utf8"));
    assert_eq!((odd.exit, std::str::from_utf8(&odd.stdout).is_err()), (Some(0), true));
    let partial = get(json!("partial_then_exit1"));
    assert_eq!(partial.exit, Some(1));
    assert!(!partial.stdout.is_empty() && whole.starts_with(&partial.stdout) && partial.stderr.contains("[ERROR]"));
    let short = get(json!("truncated_json"));
    assert_eq!((short.exit, short.stderr.as_str()), (Some(0), ""));
    assert!(serde_json::from_slice::<Value>(&short.stdout).is_err());
    let other = get(json!("wrong_json"));
    assert_eq!(serde_json::from_slice::<Value>(&other.stdout).unwrap(), json!({ "unexpected": [1, 2, 3] }));
}

#[test]
fn a_slow_answer_comes_byte_by_byte() {
    let op = Op::new();
    op.fault(Some("--version"), &json!({ "slow_bytes_per_s": 20 }));
    let began = Instant::now();
    assert_eq!(op.ok(&["--version"]), "2.30.3\n");
    assert!(began.elapsed() >= Duration::from_millis(7 * 50));
}

#[test]
fn a_reply_may_be_lost_after_the_change_or_the_change_after_the_reply() {
    let op = Op::new();
    op.fault(None, &json!("commit_then_fail"));
    assert_eq!(title(&op), "GitHub", "it waits for a change");
    assert!(op.run(&RENAME).error(1).contains("context deadline exceeded"));
    assert_eq!(title(&op), "Renamed");
    let op = Op::new();
    op.fault(None, &json!("accepted_but_lost"));
    assert!(op.ok(&RENAME).contains("Renamed"));
    assert_eq!(title(&op), "GitHub");
    assert_eq!(op.fake.item(GITHUB).unwrap()["version"], 4);
}

#[test]
fn reads_may_lag_behind_a_change() {
    let op = Op::new();
    op.fault(None, &json!({ "stale_reads": 2 }));
    op.ok(&RENAME);
    assert_eq!([title(&op), title(&op), title(&op)], ["GitHub", "GitHub", "Renamed"]);
    op.fault(None, &json!({ "stale_reads": 1 }));
    let made = op.json(&["item", "create", "--category=login", "--title=New", "--vault", STAGING]);
    let get = ["item", "get", made["id"].as_str().unwrap(), "--vault", STAGING];
    assert!(op.error(&get).contains("isn't an item"));
    assert_eq!(op.run(&get).exit, Some(0));
    op.fault(None, &json!({ "stale_reads": 1 }));
    op.ok(&["item", "delete", GITHUB, "--vault", STAGING]);
    assert_eq!(op.run(&GET).exit, Some(0));
    assert_eq!(op.run(&GET).exit, Some(1));
}

#[test]
fn somebody_else_may_have_changed_it() {
    let op = Op::new();
    op.fake.fault(json!({ "on": null, "do": "conflict_once" }));
    assert!(op.error(&RENAME).contains("(409) Conflict"));
    assert_eq!(op.run(&RENAME).exit, Some(0));
    op.fault(Some("item get"), &json!("version_bump"));
    let first = op.json(&GET[..5]);
    let second = op.json(&GET[..5]);
    assert_eq!((&first["version"], &second["version"]), (&json!(5), &json!(6)));
    assert!(second["tags"].as_array().unwrap().contains(&json!("changed-elsewhere")));
    op.fault(Some("item edit"), &json!("version_bump"));
    op.ok(&["item", "edit", GITHUB, "--vault", STAGING, "--title=Again"]);
    assert_eq!(op.json(&GET[..5])["version"], 8);
}

#[test]
fn a_child_may_keep_the_output_open() {
    let op = Op::new();
    op.fault(Some("--version"), &json!("fork_child_that_keeps_stdout_open"));
    let mut command = Command::new(&op.fake.command);
    command.arg("--version").env_clear().env("PATH", "/usr/bin:/bin").process_group(0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    let mut stdout = child.stdout.take().unwrap();
    let mut version = [0; 7];
    stdout.read_exact(&mut version).unwrap();
    assert_eq!(&version, b"2.30.3\n");
    let ended = std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()).unwrap());
    std::thread::sleep(Duration::from_millis(100));
    assert!(!ended.is_finished(), "nobody holds it open");
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    assert_eq!(ended.join().unwrap(), 0);
}
