//! The composition root: from the configuration to wired services. The only module that knows all
//! others.

mod bundle_file;
mod env_file;
mod inspect;
mod setup;
mod sources;

pub use bundle_file::BundleFile;
pub use env_file::{EnvFile, Variable};
pub use inspect::{Check, Health, inspect};
pub use setup::{Setup, SetupError, Starts};
pub use sources::token::{Purpose as TokenFor, check_pasted as check_token};
pub use sources::{NewVault, create_vault};

/// What the command line shows of the audit log.
pub mod log {
    pub use crate::audit::{Filter, Kind, Record, Report, show, verify, visible};
}

/// What the command line shows of policies.
pub mod rules {
    pub use crate::policy::*;
}

pub use crate::memory::{Hardened, Hardening};
pub use crate::telemetry::{LevelsError, quiet_panics, start as log_to_stderr};
pub use crate::tools::ToolName as Tool;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{AuditLog, Durability, Event, RecordHash};
use crate::authz::{Door, Session};
use crate::broker::Broker;
use crate::config::{self, Config};
use crate::custody::{CacheSettings, Custody, FieldAliases};
use crate::identity::{self, Authenticated};
use crate::memory::{LockedKey, Outcome};
use crate::model::{ClientName, Clock, ErrorCode, PrincipalName, PublicError, Reference};
use crate::policy::{PolicyStore, ReloadEvent, watch};
use crate::tools::{NotSetUp, Server, Toolbox};
use crate::transport::stdio;

/// The name under which people at the command line are known to policies.
const PERSON: &str = "cli";

