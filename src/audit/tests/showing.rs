//! Picking records out of a log.

use super::*;
use crate::model::{Delivery, DeliveryName, ErrorCode, NamePattern, Output, PathPattern};

async fn sample() -> (Place, AuditLog, Clock) {
    let place = Place::new();
    let clock = Clock::fixed(Some("2026-11-21T10:00:00Z".parse().unwrap()));
    let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
    let staging = Asked::new();
    let _ = log.intent(staging.entry()).await.unwrap().settle(Outcome::done()).await.unwrap();
    clock.advance(std::time::Duration::from_mins(1));
    let mut production = Asked::new();
    production.path = SecretPath::parse("Production/Stripe/Keys/credential").unwrap();
    let denied = Entry { decision: Decision::Deny, action: Action::Delete, ..production.entry() };
    let _ = log.refusal(denied, ErrorCode::Denied).await.unwrap();
    (place, log, clock)
}

fn shown(place: &Place, filter: Filter) -> Vec<u64> {
    show(&place.file, filter).unwrap().map(|record| record.unwrap().seq).collect()
}

#[tokio::test]
async fn each_filter_narrows() {
    let (place, _log, _) = sample().await;
    let pattern = |text| Some(PathPattern::parse(text).unwrap());
    let request = place.records()[0].request.clone();
    let minute = Some("2026-11-21T10:01:00Z".parse().unwrap());
    let filters = [
        (Filter::default(), vec![1, 2, 3]),
        (Filter { action: Some(Action::Delete), ..Filter::default() }, vec![3]),
        (Filter { path: pattern("staging/**"), ..Filter::default() }, vec![1, 2]),
        (Filter { path: pattern("*/Stripe/Keys"), ..Filter::default() }, vec![3]),
        (Filter { principal: Some(NamePattern::parse("claude-*").unwrap()), ..Filter::default() }, vec![1, 2, 3]),
        (Filter { principal: Some(NamePattern::parse("ci").unwrap()), ..Filter::default() }, vec![]),
        (Filter { kind: Some(Kind::Outcome), ..Filter::default() }, vec![2]),
        (Filter { decision: Some(Decision::Deny), ..Filter::default() }, vec![3]),
        (Filter { request: Some(request), ..Filter::default() }, vec![1, 2]),
        (Filter { since: minute, ..Filter::default() }, vec![3]),
        (Filter { until: minute, ..Filter::default() }, vec![1, 2]),
        (Filter { last: Some(2), ..Filter::default() }, vec![2, 3]),
        (Filter { last: Some(1), path: pattern("Staging"), ..Filter::default() }, vec![2]),
        (Filter { last: Some(0), ..Filter::default() }, vec![]),
    ];
    for (filter, expected) in filters {
        assert_eq!(shown(&place, filter.clone()), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_picked_by_its_spelling_or_its_kind() {
    let place = Place::new();
    let log = place.open();
    let name = DeliveryName::parse("test").unwrap();
    for delivery in [Delivery::TrustedCode(name.clone()), Delivery::Command(name), Delivery::Run(Output::Masked)] {
        let asked = Asked::new();
        drop(log.intent(Entry { action: Action::Use, delivery: Some(&delivery), ..asked.entry() }).await.unwrap());
    }
    drop(log.intent(Asked::new().entry()).await.unwrap());
    let with = |wanted: &str| shown(&place, Filter { delivery: Some(wanted.to_owned()), ..Filter::default() });
    assert_eq!(with("trusted-code:test"), [1, 2]);
    assert_eq!(with("trusted-code"), [1, 2]);
    assert_eq!(with("command"), [3, 4]);
    assert_eq!(with("run"), [5, 6]);
    assert!(with("run-unmasked").is_empty() && with("command:tes").is_empty());
}

#[tokio::test]
async fn a_record_shows_itself_as_the_line_it_was() {
    let (place, _log, _) = sample().await;
    let lines: Vec<String> = place.records().iter().map(ToString::to_string).collect();
    assert_eq!(String::from_utf8(place.bytes()).unwrap(), lines.join("\n") + "\n");
    let json = serde_json::to_value(&place.records()[2]).unwrap();
    assert_eq!((&json["kind"], &json["time"]), (&"denied".into(), &"2026-11-21T10:01:00.000Z".into()));
}

#[tokio::test]
async fn a_bad_line_is_named_and_the_others_are_shown() {
    let (place, _log, _) = sample().await;
    let text = String::from_utf8(place.bytes()).unwrap().replacen("outcome", "intent", 1);
    std::fs::write(&place.file, text + "{\"torn").unwrap();
    let told: Vec<String> = show(&place.file, Filter::default())
        .unwrap()
        .map(|record| record.map_or_else(|error| error.to_string(), |record| record.seq.to_string()))
        .collect();
    assert_eq!(told[0], "1");
    assert!(told[1].starts_with("line 2: its hash"), "{}", told[1]);
    assert_eq!(told[2], "3");
    assert!(told[3].starts_with("line 4: it ends in the middle"), "{}", told[3]);
}

#[tokio::test]
async fn a_missing_log_says_which() {
    let place = Place::new();
    let error = show(&place.file, Filter::default()).map(drop).unwrap_err();
    assert!(error.to_string().ends_with("audit.jsonl: there's no such file"), "{error}");
}
