//! Reading and writing values.

use super::*;

#[tokio::test]
async fn a_value_comes_back_with_what_was_said_about_it() {
    let home = Home::new();
    let source = home.source();
    assert!(source.inventory().await.unwrap().vaults.is_empty());
    let expires: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
    let tags = vec![Tag::new("agent").unwrap(), Tag::new("prod eu").unwrap()];
    let asked = Change {
        category: Some(Category::Database),
        tags: Some(tags.clone()),
        expires_at: Some(expires),
        ..change("Prod/PostgreSQL/connection_string", "postgres://u:p@h/db")
    };
    let stored = source.store(asked).await.unwrap();
    assert_eq!((stored.version, stored.previous_version), (1, None));
    let item = item(&source, "Prod/PostgreSQL").await;
    assert_eq!(item.category, Category::Database);
    assert_eq!(item.tags.to_vec(), tags);
    assert_eq!(item.expires_at, Some(expires));
    assert_eq!(item.updated_at, home.clock.now());
    assert_eq!(item.created_at, home.clock.now());
    assert_eq!(item.target(&item.fields.known()[0]).place, Some(stored.place));
    assert_eq!(get(&source, "Prod/PostgreSQL/connection_string").await, "postgres://u:p@h/db");
    let vaults = source.inventory().await.unwrap().vaults.clone();
    assert_eq!(vaults.iter().map(|vault| vault.name.as_str()).collect::<Vec<_>>(), ["Prod"]);
    assert!(source.read_only_because().await.unwrap().is_none());
}

#[tokio::test]
async fn the_standard_fields_have_the_names_of_1password() {
    let home = Home::new();
    let source = home.source();
    for (field, value) in
        [("username", "u"), ("password", "p"), ("url", "https://x"), ("notesPlain", "n"), ("otp", "S")]
    {
        put(&source, &format!("V/Login/{field}"), value).await;
    }
    let item = item(&source, "V/Login").await;
    let seen: Vec<_> =
        item.fields.known().iter().map(|f| (f.id.as_str(), f.name.as_str(), f.kind, f.purpose)).collect();
    assert_eq!(
        seen,
        [
            ("username", "username", FieldType::String, Some(Purpose::Username)),
            ("password", "password", FieldType::Concealed, Some(Purpose::Password)),
            ("url", "url", FieldType::Url, None),
            ("notesPlain", "notesPlain", FieldType::String, Some(Purpose::Notes)),
            ("otp", "otp", FieldType::Otp, None),
        ]
    );
    assert_eq!(item.urls, ["https://x"]);
    assert_eq!(item.category, Category::Login);
    let db = Sealed::read(&home.file()).unwrap().open(&home.file(), &home.unlock()).unwrap();
    let entry = db.iter_all_entries().next().unwrap();
    assert_eq!((entry.get(fields::USERNAME), entry.get(fields::PASSWORD)), (Some("u"), Some("p")));
    assert!(entry.fields[fields::PASSWORD].is_protected() && !entry.fields[fields::USERNAME].is_protected());
}

#[tokio::test]
async fn every_byte_of_a_value_survives() {
    let home = Home::new();
    let source = home.source();
    let pem = "-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n";
    let large = "x".repeat(MAX_VALUE_BYTES);
    let values = [
        pem,
        &pem.replace('\n', "\r\n"),
        " a ",
        "\n\n",
        "\r",
        " ",
        "\t",
        "a\r",
        "é 🔑 \u{2028}",
        "]]>&<>\"'",
        "&#13;",
        &large,
    ];
    for field in ["credential", "notesPlain", "username"] {
        let path = format!("V/{field}/{field}");
        put(&source, &path, "first").await;
        for value in values {
            set(&source, &path, value).await;
            let got = get(&source, &path).await;
            assert!(got == value, "{field}: {:?}", value.chars().take(20).collect::<String>());
        }
    }
}

#[tokio::test]
async fn a_value_the_format_cannot_carry_is_refused_and_nothing_changes() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "one").await;
    let before = fs::read(home.file()).unwrap();
    for bad in ["a\0b", "\u{1}", "\u{ffff}", "\u{1b}"] {
        let refused = source.store(change("V/A/other", bad)).await.unwrap_err();
        assert!(matches!(refused, SourceError::Invalid { .. }), "{bad:?}: {refused:?}");
    }
    let bytes = Change { value: SecretValue::from_bytes(vec![0xff, 0xfe]), ..change("V/A/other", "") };
    assert!(matches!(source.store(bytes).await, Err(SourceError::Invalid { .. })));
    let large = change("V/A/other", &"x".repeat(MAX_VALUE_BYTES + 1));
    assert!(matches!(source.store(large).await, Err(SourceError::TooLarge { limit: MAX_VALUE_BYTES, .. })));
    let title = source.store(change("V/A/title", "x")).await;
    assert!(matches!(title, Err(SourceError::Invalid { .. })));
    let section = source.store(change("V/A/Extra/key", "x")).await;
    assert!(matches!(section, Err(SourceError::Unsupported { .. })));
    let tag = Change { tags: Some(vec![Tag::new("a;b").unwrap()]), ..change("V/A/other", "x") };
    assert!(matches!(source.store(tag).await, Err(SourceError::Invalid { .. })));
    assert_eq!(fs::read(home.file()).unwrap(), before);
}

