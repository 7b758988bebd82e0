//! Vaults that other programs made.

use super::*;

/// Every text in a document that isn't encrypted, with where it stands.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these events matter here")]
fn leaves(xml: &[u8]) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(xml);
    let (mut open, mut found, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
    let mut secret = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(element) => {
                secret = element.try_get_attribute("Protected").unwrap().is_some();
                open.push(element.name().as_ref().to_owned());
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) if !text.trim().is_empty() && !secret => {
                // `KeePassXC` writes `false` where others write `False`.
                found.push(format!("{}={}", open.join("/"), text.trim()).replace("=false", "=False"));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn writing_to_a_vault_of_keepassxc_loses_nothing() {
    let (_folder, source) = copied("kdbx4-password.kdbx");
    let xml = || {
        leaves(
            &Database::get_xml(
                &mut fs::File::open(source.file()).unwrap(),
                source.file.settings().unlock.key().unwrap(),
            )
            .unwrap(),
        )
    };
    let before = xml();
    put(&source, "Staging/New/credential", "new").await;
    let after = xml();
    // Defaults that `KeePassXC` spells out and takes for granted when they're absent.
    let implied = |leaf: &&String| {
        leaf.contains("/IconID=0") || leaf.ends_with("=AAAAAAAAAAAAAAAAAAAAAA==") || leaf.contains("/Tags=")
    };
    let lost: Vec<_> = before.iter().filter(|leaf| !after.contains(leaf)).filter(|leaf| !implied(leaf)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    let count = |leaves: &[String], part: &str| leaves.iter().filter(|leaf| leaf.contains(part)).count();
    for part in ["/History/Entry/UUID", "/Association/Window", "/CustomIcons/Icon/Data", "/DeletedObject/UUID"] {
        assert_eq!(count(&before, part), count(&after, part), "{part}");
    }
    let db = Sealed::read(source.file()).unwrap().open(source.file(), &source.file.settings().unlock).unwrap();
    let entry = db.iter_all_entries().find(|entry| entry.get_title() == Some("Web")).unwrap();
    assert_eq!(entry.attachment_by_name("note.txt").unwrap().get(), b"attached, byte for byte\n");
    assert_eq!(entry.historical(0).unwrap().get_password(), Some("oldest"));
}

#[tokio::test]
async fn a_vault_of_keepassxc_is_read_as_it_was_made() {
    let (_folder, source) = copied("kdbx4-password.kdbx");
    let inventory = source.inventory().await.unwrap();
    let mut vaults: Vec<_> = inventory.vaults.iter().map(|vault| vault.name.as_str()).collect();
    vaults.sort_unstable();
    assert_eq!(vaults, ["Production", "Root", "Staging"]);
    let staging = inventory.vaults.iter().find(|vault| vault.name.as_str() == "Staging").unwrap();
    assert_eq!(staging.description.as_deref(), Some("For trying things out"));
    let mut paths: Vec<_> = inventory.items.iter().map(|item| item.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["Production/EU › Mail", "Root/Loose", "Staging/Web"]);
    let web = item(&source, "Staging/Web").await;
    let fields: Vec<_> = web.fields.known().iter().map(|field| (field.name.as_str(), field.kind)).collect();
    assert_eq!(
        fields,
        [
            ("username", FieldType::String),
            ("password", FieldType::Concealed),
            ("url", FieldType::Url),
            ("notesPlain", FieldType::String),
            ("api_token", FieldType::Concealed),
            ("otp", FieldType::Otp),
            ("region", FieldType::String),
        ]
    );
    assert_eq!(web.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["agent", "web"]);
    assert_eq!(web.expires_at, Some("2030-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(web.created_at, Some("2024-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(web.category, Category::Login);
    assert!(web.version > 2);
    assert_eq!(get(&source, "Staging/Web/password").await, "staging-password <&> é");
    assert_eq!(get(&source, "Staging/Web/notesPlain").await, "first line\nsecond line\n");
}

#[tokio::test]
async fn a_key_file_of_keepassxc_opens_its_vault() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("v.kdbx"), folder.path().join("v.keyx"));
    fs::copy(fixture("kdbx4-keyfile.kdbx"), &file).unwrap();
    fs::copy(fixture("kdbx4-keyfile.keyx"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    let source = source(&file, Unlock::KeyFile(key), &clock());
    assert_eq!(get(&source, "Staging/Web/api_token").await, "tok_staging_1");
}

#[tokio::test]
async fn an_older_format_is_read_and_never_written() {
    let (_folder, source) = copied("kdbx3-password.kdbx");
    assert_eq!(get(&source, "Staging/Web/password").await, "old-format-password");
    let before = fs::read(source.file()).unwrap();
    let refused = source.store(change("Staging/New/credential", "x")).await;
    assert!(matches!(refused, Err(SourceError::ReadOnly { .. })), "{refused:?}");
    assert!(source.read_only_because().await.unwrap().unwrap().contains("older format"));
    assert_eq!(fs::read(source.file()).unwrap(), before);
}

#[tokio::test]
async fn strings_that_stand_apart_are_all_read() {
    let (_folder, source) = copied("interleaved.kdbx");
    assert_eq!(get(&source, "Staging/Web/password").await, "interleaved-password");
    assert_eq!(get(&source, "Staging/Web/api_token").await, "tok_interleaved");
}

#[tokio::test]
async fn values_the_reader_would_garble_are_never_given_out() {
    let (_folder, source) = copied("history-first.kdbx");
    let refused = source.inventory().await.unwrap_err();
    assert!(matches!(refused, SourceError::Unavailable { remedy, .. } if remedy.contains("KeePassXC")));
}

#[tokio::test]
async fn a_vault_with_something_unknown_in_it_is_only_read() {
    let (_folder, source) = copied("unknown-element.kdbx");
    assert_eq!(get(&source, "Staging/Web/password").await, "unknown-password");
    let before = fs::read(source.file()).unwrap();
    let refused = source.store(change("Staging/New/credential", "x")).await;
    assert!(matches!(refused, Err(SourceError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(fs::read(source.file()).unwrap(), before);
}
