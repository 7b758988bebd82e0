//! Whether requests can be served: what the parts know of themselves, put together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::audit::AuditLog;
use crate::custody::Custody;
use crate::model::{Standing, Word as _};
use crate::policy::PolicyStore;

/// How long an answer holds. Whoever asks more often, and anybody may, hears the same again.
const HOLDS: Duration = Duration::from_secs(1);

/// How the parts stand that every request needs, without any names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// As well as the worst of them.
    #[serde(serialize_with = "word")]
    status: Standing,
    /// Whether records can be written.
    #[serde(serialize_with = "word")]
    audit: Standing,
    /// Whether there's a policy, and the one that's in its file.
    #[serde(serialize_with = "word")]
    policy: Standing,
    /// Whether the sources answer.
    #[serde(serialize_with = "word")]
    sources: Standing,
}

/// Those who know.
#[derive(Debug)]
pub struct Prober {
    audit: AuditLog,
    policy: Arc<PolicyStore>,
    custody: Arc<Custody>,
    last: Mutex<Option<(Instant, Readiness)>>,
}

impl Readiness {
    /// Puts the parts together.
    #[must_use]
    pub fn of(audit: Standing, policy: Standing, sources: Standing) -> Self {
        Self { status: audit.max(policy).max(sources), audit, policy, sources }
    }

    /// Whether requests are to be sent here: nothing is down altogether.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status != Standing::Down
    }
}

impl Prober {
    /// Knows whom to ask.
    #[must_use]
    pub fn new(audit: AuditLog, policy: Arc<PolicyStore>, custody: Arc<Custody>) -> Self {
        Self { audit, policy, custody, last: Mutex::new(None) }
    }

    /// How the parts stand. No source is asked; at most once a second a few small files are looked at.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = last.filter(|(since, _)| since.elapsed() < HOLDS) {
            return known;
        }
        let now = Readiness::of(self.audit.standing(), self.policy.standing(), self.custody.standing());
        *last = Some((Instant::now(), now));
        now
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn word<S: Serializer>(standing: &Standing, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(standing.as_str())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::audit::{AuditError, Durability};
    use crate::custody::source::{DownSource, Source};
    use crate::custody::{CacheSettings, SourceView};
    use crate::memory::LockedKey;
    use crate::model::{Clock, SourceName};
    use crate::policy::Policy;

    fn prober(audit: AuditLog, policy: Policy, sources: Vec<Source>) -> Prober {
        let settings = CacheSettings { ttl: HOLDS, stale_if_error: HOLDS, max_items: 1 };
        let sources = sources.into_iter().map(|source| (source, SourceView::default())).collect();
        let (key, tasks) = (LockedKey::generate().unwrap(), TaskTracker::new());
        let custody = Custody::new(sources, settings, key, &tasks, CancellationToken::new());
        Prober::new(audit, Arc::new(PolicyStore::fixed(policy)), Arc::new(custody))
    }

    fn json(readiness: Readiness) -> String {
        serde_json::to_string(&readiness).unwrap()
    }

    #[tokio::test]
    async fn all_is_well_and_says_so_without_names() {
        let folder = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&folder.path().join("a.jsonl"), Durability::Write, Clock::system()).unwrap();
        let readiness = prober(audit, Policy::parse("version = 1", "p").unwrap(), Vec::new()).readiness();
        assert!(readiness.is_ready());
        assert_eq!(json(readiness), r#"{"status":"ok","audit":"ok","policy":"ok","sources":"ok"}"#);
    }

    #[tokio::test]
    async fn each_part_that_is_down_makes_it_unready() {
        let down = Source::Down(DownSource::new(SourceName::new("CANARY"), "CANARY".to_owned(), "CANARY"));
        let audit = AuditLog::unavailable(Path::new("/CANARY"), AuditError::Moved);
        let readiness = prober(audit, Policy::nothing(), vec![down]).readiness();
        assert!(!readiness.is_ready());
        assert_eq!(json(readiness), r#"{"status":"down","audit":"down","policy":"down","sources":"down"}"#);
    }

    #[test]
    fn it_stands_as_well_as_the_worst_part() {
        use Standing::{Degraded, Down, Ok};
        for (parts, status, ready) in [
            ((Ok, Ok, Ok), Ok, true),
            ((Degraded, Ok, Ok), Degraded, true),
            ((Ok, Degraded, Degraded), Degraded, true),
            ((Ok, Ok, Down), Down, false),
            ((Down, Degraded, Ok), Down, false),
            ((Ok, Down, Ok), Down, false),
        ] {
            let readiness = Readiness::of(parts.0, parts.1, parts.2);
            assert_eq!((readiness.status, readiness.is_ready()), (status, ready), "{parts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        let audit = AuditLog::open(&file, Durability::Write, Clock::system()).unwrap();
        let prober = prober(audit.clone(), Policy::parse("version = 1", "p").unwrap(), Vec::new());
        assert!(prober.readiness().is_ready());
        std::fs::write(&file, "not a record\n").unwrap();
        assert!(audit.check_whole().is_err());
        assert!(prober.readiness().is_ready());
        tokio::time::advance(HOLDS).await;
        assert!(!prober.readiness().is_ready());
    }
}
