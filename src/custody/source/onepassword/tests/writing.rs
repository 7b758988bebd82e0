//! Changes: each ends in the truth, whatever becomes of it on the way.

use super::fake::{Fault, unclear, unreachable};
use super::*;
use crate::custody::source::onepassword::backend::Command;
use crate::custody::source::onepassword::failure::Failure;
use crate::model::{Category, Tag};

/// What the item STRIPE's credential is in truth.
fn truth(home: &Home) -> Value {
    let world = home.fake.world();
    let item = world.now(&key(STRIPE)).unwrap();
    item["fields"].as_array().unwrap().iter().find(|field| field["id"] == "credential").unwrap()["value"].clone()
}

async fn home() -> Home {
    let home = Home::new();
    home.inventory().await.unwrap();
    home
}

#[tokio::test(start_paused = true)]
async fn a_value_is_set_and_nothing_else_changes() {
    let home = home().await;
    let before = home.fake.world().now(&key(STRIPE)).unwrap().clone();
    let stored = home.remote.store(new_token("sk-2"), &ann()).await.unwrap();
    assert_eq!((stored.version, stored.previous_version, stored.is_same), (4, Some(3), false));
    assert_eq!(stored.place, place(STRIPE, "credential"));
    let mut after = home.fake.world().now(&key(STRIPE)).unwrap().clone();
    assert_eq!(after["fields"][2]["value"], "sk-2");
    after["fields"][2]["value"] = json!("sk-1");
    after["version"] = json!(3);
    assert_eq!(after, before);
    let item = home.item(STRIPE).await;
    assert!(item.version == 4 && item.fields.are_known());
}

#[tokio::test(start_paused = true)]
async fn a_value_is_set_alone_where_that_can_be_done_and_is_all_there_is_to_do() {
    let home = home().await;
    home.fake.world().patched = Some(0);
    assert_eq!(home.remote.store(new_token("sk-2"), &ann()).await.unwrap().version, 4);
    let patched = || home.fake.world().patched;
    assert_eq!((patched(), home.fake.changes(), truth(&home)), (Some(1), 0, json!("sk-2")));
    let tagged = Change { tags: Some(vec![Tag::new("agent").unwrap()]), ..new_token("sk-3") };
    assert_eq!(home.remote.store(tagged, &ann()).await.unwrap().version, 5);
    assert_eq!((patched(), home.fake.changes(), truth(&home)), (Some(1), 1, json!("sk-3")));
}

