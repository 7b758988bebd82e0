//! How often tokens were accepted and refused.

use std::sync::atomic::{AtomicU64, Ordering};

use super::rejection::{Rejection, Why};

/// What has happened since the start, counted as it happens.
#[derive(Debug, Default)]
pub struct BearerFigures {
    accepted_static: AtomicU64,
    accepted_jwt: AtomicU64,
    cache_hits: AtomicU64,
    rejected: [AtomicU64; Why::ALL.len()],
    scope: AtomicU64,
    unavailable: AtomicU64,
    key_refreshes: AtomicU64,
    key_refresh_failures: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerCounts {
    /// Static tokens that were accepted.
    pub accepted_static: u64,
    /// JWTs that were accepted.
    pub accepted_jwt: u64,
    /// How many of those had been verified before.
    pub cache_hits: u64,
    /// Tokens that weren't valid, by reason.
    pub rejected: [(Why, u64); Why::ALL.len()],
    /// Valid tokens that lacked a scope.
    pub scope: u64,
    /// Tokens that couldn't be judged.
    pub unavailable: u64,
    /// How often an issuer's keys were asked for, failures included.
    pub key_refreshes: u64,
    /// How often that failed.
    pub key_refresh_failures: u64,
}

impl BearerFigures {
    /// Reads all of them.
    #[must_use]
    pub fn counts(&self) -> BearerCounts {
        let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let mut rejected = Why::ALL.map(|why| (why, 0));
        for ((_, count), figure) in rejected.iter_mut().zip(&self.rejected) {
            *count = read(figure);
        }
        BearerCounts {
            accepted_static: read(&self.accepted_static),
            accepted_jwt: read(&self.accepted_jwt),
            cache_hits: read(&self.cache_hits),
            rejected,
            scope: read(&self.scope),
            unavailable: read(&self.unavailable),
            key_refreshes: read(&self.key_refreshes),
            key_refresh_failures: read(&self.key_refresh_failures),
        }
    }

    pub(super) fn static_accepted(&self) {
        add(&self.accepted_static);
    }

    pub(super) fn jwt_accepted(&self) {
        add(&self.accepted_jwt);
    }

    pub(super) fn cache_hit(&self) {
        add(&self.cache_hits);
    }

    pub(super) fn keys_asked_for(&self) {
        add(&self.key_refreshes);
    }

    pub(super) fn keys_not_had(&self) {
        add(&self.key_refresh_failures);
    }

    pub(super) fn refused(&self, rejection: &Rejection) {
        match rejection {
            Rejection::Invalid(why) => {
                if let Some((_, figure)) = Why::ALL.iter().zip(&self.rejected).find(|(listed, _)| *listed == why) {
                    add(figure);
                }
            }
            Rejection::Scope { .. } => add(&self.scope),
            Rejection::Unavailable => add(&self.unavailable),
        }
    }
}

fn add(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_as_itself() {
        let figures = BearerFigures::default();
        for (times, why) in Why::ALL.into_iter().enumerate() {
            for _ in 0..times {
                figures.refused(&Rejection::Invalid(why));
            }
        }
        let counted = figures.counts().rejected.map(|(why, count)| (why, usize::try_from(count).unwrap()));
        assert!(counted.into_iter().eq(Why::ALL.into_iter().enumerate().map(|(times, why)| (why, times))));
    }
}
