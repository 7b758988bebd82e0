//! Turns of commands: as many run at a time as a machine bears, and nobody has all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::model::{ErrorCode, PrincipalName, PublicError};

/// How many commands run at a time.
const MOST: usize = 16;

/// How many of them one principal can have.
const SHARE: usize = 8;

/// How long is waited for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// When trying again makes sense, in seconds: most commands are short.
const AGAIN: u64 = 5;

/// The turns there are.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    /// Of those who have one or wait for one.
    shares: Mutex<HashMap<PrincipalName, Arc<Semaphore>>>,
}

/// A turn. It's given back when this is dropped.
#[derive(Debug)]
#[must_use]
pub(super) struct Turn {
    _one: OwnedSemaphorePermit,
    _share: OwnedSemaphorePermit,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MOST)), shares: Mutex::default() }
    }
}

impl Turns {
    /// Waits for a turn, but not for long: nothing is opened for whoever waits, and they may have better to do.
    pub(super) async fn take(&self, who: &PrincipalName) -> Result<Turn, PublicError> {
        let share = self.share_of(who);
        let turn = async {
            let share = share.acquire_owned().await.ok()?;
            let one = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _one: one, _share: share })
        };
        timeout(PATIENCE, turn).await.ok().flatten().ok_or_else(|| {
            let message = "too many commands are running, so this one wasn't started";
            let hint = "try again when others have ended";
            PublicError::new(ErrorCode::RateLimited, message, hint).with_retry_after(AGAIN)
        })
    }

    fn share_of(&self, who: &PrincipalName) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody has a part of any more is as good as new.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(who.clone()).or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken(turns: &Turns, who: &str, count: usize) -> Vec<Turn> {
        let who = PrincipalName::parse(who).unwrap();
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(turns.take(&who).await.unwrap());
        }
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_more_than_a_share_and_who_waits_too_long_is_told() {
        let turns = Turns::default();
        let begun = tokio::time::Instant::now();
        let ann = PrincipalName::parse("ann").unwrap();
        let anns = taken(&turns, "ann", SHARE).await;
        let refused = turns.take(&ann).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after_s), (ErrorCode::RateLimited, Some(AGAIN)));
        assert_eq!(begun.elapsed(), PATIENCE);
        let bobs = taken(&turns, "bob", MOST - SHARE).await;
        assert_eq!(turns.take(&PrincipalName::parse("eve").unwrap()).await.unwrap_err().code, ErrorCode::RateLimited);
        drop(anns);
        let _again = taken(&turns, "ann", SHARE).await;
        drop(bobs);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_back_is_the_next_ones_and_those_who_left_are_forgotten() {
        let turns = Turns::default();
        let mut held = taken(&turns, "ann", SHARE).await;
        let ann = PrincipalName::parse("ann").unwrap();
        let mut waiting = std::pin::pin!(turns.take(&ann));
        assert!(timeout(PATIENCE / 2, &mut waiting).await.is_err());
        held.pop();
        drop(waiting.await.unwrap());
        drop(held);
        drop(taken(&turns, "bob", 1).await);
        let _eve = taken(&turns, "eve", 1).await;
        assert_eq!(turns.shares.lock().unwrap().len(), 1);
    }
}
