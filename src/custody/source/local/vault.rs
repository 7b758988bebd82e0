//! The work on a vault file. All of it blocks, so it's done where it holds nobody up.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use keepass::Database;

use super::LocalSettings;
use super::container::Format;
use super::error::LocalError;
use super::file::Sealed;
use super::scan::Fidelity;
use super::stamp::Stamp;
use super::tree::Tree;
use super::write::Turn;
use super::{edit, item, version};
use crate::custody::error::SourceError;
use crate::custody::fingerprint::{PrintKey, Prints, PrintsBuilder};
use crate::custody::source::{Fetched, Inventory};
use crate::custody::value::SecretValue;
use crate::model::{Clock, Place};

/// How often a change is made again because another program saved meanwhile.
const ATTEMPTS: usize = 5;

/// A vault file, and what's known of it.
#[derive(Debug)]
pub(super) struct VaultFile {
    settings: LocalSettings,
    clock: Clock,
    known: Mutex<Option<Known>>,
    print_key: OnceLock<PrintKey>,
}

/// What's known of the file as it was last seen. No value is in it.
#[derive(Debug, Clone)]
struct Known {
    stamp: Stamp,
    fidelity: Fidelity,
    inventory: Option<Arc<Inventory>>,
    /// Of the values as they were last listed.
    prints: Option<Arc<Prints>>,
}

/// An opened file.
struct Opened {
    sealed: Sealed,
    db: Database,
    fidelity: Fidelity,
}

impl VaultFile {
    /// Takes note of where the file is, and doesn't touch it.
    pub(super) fn new(settings: LocalSettings, clock: Clock) -> Self {
        Self { settings, clock, known: Mutex::new(None), print_key: OnceLock::new() }
    }

    /// What the file is and what opens it.
    pub(super) fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    /// The time.
    pub(super) fn now(&self) -> Result<Timestamp, LocalError> {
        self.clock.now().ok_or_else(|| {
            LocalError::unavailable(
                &self.settings.file,
                "the machine's clock can't be read",
                "ask the owner to set the clock",
            )
        })
    }

    fn known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// Whether there's a file at all.
    pub(super) fn is_there(&self) -> bool {
        Stamp::read(&self.settings.file).is_some()
    }

    /// The inventory last made, if the file is still the same.
    pub(super) fn unchanged(&self) -> Option<Arc<Inventory>> {
        let known = self.known()?;
        known.inventory.filter(|_| Stamp::read(&self.settings.file) == Some(known.stamp))
    }

    /// Takes prints from now on; the first key stays.
    pub(super) fn take_prints_with(&self, key: &PrintKey) {
        let _first = self.print_key.set(key.clone());
    }

    /// The prints of the values as they were last listed.
    pub(super) fn prints(&self) -> Option<Arc<Prints>> {
        self.known()?.prints
    }

    /// Why the file can only be read; `None` if it can be written to.
    pub(super) fn read_only_because(&self) -> Result<Option<String>, LocalError> {
        let opened = self.open()?;
        match writable(&self.settings.file, &opened).and_then(|()| Turn::take(&self.settings.file).map(drop)) {
            Ok(()) => Ok(None),
            Err(LocalError::ReadOnly(why)) => Ok(Some(why)),
            Err(error) => Err(error),
        }
    }

    /// Opens the file as it is now, and makes sure its values are read as they should be.
    fn open(&self) -> Result<Opened, LocalError> {
        let Self { settings, .. } = self;
        let sealed = Sealed::read(&settings.file)?;
        let db = sealed.open(&settings.file, &settings.unlock)?;
        let known = self.known().filter(|known| known.stamp == sealed.stamp);
        let fidelity = if let Some(known) = known {
            known.fidelity
        } else {
            let fidelity = sealed.scan(&settings.file, &settings.unlock)?;
            let (stamp, prints) = (sealed.stamp, self.prints());
            self.remember(Known { stamp, fidelity: fidelity.clone(), inventory: None, prints });
            fidelity
        };
        match fidelity {
            Fidelity::Unreadable(why) => Err(LocalError::unavailable(
                &settings.file,
                why,
                "ask the owner to open the vault in KeePassXC and save it there, which puts it in order",
            )),
            Fidelity::Whole | Fidelity::ReadOnly(_) => Ok(Opened { sealed, db, fidelity }),
        }
    }

