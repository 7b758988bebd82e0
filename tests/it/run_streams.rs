//! What a command of one's own prints where its output is no terminal, and what becomes of it and of its attendant.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{command, err, home, out, ready, script, told_by};

const WITH: [&str; 5] = ["--env-file", "env", "--", "sh", "-c"];

#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_cannot_be_written_is_said_and_is_no_success() {
    let home = home().await;
    for (script, code) in [("echo text", 1), ("echo text; exit 5", 5), ("yes", 1), (":", 0)] {
        let mut command = command(&home, &[&WITH[..], &[script]].concat());
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let done = command.stdout(full).output().unwrap();
        assert_eq!(done.status.code(), Some(code), "{script}: {}", err(&done));
        assert_eq!(err(&done).contains("No space left"), code != 0, "{script}: {}", err(&done));
    }
}

#[tokio::test]
async fn what_goes_to_one_file_stays_in_order_and_in_whole_lines() {
    let home = home().await;
    // Each line ends in what may begin the value.
    let script = "i=0; while [ $i -lt 500 ]; do echo \"$i out c4n4ry\"; echo \"$i err c4n4ry\" >&2; i=$((i+1)); done";
    let expected: Vec<String> = (0..500).map(|i| format!("{i} out c4n4ry\n{i} err c4n4ry\n")).collect();
    let (mut from, into) = std::io::pipe().unwrap();
    let mut command = command(&home, &[&WITH[..], &[script]].concat());
    let mut child = command.stdout(into.try_clone().unwrap()).stderr(into).spawn().unwrap();
    // It holds the other ends.
    drop(command);
    let mut all = String::new();
    from.read_to_string(&mut all).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(all, expected.concat());
}

#[tokio::test]
async fn what_is_left_in_the_background_is_waited_for_as_by_any_reader() {
    let home = home().await;
    let told = told_by(&home);
    // It begins once its parent has ended.
    let late = "(exec 3>told; while kill -0 $$ 2>/dev/null; do sleep 0.01; done; sleep 0.7; echo late) & echo over";
    let done = script(&home, late);
    assert_eq!((out(&done).as_str(), done.status.code()), ("over\nlate\n", Some(0)), "{}", err(&done));
    assert_eq!(told.join().unwrap(), "");
}

#[tokio::test]
async fn waiting_for_what_is_left_ends_at_a_signal() {
    let home = home().await;
    let told = told_by(&home);
    let left = "trap '' TERM; (exec 3>told; exec sleep 600) & echo ready; echo $!; exit 4";
    let (mut child, mut rest) = ready(command(&home, &[&WITH[..], &[left]].concat()));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut rest, &mut line).unwrap();
    // Until the program has ended, the signal is for that.
    while child.try_wait().unwrap().is_none() {
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        std::thread::yield_now();
    }
    assert_eq!(child.wait().unwrap().code(), Some(4));
    kill_process(Pid::from_raw(line.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(told.join().unwrap(), "");
}

/// The process that opward has started.
fn attendant_of(opward: u32) -> Pid {
    let children = fs::read_to_string(format!("/proc/{opward}/task/{opward}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_program_ends_when_its_attendant_is_killed_and_that_is_no_success() {
    let home = home().await;
    let told = told_by(&home);
    let script = "exec 3>told; trap 'echo ended >&3; exit' TERM; echo ready; while :; do sleep 0.01; done";
    let (child, _out) = ready(command(&home, &[&WITH[..], &[script]].concat()));
    kill_process(attendant_of(child.id()), Signal::KILL).unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(told.join().unwrap(), "ended\n");
    assert_eq!(done.status.code(), Some(1));
    assert!(err(&done).contains("was killed"), "{}", err(&done));
    let codes: Vec<_> =
        home.records().into_iter().filter(|record| record["kind"] == "outcome" && record["action"] == "use").collect();
    assert_eq!(codes.last().unwrap()["code"], "internal");
    // One that won't be told is ended.
    fs::remove_file(home.path("told")).unwrap();
    let told = told_by(&home);
    let script = "exec 3>told; trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let (mut child, _out) = ready(command(&home, &[&WITH[..], &[script]].concat()));
    kill_process(attendant_of(child.id()), Signal::KILL).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(told.join().unwrap(), "");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_file_s_variables_are_the_program_s_and_not_opward_s() {
    let home = home().await;
    home.write("env", b"KEY=op://Staging/Stripe/credential\nLD_DEBUG=files\nLD_DEBUG_OUTPUT=loaded\n");
    let done = script(&home, "test -n \"$KEY\"");
    assert!(done.status.success(), "{}", err(&done));
    let files = fs::read_dir(home.folder()).unwrap().flatten().map(|file| file.file_name());
    let loaded = files.filter(|name| name.to_string_lossy().starts_with("loaded.")).count();
    assert_eq!(loaded, 1, "the loader has told of the shell, and of nothing else");
}

#[tokio::test]
async fn nothing_is_lost_where_writes_do_not_wait() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    let home = home().await;
    let (mut from, into) = std::io::pipe().unwrap();
    fcntl_setfl(&into, fcntl_getfl(&into).unwrap() | OFlags::NONBLOCK).unwrap();
    let mut command = command(&home, &[&WITH[..], &["echo ready >&2; read x; exec seq 100000"]].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(into).spawn().unwrap();
    drop(command);
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut all = String::new();
    from.read_to_string(&mut all).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(all.lines().count(), 100_000);
}
