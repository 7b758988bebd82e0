//! Both dialects, and editing that leaves everything else as it was.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::custody::source::Change;
use crate::custody::source::onepassword::failure::Failure;
use crate::custody::value::SecretValue;
use crate::model::{Category, FieldType, Item, ItemPath, Name, Purpose, SecretPath, SourceName, Tag, VaultId};

const VAULT: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvv";
const ITEM: &str = "iiiiiiiiiiiiiiiiiiiiiiiiii";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn parse(json: &Value) -> Document {
    Document::parse(&Zeroizing::new(serde_json::to_vec(json).unwrap())).unwrap()
}

fn whole(json: &Value) -> Item {
    parse(json).whole_item(&SourceName::new("work"), &name("V")).unwrap()
}

/// An item of a category with these fields.
fn item(category: &str, fields: &Value) -> Value {
    json!({ "id": ITEM, "vault": { "id": VAULT }, "title": "T", "category": category, "version": 1, "fields": fields })
}

/// The ids and the paths of an item's fields.
fn shown(json: &Value) -> Vec<(String, String)> {
    let tail = |path: &str| path.strip_prefix("V/T/").unwrap().to_owned();
    whole(json).fields.known().iter().map(|field| (field.id.as_str().to_owned(), tail(field.path.as_str()))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, path)| ((*id).to_owned(), (*path).to_owned())).collect()
}

#[test]
fn the_two_dialects_read_alike() {
    let common = json!({
        "id": ITEM, "title": "T", "vault": { "id": VAULT }, "version": 7, "tags": ["b", "a"],
        "urls": [{ "href": "https://example.com", "primary": true }, { "href": "bad\nurl" }],
        "fields": [
            { "id": "credential", "type": "CONCEALED", "label": "credential", "value": "s" },
            { "id": "expires", "type": "DATE", "label": "expires", "value": "1798718460" },
        ],
    });
    let with = |more: &[(&str, &str)]| {
        let mut item = common.clone();
        for (key, value) in more {
            item[*key] = json!(value);
        }
        whole(&item)
    };
    let op = with(&[
        ("category", "API Credential"),
        ("created_at", "2024-01-01T02:00:00.000001+02:00"),
        ("updated_at", "2024-06-01T00:00:00Z"),
    ]);
    let connect = with(&[
        ("category", "API_CREDENTIAL"),
        ("createdAt", "2024-01-01T00:00:00.000001Z"),
        ("updatedAt", "2024-06-01T00:00:00Z"),
    ]);
    assert_eq!(op, connect);
    assert_eq!((op.category, op.version, op.urls.len(), op.tags.len()), (Category::ApiCredential, 7, 1, 2));
    assert!(op.created_at.is_some() && op.updated_at.is_some() && op.expires_at.is_some());
}

#[test]
fn fields_go_by_labels_and_where_those_are_unfit_by_ids() {
    let fields = json!([
        { "id": "a1", "type": "STRING", "label": "plain", "value": "1" },
        { "id": "a2", "type": "STRING", "value": "2" },
        { "id": "a3", "type": "STRING", "label": "tab\there", "value": "3" },
        { "id": "a4", "type": "STRING", "label": "abcdefghijklmnopqrstuvwxyz", "value": "4" },
        { "id": "", "type": "STRING", "label": "no id", "value": "5" },
        { "type": "STRING", "value": "neither" },
        { "id": "a6", "type": "STRING", "label": "AOL/AIM", "value": "6" },
        { "id": "a7", "type": "CONCEALED", "section": { "id": "add more" }, "label": "x", "value": "7" },
        { "id": "a8", "type": "CONCEALED", "section": { "id": "s1" }, "label": "x", "value": "8" },
        { "id": "a9", "type": "CONCEALED", "section": { "id": "s2", "label": "Own" }, "label": "x", "value": "9" },
        { "id": "b1", "type": "CONCEALED", "section": { "id": null }, "label": "y", "value": "10" },
    ]);
    let mut item = item("LOGIN", &fields);
    item["sections"] = json!([{ "id": "s1", "label": "Keys" }, { "id": "s2" }]);
    let expected = [
        ("a1", "plain"),
        ("a2", "a2"),
        ("a3", "a3"),
        ("a4", "a4"),
        ("no id", "no id"),
        ("a6", "AOL%2FAIM"),
        ("a7", "add more/x"),
        ("a8", "Keys/x"),
        ("a9", "Own/x"),
        ("b1", "y"),
    ];
    assert_eq!(shown(&item), pairs(&expected));
}

#[test]
fn ids_that_are_shared_are_told_apart_or_not_used() {
    let in_section = |id: &str, section: &str, value: &str| json!({ "id": id, "type": "STRING", "section": { "id": section }, "label": value, "value": value });
    let fields = json!([
        in_section("f", "s1", "one"),
        in_section("f", "s2", "two"),
        in_section("g", "s1", "three"),
        in_section("g", "s1", "four"),
        in_section("h", "s1", "five"),
    ]);
    let expected = [("s1.f", "s1/one"), ("s2.f", "s2/two"), ("h", "s1/five")];
    assert_eq!(shown(&item("LOGIN", &fields)), pairs(&expected));
}

