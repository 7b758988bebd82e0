//! Fills a vault that `opward init` made with many entries at once, for measuring.
//!
//! `make_vault HOME COUNT`

#![allow(clippy::unwrap_used, reason = "a measuring tool says what's wrong and stops")]

use std::fs::{self, File};

use keepass::{Database, DatabaseKey};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (home, count) = (arguments.next().unwrap(), arguments.next().unwrap().parse::<usize>().unwrap());
    let (vault, key_file) = (format!("{home}/vault.kdbx"), format!("{home}/vault.keyx"));
    let key = || DatabaseKey::new().with_keyfile(&mut File::open(&key_file).unwrap()).unwrap();
    let mut database = Database::open(&mut File::open(&vault).unwrap(), key()).unwrap();
    let mut root = database.root_mut();
    let mut group = root.add_group();
    group.edit(|group| {
        "Bench".clone_into(&mut group.name);
        for index in 0..count {
            group.add_entry().edit(|entry| {
                entry.set_unprotected("Title", format!("Service {index:05}"));
                entry.set_unprotected("UserName", format!("user-{index}"));
                entry.set_protected("Password", format!("value-{index}-of-a-usual-length"));
                entry.set_unprotected("URL", format!("https://service-{index}.example.com/"));
            });
        }
    });
    let mut sealed = Vec::new();
    database.save(&mut sealed, key()).unwrap();
    fs::write(&vault, sealed).unwrap();
}
