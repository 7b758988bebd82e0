//! A vault in a file: KDBX 4, the format of `KeePass`, so that any program of that family opens it too.
//!
//! # How a file is seen
//!
//! | opward | in the file |
//! |---|---|
//! | vault | a group at the top. The root group is one as well, for the entries directly in it, and shown only if there are any |
//! | item | an entry. Its name is its title; in a deeper group it's `Group › Sub › Title`, and a new item of such a name is put into those groups, which are made where they're missing |
//! | field | a string: `UserName` is `username`, `Password` is `password`, `URL` is `url`, `Notes` is `notesPlain`; any other keeps its name. `Title` is no field, and the four aren't listed while empty |
//! | concealed | protected, and `otp` or an `otpauth:` address is a one-time password |
//! | version | the number of states the entry has had (see `version.rs`) |
//! | archived | in the recycle bin, which isn't seen at all |
//! | tags, expiry, dates | the entry's own |
//! | category | the entry's custom data `opward.category`, else `LOGIN` with a user name or address, `API_CREDENTIAL` with a field `credential`, `SECURE_NOTE` with notes and nothing concealed, else `PASSWORD` |
//!
//! Ids are the file's UUIDs in base32. A name that no path can carry, that looks like an id, or that
//! two vaults or two fields of one item share, gives way to the id. An item whose title holds ` › `
//! itself has the same name as one in a group so called: such a name is ambiguous, and the ids tell
//! the two apart.
//!
//! # What's written
//!
//! KDBX 4 files, whoever made them: what the reader doesn't understand is looked for first, and a
//! file that holds such a thing is only read (see `scan.rs`), as are the older formats. Each write
//! keeps one previous generation, `<file>.bak`, and leaves the file either as it was or whole.
//!
//! Neither values nor the opened file are kept between calls.

mod compare;
mod container;
mod edit;
mod error;
mod file;
mod ids;
mod item;
mod scan;
mod stamp;
mod text;
mod times;
mod tree;
mod turns;
mod unlock;
mod vault;
mod version;
mod write;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::error::LocalError;
use self::turns::Line;
pub use self::unlock::Unlock;
use self::vault::VaultFile;
use super::upstream::Upstream;
use super::{Change, Fetched, Inventory, Stored};
use crate::custody::error::SourceError;
use crate::custody::fingerprint::{PrintKey, Prints};
use crate::memory;
use crate::model::{Clock, ItemId, Place, PrincipalName, SourceName, Standing};

/// What a local source is made of.
#[derive(Debug)]
pub struct LocalSettings {
    /// The name it bears in the configuration.
    pub name: SourceName,
    /// The vault file.
    pub file: PathBuf,
    /// What opens it.
    pub unlock: Unlock,
}

/// A source whose vaults are in one KDBX file.
#[derive(Debug, Clone)]
pub struct LocalSource {
    file: Arc<VaultFile>,
    upstream: Arc<Upstream>,
    /// Before those who only look, and before those who change something: these may have to wait for
    /// another program.
    looks: Arc<Line>,
    changes: Arc<Line>,
    /// Whose turn a call waits for.
    asker: Option<PrincipalName>,
}

impl LocalSource {
    /// Takes note of where the file is and what opens it. Neither is touched before the first call.
    #[must_use]
    pub fn new(settings: LocalSettings, clock: Clock) -> Self {
        let (looks, changes) = (Arc::new(Line::for_processors()), Arc::new(Line::new(1)));
        let (file, upstream) = (Arc::new(VaultFile::new(settings, clock)), Arc::new(Upstream::new()));
        Self { file, upstream, looks, changes, asker: None }
    }

    /// The same, on behalf of somebody, who waits for their own calls rather than have others wait.
    #[must_use]
    pub fn asked_by(&self, asker: &PrincipalName) -> Self {
        Self { asker: Some(asker.clone()), ..self.clone() }
    }

    /// Makes a new vault without any entry. It never replaces a file.
    ///
    /// # Errors
    ///
    /// Whatever keeps the file from being made, among it a file that's already there.
    pub fn create(file: &Path, unlock: &Unlock, clock: &Clock) -> Result<(), LocalError> {
        write::create(file, unlock, clock)
    }

