//! A vault of its own for each test, and words to work with it.

mod anything;
mod damage;
mod foreign;
mod values;
mod versions;
mod writers;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use keepass::db::fields;
use proptest::prelude::*;
use tempfile::TempDir;

use keepass::Database;

use super::container::{self, Format};
use super::file::{self, Sealed};
use super::*;
use crate::custody::value::MAX_VALUE_BYTES;
use crate::custody::value::SecretValue;
use crate::model::{Category, FieldType, Item, Name, Purpose, SecretPath, Tag};

/// A vault of its own, opened by a key file.
struct Home {
    folder: TempDir,
    clock: Clock,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap(), clock: clock() };
        LocalSource::create_key_file(&home.key()).unwrap();
        LocalSource::create(&home.file(), &home.unlock(), &home.clock).unwrap();
        home
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("vault.kdbx")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("vault.keyx")
    }

    fn unlock(&self) -> Unlock {
        Unlock::KeyFile(self.key())
    }

    fn source(&self) -> LocalSource {
        source(&self.file(), self.unlock(), &self.clock)
    }

    /// What's in the folder, by name.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Changes the file as another program would: without our lock, by a new file.
    fn edit_elsewhere(&self, edit: impl FnOnce(&mut Database)) {
        let mut db = Sealed::read(&self.file()).unwrap().open(&self.file(), &self.unlock()).unwrap();
        edit(&mut db);
        let bytes = file::seal(&self.file(), &mut db, self.unlock().key().unwrap()).unwrap();
        let new = self.folder.path().join("elsewhere");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.file()).unwrap();
    }
}

fn clock() -> Clock {
    Clock::fixed(Some("2026-11-02T10:00:00Z".parse().unwrap()))
}

fn source(file: &Path, unlock: Unlock, clock: &Clock) -> LocalSource {
    let settings = LocalSettings { name: SourceName::new("home"), file: file.to_owned(), unlock };
    LocalSource::new(settings, clock.clone())
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vaults").join(name)
}

/// A copy of a fixture that may be written to, opened by the fixtures' password.
fn copied(name: &str) -> (TempDir, LocalSource) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::copy(fixture(name), &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let source = source(&file, password("correct horse"), &clock());
    (folder, source)
}

fn password(text: &str) -> Unlock {
    Unlock::Password(SecretValue::new(text.to_owned()))
}

fn change(path: &str, value: &str) -> Change {
    Change {
        path: SecretPath::parse(path).unwrap(),
        place: None,
        value: SecretValue::new(value.to_owned()),
        category: None,
        tags: None,
        expires_at: None,
        if_version: None,
    }
}

async fn item(source: &LocalSource, path: &str) -> Arc<Item> {
    let inventory = source.inventory().await.unwrap();
    let found: Vec<_> = inventory.items.iter().filter(|item| item.path.as_str() == path).collect();
    assert_eq!(
        found.len(),
        1,
        "{path} in {:?}",
        inventory.items.iter().map(|i| i.path.to_string()).collect::<Vec<_>>()
    );
    Arc::clone(found[0])
}

async fn place(source: &LocalSource, path: &str) -> Place {
    let path = SecretPath::parse(path).unwrap();
    let item = item(source, path.item().as_str()).await;
    let field = item
        .fields
        .known()
        .iter()
        .find(|field| field.path == path)
        .unwrap_or_else(|| panic!("{path}: {:?}", item.fields));
    item.target(field).place.unwrap()
}

async fn put(source: &LocalSource, path: &str, value: &str) -> Stored {
    source.store(change(path, value)).await.unwrap()
}

/// Sets a field that exists.
async fn set(source: &LocalSource, path: &str, value: &str) -> Stored {
    let place = place(source, path).await;
    source.store(Change { place: Some(place), ..change(path, value) }).await.unwrap()
}

async fn get(source: &LocalSource, path: &str) -> String {
    let place = place(source, path).await;
    let fetched = source.fetch(&[place]).await.unwrap().remove(0).unwrap();
    assert_eq!(fetched.path.as_str(), path);
    String::from_utf8(fetched.value.plaintext().to_vec()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
