//! Hostile text in what a record may hold, and what it can't hold at all.

use proptest::prelude::*;

use super::*;

fn write(source: &str, rules: &[&str]) -> (Place, Record) {
    let words = AskedWords::of(source);
    let place = Place::new();
    let mut asked = Asked::new();
    asked.source = SourceName::new(source);
    asked.rules = rules.iter().map(|rule| RuleId::new(rule)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = place.open();
    let entry = Entry { asked: words.as_ref(), ..asked.entry() };
    let intent = runtime.block_on(log.intent(entry)).unwrap();
    drop(intent);
    let record = place.records().swap_remove(0);
    (place, record)
}

fn assert_one_line_each(place: &Place) {
    let bytes = place.bytes();
    assert_eq!(bytes.iter().filter(|&&byte| byte < 0x20).count(), 2, "only the two line ends");
    let text = String::from_utf8(bytes).unwrap();
    let hidden =
        |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}' | '\u{200b}'));
    assert!(!text.contains(hidden), "{text:?}");
    assert!(verify(&place.file).unwrap().is_intact());
}

#[test]
fn hostile_text_stays_one_visible_line_and_reads_back() {
    let hostile = "a\nb\r\t\u{1b}[2J\u{0}\u{7f}\u{85}\u{2028}\u{2029}\u{202e}\u{200b}\u{feff}\u{e0041}\"\\/é😀";
    let (place, record) = write(hostile, &[hostile, "", "plain"]);
    assert_one_line_each(&place);
    assert_eq!(record.source.as_deref(), Some(hostile));
    assert_eq!(record.asked.unwrap().as_str(), hostile);
    assert_eq!(record.rules, [hostile, "", "plain"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_reads_back_as_it_was(source in any::<String>(), rule in "[\\x00-\\x7f\u{2028}\u{202e}]{0,20}") {
        let (place, record) = write(&source, &[&rule]);
        assert_one_line_each(&place);
        prop_assert_eq!(record.source, Some(source));
        prop_assert_eq!(record.rules, [rule]);
    }
}

#[test]
fn a_record_no_line_can_hold_is_refused() {
    let place = Place::new();
    let mut asked = Asked::new();
    asked.rules = (0..2000).map(|n| RuleId::new(&format!("a-rule-with-quite-a-long-name-{n}"))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = place.open();
    assert_eq!(runtime.block_on(log.intent(asked.entry())).unwrap_err(), AuditError::TooLong);
    assert!(place.bytes().is_empty());
}

/// What an entry is made of, by type: a new kind of field must be looked at here.
#[test]
fn an_entry_has_no_field_that_a_value_could_be_put_into() {
    let source = include_str!("../entry.rs");
    let fields: Vec<&str> = source
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with("pub struct Entry"))
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("pub ").filter(|field| field.contains(": ")))
        .collect();
    assert_eq!(
        fields,
        [
            "request: RequestId,",
            "principal: &'a PrincipalName,",
            "client: &'a ClientName,",
            "transport: Transport,",
            "action: Action,",
            "path: Subject<'a>,",
            "source: Option<&'a SourceName>,",
            "delivery: Option<&'a Delivery>,",
            "asked: Option<&'a AskedWords>,",
            "decision: Decision,",
            "rules: &'a [RuleId],",
            "policy: PolicyHash,",
            "reason: Option<&'a Reason>,",
        ]
    );
    assert!(!source.contains("String") && !source.contains("&'a str") && !source.contains("[u8]"));
}

macro_rules! lacks {
    ($type:ty: $($trait:path),*) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn here() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Twice;
            impl<T: ?Sized + $trait> Ambiguous<Twice> for T {}
            // This compiles only while exactly one of the two applies.
            let _ = <$type as Ambiguous<_>>::here;
        };
    )*};
}

lacks!(Intent: Clone, Default, serde::de::DeserializeOwned);
lacks!(Receipt: Clone, Default, serde::de::DeserializeOwned);
