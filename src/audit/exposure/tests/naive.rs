//! The ledger against one written as plainly as can be, on any log and any way of reading it in pieces.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::audit::tests::records;
use crate::audit::{Kind, Present, Record};

const PATHS: [&str; 3] = ["V/One/f", "v/one/F", "V/Two/f"];
const PRINCIPALS: [&str; 2] = ["agent", "other"];
const RULES: [&[&str]; 3] = [&[], &["a"], &["b", "a"]];

/// One step of a made-up day.
#[derive(Debug, Clone)]
enum Step {
    Begin(Wanted),
    /// Ends one of the requests under way.
    End(prop::sample::Index, Option<Outcome>),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let actions = vec![Action::Read, Action::Read, Action::Write, Action::Rotate, Action::Delete, Action::List];
    let delivery = prop::sample::select(deliveries().map(|(delivery, _)| delivery).to_vec());
    let what = prop_oneof![
        prop::sample::select(actions).prop_map(|action| (action, None)),
        delivery.prop_map(|delivery| (Action::Use, Some(delivery))),
    ];
    let (paths, principals) = (prop::sample::select(&PATHS[..]), prop::sample::select(&PRINCIPALS[..]));
    let wanted = (what, paths, principals, prop::sample::select(&RULES[..]));
    let begin = wanted.prop_map(|((action, delivery), path, principal, rules)| {
        Step::Begin(Wanted { action, delivery, path, principal, rules: rules.to_vec() })
    });
    let outcomes: Vec<_> = endings().into_iter().map(|(outcome, _)| Some(outcome)).chain([None]).collect();
    let end = (any::<prop::sample::Index>(), prop::sample::select(outcomes)).prop_map(|(at, how)| Step::End(at, how));
    let wait = (1_u64..200).prop_map(Step::Wait);
    prop::collection::vec(prop_oneof![3 => begin, 4 => end, 1 => wait], 0..40)
}

/// The log of a day, some of whose requests are still under way.
fn written(steps: &[Step]) -> Book {
    let book = Book::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut open = Vec::new();
        for step in steps {
            match step {
                Step::Begin(wanted) => open.push(book.begin(wanted).await),
                Step::End(..) if open.is_empty() => {}
                Step::End(at, how) => {
                    let intent = open.swap_remove(at.index(open.len()));
                    match how {
                        Some(outcome) => drop(intent.settle(outcome.clone()).await.unwrap()),
                        None => drop(intent),
                    }
                }
                Step::Wait(seconds) => book.clock.advance(Duration::from_secs(*seconds)),
            }
        }
        // Killed: nothing records what became of them.
        open.into_iter().for_each(std::mem::forget);
    });
    book
}

/// Every exposure of a log, found by looking at all its records for each.
fn plainly(records: &[Record]) -> Vec<Exposure> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for (at, record) in records.iter().enumerate() {
        let Some(delivered) = exposes(records, record) else { continue };
        let key = (fold(record), record.principal.clone(), record.delivery.clone());
        found.entry(key).or_default().push((at, record, delivered));
    }
    let mut exposures: Vec<Exposure> =
        found.into_iter().map(|((folded, ..), times)| told(records, &folded, times)).collect();
    exposures.sort_by(|a, b| (&a.path, &a.principal, &a.delivery).cmp(&(&b.path, &b.principal, &b.delivery)));
    exposures
}

fn fold(record: &Record) -> String {
    record.path.as_deref().unwrap_or_default().to_lowercase()
}

/// Whether a record is the one that tells of an exposure; `false` for an intent that stands for its outcome.
fn exposes(records: &[Record], record: &Record) -> Option<bool> {
    let by = record.delivery.as_deref().is_some_and(|how| how.starts_with("trusted") || how.starts_with("run"));
    let outcome = || records.iter().find(|other| other.kind == Kind::Outcome && other.request == record.request);
    let after = record.sandbox.is_some() || matches!(record.code.as_deref(), Some("internal" | "abandoned"));
    match (record.kind, record.action) {
        (Kind::Outcome, Some(Action::Read)) if record.code.is_none() => Some(true),
        (Kind::Outcome, Some(Action::Use)) if by && (record.code.is_none() || after) => Some(true),
        (Kind::Intent, Some(Action::Use)) if by && outcome().is_none() => Some(false),
        _ => None,
    }
}

