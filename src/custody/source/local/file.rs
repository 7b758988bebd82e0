//! Opening a vault file, and making a new one.

use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use keepass::config::{CompressionConfig, DatabaseVersion, InnerCipherConfig, KdfConfig, OuterCipherConfig};
use keepass::db::{DatabaseOpenError, MemoryProtection};
use keepass::{Database, DatabaseKey};

use super::container::{self, Format, MAX_FILE_BYTES};
use super::error::LocalError;
use super::scan::{Fidelity, scan};
use super::stamp::Stamp;
use super::unlock::Unlock;
use super::{edit, times};
use crate::model::Clock;

/// The format version that's written: the only one the crate writes.
const WRITTEN: DatabaseVersion = DatabaseVersion::KDB4(1);

const GENERATOR: &str = "opward";
const HISTORY_BYTES: isize = 6 * 1024 * 1024;

/// A file's bytes, still encrypted, and when they were so.
pub(super) struct Sealed {
    /// The whole file.
    pub(super) bytes: Vec<u8>,
    /// What the system said of the file they're from.
    pub(super) stamp: Stamp,
    /// Its format.
    pub(super) format: Format,
}

impl Sealed {
    /// Reads a file, if it's a whole KDBX file from the outside.
    pub(super) fn read(file: &Path) -> Result<Self, LocalError> {
        let failed = |error| LocalError::reading(file, &error);
        let mut open = File::open(file).map_err(failed)?;
        let metadata = open.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return Err(LocalError::unavailable(
                file,
                "this isn't a file of at most 64 MiB",
                "ask the owner to check `file` in the configuration",
            ));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        open.by_ref().take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let format = container::inspect(file, &bytes)?;
        Ok(Self { bytes, stamp: Stamp::of(&metadata), format })
    }

    /// Decrypts the contents. The caller drops them as soon as it can.
    pub(super) fn open(&self, file: &Path, unlock: &Unlock) -> Result<Database, LocalError> {
        parse(file, &self.bytes, unlock.key()?, unlock)
    }

    /// Looks for what [`Sealed::open`] would get wrong.
    pub(super) fn scan(&self, file: &Path, unlock: &Unlock) -> Result<Fidelity, LocalError> {
        if self.bytes.get(4) == Some(&0x65) {
            return Ok(Fidelity::ReadOnly("it's in the format of KeePass 1"));
        }
        let xml = Database::get_xml(&mut Cursor::new(&self.bytes), unlock.key()?)
            .map_err(|error| classify(file, &error, unlock))?;
        Ok(scan(&xml))
    }
}

/// Opens contents with a key.
pub(super) fn parse(file: &Path, bytes: &[u8], key: DatabaseKey, unlock: &Unlock) -> Result<Database, LocalError> {
    Database::parse(bytes, key).map_err(|error| classify(file, &error, unlock))
}

/// Encrypts contents under a key. A vault of KDBX 4.0 becomes one of 4.1.
pub(super) fn seal(file: &Path, db: &mut Database, key: DatabaseKey) -> Result<Vec<u8>, LocalError> {
    db.config.version = WRITTEN;
    let mut bytes = Vec::new();
    db.save(&mut bytes, key).map_err(|_| {
        LocalError::unavailable(file, "its contents can't be written as KDBX 4", "ask the owner to run `opward doctor`")
    })?;
    Ok(bytes)
}

/// A vault without any entry.
pub(super) fn empty(unlock: &Unlock, clock: &Clock) -> Database {
    let now = times::all_at(clock.now().map_or(0, jiff::Timestamp::as_second));
    let mut db = Database::new();
    // The crate's own defaults are weak: every part is set.
    db.config.version = WRITTEN;
    db.config.outer_cipher_config = OuterCipherConfig::ChaCha20;
    db.config.compression_config = CompressionConfig::GZip;
    db.config.inner_cipher_config = InnerCipherConfig::ChaCha20;
    db.config.kdf_config = derivation(unlock);
    db.config.public_custom_data = None;
    let mut root = db.root_mut();
    "Root".clone_into(&mut root.name);
    root.times = now.clone();
    db.meta.generator = Some(GENERATOR.to_owned());
    db.meta.database_name = Some("opward".to_owned());
    db.meta.database_name_changed = now.creation;
    db.meta.master_key_changed = now.creation;
    db.meta.settings_changed = now.creation;
    db.meta.memory_protection = Some(MemoryProtection::default());
    db.meta.recyclebin_enabled = Some(true);
    db.meta.history_max_items = Some(edit::HISTORY);
    db.meta.history_max_size = Some(HISTORY_BYTES);
    db
}

/// How the key is derived. A key file's 256 random bits can't be guessed, so there's nothing to slow
/// down; a password can, so each guess costs half a second and 64 MiB.
fn derivation(unlock: &Unlock) -> KdfConfig {
    let (mebibytes, iterations) = if unlock.is_random() { (1, 2) } else { (64, 12) };
    let memory = mebibytes * 1024 * 1024;
    #[expect(clippy::default_trait_access, reason = "the type is in a crate that's not ours to name")]
    let version = Default::default();
    KdfConfig::Argon2id { iterations, memory, parallelism: 1, version }
}

/// Says what's wrong in our own words: the crate's may quote the file.
fn classify(file: &Path, error: &DatabaseOpenError, unlock: &Unlock) -> LocalError {
    if matches!(error, DatabaseOpenError::Key(_)) {
        return LocalError::unavailable(file, "the key or password doesn't open it", unlock.remedy());
    }
    if matches!(error, DatabaseOpenError::UnsupportedVersion) {
        let remedy = "ask the owner to save it as KDBX 4, with KeePassXC for example";
        return LocalError::unavailable(file, "a KDBX file of a version that can't be read", remedy);
    }
    LocalError::damaged(file, "its contents are damaged")
}
