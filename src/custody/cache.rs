//! Values kept sealed for a while, so that a source isn't asked twice for the same thing.
//!
//! What moka and its like don't promise is what matters here: an entry is gone *when* its time is
//! over, not when somebody next looks.

mod flight;
mod shared;
mod shelf;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::flight::Flights;
use self::shared::{Answer, Shared, State, broken_seal};
use self::shelf::{Content, Shelf};
use super::error::SourceError;
use super::seal::Sealer;
use super::source::Fetched;
use super::value::SecretValue;
use crate::memory::Protection;
use crate::model::{Counts, ItemId, Looked, Place, SecretPath, SourceName};

/// How long values are kept, and how many.
#[derive(Debug, Clone, Copy)]
pub struct CacheSettings {
    /// How long a value answers without its source. Zero: nothing is kept and every call asks.
    pub ttl: Duration,
    /// For how much longer a value answers while its source can't.
    pub stale_if_error: Duration,
    /// The most entries; beyond it, the least recently used go.
    pub max_items: usize,
}

/// A value from the cache, or through it.
#[derive(Debug)]
pub struct Cached {
    /// The plaintext, opened for this caller.
    pub value: SecretValue,
    /// The version of its item.
    pub version: u64,
    /// The path its source had for it.
    pub path: SecretPath,
    /// The value's age, if it's served because the source can't answer.
    pub stale: Option<Duration>,
}

/// How the cache has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheFigures {
    /// Values that were to be opened, by where they came from.
    pub looked: Vec<(Looked, u64)>,
    /// What lies in it: values, and the short-lived knowledge that there's none.
    pub entries: usize,
    /// What had to go before its time to make room.
    pub evicted: u64,
}

/// Sealed values by place.
///
/// Who may see a value isn't the cache's business: that's decided before it's asked, each time.
#[derive(Debug)]
pub struct Cache(Arc<Shared>);

impl Cache {
    /// An empty cache, whose loads and sweeping run as tasks of `tasks` until `stop`; then all is
    /// wiped and nothing more is kept.
    ///
    /// To be called within a runtime.
    #[must_use]
    pub fn new(settings: CacheSettings, sealer: Sealer, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let sweep = Arc::new(Notify::new());
        let state = State { shelf: Shelf::new(settings.max_items), flights: Flights::default(), closed: false };
        let shared = Arc::new(Shared {
            settings,
            sealer,
            state: Mutex::new(state),
            sweep: Arc::clone(&sweep),
            tasks: tasks.clone(),
            looked: Counts::new(),
        });
        let weak = Arc::downgrade(&shared);
        tasks.spawn(async move {
            while let Some(shared) = weak.upgrade() {
                let next = shared.state().shelf.remove_due(Instant::now());
                drop(shared);
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = sweep.notified() => {}
                    () = until(next) => {}
                }
            }
            if let Some(shared) = weak.upgrade() {
                let mut state = shared.state();
                state.closed = true;
                state.clear();
            }
        });
        Self(shared)
    }

    /// The value at a place, fresh from the cache or else from its source.
    ///
    /// `generation` is the source's; a value loaded under another one isn't fresh. However many ask
    /// at the same time, `load` runs once, in a task of its own, so no caller that gives up takes
    /// the others' answer with it; when all have given up, it's dropped. Where the source is out of reach, an older value answers, with
    /// its age; where it refuses or has no such thing, what's kept is dropped at once.
    pub async fn value<F, Fut>(&self, place: &Place, generation: Option<u64>, load: F) -> Result<Cached, SourceError>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Fetched, SourceError>> + Send + 'static,
    {
        let (waiting, landing) = {
            let mut state = self.0.state();
            match state.shelf.fresh(place, generation, Instant::now()) {
                Some(Content::Missing(error)) => {
                    self.0.looked.one(Looked::Hit);
                    return Err(error.clone());
                }
                Some(Content::Value(record)) => {
                    let record = Arc::clone(record);
                    drop(state);
                    if let Some(cached) = self.0.open(place, &record, None) {
                        self.0.looked.one(Looked::Hit);
                        return Ok(cached);
                    }
                    self.0.join(&mut self.0.state(), place, generation)
                }
                None => self.0.join(&mut state, place, generation),
            }
        };
        if let Some(landing) = landing {
            self.0.tasks.spawn(async move {
                let asked = Instant::now();
                let result = tokio::select! {
                    biased;
                    result = load() => result,
                    () = landing.abandoned() => return,
                };
                landing.land(asked, result);
            });
        }
        let answer = waiting.outcome(&place.source).await;
        self.0.or_stale(place, answer).and_then(|answer| match answer {
            Answer::New(record) => self.0.open(place, &record, None).ok_or_else(|| broken_seal(place)),
            Answer::Stale(cached) => Ok(cached),
        })
    }

    /// A value that's fresh in the cache. Asks nobody.
    #[must_use]
    pub fn peek(&self, place: &Place, generation: Option<u64>) -> Option<Cached> {
        let record = match self.0.state().shelf.fresh(place, generation, Instant::now())? {
            Content::Value(record) => Arc::clone(record),
            Content::Missing(_) => return None,
        };
        let cached = self.0.open(place, &record, None)?;
        self.0.looked.one(Looked::Hit);
        Some(cached)
    }

    /// Keeps a value that its source just gave, such as one read back after a write.
    ///
    /// A load that's under way for the place may have asked before the write: its callers get their
    /// answer, which isn't kept. After a write the rest of the item is to be forgotten first
    /// ([`Cache::forget_item`]), because its version isn't the one they were read at.
    pub fn insert(&self, place: &Place, generation: Option<u64>, fetched: &Fetched) {
        let content = self.0.seal(place, fetched).map(Content::Value);
        let mut state = self.0.state();
        state.flights.disown(place);
        match content {
            Ok(content) => self.0.keep(&mut state, place, generation, Instant::now(), content),
            Err(_) => state.shelf.remove(place),
        }
    }

    /// Takes in what a source answered to a question that didn't go through [`Cache::value`], and
    /// gives what the one who asked it gets: where the source is out of reach, an older value.
    pub fn settle(
        &self,
        place: &Place,
        generation: Option<u64>,
        answer: Result<Fetched, SourceError>,
    ) -> Result<Cached, SourceError> {
        match &answer {
            Ok(fetched) => self.insert(place, generation, fetched),
            Err(error) => self.0.state().take_to_heart(place, error),
        }
        self.0.or_stale(place, answer).map(|answer| match answer {
            Answer::New(Fetched { value, version, path }) => Cached { value, version, path, stale: None },
            Answer::Stale(cached) => cached,
        })
    }

    /// Drops all values of an item, and what's on its way to be kept of it.
    pub fn forget_item(&self, source: &SourceName, item: &ItemId) {
        self.0.state().forget(|place| place.source == *source && place.item == *item);
    }

    /// Drops everything.
    pub fn purge(&self) {
        self.0.state().clear();
    }

    /// How often values were found here, and how many lie here.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        let (entries, evicted) = {
            let state = self.0.state();
            (state.shelf.entries(), state.shelf.evicted())
        };
        CacheFigures { looked: self.0.looked.read(), entries, evicted }
    }

    /// How many values are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state().shelf.values()
    }

    /// Whether no value is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How well the key of the seals is kept from being seen.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.0.sealer.protection()
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
