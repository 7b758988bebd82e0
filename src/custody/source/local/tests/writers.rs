//! Several writers, and what a write leaves.

use super::*;

#[test]
fn no_update_is_lost_between_writers() {
    let home = Home::new();
    let runtime = runtime();
    runtime.block_on(put(&home.source(), "V/Shared/credential", "start"));
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let source = home.source();
            scope.spawn(move || {
                let runtime = self::runtime();
                for round in 0..5 {
                    runtime.block_on(put(&source, &format!("V/Item {writer}-{round}/credential"), "x"));
                    runtime.block_on(set(&source, "V/Shared/credential", &format!("{writer}-{round}")));
                }
            });
        }
    });
    let inventory = runtime.block_on(home.source().inventory()).unwrap();
    assert_eq!(inventory.items.len(), 16);
    assert_eq!(inventory.items.iter().find(|item| item.path.as_str() == "V/Shared").unwrap().version, 16);
    assert_eq!(home.names(), ["vault.kdbx", "vault.kdbx.bak", "vault.kdbx.lock", "vault.keyx"]);
}

#[test]
fn an_edit_by_a_program_without_our_lock_is_never_lost() {
    let home = Home::new();
    let vault = VaultFile::new(
        LocalSettings { name: SourceName::new("home"), file: home.file(), unlock: home.unlock() },
        home.clock.clone(),
    );
    let tries = std::cell::Cell::new(0);
    let stored = vault.write(|db, vault| {
        let done = edit::store(db, &vault.settings().name, &change("V/Ours/credential", "ours"), vault.now()?);
        // Just before our change is written, somebody else saves.
        if tries.replace(tries.get() + 1) < 2 {
            home.edit_elsewhere(|db| {
                db.root_mut().add_entry().edit(|e| e.set_unprotected(fields::TITLE, format!("theirs {}", tries.get())));
            });
        }
        done
    });
    assert_eq!(stored.unwrap().version, 1);
    assert_eq!(tries.get(), 3);
    let inventory = runtime().block_on(home.source().inventory()).unwrap();
    let mut paths: Vec<_> = inventory.items.iter().map(|item| item.path.to_string()).collect();
    paths.sort();
    assert_eq!(paths, ["Root/theirs 1", "Root/theirs 2", "V/Ours"]);
}

#[test]
fn a_program_that_never_stops_saving_makes_us_give_up() {
    let home = Home::new();
    let vault = VaultFile::new(
        LocalSettings { name: SourceName::new("home"), file: home.file(), unlock: home.unlock() },
        home.clock.clone(),
    );
    let gave_up = vault.write(|db, vault| {
        home.edit_elsewhere(|_| {});
        edit::store(db, &vault.settings().name, &change("V/Ours/credential", "ours"), vault.now()?)
    });
    assert!(matches!(gave_up, Err(LocalError::Unavailable { .. })), "{gave_up:?}");
    assert!(runtime().block_on(home.source().inventory()).unwrap().items.is_empty());
}

#[tokio::test]
async fn a_write_keeps_the_generation_before_it_and_the_files_mode() {
    let home = Home::new();
    let source = home.source();
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::read(home.file()).unwrap();
    // What a writer leaves that was killed in the middle.
    fs::write(home.folder.path().join("vault.kdbx.opward-new-0192"), "torn").unwrap();
    put(&source, "V/A/credential", "1").await;
    assert_eq!(fs::read(home.folder.path().join("vault.kdbx.bak")).unwrap(), before);
    assert_eq!(fs::metadata(home.file()).unwrap().mode() & 0o777, 0o640);
    assert_eq!(home.names(), ["vault.kdbx", "vault.kdbx.bak", "vault.kdbx.lock", "vault.keyx"]);
}

#[tokio::test]
async fn a_link_to_a_vault_stays_a_link() {
    let home = Home::new();
    let link = home.folder.path().join("link.kdbx");
    std::os::unix::fs::symlink(home.file(), &link).unwrap();
    put(&source(&link, home.unlock(), &home.clock), "V/A/credential", "1").await;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(get(&home.source(), "V/A/credential").await, "1");
}

#[test]
fn a_new_vault_never_replaces_a_file() {
    let home = Home::new();
    let before = fs::read(home.file()).unwrap();
    let refused = LocalSource::create(&home.file(), &home.unlock(), &home.clock);
    assert!(matches!(refused, Err(LocalError::Unavailable { .. })), "{refused:?}");
    assert_eq!(fs::read(home.file()).unwrap(), before);
    assert_eq!(home.names(), ["vault.kdbx", "vault.keyx"]);
    assert_eq!(fs::metadata(home.file()).unwrap().mode() & 0o777, 0o600);
}
