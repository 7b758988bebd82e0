//! How many requests may still be made, and whether any may.
//!
//! 1Password limits how often one token asks within an hour and one account within a day. opward
//! counts for itself, before it asks, so that it never finds out the hard way. The count is kept in a
//! file, which all processes that use the source share, and so a program that crashes and starts over
//! and over again spends no more than one that doesn't.
//!
//! - Windows slide: whatever hour 1Password counts, no more than the limit falls into it.
//! - The last fifth of each window is kept for askers that have used less than a twentieth of it, so
//!   that one can't take it all from the others.
//! - Where 1Password itself says that it's too much, nothing is asked until the time it names. That,
//!   too, is in the file, and holds without any limits as well.
//! - A file that can't be understood counts as four fifths spent. Counts and times that lie in the
//!   future, because the clock was set back, count as of now, and so never longer than they would have.

mod file;
mod ledger;
mod purse;
mod window;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::file::LedgerFile;
pub(super) use self::file::{make_private_folder, private_file};
use self::ledger::Ledger;
pub(super) use self::purse::Purse;
use super::backend::Cost;
use super::failure::WAIT_WHEN_NOT_TOLD;
use crate::custody::error::SourceError;
use crate::model::{Clock, PrincipalName, SourceName};

/// How often a source may be asked; `None` is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests that read, within an hour.
    pub reads_per_hour: Option<u32>,
    /// Requests that write, within an hour.
    pub writes_per_hour: Option<u32>,
    /// Requests of either kind, within a day.
    pub requests_per_day: Option<u32>,
}

/// What's left of a source's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that read, within this hour; `None` is without limit.
    pub reads: Option<u32>,
    /// Requests that write, within this hour; `None` is without limit.
    pub writes: Option<u32>,
    /// Requests of either kind, within this day; `None` is without limit.
    pub today: Option<u32>,
    /// Nothing is asked until then, because 1Password said so.
    pub paused_until: Option<Timestamp>,
}

/// The longest that nothing is asked because 1Password said so.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The count of what was asked of one source.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: SourceName,
    limits: Option<Limits>,
    clock: Clock,
    file: Option<LedgerFile>,
    /// The count where there's no file for it.
    memory: Mutex<Ledger>,
}

impl Budget {
    /// The budget of a source; with a folder, it's kept there.
    pub(super) fn new(source: SourceName, limits: Option<Limits>, folder: Option<&PathBuf>, clock: Clock) -> Self {
        let file = folder.map(|folder| LedgerFile::new(folder, &source));
        Self(Arc::new(Inner { source, limits, clock, file, memory: Mutex::default() }))
    }

    /// Spends what something costs, all of it or nothing.
    pub(super) async fn spend(&self, asker: &PrincipalName, cost: Cost) -> Result<(), SourceError> {
        let (asker, limits) = (asker.clone(), self.0.limits);
        let wait = self.change(move |ledger, now| ledger.spend(limits.as_ref(), &asker, cost, now)).await?;
        wait.map_err(|retry_after| SourceError::RateLimited { source_name: self.0.source.clone(), retry_after })
    }

    /// Sets aside what a whole procedure costs, so that it doesn't stop midway.
    pub(super) async fn reserve(&self, asker: &PrincipalName, cost: Cost) -> Result<Purse, SourceError> {
        self.spend(asker, cost).await?;
        Ok(Purse::new(self.clone(), asker.clone(), cost))
    }

    /// Gives back what wasn't needed.
    pub(super) async fn refund(&self, asker: &PrincipalName, cost: Cost) {
        if cost == Cost::default() || self.0.limits.is_none() {
            return;
        }
        let asker = asker.clone();
        // A refund that's lost leaves the count too high, which does no harm.
        let _ = self.change(move |ledger, now| ledger.refund(&asker, cost, now)).await;
    }

    /// Asks nothing more until 1Password's time is up.
    pub(super) async fn close(&self, retry_after: Option<Duration>) {
        let wait = retry_after.unwrap_or(WAIT_WHEN_NOT_TOLD).clamp(Duration::from_secs(1), LONGEST_WAIT);
        let noted = self.change(move |ledger, now| ledger.close(now, wait)).await;
        if noted.is_err() {
            tracing::warn!(source = %self.0.source, "1Password asks for a pause, and it couldn't be noted down");
        }
    }

    /// What's left; `None` if there's neither a limit nor a pause.
    pub(super) fn allowance(&self) -> Option<Allowance> {
        let now = self.0.clock.now()?.as_second();
        let ledger = match &self.0.file {
            Some(file) => file.look(self.0.limits.as_ref(), now),
            None => self.0.memory.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let allowance = ledger.allowance(self.0.limits.as_ref(), now);
        (self.0.limits.is_some() || allowance.paused_until.is_some()).then_some(allowance)
    }

    /// Works on the count, alone among all processes.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger, i64) -> T + Send + 'static,
    ) -> Result<T, SourceError> {
        let now = self.0.clock.now().ok_or_else(|| self.broken("the machine's clock can't be read"))?.as_second();
        if self.0.file.is_none() {
            return Ok(work(&mut self.0.memory.lock().unwrap_or_else(PoisonError::into_inner), now));
        }
        let inner = Arc::clone(&self.0);
        let work = move || {
            let file = inner.file.as_ref()?;
            Some(file.change(inner.limits.as_ref(), now, |ledger| work(ledger, now)))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Some(Ok(done))) => Ok(done),
            Ok(Some(Err(error))) => Err(self.broken(&format!("the count of its requests can't be kept: {error}"))),
            Ok(None) | Err(_) => Err(self.broken("the count of its requests can't be kept")),
        }
    }

    /// Without a count nothing is asked: it's what stands between a crash-loop and the account's limit.
    fn broken(&self, detail: &str) -> SourceError {
        SourceError::Unavailable {
            source_name: self.0.source.clone(),
            detail: detail.to_owned(),
            remedy: "ask the owner to check that opward's state folder can be written to, and the machine's clock",
        }
    }
}