    /// Lists what the file holds.
    pub(super) fn inventory(&self) -> Result<Arc<Inventory>, LocalError> {
        let Opened { sealed, db, fidelity } = self.open()?;
        let tree = Tree::of(&db);
        let limit = edit::history_limit(&db);
        let located = tree.entries().into_iter();
        let mut prints = self.print_key.get().map(PrintsBuilder::new);
        let items = located.filter_map(|(id, at)| {
            let entry = db.entry(id)?;
            let (item, values) = item::item(&self.settings.name, &at.top.vault.id, at.path, &entry, limit);
            if let Some(prints) = &mut prints {
                let values = values.iter().map(|value| value.as_bytes());
                prints.add(&item, item.fields.known().iter().map(|field| &field.id).zip(values));
            }
            Some(Arc::new(item))
        });
        let inventory = Arc::new(Inventory {
            items: items.collect(),
            vaults: tree.vaults(),
            generation: Some(sealed.stamp.number()),
        });
        let prints = prints.map(|prints| Arc::new(prints.finish()));
        self.remember(Known { stamp: sealed.stamp, fidelity, inventory: Some(Arc::clone(&inventory)), prints });
        Ok(inventory)
    }

    /// Reads values, all from one look at the file.
    pub(super) fn fetch(&self, places: &[Place]) -> Result<Vec<Result<Fetched, SourceError>>, LocalError> {
        let Opened { db, .. } = self.open()?;
        let tree = Tree::of(&db);
        let limit = edit::history_limit(&db);
        let one = |place: &Place| {
            let id = edit::entry_id(&place.item)?;
            let at = tree.locate(id).filter(|at| at.top.vault.id == place.vault).ok_or(LocalError::Missing)?;
            let entry = db.entry(id).filter(|_| place.source == self.settings.name).ok_or(LocalError::Missing)?;
            let mut stored = item::fields(&at.path, &entry).into_iter();
            let stored = stored.find(|stored| stored.field.id == place.field).ok_or(LocalError::Missing)?;
            let value = SecretValue::new(stored.value.get().clone());
            Ok(Fetched { value, version: version::of(&entry, limit), path: stored.field.path })
        };
        Ok(places.iter().map(|place| one(place).map_err(|error: LocalError| error.at(&self.settings.name))).collect())
    }

    /// Makes a change on top of what's on disk, again as long as other programs save meanwhile.
    pub(super) fn write<T>(
        &self,
        change: impl Fn(&mut Database, &Self) -> Result<T, LocalError>,
    ) -> Result<T, LocalError> {
        let Self { settings, .. } = self;
        let turn = Turn::take(&settings.file)?;
        for _ in 0..ATTEMPTS {
            let mut opened = self.open()?;
            writable(&settings.file, &opened)?;
            let outcome = change(&mut opened.db, self)?;
            // A state that was forgotten may have been the last to use one.
            opened.db.remove_unused_attachments();
            if let Some(stamp) = turn.replace(&opened.sealed.bytes, &mut opened.db, &settings.unlock)? {
                // What was just written was also read back: there's nothing to look for in it.
                self.remember(Known { stamp, fidelity: Fidelity::Whole, inventory: None, prints: self.prints() });
                return Ok(outcome);
            }
        }
        Err(LocalError::unavailable(
            &settings.file,
            "another program keeps saving it",
            "try again once the other program that has the vault open is done",
        ))
    }
}

/// Says no to a file that can be read and not written.
fn writable(file: &Path, opened: &Opened) -> Result<(), LocalError> {
    match (opened.sealed.format, &opened.fidelity) {
        (Format::Older, _) => {
            Err(LocalError::read_only(file, "it's in an older format: save it as KDBX 4, with KeePassXC for example"))
        }
        (Format::Kdbx4, Fidelity::ReadOnly(why) | Fidelity::Unreadable(why)) => Err(LocalError::read_only(file, why)),
        (Format::Kdbx4, Fidelity::Whole) => Ok(()),
    }
}