fn told(records: &[Record], folded: &str, mut times: Vec<(usize, &Record, bool)>) -> Exposure {
    let changes = [Action::Write, Action::Rotate, Action::Delete].map(Some);
    let is_change = |r: &Record| r.kind == Kind::Outcome && r.code.is_none() && changes.contains(&r.action);
    let changed = records.iter().rposition(|record| is_change(record) && fold(record) == folded);
    // What's still under way is told of last.
    times.sort_by_key(|(at, _, delivered)| (!delivered, *at));
    let intent =
        |record: &Record| records.iter().position(|r| r.kind == Kind::Intent && r.request == record.request).unwrap();
    let in_force = |at: usize, record: &Record| {
        changed.is_none_or(|changed| {
            let began = intent(record);
            let soon = records[changed].time.duration_since(records[began].time) <= SignedDuration::from_mins(2);
            at > changed && (began > changed || soon) || began <= changed && at == began && soon
        })
    };
    let present: Vec<_> = times.iter().filter(|(at, record, _)| in_force(*at, record)).collect();
    let mut owed: Vec<(RuleId, Timestamp)> = Vec::new();
    for (_, record, _) in &present {
        for rule in record.rules.iter().map(|rule| RuleId::new(rule)) {
            match owed.iter_mut().find(|(known, _)| *known == rule) {
                Some((_, since)) => *since = record.time.min(*since),
                None => owed.push((rule, record.time)),
            }
        }
    }
    let (_, last, _) = times.last().unwrap();
    // The spelling is that of the last record that told of the secret, which the comparison leaves aside.
    Exposure {
        path: path(folded),
        principal: last.principal.clone(),
        how: How::of(last.delivery.as_deref()),
        delivery: last.delivery.clone(),
        first: times.iter().map(|(_, record, _)| record.time).min().unwrap(),
        last: times.iter().map(|(_, record, _)| record.time).max().unwrap(),
        count: u64::try_from(times.len()).unwrap(),
        rules: last.rules.iter().map(|rule| RuleId::new(rule)).collect(),
        changed_since: changed.filter(|_| present.is_empty()).map(|changed| records[changed].time),
        present: (!present.is_empty()).then(|| Present { count: u64::try_from(present.len()).unwrap(), owed }),
    }
}

fn unspelled(mut exposures: Vec<Exposure>) -> Vec<Exposure> {
    for exposure in &mut exposures {
        exposure.path = path(&exposure.path.as_str().to_lowercase());
    }
    exposures.sort_by(|a, b| (&a.path, &a.principal, &a.delivery).cmp(&(&b.path, &b.principal, &b.delivery)));
    exposures
}

/// Whether a principal was given the value in force, by looking at all records.
fn knows_plainly(records: &[Record], principal: &str, folded: &str) -> bool {
    let of_it: Vec<(usize, &Record)> =
        records.iter().enumerate().filter(|(_, record)| fold(record) == folded).collect();
    let intent =
        |record: &Record| records.iter().position(|r| r.kind == Kind::Intent && r.request == record.request).unwrap();
    let changes = [Action::Write, Action::Rotate, Action::Delete].map(Some);
    let is_change = |r: &Record| r.kind == Kind::Outcome && r.code.is_none() && changes.contains(&r.action);
    let mut changed = of_it.iter().filter(|(_, record)| is_change(record)).map(|(at, record)| (*at, *record)).rev();
    let (last, before) = (changed.next(), changed.next());
    let wrote = last.is_some_and(|(_, record)| {
        record.action == Some(Action::Write)
            && record.principal == principal
            && before.is_none_or(|(before, _)| intent(record) > before)
    });
    wrote
        || of_it.iter().any(|(_, record)| {
            record.principal == principal
                && exposes(records, record).is_some()
                && last.is_none_or(|(last, _)| intent(record) > last)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_day_read_in_any_pieces_comes_to_what_its_records_say(
        steps in steps(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let book = written(&steps);
        let bytes = book.place.bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let place = Place::new();
        let ledger = Ledger::open(&place.file);
        for cut in cuts {
            std::fs::write(&place.file, &bytes[..cut]).unwrap();
            let whole = bytes[..cut].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let plain = Place::new();
            std::fs::write(&plain.file, &bytes[..whole]).unwrap();
            let records = records(&plain.file);
            prop_assert_eq!(unspelled(ledger.since(None).unwrap()), plainly(&records));
            prop_assert_eq!(Ledger::open(&plain.file).since(None).unwrap(), ledger.since(None).unwrap());
            for (principal, secret) in PRINCIPALS.iter().flat_map(|who| PATHS.map(|secret| (who, secret))) {
                let knows = ledger.knows(&PrincipalName::parse(principal).unwrap(), &path(secret)).unwrap();
                prop_assert_eq!(knows, knows_plainly(&records, principal, &secret.to_lowercase()));
            }
        }
    }
}