#[test]
fn kinds_that_are_not_known_to_be_plain_are_concealed() {
    for (kind, expected) in [
        ("STRING", FieldType::String),
        ("string", FieldType::String),
        ("MENU", FieldType::String),
        ("URL", FieldType::Url),
        ("OTP", FieldType::Otp),
        ("TOTP", FieldType::Otp),
        ("CONCEALED", FieldType::Concealed),
        ("SSHKEY", FieldType::Concealed),
        ("CREDIT_CARD_NUMBER", FieldType::Concealed),
        ("UNKNOWN", FieldType::Concealed),
        ("", FieldType::Concealed),
    ] {
        let item = whole(&item("LOGIN", &json!([{ "id": "f", "type": kind, "value": "v" }])));
        assert_eq!(item.fields.known()[0].kind, expected, "{kind}");
    }
}

#[test]
fn empty_fields_are_not_seen_unless_they_are_the_items_secret() {
    let fields = json!([
        { "id": "username", "type": "STRING", "purpose": "USERNAME" },
        { "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "value": "" },
        { "id": "credential", "type": "CONCEALED", "value": null },
        { "id": "notesPlain", "type": "STRING", "purpose": "NOTES" },
    ]);
    let json = item("LOGIN", &fields);
    assert_eq!(shown(&json), pairs(&[("password", "password"), ("credential", "credential")]));
    assert!(parse(&json).values(&whole(&json).path).is_empty());
    assert_eq!(whole(&json).marked_field().unwrap().purpose, Some(Purpose::Password));
}

#[test]
fn a_title_no_path_can_carry_gives_way_to_the_id() {
    for title in ["", "..", "a\u{202e}b", &"x".repeat(600)] {
        let mut json = item("LOGIN", &json!([]));
        json["title"] = json!(title);
        assert_eq!(whole(&json).path.as_str(), format!("V/{ITEM}"), "{title:?}");
    }
    let mut json = item("LOGIN", &json!([]));
    json["title"] = json!("a/b (c) & \"d\"");
    assert_eq!(whole(&json).path.as_str(), "V/a%2Fb (c) & \"d\"");
}

#[test]
fn every_category_has_fields_to_decide_on() {
    for category in Category::ALL {
        let json = item(category.as_str(), &json!([]));
        let listed = parse(&json).listed_item(&SourceName::new("work"), &name("V")).unwrap();
        assert_eq!((listed.category, listed.fields.are_known()), (category, false));
        let mut ids: Vec<_> = listed.fields.decided_on().iter().map(|field| field.id.as_str()).collect();
        assert!(ids.contains(&"notesPlain"), "{category}");
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{category}");
    }
    let expected = ["username", "credential", "type", "filename", "validFrom", "expires", "hostname", "notesPlain"];
    assert!(usual::of(Category::ApiCredential).iter().map(|usual| usual.id).eq(expected));
}

#[test]
fn what_connect_only_shows_is_not_sent_back() {
    let fields = json!([
        { "id": "otp", "type": "OTP", "label": "code", "value": "otpauth://totp/x?secret=AAAA", "totp": "123456" },
        { "id": "password", "type": "CONCEALED", "value": "old", "entropy": 12.5, "purpose": "PASSWORD" },
    ]);
    let mut json = item("LOGIN", &fields);
    let mut op = parse(&json);
    op.set_value(1, "new").unwrap();
    assert_eq!((op.0["fields"][0]["totp"].as_str(), op.0["fields"][1].get("entropy")), (Some("123456"), None));
    json["updatedAt"] = json!("2024-01-01T00:00:00Z");
    let mut connect = parse(&json);
    connect.set_value(1, "new").unwrap();
    assert!(!connect.0.to_string().contains("123456") && connect.0["fields"][1]["value"] == "new");
}

#[test]
fn a_one_time_passwords_seed_gets_the_id_1password_wants() {
    let mut document = parse(&item("LOGIN", &json!([])));
    let path = SecretPath::parse("V/T/code").unwrap();
    let id = document.add_field(&path, "otpauth://totp/x?secret=AAAA").unwrap();
    assert!(id.as_str().starts_with("TOTP_") && document.0["fields"][0]["type"] == "OTP");
    document.set_value(0, "x").unwrap();
    assert_eq!(document.add_field(&SecretPath::parse("V/T/pin").unwrap(), "1").unwrap().as_str().len(), 26);
    assert_eq!(document.0["fields"][1]["type"], "CONCEALED");
}

#[test]
fn a_new_item_is_as_its_category_wants_it() {
    let change = |path: &str, category| Change {
        path: SecretPath::parse(path).unwrap(),
        place: None,
        value: SecretValue::new("v".to_owned()),
        category,
        tags: Some(vec![Tag::new("t").unwrap()]),
        expires_at: None,
        if_version: None,
    };
    let new = |path: &str, category| Document::new(&VaultId::new(VAULT), &change(path, Some(category)));
    let (login, id) = new("V/T/password", Category::Login).unwrap();
    assert_eq!(id.as_str(), "password");
    let password =
        json!({ "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": "v" });
    assert_eq!(login.0["fields"], json!([password]));
    assert_eq!((&login.0["category"], &login.0["tags"], login.0.get("id")), (&json!("LOGIN"), &json!(["t"]), None));
    let (note, id) = new("V/T/notesPlain", Category::SecureNote).unwrap();
    assert_eq!((id.as_str(), &note.0["fields"][0]["purpose"]), ("notesPlain", &json!("NOTES")));
    assert_eq!(new("V/T/Valid From", Category::ApiCredential).unwrap().1.as_str(), "validFrom");
    assert!(matches!(new("V/T/pin", Category::Password), Err(Failure::Unsupported(_))));
    for category in Category::ALL {
        let made = new(&format!("V/T/{}", category.default_field()), category);
        assert!(matches!(made, Ok(_) | Err(Failure::Unsupported(_))), "{category}");
    }
}

#[test]
fn an_expiry_goes_where_the_category_keeps_it() {
    let at = "2027-01-31T08:00:00Z".parse().unwrap();
    let path = ItemPath::parse("V/T").unwrap();
    let there = json!([{ "id": "expires", "type": "DATE", "label": "expires" }]);
    for fields in [json!([]), there] {
        let mut document = parse(&item("API_CREDENTIAL", &fields));
        document.set_expiry(at, &path).unwrap();
        assert_eq!(document.0["fields"].as_array().unwrap().len(), 1);
        assert_eq!(document.whole_item(&SourceName::new("work"), &name("V")).unwrap().expires_at, Some(at));
    }
    assert!(matches!(parse(&item("LOGIN", &json!([]))).set_expiry(at, &path), Err(Failure::Unsupported(_))));
}

/// Any JSON, as a later 1Password might add it.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

prop_compose! {
    fn any_field()(
        id in prop_oneof!["[a-c]{0,2}", "[a-z0-9]{26}"],
        label in prop::option::of(".{0,6}"),
        value in prop::option::of(".{0,12}"),
        section in prop::option::of("[ab]{0,2}"),
        more in anything(),
    ) -> Value {
        let mut field = json!({ "id": id, "type": "CONCEALED", "more": more });
        if let Some(label) = label { field["label"] = json!(label); }
        if let Some(value) = value { field["value"] = json!(value); }
        if let Some(section) = section { field["section"] = json!({ "id": section }); }
        field
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn setting_a_value_changes_that_value_alone(
        fields in prop::collection::vec(any_field(), 1..6),
        more in anything(),
        new in ".{1,20}",
        chosen in any::<prop::sample::Index>(),
    ) {
        let mut json = item("LOGIN", &json!(fields));
        json["more"] = more;
        let mut document = parse(&json);
        let at = chosen.index(fields.len());
        document.set_value(at, &new).unwrap();
        let mut after: Value = serde_json::from_slice(&document.to_json()).unwrap();
        prop_assert_eq!(&after["fields"][at]["value"], &json!(new));
        match json["fields"][at].get("value").cloned() {
            Some(old) => after["fields"][at]["value"] = old,
            None => { after["fields"][at].as_object_mut().unwrap().remove("value"); }
        }
        prop_assert_eq!(after, json);
    }

    #[test]
    fn adding_a_field_keeps_all_that_was_there_and_is_found_by_its_path(
        fields in prop::collection::vec(any_field(), 0..6),
        section in prop::option::of("[a-z]{3,6}"),
        field in "[a-z]{3,9}",
        new in ".{1,20}",
    ) {
        let json = item("API_CREDENTIAL", &json!(fields));
        let mut document = parse(&json);
        let path = ItemPath::parse("V/T").unwrap();
        let path = path.field(section.as_deref().map(name).as_ref(), &name(&field)).unwrap();
        let id = document.add_field(&path, &new).unwrap();
        let after: Value = serde_json::from_slice(&document.to_json()).unwrap();
        let all = after["fields"].as_array().unwrap();
        prop_assert_eq!(&all[..fields.len()], fields.as_slice());
        prop_assert_eq!(all.len(), fields.len() + 1);
        let item = whole(&after);
        let added = item.fields.known().iter().find(|known| known.id == id).unwrap();
        prop_assert!(added.path.matching() == path.matching() || usual::find(Category::ApiCredential, &name(&field)).is_some());
    }

    #[test]
    fn reading_never_panics_and_every_id_is_one_fields_alone(json in anything(), fields in prop::collection::vec(any_field(), 0..8)) {
        let mut document = item("LOGIN", &json!(fields));
        document["urls"] = json.clone();
        document["tags"] = json.clone();
        document["sections"] = json.clone();
        document["version"] = json.clone();
        let item = whole(&document);
        let mut ids: Vec<_> = item.fields.known().iter().map(|field| field.id.clone()).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), count);
        document["fields"] = json;
        whole(&document);
    }
}