    /// Makes a `KeePass` key file of 256 random bits that only its owner can read. It never replaces a file.
    ///
    /// # Errors
    ///
    /// Whatever keeps the file from being made, among it a file that's already there.
    pub fn create_key_file(path: &Path) -> Result<(), LocalError> {
        unlock::create_key_file(path)
    }

    /// The name it bears in the configuration.
    #[must_use]
    pub fn name(&self) -> &SourceName {
        &self.file.settings().name
    }

    /// The vault file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file.settings().file
    }

    /// Why the file can only be read; `None` if it can be written to.
    ///
    /// # Errors
    ///
    /// The file can't be opened.
    pub async fn read_only_because(&self) -> Result<Option<String>, SourceError> {
        self.look(VaultFile::read_only_because).await
    }

    /// What it holds, if the file is still the one that was last looked at.
    #[must_use]
    pub fn fresh(&self) -> Option<Arc<Inventory>> {
        self.file.unchanged()
    }

    /// What it holds; the same `Arc` as long as the file is unchanged.
    ///
    /// # Errors
    ///
    /// The file can't be opened.
    pub async fn inventory(&self) -> Result<Arc<Inventory>, SourceError> {
        if let Some(inventory) = self.fresh() {
            return Ok(inventory);
        }
        // Whoever had the turn before may have made it.
        self.look(|vault| vault.unchanged().map_or_else(|| vault.inventory(), Ok)).await
    }

    /// Takes prints of the file's values from now on, whenever what it holds is listed.
    pub(super) fn take_prints_with(&self, key: &PrintKey) {
        self.file.take_prints_with(key);
    }

    /// The prints of its values, as they were last listed.
    pub(super) fn prints(&self) -> Option<Arc<Prints>> {
        self.file.prints()
    }

    /// Reads values, all from one look at the file.
    ///
    /// # Errors
    ///
    /// The file can't be opened; a value that isn't there is an error of its own.
    pub async fn fetch(&self, places: &[Place]) -> Result<Vec<Result<Fetched, SourceError>>, SourceError> {
        let places = places.to_vec();
        self.look(move |vault| vault.fetch(&places)).await
    }

    /// Sets a value and reads it back. Once begun, it's finished even if nobody waits for it.
    ///
    /// # Errors
    ///
    /// Whatever kept the value from being set. Then the file is as it was.
    pub async fn store(&self, change: Change) -> Result<Stored, SourceError> {
        self.change(move |vault| {
            vault.write(|db, vault| edit::store(db, &vault.settings().name, &change, vault.now()?))
        })
        .await
    }

    /// Moves an item to the recycle bin; gives its last version.
    ///
    /// # Errors
    ///
    /// Whatever kept the item from being moved. Then the file is as it was.
    pub async fn archive(&self, item: &ItemId, if_version: Option<u64>) -> Result<u64, SourceError> {
        let item = item.clone();
        self.change(move |vault| vault.write(|db, vault| edit::archive(db, &item, if_version, vault.now()?))).await
    }

    /// How often the file was opened.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Whether the file can be opened, as far as is known without doing so.
    pub(super) fn standing(&self) -> Standing {
        if self.file.is_there() { self.upstream.standing() } else { Standing::Down }
    }

    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&VaultFile) -> Result<T, LocalError> + Send + 'static,
    ) -> Result<T, SourceError> {
        self.run(&self.looks, work).await
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&VaultFile) -> Result<T, LocalError> + Send + 'static,
    ) -> Result<T, SourceError> {
        self.run(&self.changes, work).await
    }

    /// Does work on files where it holds nobody up, when it's its turn.
    async fn run<T: Send + 'static>(
        &self,
        line: &Line,
        work: impl FnOnce(&VaultFile) -> Result<T, LocalError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let place = line.place(self.asker.as_ref()).await;
        let vault = Arc::clone(&self.file);
        let work = move || {
            // The work goes on even if nobody waits for it.
            let _place = place;
            let done = work(&vault);
            // A vault that was opened leaves a heap many times its size behind, wiped but resident.
            memory::trim();
            done
        };
        let done = async {
            // The reader behind this panics on some files that only the key's holder can have made.
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
                let what = "its contents are of a form the reader can't handle";
                Err(LocalError::damaged(&self.file.settings().file, what))
            })
        };
        self.upstream.count(done, LocalError::answered).await.map_err(|error| error.at(&self.file.settings().name))
    }
}
