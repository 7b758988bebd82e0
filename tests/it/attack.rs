//! `opward doctor --attack`: everything that's promised holds, and a promise that's broken is seen to be.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Runs it with a folder of its own for temporary files, and gives what's left there.
#[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
fn attack(arguments: &[&str], variables: &[(&str, &str)]) -> (Output, Vec<String>) {
    let temporary = tempfile::Builder::new().prefix("opward-attacked-").tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
    command.args(["doctor", "--attack"]).args(arguments).env_clear().env("TMPDIR", temporary.path());
    let output = command.envs(variables.iter().copied()).output().unwrap();
    (output, names(temporary.path()))
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn findings(output: &Output) -> (Value, Vec<Value>) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let findings = report["findings"].as_array().unwrap().clone();
    (report, findings)
}

#[test]
fn every_promise_holds_here_and_nothing_is_left_behind() {
    let (output, left) = attack(&["--json"], &[]);
    let (report, findings) = findings(&output);
    let broken: Vec<&Value> = findings.iter().filter(|finding| finding["verdict"] == "broken").collect();
    assert!(broken.is_empty() && output.status.success(), "{broken:#?}");
    assert!(report["held"].as_u64().unwrap() >= 25, "{report:#}");
    assert!(report["attempts"].as_u64().unwrap() >= 500, "{}", report["attempts"]);
    assert_eq!(left, Vec::<String>::new());
    println!("{} attempts in {} ms", report["attempts"], report["milliseconds"]);
}

#[test]
#[cfg(all(debug_assertions, target_os = "linux"))]
fn a_server_that_others_can_read_breaks_a_promise_and_the_command_fails() {
    let (output, left) = attack(&["--json"], &[("OPWARD_TEST_READABLE", "1")]);
    let (_, findings) = findings(&output);
    assert_eq!(output.status.code(), Some(1));
    let broken: Vec<&Value> = findings.iter().filter(|finding| finding["verdict"] == "broken").collect();
    let promises: Vec<&str> = broken.iter().map(|finding| finding["promise"].as_str().unwrap()).collect();
    assert_eq!(promises, ["other processes of the user can't read the server's memory or environment"], "{broken:#?}");
    let by = broken[0]["by"].as_array().unwrap();
    for part in ["the server: environ", "the server: maps"] {
        assert!(by.contains(&Value::from(part)), "{by:?}");
    }
    assert_eq!(left, Vec::<String>::new());
    // To a person it says the same.
    let (output, _) = attack(&[], &[("OPWARD_TEST_READABLE", "1")]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("✗ BROKEN PROMISE: other processes of the user can't read"), "{said}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test starts the program it tests")]
fn what_is_interrupted_leaves_nothing_behind() {
    for (words, signal) in [(&["demo"][..], Signal::INT), (&["doctor", "--attack"], Signal::TERM)] {
        let temporary = tempfile::Builder::new().prefix("opward-interrupted-").tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_opward"));
        command.args(words).env_clear().env("TMPDIR", temporary.path()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let is_played =
            || names(temporary.path()).iter().any(|name| temporary.path().join(name).join("audit.jsonl").exists());
        while !is_played() {
            assert!(child.try_wait().unwrap().is_none(), "{words:?} is over");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()), "{words:?}");
        assert_eq!(names(temporary.path()), Vec::<String>::new(), "{words:?}");
    }
}
