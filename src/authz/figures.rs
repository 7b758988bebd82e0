//! What the door has counted.

use crate::model::{Action, Decided};

/// How often the door decided what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Requests, by what they were for and what came of them. A look at names is one to `list` or
    /// `describe`; a bundle is one for each of its values.
    pub decisions: Vec<((Action, Decided), u64)>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Door, Session};
    use crate::audit::{AuditError, AuditLog, Durability};
    use crate::identity;
    use crate::model::kind::{Delete, Read, Write};
    use crate::model::{
        Action, Category, ClientName, Clock, Decided, ErrorCode, PrincipalName, PublicError, SecretPath, Target,
    };
    use crate::policy::{Policy, PolicyStore};

    const POLICY: &str = r#"
        version = 1
        [[rule]]
        id = "reads-twice"
        principals = ["ann"]
        actions = ["read"]
        paths = ["Staging/**"]
        limit.rate = "2/1h"
        [[rule]]
        id = "writes-with-a-reason"
        principals = ["ann"]
        actions = ["write"]
        paths = ["Staging/**"]
        require.reason = true
    "#;

    fn session(audit: AuditLog) -> (Arc<Door>, Session) {
        let policy = Arc::new(PolicyStore::fixed(Policy::parse(POLICY, "policy.toml").unwrap()));
        let door = Arc::new(Door::new(policy, audit, Clock::system()));
        let ann = identity::standard_streams(PrincipalName::parse("ann").unwrap());
        (Arc::clone(&door), Session::new(door, ann))
    }

    fn target() -> Target {
        let path = SecretPath::parse("Staging/Stripe/credential").unwrap();
        Target { path, title_path: None, place: None, category: Category::Login, tags: [].into() }
    }

    fn counted(door: &Door) -> Vec<((Action, Decided), u64)> {
        door.figures().decisions.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    #[tokio::test]
    async fn each_request_is_counted_by_what_was_decided() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::open(&folder.path().join("audit.jsonl"), Durability::Write, Clock::system()).unwrap();
        let (door, session) = session(log);
        let call = session.call(ClientName::default(), None);
        drop(call.authorize::<Read>(target()).await.unwrap());
        drop(call.authorize::<Read>(target()).await.unwrap());
        assert!(call.authorize::<Read>(target()).await.is_err());
        assert!(call.authorize::<Write>(target()).await.is_err());
        assert!(call.authorize::<Delete>(target()).await.is_err());
        drop(call.look(Action::List).await.unwrap());
        drop(call.fail(Action::Describe, None, PublicError::new(ErrorCode::Invalid, "", "")).await);
        let expected = [
            ((Action::List, Decided::Allowed), 1),
            ((Action::Describe, Decided::Failed), 1),
            ((Action::Read, Decided::Allowed), 2),
            ((Action::Read, Decided::RateLimited), 1),
            ((Action::Write, Decided::ReasonRequired), 1),
            ((Action::Delete, Decided::Denied), 1),
        ];
        assert_eq!(counted(&door), expected);
    }

    #[tokio::test]
    async fn a_decision_that_is_not_recorded_has_failed() {
        let (door, session) = session(AuditLog::unavailable("/nowhere".as_ref(), AuditError::Stopped));
        let call = session.call(ClientName::default(), None);
        assert!(call.authorize::<Read>(target()).await.is_err());
        assert!(call.authorize::<Delete>(target()).await.is_err());
        assert_eq!(counted(&door), [((Action::Read, Decided::Failed), 1), ((Action::Delete, Decided::Failed), 1)]);
    }
}
