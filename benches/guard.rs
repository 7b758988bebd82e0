//! What it costs to look through arguments for values, and to take the prints of a vault.

#![allow(clippy::unwrap_used, reason = "a bench that can't start says why and stops")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use opward::custody::fingerprint::{PrintKey, Prints, PrintsBuilder, holds_any};
use opward::memory::LockedKey;
use opward::model::{FieldId, ItemId, Place, SourceName, VaultId};

fn place(number: usize) -> Place {
    Place {
        source: SourceName::new("home"),
        vault: VaultId::new("abcdefghijklmnopqrstuvwxyz"),
        item: ItemId::new(&format!("{number:026}")),
        field: FieldId::new("credential"),
    }
}

fn prints(key: &PrintKey, count: usize) -> Prints {
    let mut builder = PrintsBuilder::new(key);
    for number in 0..count {
        let value = format!("sk_live_{:016x}{number:08}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        builder.add_value(place(number), value.as_bytes());
    }
    builder.finish()
}

/// Text as it's written: words, some of them long.
fn text(length: usize) -> String {
    let words = ["The", "deployment", "of", "checkout-service", "reads", "Production/Stripe/credential", "at", "10:42"];
    words.iter().cycle().flat_map(|word| [*word, " "]).flat_map(str::chars).take(length).collect()
}

fn main() {
    let key = PrintKey::new(Arc::new(LockedKey::generate().unwrap()));
    let mut criterion = Criterion::default().configure_from_args();
    for count in [1_000, 10_000] {
        criterion.bench_function(&format!("take prints of {count} values"), |bencher| {
            bencher.iter(|| black_box(prints(&key, count)));
        });
    }
    let prints = prints(&key, 10_000);
    let path = "Production/Stripe/credential".to_owned();
    for (what, text) in [("a path", path), ("100 bytes", text(100)), ("64 KiB", text(64 * 1024))] {
        criterion.bench_function(&format!("look through {what} for 10,000 values"), |bencher| {
            bencher.iter(|| assert!(!holds_any(&prints, &key, black_box(&text))));
        });
    }
    criterion.final_summary();
}
