//! Files that are torn, locked away or opened with the wrong key.

use super::*;

#[tokio::test]
async fn a_file_torn_anywhere_is_an_error_and_stays_as_it_is() {
    let home = Home::new();
    put(&home.source(), "V/A/credential", "1").await;
    let at = place(&home.source(), "V/A/credential").await;
    let whole = fs::read(home.file()).unwrap();
    for length in 0..whole.len() {
        fs::write(home.file(), &whole[..length]).unwrap();
        let source = home.source();
        let error = source.inventory().await.unwrap_err();
        assert!(matches!(error, SourceError::Unavailable { .. }), "{length}: {error:?}");
        if length % 97 == 0 {
            assert!(source.fetch(std::slice::from_ref(&at)).await.is_err());
            assert!(source.store(change("V/B/credential", "2")).await.is_err());
            assert!(source.archive(&at.item, None).await.is_err());
            assert!(fs::read(home.file()).unwrap() == whole[..length]);
        }
    }
    fs::write(home.file(), [&whole[..], b"x"].concat()).unwrap();
    assert!(home.source().inventory().await.is_err());
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_an_error() {
    let home = Home::new();
    put(&home.source(), "V/A/credential", "1").await;
    let whole = fs::read(home.file()).unwrap();
    for index in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[index] ^= 1 << (index % 8);
        fs::write(home.file(), flipped).unwrap();
        assert!(home.source().inventory().await.is_err(), "byte {index}");
    }
}

#[test]
fn a_header_that_asks_for_absurd_work_is_refused_before_it_is_done() {
    let home = Home::new();
    let mut bytes = fs::read(home.file()).unwrap();
    // Argon2's memory, as an attacker would set it who also mends the header's checksum.
    let at = bytes.windows(9).position(|w| w == b"\x01\0\0\0M\x08\0\0\0").unwrap() + 9;
    bytes[at + 6] = 0xff;
    let mut position = 12;
    while bytes[position] != 0 {
        position += 5 + usize::from(u16::from_le_bytes([bytes[position + 1], bytes[position + 2]]));
    }
    position += 5 + usize::from(bytes[position + 1]);
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes[..position]);
    bytes[position..position + 32].copy_from_slice(sum.as_ref());
    let refused = container::inspect(&home.file(), &bytes);
    assert!(
        matches!(&refused, Err(LocalError::Unavailable { detail, .. }) if detail.contains("more memory")),
        "{refused:?}"
    );
}

#[test]
fn a_damaged_older_file_is_refused_before_its_key_is_derived() {
    let file = fixture("kdbx3-password.kdbx");
    let whole = fs::read(&file).unwrap();
    assert_eq!(container::inspect(&file, &whole), Ok(Format::Older));
    for length in 0..200 {
        assert!(container::inspect(&file, &whole[..length]).is_err(), "{length}");
    }
    let mut absurd = whole.clone();
    let rounds = whole.windows(3).position(|w| w == [6, 8, 0]).unwrap() + 3;
    absurd[rounds + 7] = 0x7f;
    assert!(container::inspect(&file, &absurd).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_inspected_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), like in any::<bool>()) {
        if like {
            let major = if bytes.len().is_multiple_of(2) { 4 } else { 3 };
            let head = [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5, 1, 0, major, 0, 11, 40, 0, 0, 0, 0, 1];
            bytes.splice(0..0, head);
        }
        let _ = container::inspect(Path::new("x"), &bytes);
    }

    #[test]
    fn any_document_is_scanned_without_panic(text in "(<(/?)(Entry|History|String|Value( Protected=\"True\")?|x)/?>|a| |&amp;|<!--|-->|]]>){0,20}") {
        let _ = scan::scan(text.as_bytes());
    }
}

#[tokio::test]
async fn each_failure_says_what_a_person_can_do() {
    let home = Home::new();
    put(&home.source(), "V/A/credential", "1").await;
    let remedy = async |source: LocalSource| {
        let error = source.inventory().await.unwrap_err();
        let SourceError::Unavailable { remedy, .. } = error else { panic!("{error:?}") };
        remedy
    };
    let elsewhere = |file: &str| source(&home.folder.path().join(file), home.unlock(), &home.clock);
    assert!(remedy(elsewhere("nothing.kdbx")).await.contains("opward init"));
    assert!(remedy(elsewhere("")).await.contains("`file`"));
    fs::write(home.folder.path().join("text"), "hello").unwrap();
    assert!(remedy(elsewhere("text")).await.contains("`file`"));

    let other = home.folder.path().join("other.keyx");
    let keyed = || source(&home.file(), Unlock::KeyFile(other.clone()), &home.clock);
    assert!(remedy(keyed()).await.contains("put the vault's key file back"));
    LocalSource::create_key_file(&other).unwrap();
    assert!(remedy(keyed()).await.contains("belongs to this vault"));
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(remedy(keyed()).await.contains("chmod 600"));
    let typed = source(&home.file(), password("a guess"), &home.clock);
    assert!(remedy(typed).await.contains("password"));
}

#[tokio::test]
async fn a_write_protected_file_is_read_only() {
    let home = Home::new();
    put(&home.source(), "V/A/credential", "1").await;
    let before = fs::read(home.file()).unwrap();
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o400)).unwrap();
    let source = home.source();
    assert!(matches!(source.store(change("V/B/credential", "2")).await, Err(SourceError::ReadOnly { .. })));
    assert!(source.read_only_because().await.unwrap().unwrap().contains("write-protected"));
    assert_eq!(get(&source, "V/A/credential").await, "1");
    assert_eq!(fs::read(home.file()).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_makes_the_vault_read_only() {
    if rustix::process::geteuid().is_root() {
        println!("SKIPPED: root may write to any folder");
        return;
    }
    let home = Home::new();
    put(&home.source(), "V/A/credential", "1").await;
    fs::remove_file(home.folder.path().join("vault.kdbx.lock")).unwrap();
    fs::set_permissions(home.folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let refused = home.source().store(change("V/B/credential", "2")).await;
    fs::set_permissions(home.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(refused, Err(SourceError::ReadOnly { .. })), "{refused:?}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test may ask the system for a tiny disk")]
async fn a_full_disk_leaves_the_vault_as_it_is() {
    let home = Home::new();
    let disk = home.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let run = |command: &str, args: &[&str]| {
        std::process::Command::new(command).args(args).arg(&disk).output().is_ok_and(|output| output.status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs"]) {
        println!("SKIPPED: this user can't mount a tiny disk to fill");
        return;
    }
    let file = disk.join("vault.kdbx");
    fs::copy(home.file(), &file).unwrap();
    let source = source(&file, home.unlock(), &home.clock);
    put(&source, "V/A/credential", "1").await;
    let before = fs::read(&file).unwrap();
    // A value that doesn't compress.
    let noise: String = (0..2500_u32).map(|n| ids::of_name(&n.to_string())).collect();
    let refused = source.store(change("V/B/credential", &noise)).await;
    let (after, names) = (fs::read(&file).unwrap(), fs::read_dir(&disk).unwrap().count());
    let still = get(&source, "V/A/credential").await;
    assert!(run("umount", &[]));
    assert!(
        matches!(&refused, Err(SourceError::Unavailable { remedy, .. }) if remedy.contains("disk space")),
        "{refused:?}"
    );
    assert_eq!((after, still.as_str()), (before, "1"));
    assert_eq!(names, 3, "the vault, its lock and its previous generation");
}
