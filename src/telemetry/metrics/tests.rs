//! A page of figures, read back by a strict reader of the format.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::model::{Action, Answered, Counts, Decided, Looked, QuotaWindow, SourceKind, Timings, Word};

const BOUNDS: &[Duration] = &[Duration::from_micros(50), Duration::from_millis(1), Duration::from_secs(2)];

/// Figures in which every word occurs.
fn everything() -> Figures {
    let took = || {
        let took = Timings::new(BOUNDS);
        for micros in [20, 60, 5_000_000] {
            took.record(Duration::from_micros(micros));
        }
        took.read()
    };
    let sources = SourceKind::all().map(|kind| SourceFigures {
        kind,
        answered: Answered::all().map(|answered| (answered, 3)).collect(),
        took: took(),
        quotas: QuotaWindow::all().map(|window| (window, 7, 100)).collect(),
        paused: 1,
    });
    Figures {
        decisions: Counts::<(Action, Decided)>::new().read(),
        cache: CacheFigures { looked: Looked::all().map(|looked| (looked, 5)).collect(), entries: 2, evicted: 1 },
        sources: sources.collect(),
        audit: AuditFigures { appends: took(), failures: 4, under_way: 1 },
        standing: Part::all().map(|part| (part, Standing::Degraded)).collect(),
        port: PortFigures { connections: 12, sessions: 3, refused: vec![(Refusal::Tls, 2)] },
    }
}

fn page(touch: impl FnOnce(&HttpMetrics), figures: fn() -> Figures) -> String {
    let http = Arc::new(HttpMetrics::new());
    touch(&http);
    Metrics::new(http, Box::new(figures)).render()
}

fn touch_everything(http: &HttpMetrics) {
    for ((route, method), outcome) in <((Route, Method), Outcome)>::all() {
        http.answered(route, method, outcome, Duration::from_micros(120));
    }
    Refusal::all().for_each(|why| http.refused(why));
}

/// A family as it was read.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    unit: Option<String>,
    samples: Vec<Sample>,
}

type Labels = Vec<(String, String)>;

/// A line of figures.
#[derive(Debug)]
struct Sample {
    suffix: String,
    labels: Labels,
    value: f64,
}

impl Family {
    fn value(&self, suffix: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let same = |sample: &&Sample| {
            let had = sample.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            sample.suffix == suffix && had.eq(labels.iter().copied())
        };
        self.samples.iter().find(same).map(|sample| sample.value)
    }
}

/// Reads a page and lets nothing pass that the format doesn't allow.
fn read(page: &str) -> BTreeMap<String, Family> {
    assert!(page.ends_with("\n# EOF\n"), "the page has no end");
    assert_eq!(page.matches("# EOF").count(), 1);
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in page.strip_suffix("# EOF\n").unwrap().lines() {
        assert!(!line.is_empty() && line.trim() == line && line.is_ascii(), "{line:?}");
        if let Some(described) = line.strip_prefix("# ") {
            let (word, rest) = described.split_once(' ').unwrap();
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && name.starts_with("opward_"), "{line}");
            if word == "HELP" {
                assert!(families.insert(name.to_owned(), Family::default()).is_none(), "{name} is there twice");
                name.clone_into(&mut current);
            }
            assert_eq!(name, current, "{line}");
            let family = families.get_mut(name).unwrap();
            let slot = match word {
                "HELP" => &mut family.help,
                "TYPE" => &mut family.kind,
                "UNIT" => family.unit.insert(String::new()),
                other => panic!("{other}"),
            };
            assert!(slot.is_empty() && !text.is_empty() && !text.contains('\\'), "{line}");
            text.clone_into(slot);
        } else {
            let sample = sample(line, &current);
            families.get_mut(&current).unwrap().samples.push(sample);
        }
    }
    for (name, family) in &families {
        check(name, family);
    }
    families
}

fn sample(line: &str, family: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} isn't of {family}"));
    let labels = labels.split_terminator(',').map(|label| {
        let (key, value) = label.split_once('=').unwrap();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
        assert!(is_name(key) && !value.contains(['"', '\\', '{', '}']), "{line}");
        (key.to_owned(), value.to_owned())
    });
    Sample { suffix: suffix.to_owned(), labels: labels.collect(), value: value.parse().unwrap() }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn check(name: &str, family: &Family) {
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_sum", "_count", "_bucket"],
        "info" => &["_info"],
        other => panic!("{name} is a {other:?}"),
    };
    assert!(!family.help.is_empty(), "{name}");
    assert_eq!(family.unit.is_some(), family.kind == "histogram", "{name}");
    assert!(family.unit.as_ref().is_none_or(|unit| name.ends_with(&format!("_{unit}"))), "{name}");
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        assert!(suffixes.contains(&sample.suffix.as_str()), "{name}{}", sample.suffix);
        assert!(seen.insert((&sample.suffix, &sample.labels)), "{name}{sample:?} is there twice");
        assert!(sample.value.is_finite() && sample.value >= 0.0, "{name}{sample:?}");
    }
    if family.kind == "histogram" {
        check_histogram(name, family);
    }
}

