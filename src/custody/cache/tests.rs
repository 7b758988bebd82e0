//! What callers of the cache see, on a clock that only the tests move.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;
use tokio::time::advance;

use super::*;
use crate::memory::LockedKey;
use crate::model::{FieldId, VaultId};

const SECOND: Duration = Duration::from_secs(1);
const SETTINGS: CacheSettings =
    CacheSettings { ttl: Duration::from_mins(5), stale_if_error: Duration::from_hours(1), max_items: 100 };

struct World {
    cache: Arc<Cache>,
    tasks: TaskTracker,
    stop: CancellationToken,
    loads: Arc<AtomicUsize>,
}

fn world(settings: CacheSettings) -> World {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let sealer = Sealer::new(LockedKey::generate().unwrap());
    let cache = Arc::new(Cache::new(settings, sealer, &tasks, stop.clone()));
    World { cache, tasks, stop, loads: Arc::default() }
}

fn place(field: &str) -> Place {
    Place {
        source: SourceName::new("home"),
        vault: VaultId::new("v"),
        item: ItemId::new("i"),
        field: FieldId::new(field),
    }
}

fn fetched(text: &str) -> Fetched {
    Fetched {
        value: SecretValue::new(text.to_owned()),
        version: 7,
        path: SecretPath::parse("Vault/Item/field").unwrap(),
    }
}

fn unavailable() -> SourceError {
    SourceError::Unavailable { source_name: SourceName::new("home"), detail: String::new(), remedy: "" }
}

fn forbidden() -> SourceError {
    SourceError::Forbidden { source_name: SourceName::new("home"), detail: String::new() }
}

fn missing() -> SourceError {
    SourceError::Missing { source_name: SourceName::new("home") }
}

/// What a caller was told, in a form tests compare.
fn told(result: Result<Cached, SourceError>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(cached) => {
            let text = String::from_utf8(cached.value.plaintext().to_vec()).unwrap();
            cached.stale.map_or(text.clone(), |age| format!("{text}, {} s old", age.as_secs()))
        }
    }
}

impl World {
    async fn ask(&self, field: &str, generation: Option<u64>, answer: Result<&str, SourceError>) -> String {
        let loads = Arc::clone(&self.loads);
        let answer = answer.map(fetched);
        let load = move || async move {
            loads.fetch_add(1, Ordering::Relaxed);
            answer
        };
        told(self.cache.value(&place(field), generation, load).await)
    }

    /// Asks in a task of its own, of a source that answers when told to.
    fn ask_slow(&self, answer: oneshot::Receiver<Result<Fetched, SourceError>>) -> tokio::task::JoinHandle<String> {
        let (cache, loads) = (Arc::clone(&self.cache), Arc::clone(&self.loads));
        tokio::spawn(async move {
            let load = move || async move {
                loads.fetch_add(1, Ordering::Relaxed);
                answer.await.unwrap()
            };
            told(cache.value(&place("f"), None, load).await)
        })
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }

    fn keeps(&self, field: &str) -> bool {
        self.cache.0.state().shelf.holds_value(&place(field))
    }
}

/// Lets every task go as far as it can.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_value_answers_without_its_source() {
    let world = world(SETTINGS);
    assert_eq!(world.ask("f", None, Ok("one")).await, "one");
    advance(299 * SECOND).await;
    assert_eq!(world.ask("f", None, Ok("two")).await, "one");
    assert_eq!(world.loads(), 1);
    let cached = world.cache.peek(&place("f"), None).unwrap();
    assert_eq!((cached.version, cached.path.as_str(), cached.stale), (7, "Vault/Item/field", None));
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_is_read_again() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    advance(300 * SECOND).await;
    assert!(world.cache.peek(&place("f"), None).is_none());
    assert_eq!(world.ask("f", None, Ok("two")).await, "two");
    assert_eq!(world.ask("f", None, Ok("three")).await, "two");
}

#[tokio::test(start_paused = true)]
async fn without_a_ttl_each_call_asks_and_nothing_is_kept() {
    let world = world(CacheSettings { ttl: Duration::ZERO, ..SETTINGS });
    assert_eq!(world.ask("f", None, Ok("one")).await, "one");
    assert_eq!(world.ask("f", None, Ok("two")).await, "two");
    world.cache.insert(&place("f"), None, &fetched("three"));
    assert!(world.cache.is_empty());
    assert!(world.ask("f", None, Err(unavailable())).await.contains("unavailable"));
    assert!(world.ask("f", None, Err(missing())).await.contains("no such"));
    assert_eq!(world.ask("f", None, Ok("four")).await, "four");
}

