//! What it costs to answer from the sealed cache, and to find a secret by its name.

#![allow(clippy::unwrap_used, reason = "a bench that can't start says why and stops")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use opward::custody::source::{Fetched, Inventory, Vault};
use opward::custody::{Cache, CacheSettings, Catalog, Sealer, SecretValue, SourceView};
use opward::memory::LockedKey;
use opward::model::{
    Category, Field, FieldId, FieldType, Fields, Item, ItemId, ItemPath, Name, Place, Reference, SecretPath,
    SourceName, VaultId,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

fn place(number: usize) -> Place {
    Place {
        source: SourceName::new("home"),
        vault: VaultId::new("abcdefghijklmnopqrstuvwxyz"),
        item: ItemId::new(&format!("{number:026}")),
        field: FieldId::new("credential"),
    }
}

fn fetched() -> Fetched {
    Fetched {
        value: SecretValue::from_bytes(vec![b'x'; 64]),
        version: 1,
        path: SecretPath::parse("Vault/Item/credential").unwrap(),
    }
}

fn sealer() -> Sealer {
    Sealer::new(LockedKey::generate().unwrap())
}

fn seal(criterion: &mut Criterion) {
    let (sealer, place, value) = (sealer(), place(1), SecretValue::from_bytes(vec![b'x'; 64]));
    let sealed = sealer.seal(&value, &place).unwrap();
    criterion
        .bench_function("seal 64 bytes", |bencher| bencher.iter(|| black_box(sealer.seal(&value, &place).unwrap())));
    criterion
        .bench_function("open 64 bytes", |bencher| bencher.iter(|| black_box(sealer.open(&sealed, &place).unwrap())));
}

fn cache(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let settings =
        CacheSettings { ttl: Duration::from_mins(5), stale_if_error: Duration::from_hours(1), max_items: 10_000 };
    let cache = Cache::new(settings, sealer(), &TaskTracker::new(), CancellationToken::new());
    for number in 0..10_000 {
        cache.insert(&place(number), None, &fetched());
    }
    let hit = place(5_000);
    criterion.bench_function("cache hit among 10,000", |bencher| {
        bencher.iter(|| black_box(cache.peek(&hit, None).unwrap()));
    });
    let mut number = 10_000;
    criterion.bench_function("insert into a full cache of 10,000", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                (place(number), fetched())
            },
            |(place, fetched)| cache.insert(&place, None, &fetched),
            BatchSize::SmallInput,
        );
    });
}

fn resolve(criterion: &mut Criterion) {
    let (source, vault, name) = (SourceName::new("home"), VaultId::new(&"v".repeat(26)), Name::new("Staging").unwrap());
    let item = |number: usize| {
        let path = ItemPath::new(&name, &Name::new(&format!("Service {number}")).unwrap()).unwrap();
        let fields = ["username", "credential", "hostname", "notesPlain"].map(|id| {
            let name = Name::new(id).unwrap();
            let path = path.field(None, &name).unwrap();
            Field {
                id: FieldId::new(id),
                name,
                section: None,
                section_id: None,
                kind: FieldType::String,
                purpose: None,
                path,
                title_path: None,
            }
        });
        Arc::new(Item {
            source: source.clone(),
            vault: vault.clone(),
            id: ItemId::new(&format!("{number:026}")),
            path,
            category: Category::Login,
            tags: Arc::new([]),
            fields: Fields::Known(fields.into()),
            version: 1,
            created_at: None,
            updated_at: None,
            expires_at: None,
            urls: Vec::new(),
        })
    };
    let vaults = vec![Vault { id: vault.clone(), name: name.clone(), description: None }];
    let inventory = Arc::new(Inventory { vaults, items: (0..10_000).map(item).collect(), generation: None });
    let build = |view: SourceView| Catalog::build(vec![(source.clone(), view, Ok(Arc::clone(&inventory)))]).unwrap();
    let catalog = build(SourceView::default());
    let reference = Reference::parse("staging/service 5000/credential").unwrap();
    criterion.bench_function("resolve among 10,000 items", |bencher| {
        bencher.iter(|| black_box(catalog.resolve(&reference).unwrap()));
    });
    criterion.bench_function("build a catalog of 10,000 items", |bencher| {
        bencher.iter(|| black_box(build(SourceView::default())));
    });
    criterion.bench_function("build a catalog of 10,000 items, renamed", |bencher| {
        let renamed =
            || SourceView { rename: vec![(name.clone(), Name::new("Other").unwrap())], ..SourceView::default() };
        bencher.iter(|| black_box(build(renamed())));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    seal(&mut criterion);
    cache(&mut criterion);
    resolve(&mut criterion);
    criterion.final_summary();
}
