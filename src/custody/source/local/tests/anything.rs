//! Anything at all.

use super::*;

/// Texts as people and programs write them, and as they don't.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[ \t\r\n<&>;'\"\\]é€🔑]{0,8}",
        proptest::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_stored_comes_back_or_is_refused(
        names in proptest::collection::vec(text(), 3), value in text(), tags in proptest::collection::vec(text(), 0..3)
    ) {
        let names: Result<Vec<_>, _> = names.iter().map(|name| Name::new(name)).collect();
        prop_assume!(names.is_ok());
        let names = names.unwrap();
        let path = crate::model::ItemPath::new(&names[0], &names[1]).unwrap().field(None, &names[2]).unwrap();
        let tags: Vec<_> = tags.iter().filter_map(|tag| Tag::new(tag)).collect();
        let home = Home::new();
        let (source, runtime) = (home.source(), runtime());
        let asked = Change { tags: Some(tags.clone()), ..change(path.as_str(), &value) };
        match runtime.block_on(source.store(asked)) {
            Ok(stored) => {
                let fetched = runtime.block_on(source.fetch(&[stored.place])).unwrap().remove(0).unwrap();
                prop_assert_eq!(fetched.value.plaintext(), value.as_bytes());
                prop_assert_eq!(fetched.path.matching(), path.matching());
                let inventory = runtime.block_on(source.inventory()).unwrap();
                prop_assert_eq!(inventory.items[0].tags.to_vec(), tags);
            }
            Err(SourceError::Invalid { .. }) => {
                prop_assert!(runtime.block_on(source.inventory()).unwrap().items.is_empty());
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}