#[tokio::test(start_paused = true)]
async fn without_a_ttl_nobody_gets_the_answer_to_an_earlier_question() {
    let world = world(CacheSettings { ttl: Duration::ZERO, ..SETTINGS });
    let (answer, reply) = oneshot::channel();
    let slow = world.ask_slow(reply);
    settle().await;
    assert_eq!(world.ask("f", None, Ok("new")).await, "new");
    answer.send(Ok(fetched("old"))).unwrap();
    assert_eq!(slow.await.unwrap(), "old");
}

#[tokio::test(start_paused = true)]
async fn while_the_source_is_down_an_older_value_answers_with_its_age() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    advance(400 * SECOND).await;
    let limited = SourceError::RateLimited { source_name: SourceName::new("home"), retry_after: SECOND };
    for outage in [unavailable(), limited] {
        assert_eq!(world.ask("f", None, Err(outage)).await, "one, 400 s old");
    }
    advance(3499 * SECOND).await;
    assert_eq!(world.ask("f", None, Err(unavailable())).await, "one, 3899 s old");
    advance(SECOND).await;
    assert!(world.ask("f", None, Err(unavailable())).await.contains("unavailable"));
}

#[tokio::test(start_paused = true)]
async fn no_stale_value_is_served_where_that_is_turned_off() {
    let world = world(CacheSettings { stale_if_error: Duration::ZERO, ..SETTINGS });
    world.ask("f", None, Ok("one")).await;
    advance(300 * SECOND).await;
    assert!(world.ask("f", None, Err(unavailable())).await.contains("unavailable"));
}

