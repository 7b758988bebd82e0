//! What counts as an exposure, as a change, and as knowing a value.

use super::*;
use crate::audit::{Decision, Subject};

#[tokio::test]
async fn a_value_that_was_read_is_exposed() {
    let book = Book::new();
    assert_eq!(book.all(), []);
    book.done(&Wanted { rules: vec!["first", "second"], ..Wanted::read() }).await;
    book.minutes(5);
    book.done(&Wanted { rules: vec!["second", "third"], ..Wanted::read() }).await;
    let [exposure] = book.all().try_into().unwrap();
    assert_eq!((exposure.path.as_str(), exposure.principal.as_str()), (SECRET, "agent"));
    assert_eq!((exposure.how, exposure.delivery.as_deref(), exposure.count), (How::Read, None, 2));
    assert_eq!((exposure.first, exposure.last), (at(START), at("2026-11-21T10:05:00Z")));
    assert_eq!(exposure.rules, [RuleId::new("second"), RuleId::new("third")]);
    assert_eq!(exposure.changed_since, None);
    let present = exposure.present.clone().unwrap();
    // What's owed to a rule is owed since the first time, however often it allowed a read since.
    let owed = [("first", exposure.first), ("second", exposure.first), ("third", exposure.last)];
    assert_eq!(present.owed, owed.map(|(rule, since)| (RuleId::new(rule), since)));
    assert_eq!(present.count, 2);
    assert_eq!(book.ledger.of(&[path(SECRET), path("V/I/f")]).unwrap(), [vec![exposure], vec![]]);
    assert!(book.knows("agent", SECRET) && !book.knows("other", SECRET) && !book.knows("agent", "V/I/f"));
}

#[tokio::test]
async fn a_read_without_a_good_end_gave_nothing() {
    let book = Book::new();
    for (outcome, _) in endings().into_iter().filter(|(outcome, _)| outcome.code().is_some()) {
        book.whole(&Wanted::read(), outcome).await;
    }
    drop(book.begin(&Wanted::read()).await);
    let open = book.begin(&Wanted::read()).await;
    assert_eq!(book.all(), []);
    assert!(!book.knows("agent", SECRET));
    let _ = open.settle(Outcome::done()).await.unwrap();
    assert_eq!(book.all().len(), 1);
}

#[tokio::test]
async fn looks_refusals_and_requests_that_failed_expose_nothing() {
    let book = Book::new();
    let asked = Asked::new();
    for action in [Action::List, Action::Describe, Action::Read] {
        let none = Entry { action, path: Subject::None, ..asked.entry() };
        let _ = book.log.intent(none).await.unwrap().settle(Outcome::done()).await.unwrap();
        let item = path(SECRET).item();
        let item = Entry { action, path: Subject::Item(&item), ..asked.entry() };
        let _ = book.log.intent(item).await.unwrap().settle(Outcome::done()).await.unwrap();
    }
    let denied = Entry { decision: Decision::Deny, ..asked.entry() };
    let _ = book.log.refusal(denied, ErrorCode::Denied).await.unwrap();
    let _ = book.log.failure(asked.entry(), ErrorCode::Invalid).await.unwrap();
    assert_eq!(book.all(), []);
    assert_eq!(book.ledger.unreadable().unwrap(), 0);
}

#[tokio::test]
async fn a_delivery_that_exposes_does_so_from_its_intent_until_its_surely_undone() {
    for (delivery, how) in deliveries() {
        for (outcome, may_have) in endings() {
            let book = Book::new();
            let open = book.begin(&Wanted::by(delivery.clone())).await;
            let begun: Vec<_> = book.all().iter().map(|exposure| exposure.how).collect();
            assert_eq!(begun, Vec::from_iter(how), "{delivery} under way");
            assert_eq!(book.knows("agent", SECRET), how.is_some());
            let _ = open.settle(outcome.clone()).await.unwrap();
            let ended: Vec<_> = book.all().iter().map(|exposure| (exposure.how, exposure.count)).collect();
            assert_eq!(ended, Vec::from_iter(how.filter(|_| may_have).map(|how| (how, 1))), "{delivery}, {outcome:?}");
        }
        let book = Book::new();
        drop(book.begin(&Wanted::by(delivery.clone())).await);
        assert_eq!(book.all().len(), usize::from(how.is_some()), "{delivery}, abandoned");
    }
}

#[tokio::test]
async fn setting_a_value_to_what_it_was_is_no_change() {
    let book = Book::new();
    book.done(&Wanted::read()).await;
    for action in [Action::Write, Action::Rotate] {
        book.whole(&Wanted::to(action).from("other"), Outcome::unchanged()).await;
        let [exposure] = book.all().try_into().unwrap();
        assert_eq!((exposure.changed_since, exposure.present.unwrap().count), (None, 1), "{action}");
        assert!(book.knows("agent", SECRET));
    }
    book.done(&Wanted::to(Action::Write)).await;
    assert_eq!(book.all()[0].present, None);
    assert!(crate::audit::verify(&book.place.file).unwrap().is_intact());
}

