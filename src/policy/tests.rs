//! Decisions told as rules and requests.

use std::sync::Arc;

use super::*;
use crate::model::{
    Action, Category, Principal, PrincipalName, Reason, Request, RequestId, SecretPath, Tag, Target, Transport, kind,
};

const NOW: &str = "2026-11-20T10:00:00Z";

fn policy(rules: &str) -> Policy {
    Policy::parse(&format!("version = 1\n{rules}"), "policy.toml").unwrap_or_else(|problems| panic!("{problems}"))
}

fn who(name: &str) -> Principal {
    Principal {
        name: PrincipalName::parse(name).unwrap(),
        transport: Transport::Stdio,
        source_ip: None,
        claims: Arc::default(),
    }
}

fn target(path: &str) -> Target {
    Target {
        path: SecretPath::parse(path).unwrap(),
        title_path: None,
        place: None,
        category: Category::Login,
        tags: [Tag::new("Agent").unwrap()].into(),
    }
}

fn read(policy: &Policy, who: &Principal, path: &str) -> Verdict<kind::Read> {
    let request = Request::new(RequestId::new(), target(path), Reason::parse("because").ok());
    policy.decide(who, &request, NOW.parse().ok())
}

fn allowed(rules: &str, who: &Principal, path: &str) -> bool {
    matches!(read(&policy(rules), who, path), Verdict::Allow(_))
}

fn rule(rest: &str) -> String {
    format!("[[rule]]\nid = \"r\"\nprincipals = [\"p\"]\nactions = [\"read\"]\npaths = [\"**\"]\n{rest}")
}

#[test]
fn nothing_is_permitted_without_a_rule_a_policy_or_a_clock() {
    let p = who("p");
    assert!(matches!(read(&Policy::nothing(), &p, "V/I/f"), Verdict::Deny(DenyReason::NoPolicy)));
    assert!(matches!(read(&policy(""), &p, "V/I/f"), Verdict::Deny(DenyReason::NoRule)));
    let request = Request::<kind::Read>::new(RequestId::new(), target("V/I/f"), None);
    let verdict = policy(&rule("")).decide(&p, &request, None);
    assert!(matches!(verdict, Verdict::Deny(DenyReason::ClockUnreadable)));
    assert!(policy(&rule("")).survey(&p, None).actions(&target("V/I/f")).is_empty());
}

#[test]
fn deny_wins_over_the_most_specific_allow_and_every_deny_is_named() {
    let rules = r#"
[[rule]]
id = "yes"
principals = ["p"]
actions = ["read"]
paths = ["V/I/f"]
[[rule]]
id = "no"
effect = "deny"
principals = ["*"]
actions = ["read"]
paths = ["V"]
[[rule]]
id = "never"
effect = "deny"
principals = ["p*"]
actions = ["read"]
paths = ["*/I"]
"#;
    let Verdict::Deny(DenyReason::Forbidden(rules)) = read(&policy(rules), &who("p"), "V/I/f") else {
        panic!("not forbidden");
    };
    assert_eq!(rules.iter().map(RuleId::as_str).collect::<Vec<_>>(), ["no", "never"]);
}

use crate::model::RuleId;

#[test]
fn a_grant_names_its_rules_and_adds_up_their_obligations() {
    let rules = r#"
[[rule]]
id = "a"
principals = ["p", "*"]
actions = ["read", "list"]
paths = ["V", "V/**", "**/f"]
require.reason = true
[[rule]]
id = "b"
principals = ["p"]
actions = ["read"]
paths = ["v/i"]
limit.rate = "30/1h"
[[rule]]
id = "c"
principals = ["q"]
actions = ["read"]
paths = ["**"]
"#;
    let policy = policy(rules);
    let Verdict::Allow(grant) = read(&policy, &who("p"), "V/I/f") else { panic!("denied") };
    assert_eq!(grant.rules().iter().map(RuleId::as_str).collect::<Vec<_>>(), ["a", "b"]);
    assert!(grant.obligations().reason);
    assert_eq!(grant.obligations().rates.len(), 1);
    assert_eq!(grant.policy(), policy.hash());
    assert_eq!(grant.into_request().target.path.as_str(), "V/I/f");
}

