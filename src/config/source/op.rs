//! A source of kind `op`: 1Password, through its `op` program.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::VaultFilter;
use super::common::{self, RequestLimits};
use super::token::{self, TokenPlace};
use crate::model::{Name, SourceName};
use crate::policy::Problems;
use crate::policy::reader::{Section, meant};

/// A source of kind `op`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpConfig {
    /// Its unique name.
    pub name: SourceName,
    /// The program's absolute path; `None` is the first `op` on `PATH`.
    pub command: Option<PathBuf>,
    /// Who the program signs in as.
    pub sign_in: OpSignIn,
    /// How long one call may take; `None` leaves it to the way of signing in.
    pub timeout: Option<Duration>,
    /// How many requests it may make.
    pub limits: RequestLimits,
    /// Which of its vaults are seen.
    pub vaults: VaultFilter,
    /// Other names for its vaults, by their name in 1Password.
    pub rename: BTreeMap<Name, Name>,
}

/// How `op` signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpSignIn {
    /// Through the desktop app, which asks its owner.
    App {
        /// Which of the app's accounts, as `op --account` takes it.
        account: Option<String>,
    },
    /// As a service account.
    ServiceAccount {
        /// Where its token is.
        token: TokenPlace,
    },
    /// With a session that somebody began with `op signin`.
    Session {
        /// Whose, as `op --account` takes it.
        account: String,
        /// The variable that holds the session's token.
        variable: String,
    },
}

pub(super) const KEYS: [&str; 13] = [
    "name",
    "kind",
    "command",
    "token_file",
    "token_env",
    "account",
    "session_env",
    "timeout",
    "plan",
    "limits",
    "vaults",
    "blocked_vaults",
    "rename",
];

/// The plans 1Password publishes limits for.
const PLANS: [&str; 4] = ["business", "teams", "families", "individual"];

impl RequestLimits {
    /// What 1Password allows a service account under a plan; the smallest where it isn't known.
    #[must_use]
    pub fn published(plan: &str) -> Self {
        let (reads, writes, day) = match plan {
            "business" => (10_000, 1_000, 50_000),
            "teams" => (1_000, 100, 5_000),
            _ => (1_000, 100, 1_000),
        };
        Self {
            reads_per_hour: NonZeroU32::new(reads),
            writes_per_hour: NonZeroU32::new(writes),
            requests_per_day: NonZeroU32::new(day),
        }
    }
}

impl OpConfig {
    /// Whether it's opened by the desktop app, which recognises `op` by the group it runs as.
    #[must_use]
    pub fn asks_the_app(&self) -> bool {
        matches!(self.sign_in, OpSignIn::App { .. })
    }

    /// One as a service account whose token is in a variable, with nothing else said.
    pub(in crate::config) fn of_variable(name: SourceName, variable: &str) -> Self {
        Self {
            name,
            command: None,
            sign_in: OpSignIn::ServiceAccount { token: TokenPlace::Variable(variable.to_owned()) },
            timeout: None,
            limits: RequestLimits::published("individual"),
            vaults: VaultFilter::default(),
            rename: BTreeMap::new(),
        }
    }
}

