//! The vault's file, changed as another program would change it.

use std::fs::File;

use keepass::db::{EntryMut, Value, fields};
use keepass::{Database, DatabaseKey};

use super::Home;

impl Home {
    /// Opens the vault's file, changes it, and saves it.
    pub(crate) fn edit_vault<T>(&self, edit: impl FnOnce(&mut Database) -> T) -> T {
        let key = || DatabaseKey::new().with_keyfile(&mut File::open(self.path("vault.keyx")).unwrap()).unwrap();
        let file = self.path("vault.kdbx");
        let mut vault = Database::open(&mut File::open(&file).unwrap(), key()).unwrap();
        let done = edit(&mut vault);
        // Beside it and then in its place, so that a server that's looking never sees half a file.
        let new = self.path("vault.kdbx.edited");
        vault.save(&mut File::create(&new).unwrap(), key()).unwrap();
        std::fs::rename(new, file).unwrap();
        done
    }
}

/// Adds an entry to a group at the top, making the group if there's none.
pub(crate) fn add(vault: &mut Database, group: &str, title: &str, fill: impl FnOnce(&mut EntryMut<'_>)) {
    let known = vault.root().groups().find(|known| known.name == group).map(|known| known.id());
    let id = known.unwrap_or_else(|| {
        let mut root = vault.root_mut();
        let mut made = root.add_group();
        made.name = group.to_owned();
        made.id()
    });
    let mut group = vault.group_mut(id).unwrap();
    let mut entry = group.add_entry();
    entry.set_unprotected(fields::TITLE, title);
    fill(&mut entry);
}

/// Sets an entry's password.
pub(crate) fn password(entry: &mut EntryMut<'_>, value: &str) {
    entry.set(fields::PASSWORD, Value::protected(value.to_owned()));
}

/// A UUID as the ids in paths are written: 26 lower-case base32 characters.
pub(crate) fn id(uuid: uuid::Uuid) -> String {
    let bits: String = format!("{:0128b}", uuid.as_u128());
    let letters: Vec<char> = ('a'..='z').chain('2'..='7').collect();
    let digit = |five: &[u8]| {
        let five = std::str::from_utf8(five).unwrap();
        letters[usize::from_str_radix(&format!("{five:0<5}"), 2).unwrap()]
    };
    bits.as_bytes().chunks(5).map(digit).collect()
}