#[test]
fn the_item_must_have_the_category_and_one_of_the_tags() {
    let p = who("p");
    for (limits, expected) in [
        ("categories = [\"LOGIN\", \"DATABASE\"]", true),
        ("categories = [\"DATABASE\"]", false),
        ("tags = [\"x\", \"AGENT\"]", true),
        ("tags = [\"x\"]", false),
        ("tags = [\"agent\"]\ncategories = [\"DATABASE\"]", false),
    ] {
        assert_eq!(allowed(&rule(limits), &p, "V/I/f"), expected, "{limits}");
    }
}

#[test]
fn times_include_their_beginning_and_exclude_their_end() {
    let p = who("p");
    for (when, expected) in [
        ("when.expires = 2026-11-20T10:00:01Z", true),
        ("when.expires = 2026-11-20T10:00:00Z", false),
        ("when.expires = 2026-11-20T11:00:00+01:00", false),
        ("when.not_before = 2026-11-20T10:00:00Z", true),
        ("when.not_before = 2026-11-20T10:00:01Z", false),
        ("when.hours = \"Fri 10:00-10:01 UTC\"", true),
        ("when.hours = \"Mon-Thu 00:00-24:00 UTC\"", false),
    ] {
        assert_eq!(allowed(&rule(when), &p, "V/I/f"), expected, "{when}");
    }
}

#[test]
fn addresses_are_those_of_http_only() {
    let net = rule("when.source_ip = [\"10.0.0.0/8\", \"2001:db8::/32\"]");
    let at = |transport, address: &str| Principal { transport, source_ip: address.parse().ok(), ..who("p") };
    assert!(allowed(&net, &at(Transport::Http, "10.1.2.3"), "V/I/f"));
    assert!(allowed(&net, &at(Transport::Http, "::ffff:10.1.2.3"), "V/I/f"), "a dual-stack listener's IPv4 peer");
    assert!(allowed(&net, &at(Transport::Http, "2001:db8::1"), "V/I/f"));
    assert!(!allowed(&net, &at(Transport::Http, "11.0.0.1"), "V/I/f"));
    assert!(!allowed(&net, &at(Transport::Http, ""), "V/I/f"));
    assert!(!allowed(&net, &at(Transport::Stdio, "10.1.2.3"), "V/I/f"));
}

#[test]
fn claims_are_compared_exactly() {
    let rules = rule("when.claims = { team = \"payments\" }");
    let with = |claim: &str, value: &str| Principal {
        claims: Arc::new([(claim.to_owned(), value.to_owned())].into()),
        ..who("p")
    };
    assert!(allowed(&rules, &with("team", "payments"), "V/I/f"));
    assert!(!allowed(&rules, &with("team", "Payments"), "V/I/f"));
    assert!(!allowed(&rules, &with("Team", "payments"), "V/I/f"));
    assert!(!allowed(&rules, &who("p"), "V/I/f"));
}

#[test]
fn the_hash_names_the_rules_and_nothing_else() {
    let a = rule("tags = [\"x\", \"y\"]");
    let b = format!("# a comment\n{}\n", rule("tags   = [ 'y', \"x\", ]"));
    let other = rule("tags = [\"x\"]");
    let more = format!("{a}\n{}", rule("").replace("\"r\"", "\"s\""));
    let turned = format!("{}\n{a}", rule("").replace("\"r\"", "\"s\""));
    assert_eq!(policy(&a).hash(), policy(&b).hash());
    assert_eq!(policy(&more).hash(), policy(&turned).hash());
    assert_ne!(policy(&a).hash(), policy(&other).hash());
    assert_ne!(policy(&a).hash(), Policy::nothing().hash());
    assert_eq!(
        policy(&a).canonical(),
        r#"{"rules":[{"actions":["read"],"effect":"allow","id":"r","paths":["**"],"principals":["p"],"tags":["x","y"]}],"version":1}"#
    );
}

