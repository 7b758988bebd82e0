//! 1Password through its command line program, `op`.
//!
//! # What a process gets
//!
//! | | |
//! |---|---|
//! | program | an absolute path, found once, that nobody else can replace (see `locate.rs`) |
//! | arguments | words of ours and 1Password's ids: never a value, never a name |
//! | environment | made from nothing, with one credential in it (see `environment.rs`) |
//! | standard input | a pipe with JSON where something is to be sent, else nothing |
//! | time | a limit; then, and when nobody waits any longer, it's ended with all it started (see `process.rs`) |
//!
//! What it prints on standard error holds names that people chose. It's sorted into a fixed set of
//! complaints (see `classify.rs`) and wiped.
//!
//! While a process runs, other programs of the same user can read its environment. 1Password knows
//! no other way to hand `op` a service account's token.

mod answer;
mod backend;
mod batch;
mod classify;
mod environment;
mod explain;
mod invocation;
mod locate;
mod process;
mod settings;
mod version;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

pub use self::answer::{Counted, LimitScope, RateLimit};
use self::batch::Batches;
use self::classify::Complaint;
pub use self::environment::OpEnvironment;
use self::explain::Circumstances;
use self::invocation::{Asked, Invocation};
use self::process::{Call, Ended, Processes, Running};
pub use self::settings::{Account, NotAnAccount, OpSettings, SignIn};
pub use self::version::Version;
use super::onepassword::failure::Failure;

/// The most processes at one time.
const MOST_PROCESSES: usize = 8;

/// How long a process may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a process may take that may be waiting for a person.
const LIMIT_WITH_A_PROMPT: Duration = Duration::from_mins(2);

/// A way to ask 1Password: one process per request.
#[derive(Debug)]
pub(in crate::custody::source) struct OpClient {
    settings: OpSettings,
    processes: Processes,
    program: OnceCell<PathBuf>,
    version: OnceCell<Version>,
    /// Whether the version couldn't be used when it was last asked for. Then it's asked for before a
    /// request, and not beside it.
    unusable: AtomicBool,
    /// Whether it refuses to list the items of all vaults at once.
    lists_by_vault: AtomicBool,
    /// How many vaults it could see when it was last asked; 0 before.
    vaults_seen: AtomicUsize,
    batches: Batches,
}

/// What a process printed and what was wrong with it.
enum Reply {
    Answer(Zeroizing<Vec<u8>>),
    Complaint(Complaint, Zeroizing<Vec<u8>>),
}

impl OpClient {
    /// Takes note of how to start it. Nothing is started or looked for before the first request.
    ///
    /// Each process is watched by one of `tasks`, which ends soon after nobody waits for it.
    pub(in crate::custody::source) fn new(settings: OpSettings, tasks: &TaskTracker) -> Self {
        Self {
            settings,
            processes: Processes::new(MOST_PROCESSES, tasks.clone()),
            program: OnceCell::new(),
            version: OnceCell::new(),
            unusable: AtomicBool::new(false),
            lists_by_vault: AtomicBool::new(false),
            vaults_seen: AtomicUsize::new(0),
            batches: Batches::default(),
        }
    }

    /// Where the program is.
    pub(in crate::custody::source) async fn program(&self) -> Result<&Path, Failure> {
        let locate = || async {
            let (command, search_path) = (self.settings.command.clone(), self.settings.search_path.clone());
            // Looking at files may take long where they're on a network.
            let found = tokio::task::spawn_blocking(move || locate::locate(command.as_deref(), &search_path)).await;
            match found {
                Ok(Ok(program)) => Ok(program),
                Ok(Err(error)) => Err(Failure::Unreachable { detail: error.to_string(), remedy: error.remedy() }),
                Err(_) => Err(explain::interrupted()),
            }
        };
        self.program.get_or_try_init(locate).await.map(PathBuf::as_path)
    }

