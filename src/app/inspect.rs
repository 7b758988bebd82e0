//! What works, what's missing, and which promises hold on this machine.

mod certificate;
mod exposure;
mod http;
mod onepassword;
mod uses;

use serde::Serialize;

use tokio_util::task::TaskTracker;

use super::setup::{Setup, SetupError};
use super::sources;
use crate::audit::{AuditLog, Durability, verify};
use crate::authz::Deadlines;
use crate::broker::OwnFiles;
use crate::config::{Config, ConfigError, Origin};
use crate::custody::Catalog;
use crate::custody::SourceError;
use crate::custody::source::{Inventory, Source};
use crate::memory::{LockedKey, Measure, Outcome};
use crate::model::{Clock, PrincipalName};
use crate::policy::{LoadError, Policy};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, but something isn't promised, or isn't wise.
    Weak,
    /// It doesn't work.
    Broken,
}

impl Check {
    fn good(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, health: Health::Good, finding: finding.into(), remedy: None }
    }

    fn weak(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, health: Health::Weak, finding: finding.into(), remedy: some(remedy.into()) }
    }

    fn broken(name: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, health: Health::Broken, finding: finding.into(), remedy: some(remedy.into()) }
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Looks at everything the program needs. Nothing is changed and no value is opened.
pub async fn inspect(setup: &Setup) -> Vec<Check> {
    let mut checks = vec![Check::good("version", env!("CARGO_PKG_VERSION"))];
    match setup.config() {
        Ok(config) => {
            checks.push(origin(&config));
            checks.extend(
                config
                    .notes
                    .iter()
                    .map(|note| Check::weak("environment", note.to_string(), "correct the variable, or take it away")),
            );
            checks.extend(policy(&config));
            let (found, catalog) = vaults(&config, setup).await;
            checks.extend(found);
            checks.push(log(&config));
            let now = Clock::system().now();
            checks.extend(exposure::exposure(&config.audit.file, &deadlines(&config), now, catalog.as_ref()));
            checks.extend(http::http(&config.http, Clock::system().now()));
        }
        Err(error) => checks.push(configuration(&error)),
    }
    checks.extend(memory(setup));
    checks
}

fn origin(config: &Config) -> Check {
    match &config.origin {
        Origin::File(file) => Check::good("configuration", file.display().to_string()),
        Origin::Environment => {
            Check::good("configuration", "there's no file; the environment names a way to 1Password")
        }
    }
}

fn configuration(error: &SetupError) -> Check {
    match error {
        SetupError::Config(ConfigError::NotSetUp { file }) => {
            Check::broken("configuration", format!("there's no {}", file.display()), "run `opward init`")
        }
        SetupError::Config(ConfigError::Invalid(diagnostics)) => {
            Check::broken("configuration", "has mistakes", diagnostics.render(false))
        }
        SetupError::Config(_) | SetupError::Other(_) => Check::broken("configuration", error.to_string(), ""),
    }
}

fn policy(config: &Config) -> Vec<Check> {
    let file = config.policy.display();
    match Policy::load(&config.policy) {
        Ok(policy) => {
            let count = policy.rules().count();
            let found = Check::good("policy", format!("{file}: {count} rule(s), {}", policy.hash()));
            let warnings = policy.lint(Clock::system().now());
            let warned = warnings.iter().map(|warning| {
                Check::weak(
                    "policy",
                    format!("line {}: {} {}", warning.line, warning.about, warning.message),
                    &*warning.help,
                )
            });
            let used = uses::uses(&policy, &OwnFiles::new(config.own_files()));
            std::iter::once(found).chain(warned).chain(used).collect()
        }
        Err(LoadError::Invalid(diagnostics)) => {
            let remedy = format!(
                "a running server keeps the policy it has; a new one denies everything\n{}",
                diagnostics.render(false)
            );
            vec![Check::broken("policy", format!("{file} has mistakes"), remedy)]
        }
        Err(error) => vec![Check::broken("policy", error.to_string(), "until it's there, everything is denied")],
    }
}

