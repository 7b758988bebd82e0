//! Whole items: how many requests they take, and that one bad item is nobody else's affair.

use super::fake::unclear;
use super::*;
use crate::custody::source::onepassword::backend::Command;

#[tokio::test(start_paused = true)]
async fn several_items_take_one_request_and_then_their_fields_are_known() {
    let home = Home::new();
    home.inventory().await.unwrap();
    let keys = [key(STRIPE), key(PAYROLL), key(STRIPE)];
    let read = home.remote.read_items(&keys, &ann()).await;
    let read: Vec<_> = read.into_iter().map(Result::unwrap).collect();
    assert_eq!(home.fake.count(|call| *call == Command::ReadBatch(2)), 1);
    assert_eq!(home.fake.reads(), 0);
    let ids: Vec<_> = read.iter().map(|read| read.item.id.as_str()).collect();
    assert_eq!(ids, [STRIPE, PAYROLL, STRIPE]);
    assert!(read.iter().all(|read| read.item.version == 3 && read.values.len() == 2));
    assert!(home.item(STRIPE).await.fields.are_known());
    let shown: Vec<_> = read[0].item.fields.known().iter().map(|field| field.path.as_str()).collect();
    assert_eq!(shown, ["Work/Stripe/username", "Work/Stripe/credential"]);
}

#[tokio::test(start_paused = true)]
async fn fields_of_one_item_take_one_read() {
    let home = Home::new();
    let places =
        [place(STRIPE, "credential"), place(STRIPE, "username"), place(STRIPE, "hostname"), place(STRIPE, "x")];
    let fetched = home.remote.fetch(&places, &ann()).await;
    let text = |fetched: &Result<crate::custody::source::Fetched, SourceError>| {
        fetched.as_ref().ok().map(|fetched| String::from_utf8(fetched.value.plaintext().to_vec()).unwrap())
    };
    let texts: Vec<_> = fetched.iter().map(text).collect();
    assert_eq!(texts, [Some("sk-1".to_owned()), Some("svc".to_owned()), None, None]);
    let first = fetched[0].as_ref().unwrap();
    assert_eq!((first.version, first.path.as_str()), (3, "Work/Stripe/credential"));
    assert!(fetched[2..].iter().all(|fetched| matches!(fetched, Err(SourceError::Missing { .. }))));
    assert_eq!(home.fake.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_bad_item_fails_alone() {
    let home = Home::new();
    home.fake.world().batches = false;
    home.inventory().await.unwrap();
    home.fake.world().bad_reads.push_back(unclear());
    let read = home.remote.read_items(&[key(STRIPE), key(GITHUB), key(PAYROLL)], &ann()).await;
    let failed = read.iter().filter(|read| matches!(read, Err(SourceError::Unavailable { .. }))).count();
    assert_eq!((failed, read.iter().filter(|read| read.is_ok()).count()), (1, 2));
    assert_eq!(home.inventory().await.unwrap().items.len(), 3, "a failure isn't an absence");
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_leaves_out_is_read_alone_at_most_eight_at_a_time() {
    let fake = Fake::new();
    let keys: Vec<_> = (0..40)
        .map(|number| {
            let item = credential(WORK, &format!("n{number:025}"), &format!("N{number}"), &format!("v{number}"));
            fake.world().items.insert(fake::key_of(&item), vec![Some(item.clone())]);
            fake::key_of(&item)
        })
        .collect();
    fake.world().batches = false;
    fake.world().slow = Duration::from_millis(100);
    let home = Home::with(fake, |_| {});
    home.inventory().await.unwrap();
    let start = tokio::time::Instant::now();
    let read = home.remote.read_items(&keys, &ann()).await;
    assert!(read.iter().all(Result::is_ok));
    assert_eq!((home.fake.world().at_once.1, start.elapsed()), (8, Duration::from_millis(500)));
}

#[tokio::test(start_paused = true)]
async fn an_archived_item_or_another_one_is_missing() {
    let home = Home::new();
    home.inventory().await.unwrap();
    home.fake.edit(&key(STRIPE), |item| item["state"] = json!("ARCHIVED"));
    home.fake.edit(&key(GITHUB), |item| item["id"] = json!(PAYROLL));
    for item in [STRIPE, GITHUB] {
        assert!(matches!(home.value(item, "credential").await, Err(SourceError::Missing { .. })), "{item}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_read_holds_what_1password_derives() {
    let home = Home::new();
    let read = home.remote.read_items(&[key(STRIPE)], &ann()).await.remove(0).unwrap();
    let values: Vec<_> = read.values.iter().map(|(_, value)| value.plaintext()).collect();
    assert_eq!(values, [b"svc".as_slice(), b"sk-1"]);
    let shown = format!("{read:?} {:?}", home.inventory().await.unwrap());
    assert!(!shown.contains("CANARY") && !shown.contains("sk-1"), "{shown}");
}
