//! Names: how often they're asked for, and what's shown when nobody answers.

use super::fake::{document, unclear, unreachable};
use super::*;
use crate::custody::source::onepassword::failure::Failure;

#[tokio::test(start_paused = true)]
async fn a_thousand_who_ask_at_once_list_once() {
    let home = Home::new();
    home.fake.world().slow = Duration::from_millis(100);
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let remote = home.remote.clone();
        askers.spawn(async move { remote.inventory(&ann()).await.unwrap() });
    }
    let all = askers.join_all().await;
    assert!(all.iter().all(|inventory| Arc::ptr_eq(inventory, &all[0])));
    assert_eq!(home.fake.world().calls.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_ask_at_once_get_one_failure() {
    let home = Home::new();
    home.fake.world().slow = Duration::from_millis(100);
    home.fake.world().bad_lists.push_back(unreachable());
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let remote = home.remote.clone();
        askers.spawn(async move { remote.inventory(&ann()).await.is_err() });
    }
    assert!(askers.join_all().await.into_iter().all(|failed| failed));
    assert_eq!(home.fake.lists(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_is_shown_until_it_is_old_and_is_the_same_while_it_is_unchanged() {
    let home = Home::new();
    assert!(home.remote.fresh().is_none());
    let first = home.inventory().await.unwrap();
    assert!(Arc::ptr_eq(&first, &home.remote.fresh().unwrap()));
    tokio::time::advance(Duration::from_secs(299)).await;
    assert!(Arc::ptr_eq(&first, &home.inventory().await.unwrap()));
    assert_eq!(home.fake.lists(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(home.remote.fresh().is_none());
    assert!(Arc::ptr_eq(&first, &home.inventory().await.unwrap()));
    assert_eq!(home.fake.lists(), 2);

    home.fake.edit(&key(STRIPE), |item| item["title"] = json!("Stripe (live)"));
    tokio::time::advance(Duration::from_secs(301)).await;
    let renamed = home.inventory().await.unwrap();
    assert!(!Arc::ptr_eq(&first, &renamed));
    let unchanged = |inventory: &Inventory| inventory.items.iter().find(|item| item.id.as_str() == GITHUB).cloned();
    assert!(Arc::ptr_eq(&unchanged(&first).unwrap(), &unchanged(&renamed).unwrap()));
    assert_eq!(home.item(STRIPE).await.path.as_str(), "Work/Stripe (live)");
}

#[tokio::test(start_paused = true)]
async fn only_vaults_that_are_seen_are_listed() {
    let view = SourceView { blocked_vaults: vec![name("hr")], ..SourceView::default() };
    let home = Home::with(Fake::new(), |settings| settings.view = view);
    let inventory = home.inventory().await.unwrap();
    assert_eq!(inventory.items.len(), 2);
    assert_eq!(home.fake.count(|call| *call == super::super::Command::Items(1)), 1);
    let none = SourceView { vaults: Some(Vec::new()), ..SourceView::default() };
    let home = Home::with(Fake::new(), |settings| settings.view = none);
    assert_eq!(home.inventory().await.unwrap().items.len(), 0);
    assert_eq!(home.fake.world().calls.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listed_item_has_only_the_fields_that_are_usual() {
    let home = Home::new();
    let item = home.item(STRIPE).await;
    assert!(!item.fields.are_known() && item.fields.known().is_empty());
    let supposed: Vec<_> = item.fields.decided_on().iter().map(|field| field.path.as_str()).collect();
    assert!(supposed.contains(&"Work/Stripe/credential") && supposed.contains(&"Work/Stripe/notesPlain"));
}

#[tokio::test(start_paused = true)]
async fn archived_items_and_ids_that_are_none_are_left_out() {
    let home = Home::new();
    home.fake.edit(&key(STRIPE), |item| item["state"] = json!("ARCHIVED"));
    home.fake.world().items.insert(key("-rf"), vec![Some(credential(WORK, "-rf", "Option", "x"))]);
    let inventory = home.inventory().await.unwrap();
    let titles: Vec<_> = inventory.items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(titles, ["Work/GitHub", "HR/Payroll"]);
    assert!(document(&credential(WORK, "-rf", "Option", "x")).key().is_none());

    let home = Home::new();
    home.fake.world().vaults[0].id = VaultId::new("../../etc");
    let vaults: Vec<_> = home.inventory().await.unwrap().vaults.iter().map(|vault| vault.id.clone()).collect();
    assert_eq!(vaults, [VaultId::new(HR)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_found_is_looked_for_again_once_in_a_while() {
    let home = Home::new();
    home.inventory().await.unwrap();
    assert!(!home.remote.look_again(&ann()).await, "it was listed a moment ago");
    tokio::time::advance(Duration::from_secs(11)).await;
    home.fake.world().slow = Duration::from_millis(100);
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let remote = home.remote.clone();
        askers.spawn(async move { remote.look_again(&ann()).await });
    }
    assert!(askers.join_all().await.into_iter().all(|looked| looked));
    assert_eq!(home.fake.lists(), 2);
    assert!(!home.remote.look_again(&who("bob")).await);
    assert_eq!(home.fake.lists(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_what_is_not_there_makes_it_list_ever_more_rarely() {
    let home = Home::new();
    home.inventory().await.unwrap();
    for _ in 0..3600 {
        tokio::time::advance(Duration::from_secs(1)).await;
        home.remote.look_again(&ann()).await;
    }
    assert!((10..=18).contains(&home.fake.lists()), "{}", home.fake.lists());

    home.fake.edit(&key(STRIPE), |item| item["title"] = json!("Stripe 2"));
    tokio::time::advance(Duration::from_secs(321)).await;
    assert!(home.remote.look_again(&ann()).await);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(home.remote.look_again(&ann()).await, "there was something new");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_down_older_names_are_shown_and_it_is_asked_ever_more_rarely() {
    let home = Home::new();
    let before = home.inventory().await.unwrap();
    home.fake.world().bad_lists.extend(std::iter::repeat_n(unreachable(), 1000));
    tokio::time::advance(Duration::from_secs(301)).await;
    for _ in 0..600 {
        assert!(Arc::ptr_eq(&before, &home.inventory().await.unwrap()));
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let asked = home.fake.lists() - 1;
    assert!((8..=20).contains(&asked), "{asked}");
    assert!(!home.remote.look_again(&ann()).await);

    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(matches!(home.inventory().await, Err(SourceError::Unavailable { .. })));
    let asked = home.fake.lists();
    assert!(matches!(home.inventory().await, Err(SourceError::Unavailable { .. })), "the failure is remembered");
    assert_eq!(home.fake.lists(), asked);

    home.fake.world().bad_lists.clear();
    tokio::time::advance(Duration::from_mins(3)).await;
    assert!(home.inventory().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_hides_what_was_listed() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.fake.world().bad_lists.push_back(Failure::Forbidden { detail: "revoked".to_owned() });
    tokio::time::advance(Duration::from_secs(301)).await;
    assert!(matches!(home.inventory().await, Err(SourceError::Forbidden { .. })));
    assert!(home.remote.fresh().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_leaves_nothing_behind() {
    let home = Home::new();
    home.fake.world().bad_lists.push_back(unclear());
    assert!(home.inventory().await.is_err());
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(home.inventory().await.unwrap().items.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_stays_until_a_list_knows_better() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.remote.read_items(&[key(STRIPE)], &ann()).await;
    let read = home.item(STRIPE).await;
    assert!(read.fields.are_known());
    tokio::time::advance(Duration::from_secs(301)).await;
    assert!(Arc::ptr_eq(&read, &home.item(STRIPE).await));

    home.fake.edit(&key(STRIPE), |item| item["tags"] = json!([]));
    tokio::time::advance(Duration::from_secs(301)).await;
    let listed = home.item(STRIPE).await;
    assert!(!listed.fields.are_known() && listed.version == 4);

    home.remote.read_items(&[key(STRIPE)], &ann()).await;
    home.fake.world().vaults[0].name = "Works".to_owned();
    tokio::time::advance(Duration::from_secs(301)).await;
    let renamed = home.item(STRIPE).await;
    assert_eq!((renamed.path.as_str(), renamed.fields.are_known()), ("Works/Stripe", false));
}

#[tokio::test(start_paused = true)]
async fn a_moved_item_is_found_where_it_is_now() {
    let home = Home::new();
    home.inventory().await.unwrap();
    let moved = {
        let mut world = home.fake.world();
        let mut item = world.items.remove(&key(STRIPE)).unwrap().pop().flatten().unwrap();
        item["vault"]["id"] = json!(HR);
        let moved = fake::key_of(&item);
        world.items.insert(moved.clone(), vec![Some(item)]);
        moved
    };
    assert!(matches!(home.value(STRIPE, "credential").await, Err(SourceError::Missing { .. })));
    assert!(home.inventory().await.unwrap().items.iter().all(|item| item.id.as_str() != STRIPE));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(home.remote.look_again(&ann()).await);
    assert_eq!(home.item(STRIPE).await.vault, moved.vault);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_undoes_nothing_that_was_just_done() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.remote.archive(&ItemId::new(STRIPE), None, &ann()).await.unwrap();
    let made = home.remote.store(new_field("Work/New/credential", "c"), &ann()).await.unwrap();
    let change = new_field("Work/GitHub/credential", "gh-2");
    let change = Change { place: Some(place(GITHUB, "credential")), ..change };
    home.remote.store(change, &ann()).await.unwrap();
    home.fake.world().late_lists = true;
    let names = |inventory: &Inventory| {
        let names = inventory.items.iter().map(|item| format!("{} {}", item.path, item.version));
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = names(&home.inventory().await.unwrap());
    assert!(before.contains("Work/New 1") && before.contains("Work/GitHub 4") && before.len() == 3, "{before:?}");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(home.remote.look_again(&ann()).await);
    assert_eq!(names(&home.inventory().await.unwrap()), before);

    // What a list says for longer than that is so.
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(home.remote.look_again(&ann()).await);
    let after = home.inventory().await.unwrap();
    assert!(after.items.iter().any(|item| item.id.as_str() == STRIPE));
    assert!(after.items.iter().all(|item| item.id != made.place.item));
}