/// Looks at the sources, and what they hold together, if that can be told.
async fn vaults(config: &Config, setup: &Setup) -> (Vec<Check>, Option<Catalog>) {
    if config.sources.is_empty() {
        return (vec![Check::weak("sources", "none is configured", "add a [[source]], or run `opward init`")], None);
    }
    let Ok(asker) = PrincipalName::parse(super::PERSON) else { return (Vec::new(), None) };
    let opened = match sources::open(config, setup.environment(), &Clock::system(), &TaskTracker::new()) {
        Ok(opened) => opened,
        Err(error) => return (vec![Check::broken("sources", error.to_string(), error.public().hint)], None),
    };
    // Without a policy there's nothing to compare rights with, and that's said elsewhere.
    let policy = Policy::load(&config.policy).unwrap_or_else(|_| Policy::nothing());
    let mut checks: Vec<Check> = onepassword::around(config, setup.environment()).into_iter().collect();
    let mut parts = Vec::new();
    for (configured, (source, view)) in config.sources.iter().zip(opened) {
        checks.extend(onepassword::far_side(&source).await);
        let inventory = source.inventory(&asker).await;
        match &inventory {
            Ok(inventory) => {
                checks.push(working(&source, inventory).await);
                checks.extend(onepassword::rights(configured, &view, inventory, &policy));
                checks.extend(onepassword::counts(&source, &asker).await);
            }
            // A program that isn't there fails in one way, whatever is asked of it.
            Err(error) if checks.iter().any(|check| check.finding == error.to_string()) => {}
            Err(error) => checks.push(Check::broken("source", error.to_string(), failing(&source, error))),
        }
        checks.extend(source.allowance().map(|left| onepassword::quota(source.name(), &left)));
        checks.extend(onepassword::way(configured, setup.environment()));
        parts.push((source.name().clone(), view, inventory));
    }
    let catalog = Catalog::build(parts);
    checks.extend(catalog.as_ref().err().map(|clash| Check::broken("sources", clash.to_string(), "")));
    (checks, catalog.ok())
}

async fn working(source: &Source, inventory: &Inventory) -> Check {
    let found = format!("{}: {} item(s) in {} vault(s)", source.name(), inventory.items.len(), inventory.vaults.len());
    let Source::Local(local) = source else {
        return Check::good("source", found);
    };
    match local.read_only_because().await {
        Ok(None) => Check::good("source", found),
        Ok(Some(why)) => Check::weak("source", found, format!("it can only be read: {why}")),
        Err(error) => Check::broken("source", error.to_string(), error.public().hint),
    }
}

fn failing(source: &Source, error: &SourceError) -> String {
    match source {
        // What's said to others is to run this very command.
        Source::Down(_) => "the other sources work without it; correct this in its [[source]]".to_owned(),
        Source::Connect(_) | Source::Local(_) | Source::Op(_) => error.public().hint.into_owned(),
    }
}

fn log(config: &Config) -> Check {
    let file = config.audit.file.display();
    if !config.audit.file.exists() {
        return Check::good("audit log", format!("{file}: made with the first request"));
    }
    let report = verify(&config.audit.file);
    // Opening a log puts a torn end aside, and this only looks.
    if let Ok(report) = &report
        && report.torn > 0
        && report.bad.is_none()
    {
        let finding = format!("{file}: {} record(s), and the torn piece of one", report.records);
        return Check::weak(
            "audit log",
            finding,
            "a process was stopped while it wrote; the next record puts it aside",
        );
    }
    if let Err(error) = AuditLog::open(&config.audit.file, Durability::Write, Clock::system()) {
        return Check::broken("audit log", format!("{file}: {error}"), error.remedy());
    }
    match report {
        Ok(report) if report.is_intact() => {
            Check::good("audit log", format!("{file}: {} record(s), intact", report.records))
        }
        Ok(report) => Check::broken("audit log", format!("{file}: {report}"), "`opward audit verify` shows the place"),
        Err(error) => Check::broken("audit log", error.to_string(), ""),
    }
}

/// What the policy asks for after an exposure; that it can't be read is said where it's looked at.
fn deadlines(config: &Config) -> Deadlines {
    Policy::load(&config.policy).map(|policy| Deadlines::of(&policy)).unwrap_or_default()
}

fn memory(setup: &Setup) -> Vec<Check> {
    let measures = setup.hardening().iter().map(|(measure, outcome)| match (measure, outcome) {
        (_, Outcome::Held) => Check::good("memory", measure.promise()),
        (Measure::NewPrivileges, Outcome::LeftOff) => Check::weak(
            "memory",
            format!("left off for the 1Password app: {}", measure.promise()),
            "the app answers `op` only if it may run under its own group; a service account or Connect needs none of that",
        ),
        _ => Check::weak("memory", format!("not promised here: {}", measure.promise()), outcome.word()),
    });
    let key = match LockedKey::generate() {
        Ok(key) => {
            Check::good("memory", format!("cached values are sealed under a key in {} pages", key.protection().word()))
        }
        Err(error) => Check::broken("memory", error.to_string(), ""),
    };
    measures.chain([key]).collect()
}
