//! Everything that requests share, wired: the log, the policy, the sources behind custody, the door and the broker.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::setup::{Setup, SetupError};
use super::sources;
use crate::audit::{AuditLog, Durability, Event};
use crate::authz::{Door, Session};
use crate::broker::{Broker, OwnFiles};
use crate::config::{self, Config};
use crate::custody::{CacheSettings, Custody, FieldAliases};
use crate::egress::Sender;
use crate::identity::Authenticated;
use crate::memory::{Hardening, LockedKey, Outcome};
use crate::model::{Clock, PrincipalName, Transport};
use crate::policy::{PolicyStore, ReloadEvent, watch};

/// What's wired, for whoever asks.
#[derive(Debug)]
pub(super) struct Wired {
    pub(super) audit: AuditLog,
    pub(super) broker: Broker,
    pub(super) custody: Arc<Custody>,
    pub(super) door: Arc<Door>,
    pub(super) policy: Arc<PolicyStore>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// How requests will come, for the record of the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Who asks, where that's fixed from the start.
    pub(super) principal: Option<&'a PrincipalName>,
    /// The way.
    pub(super) transport: Transport,
    /// What protects it, besides what protects the process.
    pub(super) protections: &'a [&'static str],
}

impl<'a> Asked<'a> {
    /// By one principal.
    pub(super) fn by(who: &'a Authenticated) -> Self {
        let principal = who.principal();
        Self { principal: Some(&principal.name), transport: principal.transport, protections: &[] }
    }
}

impl Wired {
    /// Wires everything that a configuration asks for and records the start.
    ///
    /// # Errors
    ///
    /// What keeps the configuration from being used, or the person's vault from being opened.
    pub(super) async fn wire(setup: &Setup, config: &Config, asked: Asked<'_>) -> Result<Self, SetupError> {
        let clock = Clock::system();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let audit = open_log(config, clock.clone());
        let policy = Arc::new(PolicyStore::open(config.policy.clone()));
        if let Some(error) = policy.last_error() {
            tracing::error!(%error, "the policy can't be used: everything is denied");
        }
        for note in &config.notes {
            tracing::warn!("{note}");
        }
        check_log(&audit, &tasks, &stop);
        let sources = sources::open(config, setup.environment(), &clock, &tasks)?;
        let own_files = OwnFiles::new(config.own_files());
        let sender = Sender::new();
        let key = LockedKey::generate().map_err(|_| SetupError::internal())?;
        record_start(&audit, setup.hardening(), asked, &policy).await;
        let custody = Arc::new(Custody::new(sources, cache_settings(config.cache), key, &tasks, stop.clone()));
        let bundles = config
            .env_bundles
            .iter()
            .map(|(name, bundle)| {
                let entries = bundle.entries().map(|(key, reference)| (key.to_owned(), reference.clone()));
                (name.clone(), entries.collect())
            })
            .collect();
        let broker = Broker::new(
            Arc::clone(&custody),
            FieldAliases::new(config.fields.clone()),
            bundles,
            tasks.clone(),
            sender,
            own_files,
        );
        let door = Arc::new(Door::new(Arc::clone(&policy), audit.clone(), clock));
        Ok(Self { audit, broker, custody, door, policy, tasks, stop })
    }

    /// A session for whoever was authenticated.
    pub(super) fn session(&self, who: Authenticated) -> Session {
        Session::new(Arc::clone(&self.door), who)
    }

    /// Reads the policy again whenever its file changes, and records that.
    pub(super) fn watch_policy(&self) {
        let (audit, tasks) = (self.audit.clone(), self.tasks.clone());
        let record = move |event: ReloadEvent| {
            let audit = audit.clone();
            tasks.spawn(async move { record_reload(&audit, &event).await });
        };
        self.tasks.spawn(watch(Arc::clone(&self.policy), record, self.stop.clone()));
    }

