//! An issuer's keys, kept as fresh as they must be and asked for as seldom as they may be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::keys::{KeySet, KeySetError};
use super::keys_file::Stamp;
use super::place::{LoadError, Loaded, Place};
use crate::identity::figures::BearerFigures;

/// How long a list of keys that can't be renewed goes on being used.
const GRACE: Duration = Duration::from_hours(1);

/// For how long after a failure nobody waits for the next attempt.
const DISCOURAGED: Duration = Duration::from_mins(1);

/// One issuer's keys.
#[derive(Debug)]
pub(in crate::identity) struct KeyStore {
    issuer: String,
    place: Place,
    pace: Pace,
    figures: Arc<BearerFigures>,
    tasks: TaskTracker,
    stop: CancellationToken,
    state: Mutex<State>,
}

/// How often is often enough.
#[derive(Debug)]
struct Pace {
    /// From this age on a list is renewed, while the old one still serves.
    renew: Duration,
    /// From this age on a request waits for the new one.
    stale: Duration,
    /// The least time from one attempt to the next, whatever asks for it.
    between: Duration,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// When the last attempt began.
    attempted: Option<Instant>,
    /// When the last attempt failed, unless one has succeeded since.
    failed: Option<Instant>,
    /// There while an attempt is under way; it ends when its sender is gone.
    flight: Option<watch::Receiver<()>>,
    generations: u64,
}

#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    /// When it was asked for.
    asked: Instant,
    stamp: Option<Stamp>,
}

/// One attempt. However it ends, it lands.
struct Flight {
    store: Arc<KeyStore>,
    asked: Instant,
    known: Option<Stamp>,
    outcome: Result<Loaded, LoadError>,
    /// Dropped last: whoever waits is woken after the landing.
    _done: watch::Sender<()>,
}

/// What to do about a request.
enum Step {
    Use(Option<Arc<KeySet>>),
    Wait(watch::Receiver<()>),
}

impl KeyStore {
    pub(in crate::identity) fn new(
        issuer: &str,
        place: Place,
        figures: Arc<BearerFigures>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let pace = match &place {
            Place::Url(..) => {
                Pace { renew: Duration::from_mins(8), stale: Duration::from_mins(10), between: Duration::from_secs(10) }
            }
            // To look at a file costs next to nothing.
            Place::File(_) => {
                Pace { renew: Duration::from_secs(1), stale: Duration::from_secs(1), between: Duration::from_secs(1) }
            }
        };
        Self { issuer: issuer.to_owned(), place, pace, figures, tasks, stop, state: Mutex::default() }
    }

    /// Reads a file at once, so that a mistake shows when the program starts; says how many of its keys can be used.
    pub(in crate::identity) fn read_now(&self) -> Result<Option<usize>, LoadError> {
        let Place::File(file) = &self.place else { return Ok(None) };
        let asked = Instant::now();
        let mut state = self.state();
        if let Loaded::New { bytes, stamp } = file.load(None)? {
            state.hold(&bytes, stamp, asked)?;
        }
        Ok(state.held.as_ref().map(|held| held.keys.len()))
    }

    /// The issuer's keys, if they're known and not too old.
    pub(in crate::identity) async fn current(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        match self.step(false) {
            Step::Use(keys) => keys,
            Step::Wait(mut flight) => {
                // An error is the end of the flight, which is what's waited for.
                let _ = flight.changed().await;
                match self.step(true) {
                    Step::Use(keys) => keys,
                    Step::Wait(_) => None,
                }
            }
        }
    }

    /// The issuer's keys, asked for again if these are the newest known and it's not too soon.
    ///
    /// `None` says that the last attempt failed: then nobody knows whether there are others.
    pub(in crate::identity) async fn newer_than(self: &Arc<Self>, keys: &KeySet) -> Option<Arc<KeySet>> {
        let (due, flight) = {
            let mut state = self.state();
            let due = match &state.held {
                Some(held) if held.keys.generation() != keys.generation() => return Some(Arc::clone(&held.keys)),
                Some(_) | None => self.due(&mut state, Instant::now()),
            };
            (due, state.flight.clone())
        };
        self.depart(due);
        if let Some(mut flight) = flight {
            let _ = flight.changed().await;
        }
        let state = self.state();
        let held = state.held.as_ref().filter(|_| state.failed.is_none());
        held.map(|held| Arc::clone(&held.keys))
    }

