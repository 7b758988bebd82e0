//! A folder for configuration, policy, vault and log, and nothing outside of it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use crate::app::{self, App, Hardening, NewVault, Setup, Tool};
use crate::config::Environment;
use crate::model::RequestId;

/// One value in the vault.
pub(in crate::cli) struct Item<'a> {
    pub(in crate::cli) path: &'a str,
    pub(in crate::cli) category: &'a str,
    pub(in crate::cli) value: &'a str,
    pub(in crate::cli) tag: &'a str,
}

/// Where it happens.
#[derive(Debug)]
pub(in crate::cli) struct Home {
    folder: PathBuf,
    thrown_away: bool,
}

/// A folder that's gone with this, even where others still hold the home.
#[derive(Debug)]
pub(in crate::cli) struct ThrownAway(PathBuf);

/// How often a folder is emptied, while what was stopped may still write into it.
const EMPTYINGS: usize = 20;

impl Home {
    /// A new folder that stays.
    pub(in crate::cli) fn keep(folder: &Path) -> Result<Self, Failure> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self::make(folder, false)
    }

    /// A new folder that's gone afterwards.
    pub(in crate::cli) fn throw_away(what: &str) -> Result<Self, Failure> {
        Self::make(std::env::temp_dir().join(format!("opward-{what}-{}", RequestId::new())), true)
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

    /// What throws it away, whoever else holds it then.
    pub(in crate::cli) fn thrown_away(&self) -> Option<ThrownAway> {
        self.thrown_away.then(|| ThrownAway(self.folder.clone()))
    }

    pub(in crate::cli) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(in crate::cli) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(in crate::cli) fn audit_file(&self) -> PathBuf {
        self.path("audit.jsonl")
    }

    /// Makes the vault, and fills it through the same door as ever. The policy has to let the person write.
    pub(in crate::cli) async fn furnish(&self, hardening: Hardening, items: &[Item<'_>]) -> Result<(), Failure> {
        let vault = NewVault::KeyFile(self.path("vault.keyx"));
        app::create_vault(&self.path("vault.kdbx"), &vault)?;
        let environment = Environment::of([("OPWARD_HOME".into(), self.folder.clone().into())]);
        let app = App::for_person(&Setup::elsewhere(environment, hardening)).await?;
        let stored = fill(&app, items).await;
        app.close().await;
        stored
    }

    /// Writes a new file that only its owner may read.
    pub(in crate::cli) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let file = self.path(name);
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        new.and_then(|mut new| new.write_all(text.as_bytes()))
            .map_err(|error| Failure::invalid(format!("{} can't be written: {error}", file.display()), ""))
    }
}

async fn fill(app: &App, items: &[Item<'_>]) -> Result<(), Failure> {
    for item in items {
        let arguments: Map<String, Value> = [("path", item.path), ("category", item.category), ("value", item.value)]
            .into_iter()
            .map(|(key, text)| (key.to_owned(), json!(text)))
            .chain([("tags".to_owned(), json!([item.tag]))])
            .collect();
        app.call(Tool::PutSecret, arguments).await?;
    }
    Ok(())
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.thrown_away());
    }
}

impl Drop for ThrownAway {
    fn drop(&mut self) {
        // Left behind at worst is a vault of made-up values.
        for _ in 0..EMPTYINGS {
            match fs::remove_dir_all(&self.0) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}
