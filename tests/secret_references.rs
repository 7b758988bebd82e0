//! Our reading of `op://` references against 1Password's: its parser's verdicts on 76 of them.
//!
//! Where the two differ, it's on purpose and said here why. A difference that isn't listed fails, and so does one
//! that's listed and no longer there.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers are no tests to clippy")]

use opward::model::{Attribute, FieldSelector, Reference};
use serde_json::Value;

const VERDICTS: &str = include_str!("../fixtures/onepassword/secret-reference-oracle.jsonl");

/// How we differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// We refuse what 1Password accepts.
    Refuse,
    /// We accept what 1Password refuses.
    Accept,
    /// Both accept, and we mean something else.
    ReadOtherwise,
}

/// The references we treat otherwise, and why.
const DIFFERENCES: [(&str, Difference, &[&str]); 7] = [
    (
        "an empty name names nothing",
        Difference::Refuse,
        &[
            "op:///item/field",
            "op://vault//field",
            "op://vault/item/",
            "op://vault/item/section/",
            "op://vault/item/f/",
        ],
    ),
    ("a path has at most 512 bytes, so that no caller fills a log", Difference::Refuse, &[LONG]),
    ("an item has a path too, for its default field", Difference::Accept, &["op://vault/item"]),
    ("a path is the same without `op://`", Difference::Accept, &["vault/item/field", "op:/vault/item/field"]),
    ("the `op` program accepts `attr`", Difference::Accept, &["op://vault/item/field?attr=otp"]),
    (
        "only `?attribute=`, `?attr=` and `?ssh-format=` begin a query: names may hold question marks, and a name that \
         nothing has isn't found",
        Difference::Accept,
        &["op://vault/item/field?", "op://vault/item/field?bogus=1", "op://vault/item/field?ATTRIBUTE=otp"],
    ),
    (
        "a key comes in the format it's kept in, and who asks for another is told so",
        Difference::Refuse,
        &["op://vault/item/private key?ssh-format=openssh"],
    ),
];

/// Names that `op://` can't carry exist in 1Password all the same, so paths can name them.
const NAMES: [&str; 24] = [
    "op://vault/it(em)/field",
    "op://vault/item&co/field",
    "op://vault/item/fi'eld",
    "op://vault/itém/field",
    "op://vault/日本/field",
    "op://vault/item/a+b",
    "op://vault/item/a@b.com",
    "op://vault/item/a:b",
    "op://vault/item/a,b",
    "op://vault/item/a#b",
    "op://vault/item/a=b",
    "op://vault/item/\u{a0}x",
    "op://$APP_ENV/item/field",
    "op://vault/item/*",
    "op://vault/item/x\"y",
    "op://va–ult/i/f",
    "op://vault/item/emoji😀",
    "op://vault/item/a~b",
    "op://vault/item/a!b",
    "op://vault/item/a;b",
    "op://vault/item/a[b]",
    "op://vault/item/a{b}",
    "op://vault/item/a|b",
    "op://vault/item/\u{ff41}",
];

/// As the list of verdicts abbreviates it.
const LONG: &str = "op://vault/item/aaaa…(5000 a)";

#[test]
fn we_read_references_as_1password_does_but_where_we_mean_not_to() {
    let (mut wrong, mut differing, mut count) = (Vec::new(), 0, 0);
    for line in VERDICTS.lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let (shown, accepted) = (verdict["ref"].as_str().unwrap(), verdict["verdict"] == "ok");
        let text = if shown == LONG { format!("op://vault/item/{}", "a".repeat(5000)) } else { shown.to_owned() };
        let ours = Reference::parse(&text).ok();
        let found = match (&ours, accepted) {
            (Some(ours), true) if parts(ours) != parts_by_1password(&text) => Some(Difference::ReadOtherwise),
            (Some(_), true) | (None, false) => None,
            (None, true) => Some(Difference::Refuse),
            (Some(_), false) => Some(Difference::Accept),
        };
        if found != listed(shown) {
            wrong.push(format!("{shown:?}: {found:?}, and {:?} is listed", listed(shown)));
        }
        differing += usize::from(found.is_some());
        count += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let all = DIFFERENCES.iter().map(|(_, _, references)| references.len()).sum::<usize>() + NAMES.len();
    assert_eq!((count, differing), (76, all), "a listed reference isn't among the verdicts, or twice in the list");
}

#[test]
fn each_name_that_op_cannot_carry_comes_back_as_it_was() {
    for text in NAMES {
        let reference = Reference::parse(text).unwrap();
        assert_eq!(parts(&reference), parts_by_1password(text));
        assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
    }
}

fn listed(text: &str) -> Option<Difference> {
    if NAMES.contains(&text) {
        return Some(Difference::Accept);
    }
    let known = DIFFERENCES.iter().find(|(_, _, references)| references.contains(&text));
    known.map(|(_, difference, _)| *difference)
}

/// What a reference names, and whether it asks for a code.
fn parts(reference: &Reference) -> (Vec<String>, bool) {
    let mut names = vec![&reference.vault, &reference.item];
    match &reference.field {
        FieldSelector::Default => {}
        FieldSelector::Field(field) => names.push(field),
        FieldSelector::InSection(section, field) => names.extend([section, field]),
    }
    let names = names.iter().map(|name| name.as_str().to_owned()).collect();
    (names, reference.attribute == Some(Attribute::Otp))
}

/// The same as 1Password's grammar has it: the query is cut off, the rest is split.
fn parts_by_1password(text: &str) -> (Vec<String>, bool) {
    let path = text.strip_prefix("op://").unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (path.split('/').map(str::to_owned).collect(), matches!(query, "attribute=otp" | "attribute=totp"))
}