#[tokio::test]
async fn groups_inside_a_vault_are_part_of_an_items_name() {
    let home = Home::new();
    let source = home.source();
    put(&source, "Prod/EU › Web › Nginx/password", "p").await;
    put(&source, "Prod/EU › Web › Other/password", "p").await;
    put(&source, "Prod/Plain/password", "p").await;
    assert_eq!(get(&source, "Prod/EU › Web › Nginx/password").await, "p");
    let db = Sealed::read(&home.file()).unwrap().open(&home.file(), &home.unlock()).unwrap();
    let root = db.root();
    let web = root.group_by_path(&["Prod", "EU", "Web"]).unwrap();
    assert_eq!(web.entries().filter_map(|e| e.get_title().map(str::to_owned)).collect::<Vec<_>>(), ["Nginx", "Other"]);
    assert_eq!(db.num_groups(), 4);
    for bad in ["Prod/ › x/password", "Prod/x › /password", "Prod/a ›  › b/password"] {
        assert!(matches!(source.store(change(bad, "p")).await, Err(SourceError::Invalid { .. })), "{bad}");
    }
}

#[tokio::test]
async fn names_no_path_can_carry_give_way_to_ids() {
    let home = Home::new();
    home.edit_elsewhere(|db| {
        let mut root = db.root_mut();
        root.add_entry().edit(|e| e.set_unprotected(fields::TITLE, "in the root"));
        for name in ["a\u{200b}b", "Twin", "twin", &"long".repeat(100)] {
            let mut group = root.add_group();
            name.clone_into(&mut group.name);
            group.add_entry().edit(|e| {
                e.set_unprotected(fields::TITLE, "x\\y");
                e.set_protected("Token", "1");
                e.set_protected("TOKEN", "2");
                e.set_protected("password", "3");
                e.set_protected("fine / 100%", "4");
                e.set_protected("zero\u{200b}width", "5");
            });
        }
    });
    let source = home.source();
    let inventory = source.inventory().await.unwrap();
    let names: Vec<_> = inventory.vaults.iter().map(|vault| vault.name.as_str().to_owned()).collect();
    assert_eq!(names.iter().filter(|name| name.len() == 26).count(), 4, "{names:?}");
    assert!(names.iter().any(|name| name == "Root"), "{names:?}");
    for vault in inventory.vaults.iter().filter(|vault| vault.name.as_str() != "Root") {
        assert_eq!(vault.name.as_str(), vault.id.as_str());
    }
    for item in inventory.items.iter().filter(|item| item.path.as_str() != "Root/in the root") {
        assert_eq!(item.path.names()[1].as_str(), item.id.as_str());
        let plain: Vec<_> =
            item.fields.known().iter().map(|f| f.name.as_str()).filter(|name| name.len() != 26).collect();
        assert_eq!(plain, ["fine / 100%"]);
        assert_eq!(item.fields.known().len(), 5);
        for field in item.fields.known() {
            let place = item.target(field).place.unwrap();
            let fetched = source.fetch(&[place]).await.unwrap().remove(0).unwrap();
            assert_eq!(fetched.path, field.path);
        }
    }
}

#[tokio::test]
async fn an_unchanged_file_is_not_read_again() {
    let home = Home::new();
    let source = home.source();
    put(&source, "V/A/credential", "one").await;
    let first = source.inventory().await.unwrap();
    assert!(Arc::ptr_eq(&first, &source.inventory().await.unwrap()));
    put(&source, "V/B/credential", "two").await;
    let second = source.inventory().await.unwrap();
    assert_ne!(second.generation, first.generation);
    assert_eq!(second.items.len(), 2);
}

#[tokio::test]
async fn a_value_set_to_what_it_was_is_told_from_a_new_one() {
    let home = Home::new();
    let source = home.source();
    assert!(!put(&source, "V/I/password", "one").await.is_same, "it's new");
    let again = set(&source, "V/I/password", "one").await;
    assert!(again.is_same && again.version == 2);
    assert!(!set(&source, "V/I/password", "two").await.is_same);
    assert!(!set(&source, "V/I/password", "one").await.is_same);
}
