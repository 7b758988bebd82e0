//! The composition root: from the configuration to wired services. The only module that knows all
//! others.

mod bearer;
mod bundle_file;
mod env_file;
mod exposure;
mod figures;
mod hosted;
mod inspect;
mod readiness;
pub mod run;
mod run_variables;
mod setup;
mod sources;
mod wired;

pub use bearer::NewBearer;
pub use bundle_file::BundleFile;
pub use env_file::{EnvFile, Variable};
pub use exposure::{ExposureFilter, ExposureRow, Exposures, Since, exposures};
pub use figures::Counting;
pub use hosted::{HttpOptions, serve_http};
pub use inspect::{Check, Health, inspect};
pub use readiness::{Prober, Readiness};
pub use setup::{Setup, SetupError, Starts};
pub use sources::token::{Purpose as TokenFor, check_pasted as check_token};
pub use sources::{NewVault, create_vault};

/// What's done when opward has started itself once more, under a word that no command has; `None` otherwise.
#[must_use]
pub fn as_a_helper(command_line: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut words = command_line.into_iter().skip(1);
    match words.next()?.to_str()? {
        runner::SUPERVISE if words.next().is_none() => Some(runner::supervise()),
        terminal::word::ATTEND => Some(terminal::attend(words)),
        terminal::word::END => Some(terminal::die(words)),
        _ => None,
    }
}

/// What the command line shows of the audit log.
pub mod log {
    pub use crate::audit::{Decision, Filter, Kind, Record, Report, show, verify, visible};
}

/// What the command line shows of policies.
pub mod rules {
    pub use crate::policy::*;
}

pub use crate::memory::{Hardened, Hardening};
pub use crate::telemetry::{Format as LogFormat, LevelsError, quiet_panics, start as log_to_stderr};
pub use crate::tools::ToolName as Tool;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::wired::{Asked, Wired};
use crate::audit::{AuditLog, Durability, RecordHash};
use crate::authz::Session;
use crate::identity::{self, Authenticated};
use crate::model::{ClientName, Clock, ErrorCode, PrincipalName, PublicError, Reference};
use crate::runner::{self, terminal};
use crate::tools::{NotSetUp, Server, Toolbox};
use crate::transport::stdio;

/// The name under which people at the command line are known to policies.
pub const PERSON: &str = "cli";

/// The wired program, for one principal.
#[derive(Debug)]
pub struct App {
    wired: Wired,
    session: Session,
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
        let wired = Wired::wire(setup, &setup.config()?, Asked::by(&who)).await?;
        let session = wired.session(who);
        Ok(Self { wired, session })
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
        match self.wired.broker.write(&call, &reference, variable.into_secret()).await {
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    /// Finishes what was begun, wipes what's cached and ends.
    pub async fn close(self) {
        self.wired.close().await;
    }

    fn toolbox(&self) -> Toolbox {
        Toolbox::new(self.wired.broker.clone(), self.session.clone())
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
    let (pipes, told) = (stdio::Pipes::open(), told_to_end());
    let wired = App::wire(&setup, identity::standard_streams(principal)).await;
    // What the environment held is wiped: the sources have what's theirs.
    drop(setup);
    let (app, server) = match wired {
        Ok(app) => {
            app.wired.watch_policy();
            app.wired.read_ahead();
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
            () = told => {
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

/// SIGTERM or SIGINT, heard from the call on; never, where they can't be heard.
fn told_to_end() -> impl Future<Output = ()> + Send {
    let heard = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    async {
        let Ok((mut term, mut int)) = heard else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
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

/// The exit status of a command that's refused.
pub const DENIED: u8 = 3;

#[cfg(test)]
mod tests;