#[tokio::test(start_paused = true)]
async fn late_reads_are_waited_for() {
    let home = home().await;
    home.fake.world().lag = 4;
    let stored = home.remote.store(new_token("sk-2"), &ann()).await.unwrap();
    assert_eq!((stored.version, home.fake.reads()), (4, 6));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_comes_later_than_its_value_is_waited_for() {
    let home = home().await;
    let asker = ann();
    home.fake.world().slow = Duration::from_millis(50);
    let store = home.remote.store(new_token("sk-2"), &asker);
    let lag = async {
        tokio::time::sleep(Duration::from_millis(75)).await;
        home.fake.world().late_versions = 4;
    };
    assert_eq!(tokio::join!(store, lag).0.unwrap().version, 4);

    // One that never comes doesn't make the value untrue.
    let store = home.remote.store(new_token("sk-3"), &asker);
    let lag = async {
        tokio::time::sleep(Duration::from_millis(75)).await;
        home.fake.world().late_versions = u32::MAX;
    };
    let stored = tokio::join!(store, lag).0.unwrap();
    assert_eq!((stored.version, truth(&home)), (4, json!("sk-3")));
}

#[tokio::test(start_paused = true)]
async fn setting_what_is_there_already_is_soon_done_even_if_it_is_not_counted() {
    let home = home().await;
    home.fake.world().skips_what_changes_nothing = true;
    let start = tokio::time::Instant::now();
    let stored = home.remote.store(new_token("sk-1"), &ann()).await.unwrap();
    assert_eq!((stored.version, stored.previous_version, stored.is_same), (3, Some(3), true));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_no_second_write() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::ReplyLost);
    assert_eq!(home.remote.store(new_token("sk-2"), &ann()).await.unwrap().version, 4);
    assert_eq!(home.fake.changes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_tried_again_twice() {
    let home = home().await;
    home.fake.world().faults.extend([Fault::RequestLost, Fault::RequestLost]);
    assert_eq!(home.remote.store(new_token("sk-2"), &ann()).await.unwrap().version, 4);
    assert_eq!(home.fake.changes(), 3);

    home.fake.world().faults.extend(std::iter::repeat_n(Fault::RequestLost, 10));
    let error = home.remote.store(new_token("sk-3"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error}");
    assert_eq!((home.fake.changes(), truth(&home)), (6, json!("sk-2")));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again_while_the_item_is_as_it_was() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::Refused(Failure::Conflict));
    assert_eq!(home.remote.store(new_token("sk-2"), &ann()).await.unwrap().version, 4);
    assert_eq!(home.fake.changes(), 2);

    home.fake.world().faults.extend(std::iter::repeat_n(Fault::Refused(Failure::Conflict), 10));
    let error = home.remote.store(new_token("sk-3"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 4, .. }), "{error}");
    assert_eq!((home.fake.changes(), truth(&home)), (6, json!("sk-2")));
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_overwrites_nobody() {
    for failure in [Failure::Conflict, unclear()] {
        let home = home().await;
        home.fake.world().faults.push_back(Fault::TooLate(failure));
        let error = home.remote.store(new_token("sk-2"), &ann()).await.unwrap_err();
        assert!(matches!(error, SourceError::Conflict { current: 4, .. }), "{error}");
        assert_eq!((home.fake.changes(), truth(&home)), (1, json!("theirs")));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_overwritten_right_away_is_a_conflict() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::OverwrittenBy("theirs"));
    let error = home.remote.store(new_token("sk-2"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 5, .. }), "{error}");
    home.fake.world().faults.push_back(Fault::OverwrittenBy("theirs"));
    let error = home.remote.store(new_token("sk-3"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 7, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_moved_in_between_is_told_by_the_two_versions() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::OverwritesAnother);
    let stored = home.remote.store(new_token("sk-2"), &ann()).await.unwrap();
    assert_eq!((stored.version, stored.previous_version, truth(&home)), (5, Some(3), json!("sk-2")));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_accepted_and_lost_is_not_stored() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::AcceptedAndLost);
    let start = tokio::time::Instant::now();
    let error = home.remote.store(new_token("sk-2"), &ann()).await.unwrap_err();
    let SourceError::Unavailable { remedy, .. } = &error else { panic!("{error}") };
    assert!(remedy.contains("wasn't stored"), "{remedy}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_read_afterwards_nobody_claims_to_know() {
    for failure in [unreachable(), Failure::RateLimited { retry_after: None }] {
        let home = home().await;
        home.fake.world().slow = Duration::from_millis(50);
        let asker = ann();
        let store = home.remote.store(new_token("sk-2"), &asker);
        let breaks = async {
            tokio::time::sleep(Duration::from_millis(75)).await;
            home.fake.world().bad_reads.extend(std::iter::repeat_n(failure, 1000));
        };
        let (stored, ()) = tokio::join!(store, breaks);
        let error = stored.unwrap_err();
        let SourceError::Unavailable { remedy, .. } = &error else { panic!("{error}") };
        assert!(remedy.contains("may have been made"), "{remedy}");
        assert_eq!(truth(&home), json!("sk-2"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_is_said_to_be_refused() {
    for (failure, code) in [
        (Failure::Forbidden { detail: "read-only".to_owned() }, "forbidden"),
        (Failure::Rejected { detail: "no" }, "invalid"),
        (Failure::RateLimited { retry_after: Some(Duration::from_mins(59)) }, "rate limited"),
        (unreachable(), "unavailable"),
        (Failure::TooLarge, "too large"),
    ] {
        let home = home().await;
        home.fake.world().faults.push_back(Fault::Refused(failure));
        let error = home.remote.store(new_token("sk-2"), &ann()).await.unwrap_err();
        let seen = match &error {
            SourceError::Forbidden { .. } => "forbidden",
            SourceError::Invalid { .. } => "invalid",
            SourceError::RateLimited { .. } => "rate limited",
            SourceError::Unavailable { .. } => "unavailable",
            SourceError::TooLarge { .. } => "too large",
            SourceError::Conflict { .. }
            | SourceError::Missing { .. }
            | SourceError::ReadOnly { .. }
            | SourceError::Unsupported { .. } => "something else",
        };
        assert_eq!((seen, truth(&home), home.fake.changes()), (code, json!("sk-1"), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn another_version_or_another_name_than_was_decided_on_is_a_conflict() {
    let home = home().await;
    let change = Change { if_version: Some(2), ..new_token("sk-2") };
    let error = home.remote.store(change, &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 3, .. }), "{error}");
    home.fake.edit(&key(STRIPE), |item| item["fields"][2]["label"] = json!("old token"));
    let error = home.remote.store(new_token("sk-2"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 4, .. }), "{error}");
    let change =
        Change { if_version: Some(4), path: SecretPath::parse("Work/Stripe/old token").unwrap(), ..new_token("sk-2") };
    assert_eq!(home.remote.store(change, &ann()).await.unwrap().version, 5);
    assert_eq!(home.fake.changes(), 1);
}

#[tokio::test(start_paused = true)]
async fn values_1password_does_not_keep_are_refused_before_anything_is_asked() {
    let home = Home::new();
    let bad =
        [SecretValue::from_bytes(vec![0xff]), SecretValue::new(String::new()), SecretValue::new("x".repeat(65_537))];
    for value in bad {
        let change = Change { value, ..new_token("") };
        let error = home.remote.store(change, &ann()).await.unwrap_err();
        assert!(matches!(error, SourceError::Invalid { .. } | SourceError::TooLarge { .. }), "{error}");
    }
    assert!(home.fake.world().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_who_change_one_item_take_turns() {
    let home = home().await;
    home.fake.world().slow = Duration::from_millis(30);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let remote = home.remote.clone();
        writers.spawn(async move { remote.store(new_token(&format!("v{number}")), &ann()).await.unwrap() });
    }
    let mut versions: Vec<_> = writers.join_all().await.iter().map(|stored| stored.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (4..24).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn two_processes_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    fake.world().slow = Duration::from_millis(30);
    let state = folder.path().join("state");
    let homes = [0, 1].map(|_| Home::with(fake.clone(), |settings| settings.state = Some(state.clone())));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..10 {
        let remote = homes[number % 2].remote.clone();
        writers.spawn(async move { remote.store(new_token(&format!("v{number}")), &ann()).await.unwrap() });
    }
    let mut versions: Vec<_> = writers.join_all().await.iter().map(|stored| stored.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (4..14).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_change_goes_on_when_nobody_waits_for_it_any_more() {
    let home = home().await;
    home.fake.world().slow = Duration::from_millis(100);
    let waited = tokio::time::timeout(Duration::from_millis(50), home.remote.store(new_token("sk-2"), &ann())).await;
    assert!(waited.is_err());
    home.settle().await;
    assert_eq!(truth(&home), json!("sk-2"));
}

#[tokio::test(start_paused = true)]
async fn a_new_field_is_added_where_its_path_says() {
    let home = home().await;
    let stored = home.remote.store(new_field("Work/Stripe/Web hooks/signing", "whsec"), &ann()).await.unwrap();
    assert_eq!((stored.version, stored.previous_version), (4, Some(3)));
    let again = home.remote.store(new_field("Work/Stripe/web hooks/second", "2"), &ann()).await.unwrap();
    let item = home.item(STRIPE).await;
    let paths: Vec<_> = item.fields.known().iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths[2..], ["Work/Stripe/Web hooks/signing", "Work/Stripe/Web hooks/second"]);
    assert_eq!(item.fields.known()[3].id, again.place.field);
    // An empty field that's drawn in every item is filled, and one that's there isn't overwritten.
    let filled = home.remote.store(new_field("Work/Stripe/hostname", "api.example"), &ann()).await.unwrap();
    assert_eq!(filled.place.field.as_str(), "hostname");
    let error = home.remote.store(new_field("Work/Stripe/username", "x"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 6, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_new_item_has_its_categorys_own_field() {
    for renumbers in [false, true] {
        let home = home().await;
        home.fake.world().renumbers = renumbers;
        let tags = Some(vec![Tag::new("agent").unwrap()]);
        let change = Change { category: Some(Category::Login), tags, ..new_field("Work/New/password", "pw") };
        let stored = home.remote.store(change, &ann()).await.unwrap();
        assert_eq!((stored.version, stored.previous_version), (1, None));
        let item = home.item(stored.place.item.as_str()).await;
        assert_eq!((item.path.as_str(), item.category, item.tags.len()), ("Work/New", Category::Login, 1));
        let field = item.marked_field().unwrap();
        assert_eq!((&field.id, field.path.as_str()), (&stored.place.field, "Work/New/password"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_is_never_made_twice() {
    let home = home().await;
    home.fake.world().faults.push_back(Fault::ReplyLost);
    let stored = home.remote.store(new_field("Work/New/credential", "c"), &ann()).await.unwrap();
    assert_eq!((stored.version, home.fake.changes()), (1, 1));

    home.fake.world().faults.push_back(Fault::RequestLost);
    let error = home.remote.store(new_field("Work/Other/credential", "c"), &ann()).await.unwrap_err();
    let SourceError::Unavailable { remedy, .. } = &error else { panic!("{error}") };
    assert!(remedy.contains("may have been made"), "{remedy}");
    assert_eq!(home.fake.changes(), 2);

    home.fake.world().faults.push_back(Fault::Refused(Failure::Conflict));
    home.remote.store(new_field("Work/Third/credential", "c"), &ann()).await.unwrap();
    assert_eq!(home.fake.changes(), 4);
    let titles = |title: &str| {
        let world = home.fake.world();
        world.items.values().filter_map(|states| states.last()?.as_ref()).filter(|item| item["title"] == title).count()
    };
    assert_eq!((titles("New"), titles("Other"), titles("Third")), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_item_somebody_else_made_since_the_last_list_is_a_conflict() {
    let home = home().await;
    let item = credential(WORK, "mmmmmmmmmmmmmmmmmmmmmmmmmm", "new", "theirs");
    home.fake.world().items.insert(fake::key_of(&item), vec![Some(item)]);
    let error = home.remote.store(new_field("Work/New/credential", "c"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Conflict { current: 3, .. }), "{error}");
    assert_eq!(home.fake.changes(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_says_why() {
    let view = SourceView { blocked_vaults: vec![name("HR")], ..SourceView::default() };
    let home = Home::with(Fake::new(), |settings| settings.view = view);
    for path in ["Nowhere/New/password", "HR/New/password", "Work/zzzzzzzzzzzzzzzzzzzzzzzzzz/password"] {
        let error = home.remote.store(new_field(path, "x"), &ann()).await.unwrap_err();
        assert!(matches!(error, SourceError::Missing { .. }), "{path}: {error}");
    }
    for category in [Category::SshKey, Category::Document, Category::Custom] {
        let change = Change { category: Some(category), ..new_field("Work/New/x", "x") };
        let error = home.remote.store(change, &ann()).await.unwrap_err();
        assert!(matches!(error, SourceError::Unsupported { .. }), "{category}: {error}");
    }
    let change = Change { category: Some(Category::Login), ..new_token("x") };
    let error = home.remote.store(change, &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unsupported { .. }), "{error}");
    assert_eq!(home.fake.count(|call| matches!(call, Command::Create | Command::Replace)), 0);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_a_write_would_damage_is_left_alone() {
    let damages: [fn(&mut Value); 4] = [
        |item| item["passkeys"] = json!([{}]),
        |item| item["fields"][3]["type"] = json!("PASSKEY"),
        |item| item["fields"][3]["type"] = json!("SSHKEY"),
        |item| item["category"] = json!("SSH_KEY"),
    ];
    for damage in damages {
        let home = home().await;
        home.fake.edit(&key(STRIPE), damage);
        let error = home.remote.store(new_token("x"), &ann()).await.unwrap_err();
        assert!(matches!(error, SourceError::Unsupported { .. }), "{error}");
        assert_eq!(home.fake.changes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_never_made_on_top_of_what_was_there_before() {
    let home = home().await;
    home.remote.read_items(&[key(STRIPE)], &ann()).await;
    home.fake.edit(&key(STRIPE), |item| item["tags"] = json!(["theirs"]));
    home.remote.read_items(&[key(STRIPE)], &ann()).await;
    home.fake.world().stale = 3;
    let stored = home.remote.store(new_token("sk-2"), &ann()).await.unwrap();
    assert_eq!((stored.version, stored.previous_version), (5, Some(4)));
    assert_eq!(home.item(STRIPE).await.tags[0].as_str(), "theirs");

    home.fake.world().stale = 1000;
    let error = home.remote.store(new_token("sk-3"), &ann()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error}");
    assert_eq!((home.fake.changes(), truth(&home)), (1, json!("sk-2")));
}