#[tokio::test]
async fn each_change_that_was_made_makes_what_was_given_one_of_the_past() {
    for action in [Action::Write, Action::Rotate, Action::Delete] {
        let book = Book::new();
        book.done(&Wanted::read()).await;
        book.minutes(1);
        book.whole(&Wanted::to(action), Outcome::failed(ErrorCode::Conflict)).await;
        drop(book.begin(&Wanted::to(action)).await);
        assert!(book.all()[0].present.is_some() && book.knows("agent", SECRET), "{action} that wasn't made");
        book.minutes(1);
        book.done(&Wanted::to(action).from("owner")).await;
        let [exposure] = book.all().try_into().unwrap();
        assert_eq!(exposure.changed_since, Some(at("2026-11-21T10:02:00Z")));
        assert_eq!((exposure.present, exposure.count), (None, 1));
        assert!(!book.knows("agent", SECRET));
        // Who sets a value knows it; who has one made doesn't.
        assert_eq!(book.knows("owner", SECRET), action == Action::Write);
        book.done(&Wanted::read()).await;
        let [exposure] = book.all().try_into().unwrap();
        assert_eq!((exposure.present.unwrap().count, exposure.count, exposure.changed_since), (1, 2, None));
        assert!(book.knows("agent", SECRET));
    }
}

#[tokio::test]
async fn a_value_opened_before_a_change_isnt_the_one_in_force() {
    for (minutes, owes) in [(1, true), (3, false)] {
        for wanted in [Wanted::read(), Wanted::by(trusted())] {
            let book = Book::new();
            let open = book.begin(&wanted).await;
            book.minutes(minutes);
            book.done(&Wanted::to(Action::Rotate)).await;
            let _ = open.settle(Outcome::done()).await.unwrap();
            let [exposure] = book.all().try_into().unwrap();
            assert!(!book.knows("agent", SECRET), "it may have been the old one");
            assert_eq!(exposure.present.is_some(), owes, "it may have been the new one, if that came soon enough");
        }
    }
}

#[tokio::test]
async fn of_two_writes_at_once_nobody_knows_which_one_holds() {
    let book = Book::new();
    let [one, two] = [Wanted::to(Action::Write).from("one"), Wanted::to(Action::Write).from("two")];
    let (first, second) = (book.begin(&one).await, book.begin(&two).await);
    let _ = second.settle(Outcome::done()).await.unwrap();
    assert!(book.knows("two", SECRET));
    let _ = first.settle(Outcome::done()).await.unwrap();
    assert!(!book.knows("one", SECRET) && !book.knows("two", SECRET));
}

#[tokio::test]
async fn a_path_is_one_however_its_written_and_shown_as_it_was_last() {
    let book = Book::new();
    book.done(&Wanted::read()).await;
    book.done(&Wanted { path: "STAGING/stripe/Credential", ..Wanted::read() }).await;
    let [exposure] = book.all().try_into().unwrap();
    assert_eq!((exposure.path.as_str(), exposure.count), ("STAGING/stripe/Credential", 2));
    assert!(book.knows("agent", "staging/STRIPE/credential"));
    book.done(&Wanted { path: "staging/stripe/CREDENTIAL", ..Wanted::to(Action::Rotate) }).await;
    assert!(!book.knows("agent", SECRET));
}

#[tokio::test]
async fn one_request_may_read_one_secret_twice() {
    let book = Book::new();
    let asked = Asked::new();
    let (one, two) = (book.log.intent(asked.entry()).await.unwrap(), book.log.intent(asked.entry()).await.unwrap());
    let _ = one.settle(Outcome::done()).await.unwrap();
    let _ = two.settle(Outcome::done()).await.unwrap();
    assert_eq!(book.all()[0].count, 2);
}

#[tokio::test]
async fn only_what_was_exposed_lately_is_given_when_thats_asked() {
    let book = Book::new();
    book.done(&Wanted { path: "V/Old/f", ..Wanted::read() }).await;
    book.done(&Wanted { path: "V/Both/f", ..Wanted::read() }).await;
    book.minutes(60);
    book.done(&Wanted { path: "V/Both/f", ..Wanted::read() }).await;
    book.done(&Wanted { path: "V/New/f", ..Wanted::by(trusted()) }).await;
    let since = |time| -> Vec<String> {
        book.ledger.since(Some(at(time))).unwrap().iter().map(|exposure| exposure.path.to_string()).collect()
    };
    assert_eq!(since("2026-11-21T10:00:00Z"), ["V/Both/f", "V/New/f", "V/Old/f"]);
    assert_eq!(since("2026-11-21T11:00:00Z"), ["V/Both/f", "V/New/f"]);
    assert!(since("2026-11-21T11:00:00.001Z").is_empty());
}

#[tokio::test]
async fn a_line_that_cant_be_read_is_counted_and_the_others_are_taken() {
    let book = Book::new();
    book.done(&Wanted::read()).await;
    let text = String::from_utf8(book.place.bytes()).unwrap();
    let broken = text.replacen("\"principal\"", "\"principle\"", 1);
    std::fs::write(&book.place.file, format!("{broken}nonsense\n{text}")).unwrap();
    assert_eq!(book.all()[0].count, 2);
    assert_eq!(book.ledger.unreadable().unwrap(), 2);
}