#[tokio::test(start_paused = true)]
async fn a_definite_no_drops_the_value_at_once() {
    for no in [forbidden(), missing()] {
        let world = world(SETTINGS);
        world.ask("f", None, Ok("one")).await;
        advance(300 * SECOND).await;
        assert_eq!(world.ask("f", None, Err(no.clone())).await, no.to_string());
        assert!(world.cache.is_empty());
        advance(2 * SECOND).await;
        assert!(world.ask("f", None, Err(unavailable())).await.contains("unavailable"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_withdrawn_drops_what_else_came_from_that_source() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    world.ask("g", None, Ok("two")).await;
    world.ask("never readable", None, Err(forbidden())).await;
    assert_eq!(world.cache.len(), 2);
    world.ask("f", Some(1), Err(forbidden())).await;
    assert!(world.cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_believed_for_a_second_at_most() {
    let world = world(SETTINGS);
    world.ask("f", None, Err(missing())).await;
    advance(999 * SECOND / 1000).await;
    assert!(world.ask("f", None, Ok("one")).await.contains("no such"));
    assert!(world.cache.peek(&place("f"), None).is_none());
    advance(SECOND / 1000).await;
    assert_eq!(world.ask("f", None, Ok("one")).await, "one");
}

#[tokio::test(start_paused = true)]
async fn no_other_failure_is_remembered() {
    let world = world(SETTINGS);
    for failure in [unavailable(), forbidden()] {
        world.ask("f", None, Err(failure)).await;
        assert_eq!(world.ask("f", Some(1), Ok("one")).await, "one");
        world.cache.purge();
    }
    assert_eq!(world.loads(), 4);
}

#[tokio::test(start_paused = true)]
async fn another_generation_makes_a_value_stale_at_once() {
    let world = world(SETTINGS);
    world.ask("f", Some(1), Ok("one")).await;
    assert!(world.cache.peek(&place("f"), Some(2)).is_none());
    assert_eq!(world.ask("f", Some(2), Err(unavailable())).await, "one, 0 s old");
    assert_eq!(world.ask("f", Some(2), Ok("two")).await, "two");
    assert_eq!(world.ask("f", Some(2), Ok("three")).await, "two");
}

#[tokio::test(start_paused = true)]
async fn many_who_miss_at_once_make_one_load() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let first = world.ask_slow(reply);
    settle().await;
    let others: Vec<_> = (0..1000).map(|_| world.ask_slow(oneshot::channel().1)).collect();
    settle().await;
    answer.send(Ok(fetched("one"))).unwrap();
    assert_eq!(first.await.unwrap(), "one");
    for other in others {
        assert_eq!(other.await.unwrap(), "one");
    }
    assert_eq!(world.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_by_those_who_wait() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let first = world.ask_slow(reply);
    settle().await;
    let second = world.ask_slow(oneshot::channel().1);
    settle().await;
    answer.send(Err(unavailable())).unwrap();
    assert!(first.await.unwrap().contains("unavailable") && second.await.unwrap().contains("unavailable"));
    assert_eq!(world.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_strands_nobody() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let first = world.ask_slow(reply);
    settle().await;
    let second = world.ask_slow(oneshot::channel().1);
    let third = world.ask_slow(oneshot::channel().1);
    settle().await;
    first.abort();
    third.abort();
    settle().await;
    answer.send(Ok(fetched("one"))).unwrap();
    assert_eq!(second.await.unwrap(), "one");
    assert_eq!(world.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_everybody_gave_up_on_is_dropped_and_the_next_caller_asks_anew() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let first = world.ask_slow(reply);
    settle().await;
    let second = world.ask_slow(oneshot::channel().1);
    settle().await;
    first.abort();
    settle().await;
    assert!(!answer.is_closed(), "somebody still waits");
    second.abort();
    settle().await;
    assert!(answer.is_closed(), "what the load was waiting for is let go");
    assert_eq!(world.ask("f", None, Ok("two")).await, "two");
    assert_eq!(world.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_load_lets_everybody_go_and_the_next_one_in() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let first = world.ask_slow(reply);
    settle().await;
    let second = world.ask_slow(oneshot::channel().1);
    settle().await;
    drop(answer);
    assert!(first.await.unwrap().contains("unavailable") && second.await.unwrap().contains("unavailable"));
    assert_eq!(world.ask("f", None, Ok("one")).await, "one");
}

#[tokio::test(start_paused = true)]
async fn a_load_overtaken_by_a_write_is_not_kept() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let slow = world.ask_slow(reply);
    settle().await;
    world.cache.insert(&place("f"), None, &fetched("new"));
    answer.send(Ok(fetched("old"))).unwrap();
    assert_eq!(slow.await.unwrap(), "old");
    assert_eq!(world.ask("f", None, Ok("three")).await, "new");
}

#[tokio::test(start_paused = true)]
async fn a_load_overtaken_by_forgetting_is_neither_kept_nor_joined() {
    let world = world(SETTINGS);
    let forget_item: fn(&Cache) = |cache| cache.forget_item(&SourceName::new("home"), &ItemId::new("i"));
    for forget in [forget_item, Cache::purge] {
        let (answer, reply) = oneshot::channel();
        let slow = world.ask_slow(reply);
        settle().await;
        forget(&world.cache);
        assert_eq!(world.ask("f", None, Ok("new")).await, "new");
        answer.send(Ok(fetched("old"))).unwrap();
        slow.await.unwrap();
        assert_eq!(world.ask("f", None, Ok("three")).await, "new");
        world.cache.purge();
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_for_another_generation_is_not_joined() {
    let world = world(SETTINGS);
    let (answer, reply) = oneshot::channel();
    let slow = world.ask_slow(reply);
    settle().await;
    assert_eq!(world.ask("f", Some(2), Ok("new")).await, "new");
    answer.send(Ok(fetched("old"))).unwrap();
    slow.await.unwrap();
    assert_eq!(world.ask("f", Some(2), Ok("three")).await, "new");
}

#[tokio::test(start_paused = true)]
async fn forgetting_an_item_leaves_the_others() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    let other = Place { item: ItemId::new("j"), ..place("f") };
    world.cache.insert(&other, None, &fetched("two"));
    world.cache.forget_item(&SourceName::new("work"), &ItemId::new("i"));
    assert_eq!(world.cache.len(), 2);
    world.cache.forget_item(&SourceName::new("home"), &ItemId::new("i"));
    assert_eq!(world.cache.len(), 1);
    assert!(world.cache.peek(&other, None).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_value_is_gone_when_its_time_is_over_though_nobody_looks() {
    let world = world(CacheSettings { ttl: 10 * SECOND, stale_if_error: 5 * SECOND, max_items: 100 });
    settle().await;
    world.ask("f", None, Ok("one")).await;
    advance(5 * SECOND).await;
    world.ask("g", None, Ok("two")).await;
    settle().await;
    advance(9999 * SECOND / 1000).await;
    settle().await;
    assert_eq!((world.keeps("f"), world.keeps("g")), (true, true));
    advance(SECOND / 1000).await;
    tokio::time::sleep(SECOND / 500).await;
    assert_eq!((world.keeps("f"), world.keeps("g")), (false, true));
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(world.cache.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_ends_sooner_than_the_others_is_not_kept_longer_for_them() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    settle().await;
    world.ask("g", None, Err(missing())).await;
    settle().await;
    tokio::time::sleep(SECOND + SECOND / 500).await;
    let next = world.cache.0.state().shelf.remove_due(Instant::now() - 10 * SECOND).unwrap();
    assert!(next > Instant::now() + 3000 * SECOND, "the missing one is still there");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_entries_is_bounded_and_the_used_ones_stay() {
    let world = world(CacheSettings { max_items: 4, ..SETTINGS });
    for field in ["a", "b", "c", "d"] {
        world.ask(field, None, Ok(field)).await;
        advance(SECOND).await;
    }
    world.cache.peek(&place("a"), None).unwrap();
    let kept =
        |world: &World| ["a", "b", "c", "d", "e", "f", "g"].into_iter().filter(|f| world.keeps(f)).collect::<String>();
    world.ask("e", None, Ok("e")).await;
    assert_eq!(kept(&world), "acde", "a was used, so the next in line went");
    world.ask("f", None, Ok("f")).await;
    assert_eq!(kept(&world), "cdef", "a wasn't used since");
    for field in ["c", "d", "e", "f"] {
        world.cache.peek(&place(field), None).unwrap();
    }
    world.ask("g", None, Ok("g")).await;
    assert_eq!(kept(&world), "defg", "where all were used, the first in line goes");
    let none = self::world(CacheSettings { max_items: 0, ..SETTINGS });
    none.ask("f", None, Ok("one")).await;
    assert!(none.cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_missing_things_stays_within_the_bound() {
    let world = world(CacheSettings { max_items: 8, ..SETTINGS });
    for number in 0..100 {
        world.ask(&number.to_string(), None, Err(missing())).await;
    }
    let state = world.cache.0.state();
    assert_eq!(state.shelf.values(), 0);
    assert!(format!("{:?}", state.shelf).matches("asked:").count() <= 8);
}

#[tokio::test(start_paused = true)]
async fn shutdown_wipes_all_and_lets_the_tasks_end() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    world.stop.cancel();
    world.tasks.close();
    world.tasks.wait().await;
    assert!(world.cache.is_empty());
    world.cache.insert(&place("f"), None, &fetched("two"));
    assert!(world.cache.is_empty());
    assert_eq!(world.ask("f", None, Ok("three")).await, "three");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_cache_leaves_no_task_behind() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    settle().await;
    drop(world.cache);
    world.tasks.close();
    world.tasks.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_open_is_read_again() {
    let world = world(SETTINGS);
    world.ask("f", None, Ok("one")).await;
    let sealed_elsewhere = world.cache.0.seal(&place("g"), &fetched("two")).unwrap();
    let content = Content::Value(sealed_elsewhere);
    world.cache.0.keep(&mut world.cache.0.state(), &place("f"), None, Instant::now(), content);
    assert_eq!(world.ask("f", None, Ok("three")).await, "three");
}

#[tokio::test]
async fn settings_of_any_size_are_fine() {
    let world = world(CacheSettings { ttl: Duration::MAX, stale_if_error: Duration::MAX, max_items: usize::MAX });
    world.ask("f", None, Ok("one")).await;
    settle().await;
    assert_eq!(world.ask("f", None, Ok("two")).await, "one");
}

#[tokio::test(start_paused = true)]
async fn each_opening_is_counted_once_by_where_its_value_came_from() {
    let world = world(CacheSettings { max_items: 2, ..SETTINGS });
    let counted = |hits, misses, stale| {
        assert_eq!(world.cache.figures().looked, [(Looked::Hit, hits), (Looked::Miss, misses), (Looked::Stale, stale)]);
    };
    world.ask("f", None, Ok("one")).await;
    counted(0, 1, 0);
    world.ask("f", None, Ok("two")).await;
    assert!(world.cache.peek(&place("f"), None).is_some());
    assert!(world.cache.peek(&place("nothing"), None).is_none(), "whoever looks asks next, and that's counted");
    counted(2, 1, 0);
    world.ask("gone", None, Err(missing())).await;
    world.ask("gone", None, Err(missing())).await;
    counted(3, 2, 0);
    advance(400 * SECOND).await;
    world.ask("f", None, Err(unavailable())).await;
    counted(3, 2, 1);
    drop(world.cache.settle(&place("f"), None, Err(unavailable())));
    drop(world.cache.settle(&place("other"), None, Err(unavailable())));
    drop(world.cache.settle(&place("f"), None, Ok(fetched("new"))));
    counted(3, 4, 2);
    world.cache.insert(&place("a"), None, &fetched("a"));
    world.cache.insert(&place("b"), None, &fetched("b"));
    let figures = world.cache.figures();
    assert_eq!((figures.entries, figures.evicted), (2, 1));
}
