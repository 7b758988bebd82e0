//! How programs end, and that all they started ends with them.

use std::time::{Duration, Instant};

use opward::runner::{Job, NotRun, Sandbox};
use rustix::process::{Pid, Signal, kill_process};

use crate::driver;
use crate::support::{PATIENCE, job, lives, ran, until, with_variable};

/// How long all may take to be gone.
const GONE: Duration = Duration::from_secs(2);

/// Trees, and how many numbers of processes they say.
const TREES: [(&str, usize); 4] = [("plain", 1), ("daemons", 6), ("chain", 3), ("stopped", 2)];

/// Each tree, confined and not.
fn grown() -> impl Iterator<Item = ((&'static str, usize), Sandbox)> {
    TREES.into_iter().flat_map(|tree| [(tree, Sandbox::Prefer), (tree, Sandbox::Off)])
}

fn marked(arguments: &[&str], mark: &str) -> Job {
    let mut job = job(arguments);
    job.variables = vec![("MARK".to_owned(), mark.into())];
    job
}

fn mark(name: &str) -> String {
    format!("{name}-{:x}", rand::random::<u64>())
}

#[tokio::test]
async fn an_exit_code_is_passed_on_and_a_signal_counts_from_128() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        for (arguments, code) in
            [(["exit", "0"], 0), (["exit", "3"], 3), (["exit", "255"], 255), (["signal", "15"], 143)]
        {
            let mut job = job(&arguments);
            job.sandbox = sandbox;
            let ran = ran(job).await.unwrap();
            assert_eq!((ran.ended.exit_code, ran.ended.timed_out), (code, false), "{arguments:?}");
        }
    }
}

#[tokio::test]
async fn when_time_is_up_the_whole_tree_ends() {
    for ((tree, _), sandbox) in grown() {
        let mark = mark(tree);
        let mut job = marked(&["tree", tree], &mark);
        job.sandbox = sandbox;
        job.timeout = Duration::from_millis(600);
        let begun = Instant::now();
        let ran = ran(job).await.unwrap();
        assert!(ran.ended.timed_out, "{tree}: {ran:?}");
        assert!(begun.elapsed() < Duration::from_millis(600) + GONE, "{tree} took {:?}", begun.elapsed());
        assert!(ran.out.lines().count() > 0, "{tree} never began: {ran:?}");
        assert_eq!(with_variable(&mark), [0; 0], "{tree}");
    }
}

#[tokio::test]
async fn a_program_that_ends_leaves_nothing_behind() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mark = mark("left");
        let ran = ran(Job { sandbox, ..marked(&["tree", "left"], &mark) }).await.unwrap();
        assert_eq!((ran.ended.exit_code, ran.ended.timed_out), (0, false));
        assert_eq!(ran.out.lines().count(), 5, "{ran:?}");
        assert_eq!(with_variable(&mark), [0; 0]);
    }
}

#[tokio::test]
async fn dropping_the_future_ends_the_whole_tree() {
    for ((tree, processes), sandbox) in grown() {
        let mark = mark(tree);
        let running = tokio::spawn(ran(Job { sandbox, ..marked(&["tree", tree], &mark) }));
        let begun = {
            let mark = mark.clone();
            move || until("the tree has grown", PATIENCE, || with_variable(&mark).len() >= processes.min(3))
        };
        tokio::task::spawn_blocking(begun).await.unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let gone = move || until("the tree is gone", GONE, || with_variable(&mark).is_empty());
        tokio::task::spawn_blocking(gone).await.unwrap();
    }
}

#[test]
fn when_opward_is_killed_the_whole_tree_ends_and_its_home_is_removed() {
    for ((tree, processes), sandbox) in grown() {
        let mark = mark(tree);
        let sandbox = if sandbox == Sandbox::Off { "off" } else { "prefer" };
        let mut command = driver::command(&format!("tree\n{tree}"), sandbox);
        command.env("DRIVE_MARK", &mark);
        let (mut opward, numbers) = driver::started(command, processes);
        assert_eq!(numbers.len(), processes, "{tree}");
        let program = *numbers.last().unwrap();
        let environment = std::fs::read(format!("/proc/{program}/environ")).unwrap();
        let home = environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"HOME=")).unwrap();
        let home = std::path::PathBuf::from(std::str::from_utf8(home).unwrap());
        assert!(home.exists());
        opward.kill().unwrap();
        opward.wait().unwrap();
        until("the tree is gone", GONE, || with_variable(&mark).is_empty());
        until("the home is gone", GONE, || !home.exists());
    }
}

#[tokio::test]
async fn when_the_supervisor_is_killed_that_is_noticed_and_the_program_ends() {
    let mark = mark("plain");
    let running = tokio::spawn(ran(marked(&["tree", "plain"], &mark)));
    let of = mark.clone();
    let kill = move || {
        until("it runs", PATIENCE, || with_variable(&of).len() == 1);
        let program = with_variable(&of)[0];
        let environment = std::fs::read_to_string(format!("/proc/{program}/environ")).unwrap();
        let home = environment.split('\0').find_map(|one| one.strip_prefix("HOME=")).unwrap().to_owned();
        let status = std::fs::read_to_string(format!("/proc/{program}/status")).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t")).unwrap().parse().unwrap();
        kill_process(Pid::from_raw(parent).unwrap(), Signal::KILL).unwrap();
        home
    };
    let home = tokio::task::spawn_blocking(kill).await.unwrap();
    assert_eq!(running.await.unwrap().unwrap_err(), NotRun::Lost);
    let gone = move || until("it's gone", GONE, || with_variable(&mark).is_empty());
    tokio::task::spawn_blocking(gone).await.unwrap();
    assert!(!std::path::Path::new(&home).exists());
}

#[tokio::test]
async fn a_home_is_removed_with_what_was_left_in_it() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let mut job = job(&["leave"]);
        job.sandbox = sandbox;
        let ran = ran(job).await.unwrap();
        assert_eq!(ran.ended.exit_code, 0, "{ran:?}");
        assert!(!std::path::Path::new(&ran.out).exists(), "{}", ran.out);
    }
}

#[test]
fn there_is_one_supervisor_that_waits_and_it_ends_with_opward() {
    let mut command = driver::command("exit\n0", "prefer");
    command.env("DRIVE_READY", "1");
    let (mut opward, own) = driver::started(command, 1);
    let threads = std::fs::read_dir(format!("/proc/{}/task", own[0])).unwrap();
    let children: Vec<i32> = threads
        .flat_map(|thread| {
            let children = std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap();
            children.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(children.len(), 1, "{children:?}");
    // A program that's just being put in another's place has no arguments for a moment.
    let arguments = || std::fs::read(format!("/proc/{}/cmdline", children[0])).unwrap();
    until("it's a supervisor", GONE, || arguments() == b"opward\0supervise\0");
    assert!(lives(children[0]));
    opward.kill().unwrap();
    opward.wait().unwrap();
    until("it ends", GONE, || !lives(children[0]));
}