    /// Its version, if it's one that can be used.
    pub(in crate::custody::source) async fn version(&self) -> Result<Version, Failure> {
        let ask = || async {
            let call = self.call(Invocation::version(), None).await?;
            // Not one of the few: whoever holds those waits for this.
            let ended = self.processes.start_at_once(call).await;
            let ended = ended.map_err(|stopped| explain::stopped(stopped, &self.circumstances(Asked::Nothing)))?;
            let printed = ended.succeeded.then(|| Version::parse(&ended.stdout)).flatten();
            let version = printed.ok_or_else(explain::no_version)?;
            if version < Version::MINIMUM { Err(explain::too_old(version)) } else { Ok(version) }
        };
        let version = self.version.get_or_try_init(ask).await.copied();
        self.unusable.store(version.is_err(), Ordering::Relaxed);
        version
    }

    /// What a service account has used of its limits, as 1Password counts.
    pub(in crate::custody::source) async fn rate_limits(&self) -> Result<Vec<RateLimit>, Failure> {
        if !self.settings.sign_in.is_service_account() {
            return Err(Failure::Unsupported("only a service account's limits can be asked for"));
        }
        let json = self.ask(Invocation::rate_limits()).await?;
        answer::rate_limits(&json).ok_or_else(explain::not_understood)
    }

    /// Makes a request and waits for its answer.
    async fn ask(&self, invocation: Invocation) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let asked = invocation.asked();
        match self.begin(invocation).await?.reply().await? {
            Reply::Answer(json) => Ok(json),
            Reply::Complaint(complaint, _) => Err(explain::complaint(complaint, &self.circumstances(asked))),
        }
    }

    /// Starts a request. It goes on beside others, and ends when what comes back is dropped.
    async fn begin(&self, invocation: Invocation) -> Result<Request<'_>, Failure> {
        let (asked, answers) = (invocation.asked(), invocation.answers_in_json());
        // An old program may make something else of a document than is meant by it.
        if asked == Asked::Write || self.unusable.load(Ordering::Relaxed) {
            self.version().await?;
        }
        let call = self.call(invocation, Some(&self.settings.sign_in)).await?;
        let running = self.processes.start(call);
        // Once it's known this takes no time; until then the request is on its way already.
        self.version().await?;
        Ok(Request { running, answers, circumstances: self.circumstances(asked) })
    }

    async fn call(&self, invocation: Invocation, sign_in: Option<&SignIn>) -> Result<Call, Failure> {
        let program = self.program().await?.to_owned();
        let environment = self.settings.environment.of_a_child(&self.settings.search_path, sign_in);
        let (mut arguments, input) = invocation.into_parts();
        arguments.extend(sign_in.and_then(SignIn::argument));
        Ok(Call { program, arguments, environment, input, limit: self.limit() })
    }

    fn circumstances(&self, asked: Asked) -> Circumstances<'_> {
        Circumstances { asked, sign_in: &self.settings.sign_in, limit: self.limit() }
    }

    fn limit(&self) -> Duration {
        let usual = if self.settings.sign_in.may_prompt() { LIMIT_WITH_A_PROMPT } else { LIMIT };
        self.settings.timeout.unwrap_or(usual)
    }
}

/// A request on its way.
struct Request<'a> {
    running: Running,
    answers: bool,
    circumstances: Circumstances<'a>,
}

impl Request<'_> {
    /// What it came to; a failure if it was stopped.
    async fn reply(self) -> Result<Reply, Failure> {
        let ended = self.running.await.map_err(|stopped| explain::stopped(stopped, &self.circumstances))?;
        let Ended { succeeded, stdout, stderr } = ended;
        let silent = self.answers && stdout.trim_ascii().is_empty();
        // Versions before 2.32.1 end well after errors of the server they don't know.
        if succeeded && !silent && !classify::is_error(&stderr) {
            return Ok(Reply::Answer(stdout));
        }
        Ok(Reply::Complaint(classify::classify(&stderr), stdout))
    }
}
