//! The demo's folder: configuration, policy, vault and log, and nothing outside of it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use crate::app::{self, App, Hardening, NewVault, Setup, Tool};
use crate::config::Environment;
use crate::model::{Clock, RequestId};

/// What's in the vault: path, category, value, tag. The values are made up.
const ITEMS: [(&str, &str, &str, &str); 14] = [
    ("Staging/Stripe/credential", "api_key", "sk_test_51PqXvT2eZvKYlo2C8demo", "payments"),
    ("Staging/SendGrid/credential", "api_key", "SG.demo-ngeVfQFYQlKU0ufo8x5d1A", "mail"),
    ("Staging/OpenAI/credential", "api_key", "sk-proj-demo-9f8e7d6c5b4a", "agent"),
    ("Staging/PostgreSQL/password", "DATABASE", "pg-staging-5hT9wq", "database"),
    ("Staging/PostgreSQL/username", "DATABASE", "checkout", "database"),
    ("Staging/Redis/password", "DATABASE", "redis-staging-77ab", "database"),
    (
        "Staging/checkout-env/notesPlain",
        "note",
        "# for the checkout service\nexport LOG_LEVEL=debug\nGREETING=\"Hello, \\\"you\\\"\"\n",
        "env",
    ),
    ("Production/Stripe/credential", "api_key", "sk_live_51PqXvT2demoNEVERREAL", "payments"),
    ("Production/PostgreSQL/password", "DATABASE", "pg-prod-Zk3!demo", "database"),
    (
        "Production/Root CA/private_key",
        "private_key",
        "-----BEGIN PRIVATE KEY-----\nZGVtbw==\n-----END PRIVATE KEY-----\n",
        "pki",
    ),
    (
        "Production/Deploy key/private_key",
        "ssh_key",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nZGVtbw==\n-----END OPENSSH PRIVATE KEY-----\n",
        "pki",
    ),
    ("Finance/Payroll/password", "password", "correct-horse-battery-demo", "people"),
    ("Finance/Bank/password", "password", "tr0ub4dor-demo", "people"),
    ("Team/Wi-Fi/password", "password", "guest-demo-2026", "office"),
];

/// Where the demo happens.
#[derive(Debug)]
pub(super) struct Home {
    folder: PathBuf,
    thrown_away: bool,
}

impl Home {
    /// A new folder that stays.
    pub(super) fn keep(folder: &Path) -> Result<Self, Failure> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self::make(folder, false)
    }

    /// A new folder that's gone afterwards.
    pub(super) fn throw_away() -> Result<Self, Failure> {
        Self::make(std::env::temp_dir().join(format!("opward-demo-{}", RequestId::new())), true)
    }

    fn make(folder: PathBuf, thrown_away: bool) -> Result<Self, Failure> {
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => Ok(Self { folder, thrown_away }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::invalid(format!("{} is there already", folder.display()), "name a folder that isn't"))
            }
            Err(error) => Err(Failure::invalid(format!("{} can't be made: {error}", folder.display()), "")),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn audit_file(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// Writes configuration and policy, makes the vault, and fills it through the same door as ever.
    pub(super) async fn furnish(&self, hardening: Hardening) -> Result<(), Failure> {
        let vault = NewVault::KeyFile(self.folder.join("vault.keyx"));
        app::create_vault(&self.folder.join("vault.kdbx"), &vault)?;
        self.write("opward.toml", include_str!("opward.toml"))?;
        self.write("policy.toml", &include_str!("policy.toml").replace("@hours@", &closed_hours()?))?;
        let setup = Setup::elsewhere(self.environment(), hardening);
        let app = App::for_person(&setup).await?;
        let stored = fill(&app).await;
        app.close().await;
        stored
    }

    fn environment(&self) -> Environment {
        Environment::of([("OPWARD_HOME".into(), self.folder.clone().into())])
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let file = self.folder.join(name);
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        new.and_then(|mut new| new.write_all(text.as_bytes()))
            .map_err(|error| Failure::invalid(format!("{} can't be written: {error}", file.display()), ""))
    }
}

async fn fill(app: &App) -> Result<(), Failure> {
    for (path, category, value, tag) in ITEMS {
        let arguments: Map<String, Value> = [("path", path), ("category", category), ("value", value)]
            .into_iter()
            .map(|(key, text)| (key.to_owned(), json!(text)))
            .chain([("tags".to_owned(), json!([tag]))])
            .collect();
        app.call(Tool::PutSecret, arguments).await?;
    }
    Ok(())
}

/// An hour of the day that isn't now and won't be while the demo runs.
fn closed_hours() -> Result<String, Failure> {
    let now = Clock::system().now().unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let from = now
        .checked_add(2.hours())
        .map_err(|_| Failure::invalid("the clock can't be read", "set the machine's clock"))?;
    let until = from
        .checked_add(1.hours())
        .map_err(|_| Failure::invalid("the clock can't be read", "set the machine's clock"))?;
    Ok(format!("{:02}:00-{:02}:00 UTC", from.hour(), until.hour()))
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.thrown_away {
            // Left behind at worst is a vault of made-up values.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