    fn step(self: &Arc<Self>, waited: bool) -> Step {
        let (due, step) = {
            let (now, mut state) = (Instant::now(), self.state());
            let renew = !waited && state.age(now).is_none_or(|age| age >= self.pace.renew);
            let due = if renew { self.due(&mut state, now) } else { None };
            (due, state.step(&self.pace, now, waited))
        };
        self.depart(due);
        step
    }

    /// An attempt that's to begin, unless one is under way or was begun just now.
    fn due(self: &Arc<Self>, state: &mut State, now: Instant) -> Option<Flight> {
        let too_soon = |at: Instant| now.saturating_duration_since(at) < self.pace.between;
        if state.flight.is_some() || state.attempted.is_some_and(too_soon) || self.stop.is_cancelled() {
            return None;
        }
        let (done, flight) = watch::channel(());
        state.flight = Some(flight);
        state.attempted = Some(now);
        let known = state.held.as_ref().and_then(|held| held.stamp.clone());
        Some(Flight { store: Arc::clone(self), asked: now, known, outcome: Err(LoadError::Stopped), _done: done })
    }

    /// Lets an attempt begin, as a task of its own: the request that asked for it may go away, and others wait for it.
    ///
    /// The state mustn't be locked here: a runtime that ends drops the task at once, and then it lands.
    fn depart(&self, flight: Option<Flight>) {
        if let Some(flight) = flight {
            self.tasks.spawn(flight.fly());
        }
    }

    fn land(&self, outcome: Result<Loaded, LoadError>, asked: Instant) {
        let mut state = self.state();
        state.flight = None;
        let landed = match outcome {
            Ok(Loaded::Same) => {
                if let Some(held) = &mut state.held {
                    held.asked = asked;
                }
                Ok(false)
            }
            Ok(Loaded::New { bytes, stamp }) => {
                self.figures.keys_asked_for();
                state.hold(&bytes, stamp, asked).map_err(LoadError::from)
            }
            Err(error) => {
                self.figures.keys_asked_for();
                Err(error)
            }
        };
        state.failed = landed.is_err().then(Instant::now);
        let keys = state.held.as_ref().map_or(0, |held| held.keys.len());
        drop(state);
        match landed {
            Ok(true) => info!(issuer = %self.issuer, keys, "the issuer's keys were loaded"),
            Ok(false) => {}
            Err(error) => {
                self.figures.keys_not_had();
                if !self.stop.is_cancelled() {
                    warn!(issuer = %self.issuer, %error, "the issuer's keys weren't loaded");
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long ago the keys were asked for.
    fn age(&self, now: Instant) -> Option<Duration> {
        self.held.as_ref().map(|held| now.saturating_duration_since(held.asked))
    }

    fn step(&self, pace: &Pace, now: Instant, waited: bool) -> Step {
        let failed = self.failed.is_some_and(|at| now.saturating_duration_since(at) < DISCOURAGED);
        let usable = match self.age(now) {
            Some(age) if age < pace.stale => true,
            Some(age) if age < GRACE => waited || failed || self.flight.is_none(),
            Some(_) | None => false,
        };
        match &self.flight {
            Some(flight) if !usable && !waited => Step::Wait(flight.clone()),
            Some(_) | None => Step::Use(self.held.as_ref().filter(|_| usable).map(|held| Arc::clone(&held.keys))),
        }
    }

    /// Puts a list in the place of the one before; says whether it's another.
    fn hold(&mut self, bytes: &[u8], stamp: Option<Stamp>, asked: Instant) -> Result<bool, KeySetError> {
        let keys = KeySet::parse(bytes, self.generations + 1)?;
        // The same list stays the same, and what was verified with it stays verified.
        if let Some(held) = self.held.as_mut().filter(|held| held.keys.is_as(&keys)) {
            (held.asked, held.stamp) = (asked, stamp);
            return Ok(false);
        }
        self.generations += 1;
        self.held = Some(Held { keys: Arc::new(keys), asked, stamp });
        Ok(true)
    }
}

impl Flight {
    async fn fly(mut self) {
        let loading = self.store.place.load(self.known.take());
        let loaded = self.store.stop.run_until_cancelled(loading).await;
        self.outcome = loaded.unwrap_or(Err(LoadError::Stopped));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(LoadError::Stopped));
        self.store.land(outcome, self.asked);
    }
}
