//! What all requests share, and what all requests of one connection share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::call::Call;
use super::figures::Figures;
use crate::audit::{AuditLog, Ledger};
use crate::identity::Authenticated;
use crate::model::{Action, ClientName, Clock, Counts, Decided, DefaultVault, PrincipalName, Reason, RequestId};
use crate::policy::PolicyStore;
use crate::state::{Leaks, RateLimits};

/// The policy in force, the log and what it says of exposures, the counts and the clock.
#[derive(Debug)]
pub struct Door {
    pub(super) policy: Arc<PolicyStore>,
    pub(super) audit: AuditLog,
    pub(super) ledger: Ledger,
    pub(super) limits: RateLimits,
    pub(super) leaks: Leaks,
    pub(super) clock: Clock,
    pub(super) decisions: Counts<(Action, Decided)>,
}

impl Door {
    /// Hangs the door.
    #[must_use]
    pub fn new(policy: Arc<PolicyStore>, audit: AuditLog, clock: Clock) -> Self {
        let ledger = Ledger::open(audit.file());
        let (limits, leaks) = (RateLimits::new(), Leaks::new());
        Self { policy, audit, ledger, limits, leaks, clock, decisions: Counts::new() }
    }

    /// What was exposed, as the log has it.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What was decided so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures { decisions: self.decisions.read() }
    }
}

/// What a request takes up of somebody's allowance, given back when it's dropped.
pub type Held = Arc<dyn fmt::Debug + Send + Sync>;

/// One proven principal at the door.
#[derive(Debug, Clone)]
pub struct Session {
    door: Arc<Door>,
    who: Arc<Authenticated>,
    vault: Option<Arc<DefaultVault>>,
    request: Option<Arc<OneRequest>>,
    held: Option<Held>,
}

/// An id that's given to one request, whoever else holds it.
#[derive(Debug)]
struct OneRequest {
    id: RequestId,
    taken: AtomicBool,
}

impl Session {
    /// Opens a session for whoever was authenticated.
    #[must_use]
    pub fn new(door: Arc<Door>, who: impl Into<Arc<Authenticated>>) -> Self {
        Self { door, who: who.into(), vault: None, request: None, held: None }
    }

    /// The same, where a path that leaves its vault out means one in this vault.
    ///
    /// It's a default and no authority: what a path comes to mean is decided on as ever. Nor is it a filter:
    /// lists, completions, configured bundles and resources' addresses are as they are without it.
    #[must_use]
    pub fn in_vault(self, vault: Option<DefaultVault>) -> Self {
        Self { vault: vault.map(Arc::new), ..self }
    }

    /// The same, for one request that its transport has named. Only the first call begun here, or in
    /// a clone of it, gets that name: were there ever another, it would get one of its own.
    #[must_use]
    pub fn for_request(self, id: RequestId) -> Self {
        Self { request: Some(Arc::new(OneRequest { id, taken: AtomicBool::new(false) })), ..self }
    }

    /// The same, where something is held for as long as anything of its requests is under way: a change that's
    /// finished without whoever asked for it, too.
    #[must_use]
    pub fn holding(self, held: Held) -> Self {
        Self { held: Some(held), ..self }
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &PrincipalName {
        &self.who.principal().name
    }

    /// Begins one request: it gets its id, and the policy and the time it's decided by are fixed.
    #[must_use]
    pub fn call(&self, client: ClientName, reason: Option<Reason>) -> Call {
        let named = self.request.as_ref().filter(|request| !request.taken.swap(true, Ordering::Relaxed));
        let id = named.map_or_else(RequestId::new, |request| request.id);
        let call = Call::new(Arc::clone(&self.door), Arc::clone(&self.who), self.vault.clone(), id, client, reason);
        call.holding(self.held.clone())
    }
}
