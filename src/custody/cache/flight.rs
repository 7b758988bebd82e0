//! Loads under way, each with everybody who waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::shared::Shared;
use super::shelf::Record;
use crate::custody::error::SourceError;
use crate::custody::source::Fetched;
use crate::model::{Place, SourceName};

/// What a load came to: sealed, so that it can be handed to many.
pub(super) type Outcome = Result<Arc<Record>, SourceError>;

/// The loads that further callers may join, at most one a place.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: HashMap<Place, Flight>,
    started: u64,
}

#[derive(Debug)]
struct Flight {
    number: u64,
    generation: Option<u64>,
    /// To join with. It holds no end for callers, so that they can be counted.
    outcome: watch::Sender<Option<Outcome>>,
}

/// The end of a load that its callers hold.
#[derive(Debug)]
pub(super) struct Waiting(watch::Receiver<Option<Outcome>>);

/// The end of a load that the load's task holds. Dropped without landing, be it by a panic or at
/// shutdown, it lets its callers go with an error and the next caller start anew.
#[derive(Debug)]
pub(super) struct Landing {
    shared: Arc<Shared>,
    place: Place,
    generation: Option<u64>,
    /// `None`: nobody may join it.
    number: Option<u64>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flights {
    /// Joins the load of a place, if it's under way and asks about the same state of the source.
    pub(super) fn waiting(&self, place: &Place, generation: Option<u64>) -> Option<Waiting> {
        let flight = self.under_way.get(place).filter(|flight| flight.generation == generation)?;
        Some(Waiting(flight.outcome.subscribe()))
    }

    /// Ends a load; tells whether its result is still wanted for keeping.
    pub(super) fn end(&mut self, landing: &Landing) -> bool {
        let current = self.under_way.get(&landing.place).is_some_and(|flight| Some(flight.number) == landing.number);
        if current {
            self.under_way.remove(&landing.place);
        }
        current
    }

    /// Makes sure that nobody joins a place's load any more, and that its result isn't kept.
    pub(super) fn disown(&mut self, place: &Place) {
        self.under_way.remove(place);
    }

    /// The same for each place that matches.
    pub(super) fn disown_where(&mut self, matches: impl Fn(&Place) -> bool) {
        self.under_way.retain(|place, _| !matches(place));
    }
}

impl Waiting {
    /// Waits for the load to come to its end.
    pub(super) async fn outcome(mut self, source: &SourceName) -> Outcome {
        let landed = self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        landed.unwrap_or_else(|| {
            Err(SourceError::Unavailable {
                source_name: source.clone(),
                detail: "the read ended without an answer".to_owned(),
                remedy: "try again",
            })
        })
    }
}

impl Landing {
    /// A load that others may join.
    pub(super) fn shared(
        shared: Arc<Shared>,
        flights: &mut Flights,
        place: &Place,
        generation: Option<u64>,
    ) -> (Waiting, Option<Self>) {
        let number = flights.started;
        flights.started = flights.started.wrapping_add(1);
        let (waiting, landing) = Self::new(shared, place, generation, Some(number));
        flights.under_way.insert(place.clone(), Flight { number, generation, outcome: landing.outcome.clone() });
        (waiting, Some(landing))
    }

    /// A load for one caller alone.
    pub(super) fn private(shared: Arc<Shared>, place: &Place, generation: Option<u64>) -> (Waiting, Option<Self>) {
        let (waiting, landing) = Self::new(shared, place, generation, None);
        (waiting, Some(landing))
    }

    fn new(shared: Arc<Shared>, place: &Place, generation: Option<u64>, number: Option<u64>) -> (Waiting, Self) {
        let (outcome, waiting) = watch::channel(None);
        (Waiting(waiting), Self { shared, place: place.clone(), generation, number, outcome })
    }

    /// Hands the result to the cache and to everybody who waits.
    pub(super) fn land(self, asked: Instant, result: Result<Fetched, SourceError>) {
        let outcome = self.shared.take_in(&self, asked, result);
        self.outcome.send_replace(Some(outcome));
    }

    /// Waits until nobody waits for it any more. From then on nobody can join it either.
    pub(super) async fn abandoned(&self) {
        loop {
            self.outcome.closed().await;
            // Others join while they hold the state.
            let mut state = self.shared.state();
            if self.outcome.receiver_count() == 0 {
                state.flights.end(self);
                return;
            }
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn generation(&self) -> Option<u64> {
        self.generation
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.shared.state().flights.end(self);
    }
}