pub(super) fn read(
    section: &Section<'_, '_>,
    name: Option<SourceName>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<OpConfig> {
    let command = read_command(section, problems);
    let sign_in = read_sign_in(section, folder, problems);
    let timeout = common::read_timeout(section, problems);
    let limits = read_op_limits(section, sign_in.as_ref(), problems);
    let (vaults, rename) = common::read_vaults(section, problems);
    Some(OpConfig { name: name?, command, sign_in: sign_in?, timeout, limits, vaults, rename })
}

fn read_command(section: &Section<'_, '_>, problems: &mut Problems) -> Option<PathBuf> {
    let text = section.string("command", problems)?;
    let path = Path::new(text.value);
    if path.is_absolute() && !text.value.contains('\0') {
        return Some(path.to_owned());
    }
    let help = "write where it is, as `command -v op` says, or leave the key out for the first on PATH";
    problems.add_with_help(text.span, "`command` must be an absolute path", "here", Some(help.to_owned()));
    None
}

fn read_sign_in(section: &Section<'_, '_>, folder: &Path, problems: &mut Problems) -> Option<OpSignIn> {
    let token = token::read(section, folder, problems);
    let session = token::read_variable(section, "session_env", problems);
    let account = read_account(section, problems);
    let named = |key: &str| section.key_span(key);
    let token_key = named("token_file").or_else(|| named("token_env"));
    match (token_key, named("session_env"), named("account")) {
        (Some(_), Some(span), _) => {
            problems.add(span, "a source signs in one way: with a token or with a session", "the second");
            None
        }
        (Some(_), None, Some(span)) => {
            let help = "leave `account` out: a service account belongs to one";
            problems.add_with_help(span, "a token says itself whose it is", "not needed", Some(help.to_owned()));
            None
        }
        (Some(_), None, None) => token.map(|token| OpSignIn::ServiceAccount { token }),
        (None, Some(span), None) => {
            let help = "account = \"…\", as `op account list` shows it";
            problems.add_with_help(span, "a session is of one account", "whose?", Some(help.to_owned()));
            None
        }
        (None, Some(_), Some(_)) => Some(OpSignIn::Session { account: account?, variable: session? }),
        (None, None, Some(_)) => account.map(|account| OpSignIn::App { account: Some(account) }),
        (None, None, None) => Some(OpSignIn::App { account: None }),
    }
}

fn read_account(section: &Section<'_, '_>, problems: &mut Problems) -> Option<String> {
    let account = section.string("account", problems)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    // It becomes an argument, and mustn't be read as an option.
    let is_one = account.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && account.value.chars().all(allowed)
        && account.value.len() <= 254;
    if is_one {
        return Some(account.value.to_owned());
    }
    let help =
        "an id, a shorthand or a sign-in address such as my.1password.com, as `op account list` shows it".to_owned();
    problems.add_with_help(account.span, "`account` doesn't name an account", "here", Some(help));
    None
}

fn read_op_limits(section: &Section<'_, '_>, sign_in: Option<&OpSignIn>, problems: &mut Problems) -> RequestLimits {
    let plan = section.string("plan", problems).and_then(|plan| {
        let known = PLANS.contains(&plan.value);
        if !known {
            let message = format!("`{}` isn't a plan", plan.value);
            problems.add_with_help(plan.span, message, "not known", Some(meant(plan.value, &PLANS)));
        }
        known.then_some(plan.value)
    });
    let limits = common::read_limits(section, problems);
    let (plan_key, limits_key) = (section.key_span("plan"), section.key_span("limits"));
    if let (Some(_), Some(span)) = (&plan_key, &limits_key) {
        problems.add(span.clone(), "`plan` stands for limits: say one of the two", "the second");
    }
    let is_service_account = matches!(sign_in, None | Some(OpSignIn::ServiceAccount { .. }));
    match (limits, plan_key.or(limits_key)) {
        (_, Some(span)) if !is_service_account => {
            let help = "leave it out: people aren't counted".to_owned();
            problems.add_with_help(span, "1Password limits service accounts only", "not needed", Some(help));
            RequestLimits::default()
        }
        (_, None) if !is_service_account => RequestLimits::default(),
        (Some(limits), _) => {
            let usual = RequestLimits::published("individual");
            RequestLimits {
                reads_per_hour: limits.reads_per_hour.or(usual.reads_per_hour),
                writes_per_hour: limits.writes_per_hour.or(usual.writes_per_hour),
                requests_per_day: limits.requests_per_day.or(usual.requests_per_day),
            }
        }
        (None, _) => RequestLimits::published(plan.unwrap_or("individual")),
    }
}