/// Buckets only grow, and the last has them all.
fn check_histogram(name: &str, family: &Family) {
    let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|sample| sample.suffix == "_bucket") {
        let (own, le): (Vec<_>, Vec<_>) = sample.labels.iter().cloned().partition(|(key, _)| key != "le");
        buckets.entry(own).or_default().push((le[0].1.parse().unwrap(), sample.value));
    }
    for (own, buckets) in buckets {
        assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{name} {own:?} {buckets:?}");
        let own: Vec<(&str, &str)> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let (bound, all) = *buckets.last().unwrap();
        assert!(bound.is_infinite() && family.value("_count", &own) == Some(all), "{name} {own:?}");
        assert!(family.value("_sum", &own).is_some(), "{name} {own:?}");
    }
}

fn words<W: Word>() -> BTreeSet<&'static str> {
    W::all().map(Word::as_str).collect()
}

#[test]
fn every_label_is_a_word_out_of_its_closed_set() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = [
        ("action", words::<Action>()),
        ("decision", words::<Decided>()),
        ("method", words::<Method>()),
        ("part", words::<Part>()),
        ("reason", words::<Refusal>()),
        ("result", words::<Looked>()),
        ("route", words::<Route>()),
        ("source_kind", words::<SourceKind>()),
        ("state", words::<Standing>()),
        ("window", words::<QuotaWindow>()),
        ("version", [env!("CARGO_PKG_VERSION")].into()),
        ("outcome", words::<Outcome>().union(&words::<Answered>()).copied().collect()),
    ]
    .into();
    let page = page(touch_everything, everything);
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, value) in read(&page).into_values().flat_map(|family| family.samples).flat_map(|sample| sample.labels) {
        seen.entry(key).or_default().insert(value);
    }
    seen.remove("le").unwrap();
    let seen: BTreeMap<&str, BTreeSet<&str>> =
        seen.iter().map(|(key, values)| (key.as_str(), values.iter().map(String::as_str).collect())).collect();
    assert_eq!(seen, allowed);
}

#[test]
fn the_words_of_a_set_differ_and_are_plain() {
    fn check<W: Word>() {
        assert_eq!(words::<W>().len(), W::COUNT);
        let is_plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'/');
        assert!(words::<W>().iter().all(|word| word.bytes().all(is_plain)), "{:?}", words::<W>());
    }
    check::<Action>();
    check::<Answered>();
    check::<Decided>();
    check::<Looked>();
    check::<Method>();
    check::<Outcome>();
    check::<Part>();
    check::<QuotaWindow>();
    check::<Refusal>();
    check::<Route>();
    check::<SourceKind>();
    check::<Standing>();
}

#[test]
fn what_was_counted_is_on_the_page() {
    let page = page(
        |http| {
            for micros in [90, 100, 40_000_000] {
                http.answered(Route::Mcp, Method::GetSecret, Outcome::Ok, Duration::from_micros(micros));
            }
            http.answered(Route::Mcp, Method::Other, Outcome::Refused, Duration::ZERO);
            http.refused(Refusal::Origin);
        },
        everything,
    );
    let families = read(&page);
    let get = [("route", "mcp"), ("method", "get_secret")];
    let requests = &families["opward_http_requests"];
    assert_eq!(requests.value("_total", &[get[0], get[1], ("outcome", "ok")]), Some(3.0));
    assert_eq!(requests.samples.len(), 2, "what never happened takes no room");
    let took = &families["opward_http_request_duration_seconds"];
    assert_eq!(took.value("_bucket", &[("le", "0.0001"), get[0], get[1]]), Some(2.0));
    assert_eq!(took.value("_bucket", &[("le", "30.0"), get[0], get[1]]), Some(2.0));
    assert_eq!(took.value("_bucket", &[("le", "+Inf"), get[0], get[1]]), Some(3.0));
    assert_eq!(took.value("_sum", &get), Some(40.00019));
    let refusals = &families["opward_http_refusals"];
    assert_eq!(refusals.value("_total", &[("reason", "origin")]), Some(1.0));
    assert_eq!(refusals.value("_total", &[("reason", "host")]), Some(0.0), "an alert needs the zero before the one");
    let gauge = |name: &str, labels: &[(&str, &str)]| families[name].value("", labels);
    assert_eq!(gauge("opward_http_connections", &[]), Some(12.0));
    assert_eq!(gauge("opward_http_sessions", &[]), Some(3.0));
    assert_eq!(gauge("opward_part_state", &[("part", "audit"), ("state", "degraded")]), Some(1.0));
    assert_eq!(gauge("opward_part_state", &[("part", "audit"), ("state", "ok")]), Some(0.0));
    let op = ("source_kind", "op");
    assert_eq!(gauge("opward_upstream_requests_left", &[op, ("window", "reads_hour")]), Some(7.0));
    assert_eq!(gauge("opward_upstream_requests_limit", &[op, ("window", "reads_hour")]), Some(100.0));
    let withheld = [op, ("outcome", "withheld")];
    assert_eq!(families["opward_upstream_requests"].value("_total", &withheld), Some(3.0));
    assert_eq!(families["opward_cache_lookups"].value("_total", &[("result", "hit")]), Some(5.0));
    assert_eq!(families["opward_audit_append_duration_seconds"].value("_count", &[]), Some(3.0));
    assert_eq!(families["opward_audit_failures"].value("_total", &[]), Some(4.0));
    assert_eq!(families["opward_decisions"].samples.len(), 42);
}

#[test]
fn the_largest_page_there_can_be_is_bounded() {
    let page = page(touch_everything, everything);
    assert!(page.len() < 512 * 1024, "{}", page.len());
}
