//! A throw-away home for a server over HTTP.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use keepass::{Database, DatabaseKey};

use crate::Result;
use crate::server::command;

/// A home, removed when it's dropped.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// A vault to be made: its name and its items.
pub(crate) struct Vault {
    pub(crate) name: String,
    pub(crate) items: Vec<Item>,
}

/// An item to be made.
pub(crate) struct Item {
    pub(crate) title: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Home {
    /// Lets opward make a home, and puts these vaults and this policy into it.
    pub(crate) fn new(opward: &Path, vaults: &[Vault], policy: &str) -> Result<Self> {
        let home = Self { folder: tempfile::tempdir()? };
        let init = command(opward, Some(&home.path())).arg("init").output()?;
        if !init.status.success() {
            return Err(format!("opward init: {}", String::from_utf8_lossy(&init.stderr)).into());
        }
        home.fill(vaults)?;
        home.set_policy(policy)?;
        Ok(home)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where a file goes that isn't the server's.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds to the configuration.
    pub(crate) fn configure(&self, text: &str) -> Result<()> {
        let mut file = File::options().append(true).open(self.path().join("opward.toml"))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Puts a policy in the place of the one before, at once as an editor does.
    pub(crate) fn set_policy(&self, text: &str) -> Result<()> {
        let (new, policy) = (self.path().join("policy.new"), self.path().join("policy.toml"));
        fs::write(&new, text)?;
        fs::set_permissions(&new, fs::metadata(&policy)?.permissions())?;
        Ok(fs::rename(&new, &policy)?)
    }

    fn fill(&self, vaults: &[Vault]) -> Result<()> {
        let (vault, key_file) = (self.path().join("vault.kdbx"), self.path().join("vault.keyx"));
        let key = || -> Result<_> { Ok(DatabaseKey::new().with_keyfile(&mut File::open(&key_file)?)?) };
        let mut database = Database::open(&mut File::open(&vault)?, key()?)?;
        let mut root = database.root_mut();
        for vault in vaults {
            root.add_group().edit(|group| {
                group.name.clone_from(&vault.name);
                for item in &vault.items {
                    group.add_entry().edit(|entry| {
                        entry.set_unprotected("Title", &item.title);
                        entry.set_unprotected("UserName", &item.user);
                        entry.set_protected("Password", &item.password);
                    });
                }
            });
        }
        let mut sealed = Vec::new();
        database.save(&mut sealed, key()?)?;
        Ok(fs::write(&vault, sealed)?)
    }
}
