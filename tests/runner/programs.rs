//! Which programs run, and what their arguments may name.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opward::runner::{Argument, Job, NotRun, Sandbox};

use crate::support::{job, probe, ran};

fn of(exe: &Path) -> Job {
    Job { exe: exe.to_owned(), ..job(&["exit", "7"]) }
}

fn executable(path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_script_runs_only_where_scripts_may() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    executable(&script, b"#!/bin/sh\necho ran $0 $1\n", 0o755);
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let refused = ran(Job { sandbox, ..of(&script) }).await.unwrap_err();
        assert!(matches!(&refused, NotRun::Program(why) if why.contains("script")), "{refused}");
        let ran = ran(Job { sandbox, may_be_script: true, ..of(&script) }).await.unwrap();
        assert_eq!(ran.out, format!("ran {} exit\n", script.canonicalize().unwrap().display()), "{ran:?}");
    }
}

#[tokio::test]
async fn while_a_program_is_swapped_only_the_checked_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good"), folder.path().join("bad"));
    fs::copy(probe(), &good).unwrap();
    // The same by name, another by content: it says so by its exit code.
    executable(&bad, b"#!/bin/sh\nexit 99\n", 0o755);
    let exe = folder.path().join("exe");
    symlink(&good, &exe).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &fs::read(&good).unwrap());
    let pinned: [u8; 32] = digest.as_ref().try_into().unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (done, folder) = (Arc::clone(&done), folder.path().to_owned());
        move || {
            let mut swaps = 0_u64;
            while !done.load(Ordering::Relaxed) {
                for target in ["bad", "good"] {
                    let next = folder.join("next");
                    symlink(folder.join(target), &next).unwrap();
                    fs::rename(&next, folder.join("exe")).unwrap();
                    swaps += 1;
                }
            }
            swaps
        }
    });
    let (mut good, mut refused) = (0, 0);
    for round in 0..1_000 {
        let sandbox = if round % 4 == 0 { Sandbox::Prefer } else { Sandbox::Off };
        match ran(Job { pinned: Some(pinned), sandbox, ..of(&exe) }).await {
            Ok(ran) => {
                assert_eq!(ran.ended.exit_code, 7, "something else ran: {ran:?}");
                good += 1;
            }
            Err(NotRun::Program(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    done.store(true, Ordering::Relaxed);
    let swaps = swapper.join().unwrap();
    assert!(good > 0 && refused > 0 && swaps > 1_000, "the race wasn't one: {good} {refused} {swaps}");
}

#[tokio::test]
async fn a_parameter_names_something_below_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/file"), "found").unwrap();
    fs::write(folder.path().join("other"), "not asked for").unwrap();
    let under = |relative: &str| Argument::Under {
        root: folder.path().to_owned(),
        relative: relative.to_owned(),
        before: String::new(),
        after: String::new(),
    };
    let reading = |relative: &str| {
        let mut job = job(&["read"]);
        job.arguments.push(under(relative));
        job
    };
    assert_eq!(ran(reading("sub/file")).await.unwrap().out, "found");
    assert!(matches!(ran(reading("missing")).await.unwrap_err(), NotRun::Parameter(_)));

    // The folder isn't open to it, only what was named.
    let mut job = job(&["read"]);
    job.arguments.push(Argument::Text(folder.path().join("other").into_os_string()));
    job.arguments.push(under("sub/file"));
    assert_eq!(ran(job).await.unwrap().out, "refused 13");
}

#[tokio::test]
async fn a_parameter_swapped_after_the_look_at_it_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "outside").unwrap();
    fs::write(folder.path().join("file"), "inside").unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (done, folder, outside) = (Arc::clone(&done), folder.path().to_owned(), outside.path().to_owned());
        move || {
            while !done.load(Ordering::Relaxed) {
                let next = folder.join("next");
                symlink(&outside, &next).unwrap();
                fs::rename(&next, folder.join("file")).unwrap();
                fs::write(&next, "inside").unwrap();
                fs::rename(&next, folder.join("file")).unwrap();
            }
        }
    });
    let mut said = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..100 {
        let mut job = job(&["read"]);
        job.arguments.push(Argument::Under {
            root: folder.path().to_owned(),
            relative: "file".to_owned(),
            before: String::new(),
            after: String::new(),
        });
        let what = match ran(job).await {
            Ok(ran) => ran.out,
            Err(NotRun::Parameter(_)) => "not run".to_owned(),
            Err(other) => panic!("{other}"),
        };
        *said.entry(what).or_default() += 1;
    }
    done.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(!said.contains_key("outside"), "{said:?}");
    assert!(said.len() > 1, "the race wasn't one: {said:?}");
}

#[tokio::test]
async fn a_program_reads_and_changes_only_the_places_of_its_job() {
    let folder = tempfile::tempdir().unwrap();
    let (readable, writable) = (folder.path().join("readable"), folder.path().join("writable"));
    fs::create_dir_all(&readable).unwrap();
    fs::create_dir_all(&writable).unwrap();
    fs::write(readable.join("file"), "there").unwrap();
    let with = |arguments: &[&str]| {
        let mut job = job(arguments);
        job.may_read = vec![readable.clone()];
        job.may_write = vec![writable.clone()];
        job
    };
    let path = |folder: &Path, name: &str| folder.join(name).to_str().unwrap().to_owned();
    assert_eq!(ran(with(&["read", &path(&readable, "file")])).await.unwrap().out, "there");
    assert_eq!(ran(with(&["write", &path(&readable, "file"), "x"])).await.unwrap().out, "refused 13");
    assert_eq!(ran(with(&["write", &path(&writable, "file"), "x"])).await.unwrap().out, "written");
    assert_eq!(ran(with(&["write", &path(folder.path(), "file"), "x"])).await.unwrap().out, "refused 13");

    // A link put in the place of what may be changed opens nothing.
    fs::remove_dir_all(&writable).unwrap();
    symlink(&readable, &writable).unwrap();
    let refused = ran(with(&["write", &path(&writable, "file"), "x"])).await.unwrap_err().to_string();
    assert!(refused.contains("reached through a link"), "{refused}");
}

#[tokio::test]
async fn it_begins_in_the_folder_that_its_job_names() {
    let folder = tempfile::tempdir().unwrap();
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let job = Job { directory: Some(folder.path().to_owned()), sandbox, ..job(&["dump"]) };
        let found: serde_json::Value = serde_json::from_str(&ran(job).await.unwrap().out).unwrap();
        assert_eq!(found["directory"], serde_json::json!(folder.path().canonicalize().unwrap()));
        let file = tempfile::NamedTempFile::new().unwrap();
        let job = Job { directory: Some(file.path().to_owned()), sandbox, ..crate::support::job(&["dump"]) };
        assert!(ran(job).await.unwrap_err().to_string().contains("isn't a folder"));
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said_to_be_missing() {
    for sandbox in [Sandbox::Prefer, Sandbox::Off] {
        let refused = ran(Job { sandbox, ..of(&PathBuf::from("/usr/bin/no-such-program")) }).await.unwrap_err();
        assert_eq!(refused, NotRun::Program("/usr/bin/no-such-program isn't there".to_owned()));
    }
}
