//! What was exposed, and what's to be rotated for it, for the owner to see.

use std::path::Path;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_util::task::TaskTracker;

use super::setup::{Setup, SetupError};
use super::sources;
use crate::audit::{AuditError, Exposure, Ledger, visible};
use crate::authz::Deadlines;
use crate::config::Config;
use crate::custody::{Catalog, Unresolved};
use crate::model::{Clock, PathPattern, PrincipalName, Reference};
use crate::policy::{Policy, parse_duration};

/// Which exposures to show; what's `None` doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct ExposureFilter {
    /// The last of them then or later.
    pub since: Option<Since>,
    /// Of secrets that the pattern covers.
    pub path: Option<PathPattern>,
    /// Only those whose value should have been rotated by now.
    pub overdue: bool,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// A moment.
    At(Timestamp),
}

/// Exposures, as they're shown.
#[derive(Debug, Serialize)]
pub struct Exposures {
    /// By path, principal and way.
    pub exposures: Vec<ExposureRow>,
    /// How many lines of the log could have told of more and couldn't be read.
    pub unreadable_lines: u64,
    /// Why no date to rotate by is known, if the policy can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_unreadable: Option<String>,
}

/// That a value was given to one principal in one way.
#[derive(Debug, Serialize)]
pub struct ExposureRow {
    /// The secret's canonical path.
    pub path: String,
    /// To whom.
    pub principal: String,
    /// `read`, or the delivery as records write it.
    pub how: String,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
    /// The rules that allowed it the last time.
    pub rules: Vec<String>,
    /// When the value was changed after that, so that nothing more is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_since: Option<Timestamp>,
    /// When it's to be rotated at the latest, where a rule asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_by: Option<Timestamp>,
    /// Whether that's past, and the value is still there.
    pub overdue: bool,
    /// Whether that's past and nothing is at the path any longer, so that there's nothing to rotate.
    #[serde(skip_serializing_if = "is_false")]
    pub gone: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it's how serde asks")]
fn is_false(it: &bool) -> bool {
    !it
}

impl Since {
    /// Reads `7d`, `24h`, `2026-11-21`, or a moment in RFC 3339. A day begins in UTC, as records' times are in it.
    ///
    /// # Errors
    ///
    /// When it's none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let day = || text.parse::<Date>().map(DateTime::from).and_then(|day| TimeZone::UTC.to_timestamp(day));
        if let Ok(ago) = parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        text.parse()
            .or_else(|_| day())
            .map(Self::At)
            .map_err(|_| "a time like 7d, 24h, 2026-11-21 or 2026-11-21T09:00:00Z".to_owned())
    }

    /// The moment, seen from now. Further back than time goes, it's its beginning.
    pub(super) fn moment(self, now: Option<Timestamp>) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(ago) => {
                let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX);
                now.and_then(|now| now.checked_sub(ago).ok()).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

/// Looks up what was exposed, in the configured log and under the configured policy. The sources are asked only if
/// something is overdue: whether it's still there.
///
/// # Errors
///
/// What keeps the configuration from being used, or the log from being read.
pub async fn exposures(setup: &Setup, filter: &ExposureFilter) -> Result<Exposures, SetupError> {
    let config = setup.config()?;
    let (policy, policy_unreadable) = match Policy::load(&config.policy) {
        Ok(policy) => (policy, None),
        Err(error) => (Policy::nothing(), Some(error.to_string())),
    };
    let (mut exposures, unreadable_lines) =
        rows(&config.audit.file, filter, &Deadlines::of(&policy), Clock::system().now())
            .map_err(|error| SetupError::Other(error.public()))?;
    if exposures.iter().any(|row| row.overdue)
        && let Some(catalog) = catalog(&config, setup).await
    {
        mark_gone(&mut exposures, &catalog);
    }
    exposures.retain(|row| row.overdue || !filter.overdue);
    Ok(Exposures { exposures, unreadable_lines, policy_unreadable })
}

/// What there is; `None` where it can't be told.
async fn catalog(config: &Config, setup: &Setup) -> Option<Catalog> {
    let asker = PrincipalName::parse(super::PERSON).ok()?;
    let opened = sources::open(config, setup.environment(), &Clock::system(), &TaskTracker::new()).ok()?;
    let mut parts = Vec::with_capacity(opened.len());
    for (source, view) in opened {
        let inventory = source.inventory(&asker).await;
        parts.push((source.name().clone(), view, inventory));
    }
    Catalog::build(parts).ok()
}

/// Takes what's overdue and isn't there any longer off the list of what's to be done. What can't be looked at is taken
/// to be there.
pub(super) fn mark_gone(rows: &mut [ExposureRow], catalog: &Catalog) {
    for row in rows.iter_mut().filter(|row| row.overdue) {
        row.gone = is_gone(catalog, &row.path);
        row.overdue = !row.gone;
    }
}

fn is_gone(catalog: &Catalog, path: &str) -> bool {
    let Ok(reference) = Reference::parse(path) else { return false };
    let found = catalog.resolve(&reference);
    matches!(found, Err(Unresolved::NoVault | Unresolved::NoItem | Unresolved::NoField(_)))
}

/// The exposures of a log, overdue or not, and how many lines couldn't be read.
pub(super) fn rows(
    log: &Path,
    filter: &ExposureFilter,
    deadlines: &Deadlines,
    now: Option<Timestamp>,
) -> Result<(Vec<ExposureRow>, u64), AuditError> {
    let ledger = Ledger::open(log);
    let found = ledger.since(filter.since.map(|since| since.moment(now)))?;
    let rows = found
        .iter()
        .filter(|exposure| filter.path.as_ref().is_none_or(|pattern| pattern.covers(exposure.path.matching())))
        .map(|exposure| ExposureRow::of(exposure, deadlines, now))
        .collect();
    Ok((rows, ledger.unreadable()?))
}

impl ExposureRow {
    fn of(exposure: &Exposure, deadlines: &Deadlines, now: Option<Timestamp>) -> Self {
        let (rotate_by, overdue) = deadlines.judge(exposure, now);
        let how = exposure.delivery.as_deref().unwrap_or(exposure.how.as_str());
        Self {
            path: exposure.path.to_string(),
            how: visible(how).into_owned(),
            principal: visible(&exposure.principal).into_owned(),
            first: exposure.first,
            last: exposure.last,
            times: exposure.count,
            rules: exposure.rules.iter().map(ToString::to_string).collect(),
            changed_since: exposure.changed_since,
            rotate_by,
            overdue,
            gone: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_a_day_or_how_long_ago() {
        let now = Some("2026-11-21T10:00:00Z".parse().unwrap());
        let since = |text| Since::parse(text).unwrap().moment(now).to_string();
        assert_eq!(since("7d"), "2026-11-14T10:00:00Z");
        assert_eq!(since("90m"), "2026-11-21T08:30:00Z");
        assert_eq!(since("2026-11-01"), "2026-11-01T00:00:00Z");
        assert_eq!(since("2026-11-01T12:00:00+01:00"), "2026-11-01T11:00:00Z");
        for bad in ["", "7", "d", "yesterday", "2026-13-01", "-7d"] {
            assert!(Since::parse(bad).unwrap_err().contains("7d"), "{bad}");
        }
        assert_eq!(Since::Ago(Duration::MAX).moment(now), Timestamp::MIN);
    }
}