/// The wired program, for one principal.
#[derive(Debug)]
pub struct App {
    audit: AuditLog,
    broker: Broker,
    session: Session,
    policy: Arc<PolicyStore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl App {
    /// Wires everything for the person at the command line.
    ///
    /// # Errors
    ///
    /// What keeps the configuration from being used, or the person's vault from being opened.
    pub async fn for_person(setup: &Setup) -> Result<Self, SetupError> {
        let person = PrincipalName::parse(PERSON).map_err(|_| SetupError::internal())?;
        Self::wire(setup, identity::command_line(person)).await
    }

    async fn wire(setup: &Setup, who: Authenticated) -> Result<Self, SetupError> {
        let config = setup.config()?;
        let clock = Clock::system();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let audit = open_log(&config, clock.clone());
        let policy = Arc::new(PolicyStore::open(config.policy.clone()));
        if let Some(error) = policy.last_error() {
            tracing::error!(%error, "the policy can't be used: everything is denied");
        }
        for note in &config.notes {
            tracing::warn!("{note}");
        }
        check_log(&audit, &tasks, &stop);
        let sources = sources::open(&config, setup.environment(), &clock, &tasks)?;
        let key = LockedKey::generate().map_err(|_| SetupError::internal())?;
        record_start(&audit, setup.hardening(), &who, &policy).await;
        let custody = Arc::new(Custody::new(sources, cache_settings(config.cache), key, &tasks, stop.clone()));
        let bundles = config
            .env_bundles
            .iter()
            .map(|(name, bundle)| {
                let entries = bundle.entries().map(|(key, reference)| (key.to_owned(), reference.clone()));
                (name.clone(), entries.collect())
            })
            .collect();
        let broker = Broker::new(custody, FieldAliases::new(config.fields), bundles, tasks.clone());
        let door = Arc::new(Door::new(Arc::clone(&policy), audit.clone(), clock));
        Ok(Self { audit, broker, session: Session::new(door, who), policy, tasks, stop })
    }

    /// Calls a tool as the person at the command line.
    ///
    /// # Errors
    ///
    /// What the caller of the tool is told.
    pub async fn call(&self, tool: Tool, arguments: Map<String, Value>) -> Result<Value, PublicError> {
        self.toolbox().call(tool, arguments, own_name()).await.into_result()
    }

    /// Stores one variable of a `.env` file as a field of an item.
    ///
    /// # Errors
    ///
    /// What `put_secret` would say.
    pub async fn import(&self, item: &str, variable: Variable) -> Result<(), PublicError> {
        let path = format!("{item}/{}", variable.key());
        let reference = Reference::parse(&path)
            .map_err(|error| PublicError::new(ErrorCode::Invalid, error.to_string(), "name an item: Vault/Item"))?;
        let call = self.session.call(own_name(), None);
        match self.broker.write(&call, &reference, variable.into_secret()).await {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    fn toolbox(&self) -> Toolbox {
        Toolbox::new(self.broker.clone(), self.session.clone())
    }

    /// Reads the policy again whenever its file changes, and records that.
    fn watch_policy(&self) {
        let (audit, tasks) = (self.audit.clone(), self.tasks.clone());
        let record = move |event: ReloadEvent| {
            let audit = audit.clone();
            tasks.spawn(async move { record_reload(&audit, &event).await });
        };
        self.tasks.spawn(watch(Arc::clone(&self.policy), record, self.stop.clone()));
    }

    /// Finishes what was begun, wipes what's cached and ends.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Serves one client on the standard streams until it goes away or the process is told to end.
///
/// Without a usable configuration the server still says what it could do and what's missing.
///
/// # Errors
///
/// When no session came about.
pub async fn serve_stdio(setup: Setup, principal: PrincipalName) -> Result<(), PublicError> {
    let pipes = stdio::Pipes::open();
    let wired = App::wire(&setup, identity::standard_streams(principal)).await;
    // What the environment held is wiped: the sources have what's theirs.
    drop(setup);
    let (app, server) = match wired {
        Ok(app) => {
            app.watch_policy();
            let toolbox = app.toolbox();
            (Some(app), Server::new(Ok(toolbox)))
        }
        Err(error) => {
            tracing::error!("{error}");
            (None, Server::new(Err(NotSetUp::new(error.public()))))
        }
    };
    let stop = CancellationToken::new();
    let served = {
        let ended = stdio::serve(server, pipes, stop.clone());
        tokio::pin!(ended);
        tokio::select! {
            served = &mut ended => served,
            () = told_to_end() => {
                stop.cancel();
                ended.await
            }
        }
    };
    if let Some(app) = app {
        app.close().await;
    }
    served
        .map_err(|error| PublicError::new(ErrorCode::Invalid, error.to_string(), "the client speaks another protocol"))
}

/// Makes a file that may grow no further an error like any other: unheard, its signal ends the process.
pub fn outlive_full_files() {
    // The handler stays for good, whoever listens. Where it can't be set, the signal does what it always did.
    let _listening = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

/// What the command line says it is.
fn own_name() -> ClientName {
    ClientName::claimed("opward", env!("CARGO_PKG_VERSION"))
}

/// SIGTERM or SIGINT; never, where they can't be heard.
async fn told_to_end() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
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

/// Accepts a broken chain as it is, by the digest that `audit verify` gives, and records that.
///
/// # Errors
///
/// When the log isn't broken so, or can't be written.
pub fn accept_break(file: &Path, digest: &str) -> Result<(), PublicError> {
    let digest = RecordHash::parse(digest).map_err(|error| {
        PublicError::new(ErrorCode::Invalid, error.to_string(), "`opward audit verify` gives the digest")
    })?;
    match AuditLog::open_accepting_break(file, Durability::Write, Clock::system(), digest) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.public()),
    }
}

fn cache_settings(cache: config::CacheConfig) -> CacheSettings {
    CacheSettings { ttl: cache.ttl, stale_if_error: cache.stale_if_error, max_items: cache.max_items }
}

/// The words for the protections that hold in this process.
fn protections(hardening: Hardening) -> Vec<&'static str> {
    hardening.iter().filter(|(_, outcome)| outcome.held()).map(|(measure, _)| measure.word()).collect()
}

async fn record_start(audit: &AuditLog, hardening: Hardening, who: &Authenticated, policy: &PolicyStore) {
    for (measure, outcome) in hardening.iter().filter(|(_, outcome)| !outcome.held()) {
        let why = if outcome == Outcome::LeftOff { "left off for the 1Password app" } else { outcome.word() };
        tracing::warn!("not promised on this machine: {} ({why})", measure.promise());
    }
    let current = policy.current();
    let principal = who.principal();
    let start = Event::Start {
        principal: Some(&principal.name),
        transport: principal.transport,
        policy: current.is_loaded().then(|| current.hash()),
        protections: &protections(hardening),
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

/// The exit status of a command that's refused.
pub const DENIED: u8 = 3;