    /// Reads for the ledger what the log has, so that the first question about exposures needn't wait for it.
    pub(super) fn read_ahead(&self) {
        let (ledger, tasks, stop) = (self.door.ledger().clone(), self.tasks.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            if tokio::time::timeout(READ_AFTER, stop.cancelled()).await.is_err() {
                tasks.spawn_blocking(move || while !stop.is_cancelled() && ledger.advance().is_ok_and(|all| !all) {});
            }
        });
    }

    /// Finishes what was begun, wipes what's cached and ends.
    pub(super) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A log that can't be opened refuses every record, so the server starts and says why.
fn open_log(config: &Config, clock: Clock) -> AuditLog {
    let durability = match config.audit.durability {
        config::Durability::Fsync => Durability::Fsync,
        config::Durability::Write => Durability::Write,
    };
    AuditLog::open(&config.audit.file, durability, clock).unwrap_or_else(|error| {
        tracing::error!(%error, "nothing will be opened");
        AuditLog::unavailable(&config.audit.file, error)
    })
}

/// A log of at most this many bytes is checked before the first request, which takes a few
/// milliseconds.
const CHECKED_AT_ONCE: u64 = 256 * 1024;

/// How long the check of a longer log keeps out of the way of the first requests.
const CHECKED_AFTER: Duration = Duration::from_secs(1);

/// How long reading the log for the ledger keeps out of the way of the first requests, and of that check.
const READ_AFTER: Duration = Duration::from_secs(2);

/// A broken chain lets nothing more be opened.
fn check_log(audit: &AuditLog, tasks: &TaskTracker, stop: &CancellationToken) {
    let of = audit.clone();
    let check = move || {
        if let Err(error) = of.check_whole() {
            tracing::error!(%error, "nothing will be opened");
        }
    };
    if std::fs::metadata(audit.file()).is_ok_and(|file| file.len() > CHECKED_AT_ONCE) {
        let stopped = stop.clone().cancelled_owned();
        let on = tasks.clone();
        tasks.spawn(async move {
            if tokio::time::timeout(CHECKED_AFTER, stopped).await.is_err() {
                on.spawn_blocking(check);
            }
        });
    } else {
        check();
    }
}

fn cache_settings(cache: config::CacheConfig) -> CacheSettings {
    CacheSettings { ttl: cache.ttl, stale_if_error: cache.stale_if_error, max_items: cache.max_items }
}

/// The words for the protections that hold in this process.
fn protections(hardening: Hardening) -> Vec<&'static str> {
    hardening.iter().filter(|(_, outcome)| outcome.held()).map(|(measure, _)| measure.word()).collect()
}

async fn record_start(audit: &AuditLog, hardening: Hardening, asked: Asked<'_>, policy: &PolicyStore) {
    for (measure, outcome) in hardening.iter().filter(|(_, outcome)| !outcome.held()) {
        let why = if outcome == Outcome::LeftOff { "left off for what it starts" } else { outcome.word() };
        tracing::warn!("not promised on this machine: {} ({why})", measure.promise());
    }
    let current = policy.current();
    let protections: Vec<_> = protections(hardening).into_iter().chain(asked.protections.iter().copied()).collect();
    let start = Event::Start {
        principal: asked.principal,
        transport: asked.transport,
        policy: current.is_loaded().then(|| current.hash()),
        protections: &protections,
    };
    // A log that can't be written refuses every request, and those say so to whoever asks.
    if let Err(error) = audit.event(start).await {
        tracing::error!(%error, "the start couldn't be recorded");
    }
    if policy.last_error().is_some()
        && let Err(error) = audit.event(Event::PolicyRejected { kept: None }).await
    {
        tracing::error!(%error, "the refused policy couldn't be recorded");
    }
}

async fn record_reload(audit: &AuditLog, event: &ReloadEvent) {
    let recorded = match event {
        ReloadEvent::Loaded { hash } => {
            tracing::info!(%hash, "the policy was loaded");
            audit.event(Event::PolicyLoaded(*hash)).await
        }
        ReloadEvent::Rejected { error, kept } => {
            tracing::error!(%error, "the policy file was refused; the policy before stays in force");
            audit.event(Event::PolicyRejected { kept: Some(*kept) }).await
        }
    };
    if let Err(error) = recorded {
        tracing::error!(%error, "a change of policy couldn't be recorded");
    }
}
