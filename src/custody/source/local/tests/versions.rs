//! Versions, history and the recycle bin.

use super::*;

#[tokio::test]
async fn versions_count_up_whoever_changes_the_item() {
    let home = Home::new();
    let source = home.source();
    let mut last = put(&source, "V/A/credential", "0").await.version;
    assert_eq!(last, 1);
    for round in 1..40 {
        home.clock.advance(Duration::from_secs(1));
        let now = times::all_at(home.clock.now().unwrap().as_second());
        let version = if round % 3 == 0 {
            set(&source, "V/A/credential", &round.to_string()).await.version
        } else {
            // As KeePassXC does: the newest state last, ten at most, and no note of ours.
            home.edit_elsewhere(|db| {
                db.foreach_entry_mut(|mut entry| {
                    let mut past = entry.clone();
                    past.history = None;
                    let mut states = entry.history.take().map(|h| h.get_entries().clone()).unwrap_or_default();
                    states.push(past);
                    let mut history = keepass::db::History::default();
                    states.into_iter().rev().take(10).for_each(|state| history.add_entry(state));
                    entry.history = Some(history);
                    entry.times.last_modification = now.last_modification;
                    entry.set_protected("credential", round.to_string());
                });
            });
            item(&source, "V/A").await.version
        };
        assert!(version > last, "round {round}: {version} after {last}");
        last = version;
        assert_eq!(item(&source, "V/A").await.version, last);
    }
}

#[tokio::test]
async fn the_past_of_an_item_is_kept_oldest_first_and_bounded() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "0").await;
    for round in 1..=15 {
        let stored = set(&source, "V/A/credential", &round.to_string()).await;
        assert_eq!((stored.previous_version, stored.version), (Some(round), round + 1));
    }
    let db = Sealed::read(&home.file()).unwrap().open(&home.file(), &home.unlock()).unwrap();
    let entry = db.iter_all_entries().next().unwrap();
    let past: Vec<_> =
        entry.history.as_ref().unwrap().get_entries().iter().map(|e| e.get("credential").unwrap().to_owned()).collect();
    assert_eq!(past, (5..15).map(|round| round.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_version_than_the_expected_one_is_a_conflict() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "1").await;
    let at = place(&source, "V/A/credential").await;
    set(&source, "V/A/credential", "2").await;
    let before = fs::read(home.file()).unwrap();
    let late = Change { place: Some(at.clone()), if_version: Some(1), ..change("V/A/credential", "3") };
    assert!(matches!(source.store(late).await, Err(SourceError::Conflict { current: 2, .. })));
    assert!(matches!(source.archive(&at.item, Some(1)).await, Err(SourceError::Conflict { current: 2, .. })));
    // Made by somebody else since the catalog was read.
    assert!(matches!(source.store(change("v/a/CREDENTIAL", "3")).await, Err(SourceError::Conflict { current: 2, .. })));
    assert_eq!(fs::read(home.file()).unwrap(), before);
    let right = Change { place: Some(at), if_version: Some(2), ..change("V/A/credential", "3") };
    assert_eq!(source.store(right).await.unwrap().version, 3);
}

#[tokio::test]
async fn an_item_that_was_renamed_meanwhile_is_not_written_under_its_old_path() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "1").await;
    let at = place(&source, "V/A/credential").await;
    home.edit_elsewhere(|db| db.foreach_entry_mut(|mut entry| entry.set_unprotected(fields::TITLE, "B")));
    let stale = Change { place: Some(at.clone()), ..change("V/A/credential", "2") };
    assert!(matches!(source.store(stale).await, Err(SourceError::Conflict { .. })));
    let fetched = source.fetch(&[at]).await.unwrap().remove(0).unwrap();
    assert_eq!(fetched.path.as_str(), "V/B/credential");
}

#[tokio::test]
async fn an_archived_item_is_out_of_sight_and_in_the_recycle_bin() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "1").await;
    set(&source, "V/A/credential", "2").await;
    let at = place(&source, "V/A/credential").await;
    assert_eq!(source.archive(&at.item, Some(2)).await.unwrap(), 2);
    assert!(source.inventory().await.unwrap().items.is_empty());
    assert!(matches!(source.fetch(std::slice::from_ref(&at)).await.unwrap()[0], Err(SourceError::Missing { .. })));
    assert!(matches!(source.archive(&at.item, None).await, Err(SourceError::Missing { .. })));
    let gone = Change { place: Some(at), ..change("V/A/credential", "3") };
    assert!(matches!(source.store(gone).await, Err(SourceError::Missing { .. })));
    let db = Sealed::read(&home.file()).unwrap().open(&home.file(), &home.unlock()).unwrap();
    assert_eq!(db.meta.recyclebin_enabled, Some(true));
    let bin = db.recycle_bin().unwrap();
    assert_eq!(bin.entries().next().unwrap().get("credential"), Some("2"));
    // The name is free again.
    assert_eq!(put(&source, "V/A/credential", "new").await.previous_version, None);
}

#[tokio::test]
async fn places_of_other_sources_vaults_or_ids_are_missing() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "1").await;
    put(&source, "W/A/credential", "1").await;
    let right = place(&source, "V/A/credential").await;
    let other = place(&source, "W/A/credential").await;
    let wrong = [
        Place { source: SourceName::new("other"), ..right.clone() },
        Place { vault: other.vault, ..right.clone() },
        Place { item: ItemId::new("nonsense"), ..right.clone() },
        Place { field: crate::model::FieldId::new("nothing"), ..right.clone() },
    ];
    let fetched = source.fetch(&wrong).await.unwrap();
    assert!(fetched.iter().all(|one| matches!(one, Err(SourceError::Missing { .. }))), "{fetched:?}");
}
