//! The catalog against a naive scan, and case by case.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::custody::source::Vault;
use crate::model::{Category, Field, FieldId, FieldSelector, FieldType, Fields, Purpose, Reference};

const IDS: [&str; 4] = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbb2",
    "cccccccccccccccccccccccccc",
    "dddddddddddddddddddddddddd",
];

/// The first of an item's fields, to be changed.
fn first(item: &mut Item) -> &mut Field {
    match &mut item.fields {
        Fields::Known(fields) | Fields::Supposed(fields) => &mut fields[0],
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn vault(id: &str, title: &str) -> Vault {
    Vault { id: VaultId::new(id), name: name(title), description: None }
}

/// A field, as id, section and name.
type FieldSpec<'text> = (&'text str, Option<&'text str>, &'text str);

fn item(source: &str, vault: &Vault, id: &str, title: &str, fields: &[FieldSpec<'_>]) -> Arc<Item> {
    let path = ItemPath::new(&vault.name, &name(title)).unwrap();
    let fields = fields
        .iter()
        .map(|(id, section, label)| {
            let (section, label) = (section.map(name), name(label));
            let path = path.field(section.as_ref(), &label).unwrap();
            Field {
                id: FieldId::new(id),
                name: label,
                section_id: section.as_ref().map(|section| format!("Section_{}", section.as_str()).into()),
                section,
                kind: FieldType::Concealed,
                purpose: None,
                path,
                title_path: None,
            }
        })
        .collect();
    Arc::new(Item {
        source: SourceName::new(source),
        vault: vault.id.clone(),
        id: ItemId::new(id),
        path,
        category: Category::ApiCredential,
        tags: Arc::new([]),
        fields: Fields::Known(fields),
        version: 1,
        created_at: None,
        updated_at: None,
        expires_at: None,
        urls: Vec::new(),
    })
}

fn part(
    source: &str,
    view: SourceView,
    vaults: Vec<Vault>,
    items: Vec<Arc<Item>>,
) -> (SourceName, SourceView, Result<Arc<Inventory>, SourceError>) {
    (SourceName::new(source), view, Ok(Arc::new(Inventory { vaults, items, generation: None })))
}

fn down(source: &str, view: SourceView) -> (SourceName, SourceView, Result<Arc<Inventory>, SourceError>) {
    let source_name = SourceName::new(source);
    let error = SourceError::Unavailable { source_name: source_name.clone(), detail: String::new(), remedy: "" };
    (source_name, view, Err(error))
}

/// One source with one vault of these items.
fn one_vault(items: &[(&str, &str, &[FieldSpec<'_>])]) -> Catalog {
    let vault = vault(IDS[0], "Staging");
    let items = items.iter().map(|(id, title, fields)| item("home", &vault, id, title, fields)).collect();
    Catalog::build(vec![part("home", SourceView::default(), vec![vault], items)]).unwrap()
}

fn resolve(catalog: &Catalog, text: &str) -> Result<Resolved, Unresolved> {
    catalog.resolve(&Reference::parse(text).unwrap())
}

/// What a reference means, in one line.
fn meaning(catalog: &Catalog, text: &str) -> String {
    match resolve(catalog, text) {
        Ok(found) => found.field().map_or_else(|| found.item().path.to_string(), |field| field.path.to_string()),
        Err(Unresolved::Ambiguous { candidates, .. }) => format!("ambiguous: {}", candidates.join(" ")),
        Err(other) => other.to_string(),
    }
}

#[test]
fn names_match_without_regard_to_case_and_come_back_as_stored() {
    let catalog = one_vault(&[(IDS[1], "Stripe Ünï", &[("f1", None, "Credential"), ("f2", Some("Extra"), "Note/1")])]);
    assert_eq!(meaning(&catalog, "staging/STRIPE ÜNÏ"), "Staging/Stripe Ünï");
    assert_eq!(meaning(&catalog, "op://STAGING/stripe ünï/credential"), "Staging/Stripe Ünï/Credential");
    assert_eq!(meaning(&catalog, "Staging/Stripe Ünï/extra/note%2f1"), "Staging/Stripe Ünï/Extra/Note%2F1");
}

#[test]
fn ids_stand_in_for_names() {
    let catalog = one_vault(&[(IDS[1], "Stripe", &[("f1", None, "Credential")])]);
    let by_ids = format!("{}/{}/f1", IDS[0], IDS[1]);
    assert_eq!(meaning(&catalog, &by_ids), "Staging/Stripe/Credential");
    assert_eq!(meaning(&catalog, &by_ids.to_uppercase()), "there's no such vault");
}

#[test]
fn what_is_not_there_says_which_part_is_not() {
    let catalog = one_vault(&[(IDS[1], "Stripe", &[("f1", None, "Credential")])]);
    assert_eq!(meaning(&catalog, "Prod/Stripe"), "there's no such vault");
    assert_eq!(meaning(&catalog, "Staging/Strip"), "there's no such item");
    assert_eq!(meaning(&catalog, "Staging/Stripe/x"), "the item `Staging/Stripe` has no such field");
    assert_eq!(meaning(&catalog, "Staging/Stripe/S/Credential"), "the item `Staging/Stripe` has no such field");
}

#[test]
fn twins_are_ambiguous_by_title_and_have_paths_of_their_own() {
    let fields: &[FieldSpec<'_>] = &[("f1", None, "password")];
    let catalog = one_vault(&[(IDS[1], "Stripe", fields), (IDS[2], "stripe", fields), (IDS[3], "Other", fields)]);
    assert_eq!(meaning(&catalog, "Staging/Stripe/password"), format!("ambiguous: {} {}", IDS[1], IDS[2]));
    let paths: Vec<_> = catalog.items().iter().map(|item| item.path.to_string()).collect();
    assert_eq!(paths, ["Staging/Other".to_owned(), format!("Staging/{}", IDS[1]), format!("Staging/{}", IDS[2])]);
    let path = format!("Staging/{}/password", IDS[2]);
    assert_eq!(meaning(&catalog, &path), path);
}

#[test]
fn twins_keep_the_path_of_their_title_for_rules() {
    let fields: &[FieldSpec<'_>] = &[("f1", None, "password"), ("f2", None, "pin"), ("f3", None, "PIN")];
    let catalog = one_vault(&[(IDS[1], "Stripe", fields), (IDS[2], "stripe", fields)]);
    let twin = &catalog.items()[1];
    let by_title: Vec<_> =
        twin.fields.known().iter().map(|field| field.title_path.as_ref().unwrap().to_string()).collect();
    assert_eq!(by_title, ["Staging/stripe/password", "Staging/stripe/pin", "Staging/stripe/PIN"]);
    let single = one_vault(&[(IDS[1], "Stripe", &[("f1", None, "password")])]);
    let item = &single.items()[0];
    assert_eq!(item.fields.known()[0].title_path, None);
}

#[test]
fn a_title_cannot_pass_for_the_id_of_another_item() {
    for spoof in [IDS[2].to_owned(), IDS[2].to_uppercase()] {
        let catalog = one_vault(&[(IDS[1], &spoof, &[]), (IDS[2], "Real", &[])]);
        assert_eq!(meaning(&catalog, &format!("Staging/{}", IDS[2])), "Staging/Real");
        assert_eq!(meaning(&catalog, &format!("Staging/{}", IDS[1])), format!("Staging/{}", IDS[1]));
        assert_eq!(meaning(&catalog, &format!("Staging/{}", IDS[2].to_uppercase())), "there's no such item");
    }
    let own = one_vault(&[(IDS[1], &IDS[1].to_uppercase(), &[])]);
    assert_eq!(own.items()[0].path.to_string(), format!("Staging/{}", IDS[1]));
}

#[test]
fn a_name_cannot_pass_for_the_id_of_another_vault() {
    for spoof in [IDS[1].to_owned(), IDS[1].to_uppercase()] {
        let (spoof, real) = (vault(IDS[0], &spoof), vault(IDS[1], "Real"));
        let items = [&spoof, &real].map(|vault| item("home", vault, IDS[2], "I", &[])).into();
        let catalog = Catalog::build(vec![part("home", SourceView::default(), vec![spoof, real], items)]).unwrap();
        assert_eq!(meaning(&catalog, &format!("{}/I", IDS[1])), "Real/I");
        assert_eq!(meaning(&catalog, &format!("{}/I", IDS[0])), format!("{}/I", IDS[0]));
    }
}

#[test]
fn a_field_outside_of_sections_comes_first() {
    let catalog =
        one_vault(&[(IDS[1], "I", &[("f1", Some("S"), "token"), ("f2", None, "token"), ("f3", Some("T"), "pin")])]);
    assert_eq!(meaning(&catalog, "Staging/I/token"), "Staging/I/token");
    assert_eq!(meaning(&catalog, "Staging/I/S/token"), "Staging/I/S/token");
    assert_eq!(meaning(&catalog, "Staging/I/pin"), "Staging/I/T/pin");
}

#[test]
fn a_name_in_two_sections_is_ambiguous_with_the_ways_to_say_it() {
    let catalog = one_vault(&[(IDS[1], "I", &[("f1", Some("S"), "pin"), ("f2", Some("T"), "Pin")])]);
    assert_eq!(meaning(&catalog, "Staging/I/pin"), "ambiguous: S/pin T/Pin");
    assert_eq!(meaning(&catalog, "Staging/I/f2"), "Staging/I/T/Pin");
    assert_eq!(meaning(&catalog, "Staging/I/S/f2"), "the item `Staging/I` has no such field");
}

#[test]
fn a_section_goes_by_its_id_too_unless_another_has_that_for_a_name() {
    let of = [("f1", Some("S"), "pin"), ("f2", Some("T"), "pin")];
    let catalog = one_vault(&[(IDS[1], "I", &of)]);
    assert_eq!(meaning(&catalog, "Staging/I/Section_T/PIN"), "Staging/I/T/pin");
    assert_eq!(meaning(&catalog, "Staging/I/Section_S/f1"), "Staging/I/S/pin");
    assert_eq!(meaning(&catalog, "Staging/I/Section_S/f2"), "the item `Staging/I` has no such field");
    assert_eq!(meaning(&catalog, "Staging/I/section_s/pin"), "the item `Staging/I` has no such field");
    let catalog = one_vault(&[(IDS[1], "I", &[of[0], of[1], ("f3", Some("Section_T"), "pin")])]);
    assert_eq!(meaning(&catalog, "Staging/I/Section_T/pin"), "Staging/I/Section_T/pin");
}

#[test]
fn fields_of_one_name_go_by_their_ids() {
    let catalog = one_vault(&[(IDS[1], "I", &[("f1", None, "pin"), ("f2", None, "PIN"), ("f3", None, "f1")])]);
    assert_eq!(meaning(&catalog, "Staging/I/pin"), "ambiguous: f1 f2");
    assert_eq!(meaning(&catalog, "Staging/I/f2"), "Staging/I/f2");
    let places: Vec<_> =
        catalog.items()[0].fields.known().iter().map(|field| (field.id.as_str(), field.path.as_str())).collect();
    assert_eq!(places, [("f1", "Staging/I/f1"), ("f2", "Staging/I/f2"), ("f3", "Staging/I/f3")]);
}

#[test]
fn the_default_field_is_the_marked_one_then_an_extra_name_then_the_only_concealed_one() {
    let aliases = FieldAliases::new([(Category::ApiCredential, vec![name("apikey"), name("key")])].into());
    let vault = vault(IDS[0], "V");
    let value = |fields: &[FieldSpec<'_>], shape: fn(&mut Item)| {
        let mut item = Arc::unwrap_or_clone(item("home", &vault, IDS[1], "I", fields));
        shape(&mut item);
        let part = part("home", SourceView::default(), vec![vault.clone()], vec![Arc::new(item)]);
        let catalog = Catalog::build(vec![part]).unwrap();
        let found = resolve(&catalog, "V/I").unwrap();
        assert!(found.field().is_none());
        match found.value_field(&aliases) {
            Ok(field) => field.name.as_str().to_owned(),
            Err(Unresolved::Ambiguous { candidates, .. }) => candidates.join(" "),
            Err(other) => other.to_string(),
        }
    };
    let as_it_is = |_: &mut Item| {};
    let named: &[FieldSpec<'_>] = &[("f1", None, "key"), ("f2", None, "apikey"), ("credential", None, "c")];
    assert_eq!(value(named, |item| first(item).purpose = Some(Purpose::Password)), "key");
    assert_eq!(value(named, as_it_is), "c");
    assert_eq!(value(&[("f1", None, "key"), ("f2", None, "apikey"), ("f3", None, "c")], as_it_is), "apikey");
    let plain = |item: &mut Item| first(item).kind = FieldType::String;
    assert_eq!(value(&[("f1", None, "a"), ("f2", None, "b")], plain), "b");
    assert_eq!(value(&[("f1", None, "a"), ("f2", Some("S"), "b")], as_it_is), "a S/b");
    assert_eq!(value(&[("f1", None, "a")], plain), "a");
    assert_eq!(value(&[], as_it_is), "the item `V/I` has no such field");
}

#[test]
fn a_vault_of_one_name_in_two_sources_is_a_clash_that_names_both() {
    let (one, two) = (vault(IDS[0], "Prod"), vault(IDS[1], "PROD"));
    let parts = |view: SourceView| {
        vec![
            part("work", SourceView::default(), vec![one.clone()], vec![]),
            part("cluster", view, vec![two.clone()], vec![]),
        ]
    };
    let clash = Catalog::build(parts(SourceView::default())).unwrap_err().to_string();
    assert!(clash.contains("`work`") && clash.contains("`cluster`") && clash.contains("rename"), "{clash}");
    for from in ["prod", IDS[1]] {
        let renamed = SourceView { rename: vec![(name(from), name("Cluster"))], ..SourceView::default() };
        let catalog = Catalog::build(parts(renamed)).unwrap();
        let names: Vec<_> =
            catalog.vaults().iter().map(|vault| (vault.name.as_str(), vault.stored_name.as_str())).collect();
        assert_eq!(names, [("Cluster", "PROD"), ("Prod", "Prod")]);
    }
}

#[test]
fn a_renamed_vault_has_its_new_name_in_every_path() {
    let vault = vault(IDS[0], "Prod");
    let stored = item("work", &vault, IDS[1], "DB", &[("f1", Some("S"), "password")]);
    let view = SourceView { rename: vec![(name("Prod"), name("Cluster"))], ..SourceView::default() };
    let catalog = Catalog::build(vec![part("work", view, vec![vault], vec![stored])]).unwrap();
    assert_eq!(meaning(&catalog, "cluster/db/s/password"), "Cluster/DB/S/password");
    assert_eq!(meaning(&catalog, "Prod/DB"), "there's no such vault");
    let item = &catalog.items()[0];
    let place = item.target(&item.fields.known()[0]).place.unwrap();
    assert_eq!(catalog.path_at_source(&place).unwrap().as_str(), "Prod/DB/S/password");
    assert_eq!(item.fields.known()[0].title_path, None);
}

#[test]
fn a_blocked_vault_is_never_seen_by_any_of_its_names() {
    for blocked in ["hr", "People", IDS[0]] {
        let view = SourceView {
            vaults: Some(vec![name("HR"), name(IDS[1])]),
            blocked_vaults: vec![name(blocked)],
            rename: vec![(name("HR"), name("People"))],
        };
        let (hr, dev, other) = (vault(IDS[0], "HR"), vault(IDS[1], "Dev"), vault(IDS[2], "Other"));
        let items = [&hr, &dev, &other].into_iter().map(|vault| item("work", vault, IDS[3], "I", &[])).collect();
        let catalog = Catalog::build(vec![part("work", view, vec![hr, dev, other], items)]).unwrap();
        let paths: Vec<_> = catalog.items().iter().map(|item| item.path.as_str()).collect();
        assert_eq!(paths, ["Dev/I"], "{blocked}");
        for text in ["HR/I".to_owned(), "People/I".to_owned(), "Other/I".to_owned(), format!("{}/I", IDS[0])] {
            assert_eq!(meaning(&catalog, &text), "there's no such vault");
        }
    }
}

#[test]
fn a_vault_that_a_silent_source_may_have_is_not_said_to_be_missing() {
    let view =
        SourceView { vaults: None, blocked_vaults: vec![name("HR")], rename: vec![(name("Prod"), name("Cluster"))] };
    let catalog = Catalog::build(vec![down("work", view)]).unwrap();
    let is_down = |text: &str| matches!(resolve(&catalog, text), Err(Unresolved::SourceDown(_)));
    assert_eq!(["Any/I", "Cluster/I", "Prod/I", "hr/I"].map(is_down), [true, true, false, false]);
    assert_eq!(catalog.outages()[0].source.as_str(), "work");
    let listed = SourceView { vaults: Some(vec![name("Dev")]), ..SourceView::default() };
    let catalog = Catalog::build(vec![down("work", listed)]).unwrap();
    let is_down = |text: &str| matches!(resolve(&catalog, text), Err(Unresolved::SourceDown(_)));
    assert_eq!(["dev/I", "Prod/I"].map(is_down), [true, false]);
}

#[test]
fn one_vault_seen_through_two_sources_is_ambiguous_by_id_alone() {
    let renamed = SourceView { rename: vec![(name("Prod"), name("Mirror"))], ..SourceView::default() };
    let prod = vault(IDS[0], "Prod");
    let parts = ["work", "cluster"].into_iter().zip([SourceView::default(), renamed]);
    let parts =
        parts.map(|(source, view)| part(source, view, vec![prod.clone()], vec![item(source, &prod, IDS[1], "I", &[])]));
    let catalog = Catalog::build(parts.collect()).unwrap();
    assert_eq!(meaning(&catalog, &format!("{}/I", IDS[0])), "ambiguous: Mirror Prod");
    assert_eq!(resolve(&catalog, "mirror/i").unwrap().item().source.as_str(), "cluster");
}

#[test]
fn an_item_of_an_unknown_vault_is_not_there() {
    let (known, unknown) = (vault(IDS[0], "V"), vault(IDS[1], "W"));
    let items = vec![item("home", &unknown, IDS[2], "I", &[])];
    let catalog = Catalog::build(vec![part("home", SourceView::default(), vec![known], items)]).unwrap();
    assert!(catalog.items().is_empty());
    assert_eq!(catalog.vaults()[0].items, 0);
}

/// Titles that clash in every way there is.
fn titles() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A", "a", "B", "É", "é", IDS[1], IDS[2], "BBBBBBBBBBBBBBBBBBBBBBBBB2", "a/b", "A%"])
}

fn fields() -> impl Strategy<Value = Vec<FieldSpec<'static>>> {
    let words = || prop::sample::select(vec!["x", "X", "y", "z", "x/y", "1"]);
    let field = (words(), prop::option::of(prop::sample::select(vec!["S", "s", "x"])), words());
    prop::collection::vec(field, 0..5).prop_map(|mut fields| {
        let mut ids = HashSet::new();
        fields.retain(|(id, _, _)| ids.insert(*id));
        fields
    })
}

fn worlds() -> impl Strategy<Value = Catalog> {
    let items = prop::collection::vec((0..2_usize, prop::sample::select(IDS.to_vec()), titles(), fields()), 0..8);
    items.prop_map(|specs| {
        let vaults = [vault(IDS[0], "V"), vault(IDS[1], "W")];
        let items = specs.iter().map(|(at, id, title, fields)| item("home", &vaults[*at], id, title, fields)).collect();
        Catalog::build(vec![part("home", SourceView::default(), vaults.into(), items)]).unwrap()
    })
}

/// References in the words that such worlds are made of.
fn references() -> impl Strategy<Value = Reference> {
    let vault = prop::sample::select(vec!["V", "v", "w", IDS[0], IDS[1], IDS[3]]);
    let word = || prop::sample::select(vec!["x", "X", "y", "Z", "S", "s", "X/y", "1"]);
    let section = prop::sample::select(vec!["x", "X", "S", "s", "1", "Section_S", "Section_s", "Section_x"]);
    let selector = prop_oneof![
        Just(FieldSelector::Default),
        word().prop_map(|word| FieldSelector::Field(name(word))),
        (section, word()).prop_map(|(section, word)| FieldSelector::InSection(name(section), name(word))),
    ];
    (vault, titles(), selector).prop_map(|(vault, item, field)| Reference {
        vault: name(vault),
        item: name(item),
        field,
        attribute: None,
    })
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// Reads every item and every field, each time, and compares lower-cased texts.
fn naive(catalog: &Catalog, reference: &Reference) -> String {
    let Some(vault) = catalog.vaults().iter().find(|vault| {
        vault.id.as_str() == reference.vault.as_str() || lower(vault.name.as_str()) == lower(reference.vault.as_str())
    }) else {
        return "there's no such vault".to_owned();
    };
    let wanted = reference.item.as_str();
    let here = catalog.items().iter().zip(&catalog.stored).filter(|(item, _)| item.vault == vault.id);
    let like_id = |text: &str| text.len() == 26 && lower(text).bytes().all(|byte| byte.is_ascii_alphanumeric());
    let found: Vec<_> = here
        .filter(|(item, stored)| {
            let title = stored.path.names()[1].as_str().to_owned();
            item.id.as_str() == wanted || (!like_id(&title) && lower(&title) == lower(wanted))
        })
        .map(|(item, _)| item)
        .collect();
    let item = match found.as_slice() {
        [] => return "there's no such item".to_owned(),
        [item] => item,
        many => {
            return format!("ambiguous: {}", many.iter().map(|item| item.id.as_str()).collect::<Vec<_>>().join(" "));
        }
    };
    let (section, wanted) = match &reference.field {
        FieldSelector::Default => return item.path.to_string(),
        FieldSelector::Field(field) => (None, field),
        FieldSelector::InSection(section, field) => (Some(section), field),
    };
    let path = match section {
        None => format!("{}/{}", item.path, wanted.escaped()),
        Some(section) => format!("{}/{}/{}", item.path, section.escaped(), wanted.escaped()),
    };
    let in_section =
        |field: &&Field| field.section.as_ref().map(|s| lower(s.as_str())) == section.map(|s| lower(s.as_str()));
    let named = |field: &&Field| lower(field.name.as_str()) == lower(wanted.as_str());
    let by_id = |field: &&Field| field.id.as_str() == wanted.as_str();
    let inside = |field: &&Field| {
        section.is_some_and(|section| {
            field.section.as_ref().is_some_and(|s| format!("Section_{}", s.as_str()) == section.as_str())
        })
    };
    let stages: [Vec<&Field>; 6] = [
        item.fields.known().iter().filter(|field| lower(field.path.as_str()) == lower(&path)).collect(),
        item.fields.known().iter().filter(in_section).filter(named).collect(),
        item.fields.known().iter().filter(|_| section.is_none()).filter(named).collect(),
        item.fields.known().iter().filter(|field| section.is_none() || in_section(field)).filter(by_id).collect(),
        item.fields.known().iter().filter(inside).filter(named).collect(),
        item.fields.known().iter().filter(inside).filter(by_id).collect(),
    ];
    match stages.iter().find(|stage| !stage.is_empty()).map(Vec::as_slice) {
        None => format!("the item `{}` has no such field", item.path),
        Some([field]) => field.path.to_string(),
        Some(many) => {
            let tails = many
                .iter()
                .map(|field| field.path.as_str().strip_prefix(item.path.as_str()).unwrap().trim_start_matches('/'));
            format!("ambiguous: {}", tails.collect::<Vec<_>>().join(" "))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resolving_agrees_with_a_naive_scan(catalog in worlds(), references in prop::collection::vec(references(), 20)) {
        for reference in references {
            prop_assert_eq!(meaning(&catalog, &reference.to_string()), naive(&catalog, &reference), "{}", reference);
        }
    }

    #[test]
    fn every_path_is_one_things_alone_and_means_that_thing(catalog in worlds()) {
        let mut seen = HashSet::new();
        for item in catalog.items() {
            prop_assert!(seen.insert(item.path.matching().to_owned()), "{}", item.path);
            let found = resolve(&catalog, item.path.as_str()).unwrap();
            prop_assert!(Arc::ptr_eq(found.item(), item));
            for field in item.fields.known() {
                prop_assert!(seen.insert(field.path.matching().to_owned()), "{}", field.path);
                let found = resolve(&catalog, field.path.as_str()).unwrap();
                prop_assert_eq!(&found.field().unwrap().id, &field.id);
            }
        }
    }

    #[test]
    fn pages_cover_every_item_once(catalog in worlds(), size in 1..4_usize) {
        let mut after: Option<String> = None;
        let mut walked = Vec::new();
        loop {
            let page: Vec<_> = catalog.items_from(after.as_deref()).iter().take(size).collect();
            let Some(last) = page.last() else { break };
            after = Some(last.path.to_string());
            walked.extend(page.iter().map(|item| item.path.to_string()));
        }
        prop_assert!(walked.is_sorted());
        prop_assert_eq!(walked.len(), catalog.items().len());
    }
}
