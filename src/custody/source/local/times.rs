//! Moments, as a KDBX file keeps them: whole seconds, in UTC.

use std::time::Duration;

use jiff::Timestamp;
use keepass::db::{Entry, Times};

/// A set of times that all show one moment, from which single fields are taken: the crate's own
/// type of a moment has no name here.
pub(super) fn all_at(seconds: i64) -> Times {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let moment = if seconds < 0 { Times::epoch() - distance } else { Times::epoch() + distance };
    let mut times = Times::default();
    times.creation = Some(moment);
    times.last_modification = Some(moment);
    times.last_access = Some(moment);
    times.location_changed = Some(moment);
    times.expiry = moment;
    times.expires = Some(false);
    times.usage_count = Some(0);
    times
}

/// When the entry was made.
pub(super) fn created(entry: &Entry) -> Option<i64> {
    entry.times.creation.map(|at| at.and_utc().timestamp())
}

/// When the entry was last changed.
pub(super) fn modified(entry: &Entry) -> Option<i64> {
    entry.times.last_modification.map(|at| at.and_utc().timestamp())
}

/// When the entry runs out, if it does.
pub(super) fn expires(entry: &Entry) -> Option<i64> {
    (entry.times.expires == Some(true)).then(|| entry.times.expiry.and_utc().timestamp())
}

/// A moment in the form the rest of the program uses; one outside its range is left out.
pub(super) fn timestamp(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}