#[test]
fn long_lists_that_multiply_are_refused() {
    let list = |letter: &str| (0..600).map(|n| format!("\"{letter}{n}\"")).collect::<Vec<_>>().join(",");
    let text = format!(
        "version = 1\n[[rule]]\nid = \"r\"\nactions = [\"read\"]\nprincipals = [{}]\npaths = [{}]\n",
        list("p"),
        list("V")
    );
    let problems = Policy::parse(&text, "policy.toml").unwrap_err();
    assert!(problems.problems()[0].message().contains("pairs"), "{problems}");
    let large = format!("version = 1\n#{}", " ".repeat(4 * 1024 * 1024));
    assert!(Policy::parse(&large, "policy.toml").unwrap_err().to_string().contains("bytes"));
}

#[test]
fn ten_thousand_rules_of_a_large_file_are_read_and_decided() {
    let rule = |n: usize| {
        format!("[[rule]]\nid = \"r{n}\"\nprincipals = [\"p\"]\nactions = [\"read\"]\npaths = [\"V/I{n}\"]\n")
    };
    let rules: String = (0..10_000).map(rule).collect();
    let policy = policy(&rules);
    assert_eq!(policy.rules().last().unwrap().line(), 1 + 9_999 * 5 + 1);
    assert!(matches!(read(&policy, &who("p"), "V/I9999/f"), Verdict::Allow(_)));
    assert!(matches!(read(&policy, &who("p"), "V/I10000/f"), Verdict::Deny(DenyReason::NoRule)));
}

#[test]
fn a_survey_answers_as_decisions_do() {
    let policy = policy(&rule("").replace("[\"read\"]", "[\"read\", \"list\"]"));
    let p = who("p");
    let survey = policy.survey(&p, NOW.parse().ok());
    let actions: Vec<Action> = survey.actions(&target("V/I/f")).iter().collect();
    assert_eq!(actions, [Action::List, Action::Read]);
}

#[test]
fn a_rule_with_three_mistakes_shows_three() {
    let text = "version = 1\n[[rule]]\nid = \"r\"\nprincipals = [\"p\"]\nactions = [\"raed\"]\npaths = [\"a/b?\"]\nprincpals = 1\n";
    let problems = Policy::parse(text, "policy.toml").unwrap_err();
    assert_eq!(problems.problems().len(), 3, "{problems}");
    assert_eq!(problems.position(&problems.problems()[0]), (5, 12));
    assert!(problems.to_string().contains("did you mean `read`?"), "{problems}");
    assert!(problems.to_string().contains("policy.toml:7:1"), "{problems}");
    assert!(!problems.render(false).contains('\u{1b}') && problems.render(true).contains('\u{1b}'));
}

#[test]
fn a_rule_that_names_a_title_means_every_item_that_bears_it() {
    let by_id = "V/abcdefghijklmnopqrstuvwxyz/password";
    let twin = Target { title_path: Some(SecretPath::parse("V/Root/password").unwrap()), ..target(by_id) };
    let may = |rules: &str| {
        let (policy, p) = (policy(rules), who("p"));
        let request = Request::<kind::Read>::new(RequestId::new(), twin.clone(), None);
        let decided = matches!(policy.decide(&p, &request, NOW.parse().ok()), Verdict::Allow(_));
        assert_eq!(policy.survey(&p, NOW.parse().ok()).actions(&twin).contains(Action::Read), decided);
        decided
    };
    let deny =
        "[[rule]]\nid = \"d\"\neffect = \"deny\"\nprincipals = [\"*\"]\nactions = [\"read\"]\npaths = [\"V/Root\"]\n";
    assert!(may(&rule("")));
    assert!(!may(&format!("{}{deny}", rule(""))));
    assert!(may(&rule("").replace("**", "V/Root/*")));
    assert!(!may(&rule("").replace("**", "V/Other")));
}
