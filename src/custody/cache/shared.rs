//! The cache's insides: what all its handles and tasks share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::flight::{Flights, Landing, Outcome, Waiting};
use super::shelf::{Content, Record, Shelf};
use super::{CacheSettings, Cached};
use crate::custody::error::SourceError;
use crate::custody::seal::Sealer;
use crate::custody::source::Fetched;
use crate::model::{Counts, Looked, Place};

/// How long a source's "there is no such thing" is believed, at most.
const MISSING_FOR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: CacheSettings,
    pub(super) sealer: Sealer,
    /// Held for a lookup or a change, never across an await.
    pub(super) state: Mutex<State>,
    /// Rung when the earliest end of an entry's time comes closer, and when the cache is dropped.
    pub(super) sweep: Arc<Notify>,
    /// Runs the loads, so that none dies with the caller that happened to be first.
    pub(super) tasks: TaskTracker,
    /// Where opened values came from.
    pub(super) looked: Counts<Looked>,
}

/// What a source's answer comes to.
pub(super) enum Answer<T> {
    /// What it gave.
    New(T),
    /// What it gave before, because it can't answer.
    Stale(Cached),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) shelf: Shelf,
    pub(super) flights: Flights,
    /// Set at shutdown: from then on nothing is kept, since nobody would sweep it.
    pub(super) closed: bool,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done where a panic could strike, so the state is good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the load under way, or for a new one that the caller has to start.
    pub(super) fn join(
        self: &Arc<Self>,
        state: &mut State,
        place: &Place,
        generation: Option<u64>,
    ) -> (Waiting, Option<Landing>) {
        if self.settings.ttl.is_zero() {
            // Whoever wants to ask each time wants an answer to their own question, not to one that
            // was put before theirs.
            return Landing::private(Arc::clone(self), place, generation);
        }
        match state.flights.waiting(place, generation) {
            Some(waiting) => (waiting, None),
            None => Landing::shared(Arc::clone(self), &mut state.flights, place, generation),
        }
    }

    /// Keeps a content for its time, unless there's none.
    pub(super) fn keep(
        &self,
        state: &mut State,
        place: &Place,
        generation: Option<u64>,
        asked: Instant,
        content: Content,
    ) {
        let CacheSettings { ttl, stale_if_error, .. } = self.settings;
        if ttl.is_zero() || state.closed {
            return;
        }
        let (fresh_for, kept_for) = match content {
            Content::Value(_) => (ttl, ttl.saturating_add(stale_if_error)),
            Content::Missing(_) => (ttl.min(MISSING_FOR), ttl.min(MISSING_FOR)),
        };
        if state.shelf.put(place, generation, content, asked, fresh_for, kept_for) {
            self.sweep.notify_one();
        }
    }

    pub(super) fn seal(&self, place: &Place, fetched: &Fetched) -> Result<Arc<Record>, SourceError> {
        let sealed = self.sealer.seal(&fetched.value, place).map_err(|_| broken_seal(place))?;
        Ok(Arc::new(Record { sealed, version: fetched.version, path: fetched.path.clone() }))
    }

    pub(super) fn open(&self, place: &Place, record: &Record, stale: Option<Duration>) -> Option<Cached> {
        match self.sealer.open(&record.sealed, place) {
            Ok(value) => Some(Cached { value, version: record.version, path: record.path.clone(), stale }),
            Err(error) => {
                tracing::error!(source = %place.source, "{error}; it's dropped and read again");
                self.state().shelf.remove(place);
                None
            }
        }
    }

    /// An answer, or where the source is out of reach what's kept of the place.
    pub(super) fn or_stale<T>(&self, place: &Place, answer: Result<T, SourceError>) -> Result<Answer<T>, SourceError> {
        let error = match answer {
            Ok(new) => {
                self.looked.one(Looked::Miss);
                return Ok(Answer::New(new));
            }
            Err(error) => error,
        };
        let stale = if is_outage(&error) { self.stale(place) } else { None };
        self.looked.one(if stale.is_some() { Looked::Stale } else { Looked::Miss });
        stale.map(Answer::Stale).ok_or(error)
    }

    /// What's kept of a place, whatever its age.
    fn stale(&self, place: &Place) -> Option<Cached> {
        let (record, age) = self.state().shelf.kept(place, Instant::now())?;
        self.open(place, &record, Some(age))
    }

    /// Takes a load's result in, and makes of it what its callers get.
    pub(super) fn take_in(&self, landing: &Landing, asked: Instant, result: Result<Fetched, SourceError>) -> Outcome {
        let place = landing.place();
        let result = result.and_then(|fetched| self.seal(place, &fetched));
        let mut state = self.state();
        if let Err(error) = &result {
            state.take_to_heart(place, error);
        }
        if state.flights.end(landing) {
            let content = match &result {
                Ok(record) => Some(Content::Value(Arc::clone(record))),
                Err(error @ SourceError::Missing { .. }) => Some(Content::Missing(error.clone())),
                Err(_) => None,
            };
            if let Some(content) = content {
                self.keep(&mut state, place, landing.generation(), asked, content);
            }
        }
        result
    }
}

impl State {
    /// Drops what an answer of the source disproves.
    pub(super) fn take_to_heart(&mut self, place: &Place, error: &SourceError) {
        if is_outage(error) {
            return;
        }
        let was_readable = self.shelf.holds_value(place);
        self.shelf.remove(place);
        if was_readable && matches!(error, SourceError::Forbidden { .. }) {
            // A refusal of what was readable means that a right was withdrawn, perhaps all of them:
            // everything of that source has to be asked for again.
            self.forget(|kept| kept.source == place.source);
        }
    }

    pub(super) fn forget(&mut self, matches: impl Fn(&Place) -> bool) {
        self.shelf.remove_where(&matches);
        self.flights.disown_where(&matches);
    }

    pub(super) fn clear(&mut self) {
        self.forget(|_| true);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.sweep.notify_one();
    }
}

/// Whether an error says nothing about the value, only that the source can't answer now.
fn is_outage(error: &SourceError) -> bool {
    match error {
        SourceError::Unavailable { .. } | SourceError::RateLimited { .. } => true,
        SourceError::Conflict { .. }
        | SourceError::Forbidden { .. }
        | SourceError::Invalid { .. }
        | SourceError::Missing { .. }
        | SourceError::ReadOnly { .. }
        | SourceError::TooLarge { .. }
        | SourceError::Unsupported { .. } => false,
    }
}

pub(super) fn broken_seal(place: &Place) -> SourceError {
    SourceError::Unavailable {
        source_name: place.source.clone(),
        detail: "a value didn't go through its seal".to_owned(),
        remedy: "try again; if it stays so, restart the server",
    }
}
