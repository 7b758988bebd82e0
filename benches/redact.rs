//! What hiding costs: for few values and for many, with and without preparing them, and done the obvious way.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails should stop")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use opward::redact::{Mask, Redactor, forms};

const MARKER: &str = "[hidden by opward: Production/Stripe/credential is valid; use it through run_command]";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap() % limit
    }
}

/// Tokens as services give them out, from 16 to 48 letters long.
fn values(count: usize) -> Vec<Vec<u8>> {
    let mut numbers = Numbers(0x5eed);
    let letter = |numbers: &mut Numbers| LETTERS.get(numbers.below(LETTERS.len())).copied().unwrap();
    (0..count).map(|number| (0..16 + number % 33).map(|_| letter(&mut numbers)).collect()).collect()
}

/// Output of so many bytes, as of a build or a server, with some of the values in it.
fn output(len: usize, values: &[Vec<u8>], coloured: bool) -> Vec<u8> {
    let mut numbers = Numbers(0xfeed);
    let words: Vec<String> = (0..2000)
        .map(|_| {
            (0..2 + numbers.below(9)).map(|_| char::from(b'a' + u8::try_from(numbers.below(26)).unwrap())).collect()
        })
        .collect();
    let mut text = String::new();
    while text.len() < len {
        write!(text, "2026-11-21T10:{:02}:{:02}Z ", numbers.below(60), numbers.below(60)).unwrap();
        text += if coloured { "\x1b[32mINFO\x1b[0m " } else { "INFO " };
        for _ in 0..10 {
            text += words.get(numbers.below(words.len())).unwrap();
            text += " ";
        }
        write!(text, "id={:x}", numbers.below(1 << 40)).unwrap();
        if numbers.below(100) == 0 {
            write!(text, " token={}", String::from_utf8_lossy(values.get(numbers.below(values.len())).unwrap()))
                .unwrap();
        }
        text += "\n";
    }
    text.truncate(len);
    text.into_bytes()
}

fn prepare(values: &[Vec<u8>]) -> Redactor {
    Redactor::new(values.iter().map(|value| Mask { value, marker: MARKER }))
}

/// Each form of each value replaced in turn.
fn obviously(forms: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for form in forms {
        let mut at = 0;
        while let Some(found) =
            text.get(at..).and_then(|rest| rest.windows(form.len()).position(|window| window == form))
        {
            text.splice(at + found..at + found + form.len(), MARKER.bytes());
            at += found + MARKER.len();
        }
    }
    text
}

fn hide(criterion: &mut Criterion) {
    const LEN: usize = 10_000_000;
    for (name, coloured) in [("10 MB", false), ("10 MB with colours", true)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(LEN.try_into().unwrap()));
        for count in [1, 10, 100, 1000] {
            let values = values(count);
            let text = output(LEN, &values, coloured);
            let redactor = prepare(&values);
            group.bench_function(BenchmarkId::new("prepared", count), |bencher| {
                bencher.iter(|| redactor.apply(black_box(&text)));
            });
            group.bench_function(BenchmarkId::new("with preparing", count), |bencher| {
                bencher.iter(|| prepare(black_box(&values)).apply(black_box(&text)));
            });
        }
        group.finish();
    }
}

fn side_by_side(criterion: &mut Criterion) {
    const LEN: usize = 100_000;
    let mut group = criterion.benchmark_group("100 kB, with preparing");
    group.throughput(Throughput::Bytes(LEN.try_into().unwrap()));
    for count in [1, 10] {
        let values = values(count);
        let text = output(LEN, &values, false);
        group.bench_function(BenchmarkId::new("opward", count), |bencher| {
            bencher.iter(|| prepare(black_box(&values)).apply(black_box(&text)));
        });
        group.bench_function(BenchmarkId::new("a form at a time", count), |bencher| {
            bencher.iter(|| {
                let forms: Vec<_> = values.iter().flat_map(|value| forms(value)).map(|form| form.to_vec()).collect();
                obviously(&forms, black_box(&text))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = hide, side_by_side
}
criterion_main!(benches);
