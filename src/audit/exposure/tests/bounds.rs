//! More than is remembered.

use std::time::Instant;

use super::super::tally::Tally;
use super::*;

fn line(kind: &str, path: usize, principal: usize, request: usize, how: &str) -> String {
    format!(
        "{{\"action\":{how},\"kind\":\"{kind}\",\"path\":\"V/I/f{path}\",\"principal\":\"p{principal}\",\
         \"request\":\"{request}\",\"rules\":[\"a\"],\"time\":\"2026-11-21T10:00:00.000Z\"}}"
    )
}

const READ: &str = "\"read\"";
const TRUSTED: &str = "\"use\",\"delivery\":\"trusted-code:x\"";

fn count(tally: &Tally, path: usize) -> u64 {
    tally.of(&super::path(&format!("V/I/f{path}"))).iter().map(|exposure| exposure.count).sum()
}

#[test]
fn what_was_heard_of_the_longest_ago_is_forgotten() {
    for (paths, principals) in [(35_000, 1), (1, 35_000), (180, 200)] {
        let mut tally = Tally::default();
        let mut request = 0;
        for path in 0..paths {
            for principal in 0..principals {
                request += 1;
                tally.line(line("intent", path, principal, request, READ).as_bytes());
                tally.line(line("outcome", path, principal, request, READ).as_bytes());
            }
        }
        let all = tally.since(None);
        assert!((10_000..=32 * 1024).contains(&all.len()), "{} of {paths} paths", all.len());
        assert!(tally.knows(&format!("p{}", principals - 1), &path(&format!("V/I/f{}", paths - 1))));
        assert!(!tally.knows("p0", &path("V/I/f0")), "the first one is still there");
    }
}

#[test]
fn a_delivery_whose_process_was_killed_stays_exposed_however_many_come_after() {
    let mut tally = Tally::default();
    for request in 0..20_000 {
        tally.line(line("intent", 0, request % 7, request, TRUSTED).as_bytes());
    }
    assert_eq!(count(&tally, 0), 20_000);
    // Reads that were begun and never ended are forgotten for good.
    for request in 20_000..40_000 {
        tally.line(line("intent", 1, 0, request, READ).as_bytes());
    }
    assert_eq!((count(&tally, 0), count(&tally, 1)), (20_000, 0));
}

#[test]
fn requests_that_end_leave_nothing_behind() {
    let mut tally = Tally::default();
    let begun = line("intent", 0, 0, 0, TRUSTED);
    tally.line(begun.as_bytes());
    for request in 1..30_000 {
        tally.line(line("intent", 1, 0, request, READ).as_bytes());
        tally.line(line("outcome", 1, 0, request, READ).as_bytes());
    }
    // It's still open, so its end can take it back.
    assert_eq!((count(&tally, 0), count(&tally, 1)), (1, 29_999));
    let failed = line("outcome", 0, 0, 0, TRUSTED).replacen("\"kind\"", "\"code\":\"not_found\",\"kind\"", 1);
    tally.line(failed.as_bytes());
    assert_eq!(count(&tally, 0), 0);
}

#[tokio::test]
#[ignore = "says how fast it is: run it with --nocapture"]
async fn how_fast_a_long_log_is_read() {
    let book = Book::new();
    for _ in 0..50_000 {
        book.done(&Wanted::read()).await;
    }
    let since = Instant::now();
    assert_eq!(book.all()[0].count, 50_000);
    let first = since.elapsed();
    let since = Instant::now();
    book.done(&Wanted::read()).await;
    assert_eq!(book.all()[0].count, 50_001);
    println!("100,000 records: {first:?}; after two more: {:?}", since.elapsed());
}
