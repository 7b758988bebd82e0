//! A log that grows, is cut, replaced and written by several processes.

use std::io::Write as _;
use std::path::Path;

use super::super::follow::Follower;
use super::super::tally::Tally;
use super::*;
use crate::audit::tests::{fill, processes};

fn append(file: &Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap().write_all(bytes).unwrap();
}

async fn two_logs() -> (Vec<u8>, Vec<u8>) {
    let (one, two) = (Book::new(), Book::new());
    one.done(&Wanted::read()).await;
    two.done(&Wanted::read().from("other")).await;
    two.done(&Wanted::read().from("another")).await;
    (one.place.bytes(), two.place.bytes())
}

fn who(ledger: &Ledger) -> Vec<String> {
    ledger.since(None).unwrap().into_iter().map(|exposure| exposure.principal).collect()
}

#[tokio::test]
async fn a_log_that_isnt_there_exposes_nothing_and_is_read_once_it_is() {
    let place = Place::new();
    let ledger = Ledger::open(&place.file);
    assert_eq!(ledger.since(None).unwrap(), []);
    fill(&place.open(), 1).await;
    assert_eq!(who(&ledger), ["claude-code"]);
    std::fs::remove_file(&place.file).unwrap();
    assert_eq!(ledger.since(None).unwrap(), []);
}

#[tokio::test]
async fn each_question_reads_only_what_is_new() {
    let book = Book::new();
    let (mut follower, mut tally) = (Follower::default(), Tally::default());
    for round in 1..=3 {
        book.done(&Wanted::read()).await;
        // Were anything read twice, it would be counted twice.
        assert!(follower.advance(&book.place.file, &mut tally, u64::MAX).unwrap());
        assert_eq!(tally.of(&path(SECRET))[0].count, round);
    }
}

#[tokio::test]
async fn a_long_log_is_read_in_slices() {
    let book = Book::new();
    for _ in 0..10 {
        book.done(&Wanted::read()).await;
    }
    let (mut follower, mut tally) = (Follower::default(), Tally::default());
    let mut slices = 1;
    while !follower.advance(&book.place.file, &mut tally, 1).unwrap() {
        slices += 1;
    }
    assert!(slices > 1);
    assert_eq!(tally.since(None), book.all());
}

#[tokio::test]
async fn a_log_that_was_cut_replaced_or_rewritten_is_read_anew() {
    let (one, two) = two_logs().await;
    // Shorter in place, longer in place, another file by that name.
    for (content, elsewhere) in [(&one[..=one.len() / 2], false), (&two[..], false), (&two[..], true)] {
        let place = Place::new();
        std::fs::write(&place.file, &one).unwrap();
        let ledger = Ledger::open(&place.file);
        assert_eq!(who(&ledger), ["agent"]);
        if elsewhere {
            let other = place.file.with_extension("new");
            std::fs::write(&other, content).unwrap();
            std::fs::rename(other, &place.file).unwrap();
        } else {
            std::fs::write(&place.file, content).unwrap();
        }
        assert_eq!(who(&ledger), who(&Ledger::open(&place.file)));
        assert_ne!(who(&ledger), ["agent"]);
    }
}

#[tokio::test]
async fn a_torn_line_counts_once_its_whole_and_never_if_its_set_aside() {
    let (one, two) = two_logs().await;
    for cut in 1..=one.len() {
        let place = Place::new();
        let ledger = Ledger::open(&place.file);
        append(&place.file, &one[..cut]);
        let whole = cut == one.len();
        assert_eq!(who(&ledger).len(), usize::from(whole), "{cut}");
        append(&place.file, &one[cut..]);
        assert_eq!(who(&ledger), ["agent"], "{cut}");
    }
    // What a writer cut off again is gone, though it was seen; the same length stands in its place.
    let place = Place::new();
    let ledger = Ledger::open(&place.file);
    append(&place.file, &one);
    assert_eq!(who(&ledger), ["agent"]);
    let first = two.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    std::fs::OpenOptions::new().write(true).open(&place.file).unwrap().set_len(0).unwrap();
    append(&place.file, &two[..first]);
    append(&place.file, &two[first..]);
    assert_eq!(who(&ledger), ["another", "other"]);
}

#[tokio::test]
async fn a_line_longer_than_any_record_is_passed_over() {
    let (one, _) = two_logs().await;
    for length in [64 * 1024 + 1, 256 * 1024, 600_000] {
        let place = Place::new();
        let ledger = Ledger::open(&place.file);
        append(&place.file, &vec![b'x'; length]);
        assert_eq!(who(&ledger).len(), 0);
        append(&place.file, b"yyy\n");
        append(&place.file, &one);
        assert_eq!(who(&ledger), ["agent"], "{length}");
        assert_eq!(ledger.unreadable().unwrap(), 1, "{length}");
    }
}

#[test]
fn a_pipe_or_a_folder_in_the_logs_place_is_an_error_and_no_wait() {
    let place = Place::new();
    assert!(Ledger::open(place.folder.path()).since(None).is_err());
    rustix::fs::mknodat(rustix::fs::CWD, &place.file, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(Ledger::open(&place.file).since(None).is_err());
}

#[test]
fn several_processes_append_while_its_asked() {
    let place = Place::new();
    let ledger = Ledger::open(&place.file);
    let mut children: Vec<_> =
        (0..3).map(|_| processes::child("child_that_ends", &place.file).spawn().unwrap()).collect();
    let count = || ledger.since(None).unwrap().first().map_or(0, |exposure| exposure.count);
    let mut before = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        let now = count();
        assert!(now >= before, "{now} after {before}");
        before = now;
    }
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(count(), 3 * 2 * 50);
    assert_eq!(ledger.unreadable().unwrap(), 0);
}
