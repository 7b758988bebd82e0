//! What all requests share, and what all requests of one connection share.

use std::sync::Arc;

use super::call::Call;
use crate::audit::AuditLog;
use crate::identity::Authenticated;
use crate::model::{ClientName, Clock, PrincipalName, Reason};
use crate::policy::PolicyStore;
use crate::state::RateLimits;

/// The policy in force, the log, the counts and the clock.
#[derive(Debug)]
pub struct Door {
    pub(super) policy: Arc<PolicyStore>,
    pub(super) audit: AuditLog,
    pub(super) limits: RateLimits,
    pub(super) clock: Clock,
}

impl Door {
    /// Hangs the door.
    #[must_use]
    pub fn new(policy: Arc<PolicyStore>, audit: AuditLog, clock: Clock) -> Self {
        Self { policy, audit, limits: RateLimits::new(), clock }
    }
}

/// One proven principal at the door.
#[derive(Debug, Clone)]
pub struct Session {
    door: Arc<Door>,
    who: Arc<Authenticated>,
}

impl Session {
    /// Opens a session for whoever was authenticated.
    #[must_use]
    pub fn new(door: Arc<Door>, who: Authenticated) -> Self {
        Self { door, who: Arc::new(who) }
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &PrincipalName {
        &self.who.principal().name
    }

    /// Begins one request: it gets its id, and the policy and the time it's decided by are fixed.
    #[must_use]
    pub fn call(&self, client: ClientName, reason: Option<Reason>) -> Call {
        Call::new(Arc::clone(&self.door), Arc::clone(&self.who), client, reason)
    }
}
