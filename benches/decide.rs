//! What a decision costs among 100 and among 10,000 rules, for policies of different shapes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that fails should stop")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use opward::model::{Category, Principal, PrincipalName, Request, RequestId, SecretPath, Target, Transport, kind};
use opward::policy::{Policy, Verdict};

/// A shape of policy: how the rule of a number looks, as principal, path and the rest.
type Shape = (&'static str, fn(usize) -> (String, String, &'static str));

const SHAPES: [Shape; 7] = [
    ("one principal, an item a rule", |n| ("agent".into(), format!("Vault {}/Item {n}/*", n % 50), "")),
    ("a principal a rule", |n| (format!("agent-{n}"), format!("Vault {}/**", n % 50), "")),
    ("a principal pattern a rule", |n| (format!("agent-{n}-*"), format!("Vault {}/**", n % 50), "")),
    ("an item pattern a rule", |n| ("agent".into(), format!("Vault {}/item-{n}-*/password", n % 50), "")),
    ("an inner piece a rule", |n| ("agent".into(), format!("**/*-{n}-*/password"), "")),
    ("any depth", |n| ("*".into(), format!("**/secret {n}"), "")),
    ("conditions everywhere", |n| ("agent".into(), format!("Vault {}/Item {n}/**", n % 50), CONDITIONS)),
];

const CONDITIONS: &str = "tags = [\"agent\", \"x\"]\nwhen.expires = 2030-01-01T00:00:00Z\n\
    when.hours = \"Mon-Sun 00:00-24:00 Europe/Berlin\"\nwhen.transport = [\"stdio\"]\nrequire.reason = true\n";

fn policy(count: usize, rule: fn(usize) -> (String, String, &'static str)) -> Policy {
    let mut text = String::from("version = 1\n");
    for number in 0..count {
        let (principal, path, rest) = rule(number);
        writeln!(
            text,
            "[[rule]]\nid = \"r{number}\"\nprincipals = [\"{principal}\"]\nactions = [\"read\"]\npaths = [\"{path}\"]\n{rest}"
        )
        .unwrap();
    }
    // Whatever the shape, some rules about everybody and a deny must be looked at as well.
    text += "[[rule]]\nid = \"all\"\nprincipals = [\"*\"]\nactions = [\"list\", \"describe\"]\npaths = [\"**\"]\n\
        [[rule]]\nid = \"no\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"HR\", \"**/seed\"]\n";
    Policy::parse(&text, "bench").unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the rule of this number is about.
fn request(shape: &str, number: usize) -> (Principal, Request<kind::Read>) {
    let vault = number % 50;
    let (name, path) = match shape {
        "a principal a rule" => (format!("agent-{number}"), format!("Vault {vault}/Stripe/password")),
        "a principal pattern a rule" => (format!("agent-{number}-x"), format!("Vault {vault}/Stripe/password")),
        "an item pattern a rule" => ("agent".into(), format!("Vault {vault}/item-{number}-live/password")),
        "an inner piece a rule" => ("agent".into(), format!("Vault {vault}/stripe-{number}-live/password")),
        "any depth" => ("agent".into(), format!("Vault {vault}/Stripe/secret {number}")),
        _ => ("agent".into(), format!("Vault {vault}/Item {number}/password")),
    };
    let who = Principal {
        name: PrincipalName::parse(&name).unwrap(),
        transport: Transport::Stdio,
        source_ip: None,
        claims: Arc::default(),
    };
    let target = Target {
        path: SecretPath::parse(&path).unwrap(),
        title_path: None,
        place: None,
        category: Category::Login,
        tags: [opward::model::Tag::new("Agent").unwrap()].into(),
    };
    (who, Request::new(RequestId::new(), target, None))
}

fn decide(criterion: &mut Criterion) {
    let now: Option<Timestamp> = "2026-11-20T10:00:00Z".parse().ok();
    for (shape, rule) in SHAPES {
        let mut group = criterion.benchmark_group(shape);
        for count in [100, 10_000] {
            let policy = policy(count, rule);
            // Different requests, so that the caches of the processor don't flatter.
            let requests: Vec<_> = (0..count).step_by(count / 100).map(|number| request(shape, number)).collect();
            let mut turn = requests.iter().cycle();
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| {
                    let (who, request) = turn.next().unwrap();
                    let verdict = policy.decide(black_box(who), black_box(request), now);
                    assert!(matches!(verdict, Verdict::Allow(_)));
                    verdict
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(800));
    targets = decide
}
criterion_main!(benches);
