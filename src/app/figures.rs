//! From what everybody has counted to what telemetry shows.

use std::sync::Arc;

use crate::audit::AuditLog;
use crate::authz::Door;
use crate::custody::{self, Custody};
use crate::policy::PolicyStore;
use crate::telemetry::metrics::{AuditFigures, CacheFigures, Figures, Part, PortFigures, Pull, SourceFigures};

/// Those who count.
#[derive(Debug, Clone)]
pub struct Counting {
    /// The door.
    pub door: Arc<Door>,
    /// The values.
    pub custody: Arc<Custody>,
    /// The log.
    pub audit: AuditLog,
    /// The policy, which counts nothing, and stands well or badly.
    pub policy: Arc<PolicyStore>,
}

impl Counting {
    /// What telemetry pulls its figures with. `port` tells how the port is doing.
    #[must_use]
    pub fn pull(self, port: impl Fn() -> PortFigures + Send + Sync + 'static) -> Pull {
        Box::new(move || self.figures(port()))
    }

    fn figures(&self, port: PortFigures) -> Figures {
        let custody::Figures { cache, sources } = self.custody.figures();
        let audit = self.audit.figures();
        Figures {
            decisions: self.door.figures().decisions,
            cache: CacheFigures { looked: cache.looked, entries: whole(cache.entries), evicted: cache.evicted },
            sources: sources.into_iter().map(source).collect(),
            audit: AuditFigures { appends: audit.appends, failures: audit.failures, under_way: audit.under_way },
            standing: vec![
                (Part::Audit, self.audit.standing()),
                (Part::Policy, self.policy.standing()),
                (Part::Sources, self.custody.standing()),
            ],
            port,
        }
    }
}

fn source(of: custody::KindFigures) -> SourceFigures {
    SourceFigures {
        kind: of.kind,
        answered: of.answered,
        took: of.took,
        quotas: of.quotas.into_iter().map(|quota| (quota.window, quota.left, quota.limit)).collect(),
        paused: whole(of.paused),
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::audit::Durability;
    use crate::authz::Session;
    use crate::custody::CacheSettings;
    use crate::identity;
    use crate::memory::LockedKey;
    use crate::model::{Action, ClientName, Clock, PrincipalName};
    use crate::policy::Policy;
    use crate::telemetry::metrics::{HttpMetrics, Metrics};

    #[tokio::test]
    async fn what_happened_is_on_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&folder.path().join("a.jsonl"), Durability::Write, Clock::system()).unwrap();
        let policy = Arc::new(PolicyStore::fixed(Policy::parse("version = 1", "p").unwrap()));
        let door = Arc::new(Door::new(Arc::clone(&policy), audit.clone(), Clock::system()));
        let settings = CacheSettings { ttl: Duration::ZERO, stale_if_error: Duration::ZERO, max_items: 0 };
        let (key, tasks) = (LockedKey::generate().unwrap(), TaskTracker::new());
        let custody = Arc::new(Custody::new(Vec::new(), settings, key, &tasks, CancellationToken::new()));
        let canary = PrincipalName::parse("CANARY").unwrap();
        let session = Session::new(Arc::clone(&door), identity::standard_streams(canary));
        drop(session.call(ClientName::claimed("CANARY", "CANARY"), None).look(Action::List).await.unwrap());

        let counting = Counting { door, custody, audit, policy };
        let page = Metrics::new(
            Arc::new(HttpMetrics::new()),
            counting.pull(|| PortFigures { connections: 7, sessions: 5, refused: Vec::new() }),
        )
        .render();
        for line in [
            "opward_decisions_total{action=\"list\",decision=\"allowed\"} 1",
            // The look and that it was abandoned.
            "opward_audit_append_duration_seconds_count 2",
            "opward_audit_waiting 0",
            "opward_http_connections 7",
            "opward_http_sessions 5",
            "opward_part_state{part=\"policy\",state=\"ok\"} 1",
            "opward_cache_lookups_total{result=\"hit\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert!(!page.contains("CANARY"));
    }
}
