//! The product's matcher and decisions against a second engine that shares no code with them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it doesn't expect"
)]

mod policy_cases;
mod reference;

use std::collections::BTreeSet;

use opward::model::{
    Action, ActionKind, Category, Delivery, PathPattern, Principal, PrincipalName, Request, RequestId, SecretPath, Tag,
    Target, Transport, kind,
};
use opward::policy::{DenyReason, Effect, Policy, Verdict, WarningKind};
use policy_cases::{Dice, path, pattern, question, rule, toml};
use reference::{Answer, Question, Rule};

fn policy(rules: &[Rule]) -> Policy {
    let text = toml(rules);
    Policy::parse(&text, "generated").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

struct Asked {
    who: Principal,
    target: Target,
    action: Action,
    delivery: Option<Delivery>,
    now: Option<jiff::Timestamp>,
}

fn asked(question: &Question) -> Asked {
    Asked {
        who: Principal {
            name: PrincipalName::parse(&question.principal).unwrap(),
            transport: Transport::ALL.into_iter().find(|t| t.as_str() == question.transport).unwrap(),
            source_ip: question.source_ip.as_ref().map(|address| address.parse().unwrap()),
            claims: question.claims.clone().into(),
        },
        target: Target {
            path: SecretPath::parse(&question.path).unwrap(),
            title_path: None,
            place: None,
            category: Category::from_word(&question.category).unwrap(),
            tags: question.tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
        },
        action: Action::from_word(&question.action).unwrap(),
        delivery: question.delivery.as_ref().map(|spelled| Delivery::parse(spelled).unwrap()),
        now: question.now.map(|seconds| jiff::Timestamp::from_second(seconds).unwrap()),
    }
}

fn answer(policy: &Policy, asked: &Asked) -> Answer {
    match asked.action {
        Action::List => answer_as::<kind::List>(policy, asked),
        Action::Describe => answer_as::<kind::Describe>(policy, asked),
        Action::Use => match asked.delivery.clone() {
            Some(by) => {
                answer_to(policy, asked, &Request::delivering(RequestId::new(), asked.target.clone(), None, by))
            }
            None => answer_as::<kind::Use>(policy, asked),
        },
        Action::Read => answer_as::<kind::Read>(policy, asked),
        Action::Write => answer_as::<kind::Write>(policy, asked),
        Action::Rotate => answer_as::<kind::Rotate>(policy, asked),
        Action::Delete => answer_as::<kind::Delete>(policy, asked),
    }
}

fn answer_as<A: ActionKind>(policy: &Policy, asked: &Asked) -> Answer {
    answer_to(policy, asked, &Request::<A>::new(RequestId::new(), asked.target.clone(), None))
}

fn answer_to<A: ActionKind>(policy: &Policy, asked: &Asked, request: &Request<A>) -> Answer {
    match policy.decide(&asked.who, request, asked.now) {
        Verdict::Allow(grant) => {
            assert_eq!(grant.request().target, asked.target);
            assert_eq!(grant.request().delivery(), request.delivery());
            assert_eq!(grant.policy(), policy.hash());
            let rates = &grant.obligations().rates;
            Answer::Allowed {
                rules: grant.rules().iter().map(ToString::to_string).collect(),
                reason: grant.obligations().reason,
                rates: rates.iter().map(|(rule, rate)| (rule.to_string(), rate.to_string())).collect(),
            }
        }
        Verdict::Deny(DenyReason::ClockUnreadable) => Answer::Clock,
        Verdict::Deny(DenyReason::Forbidden(rules)) => {
            Answer::Forbidden(rules.iter().map(ToString::to_string).collect())
        }
        Verdict::Deny(DenyReason::NoRule) => Answer::NoRule,
        Verdict::Deny(other) => panic!("{other}"),
    }
}

fn matcher_agrees(cases: usize, seed: u64) {
    let mut dice = Dice(seed);
    let (mut covered, mut passed_by) = (0, 0);
    for _ in 0..cases {
        let (pattern, path) = (pattern(&mut dice), path(&mut dice));
        let (parsed, secret) = (PathPattern::parse(&pattern).unwrap(), SecretPath::parse(&path).unwrap());
        let product = parsed.covers(secret.matching());
        assert_eq!(product, reference::covers(&pattern, &path), "{pattern} on {path}");
        let reached = parsed.reaches_into(secret.item().matching());
        assert!(reached || !product, "{pattern} covers {path}, and doesn't reach into its item");
        covered += usize::from(product);
        passed_by += usize::from(!reached);
    }
    assert!(passed_by > cases / 20, "{passed_by} of {cases}: every pattern reaches into everything");
    assert!((cases / 20..cases).contains(&covered), "{covered} of {cases}: the cases don't tell");
}

fn evaluator_agrees(cases: usize, seed: u64) {
    const QUESTIONS: usize = 50;
    let mut dice = Dice(seed);
    let (mut allowed, mut forbidden, mut open) = (0, 0, 0);
    for turn in 0..cases / QUESTIONS {
        // Now and then many rules, so that indexes are built that few rules don't need.
        let count = if turn % 32 == 0 { 60 } else { dice.roll(8) };
        let rules: Vec<Rule> = (0..count).map(|number| rule(&mut dice, number)).collect();
        let policy = policy(&rules);
        let shadowed: Vec<String> = policy
            .lint(None)
            .into_iter()
            .filter(|warning| warning.kind == WarningKind::Shadowed)
            .map(|warning| warning.about.name().to_owned())
            .collect();
        for _ in 0..QUESTIONS {
            let question = question(&mut dice);
            let asked = asked(&question);
            let expected = reference::decide(&rules, &question);
            let said = answer(&policy, &asked);
            assert_eq!(said, expected, "{question:?}\n{}", toml(&rules));
            let survey = policy.survey(&asked.who, asked.now);
            let surveyed = survey.actions(&asked.target).contains(asked.action);
            let reached = survey.reaches_into(asked.target.path.item().matching(), &asked.target);
            assert!(reached || !surveyed, "{question:?}\n{}", toml(&rules));
            if asked.action == Action::Use {
                open += uses_agree(&policy, &asked, &said, surveyed);
                if dice.one_in(4) {
                    each_way_agrees(&policy, &rules, &question, &asked);
                }
            } else {
                assert_eq!(surveyed, matches!(expected, Answer::Allowed { .. }), "{question:?}\n{}", toml(&rules));
            }
            if let Answer::Allowed { rules, .. } = &said {
                assert!(shadowed.iter().all(|rule| !rules.contains(rule)), "{shadowed:?} isn't shadowed");
            }
            if dice.one_in(8) {
                explanation_agrees(&policy, &asked, &rules, &question);
            }
            allowed += usize::from(matches!(said, Answer::Allowed { .. }));
            forbidden += usize::from(matches!(said, Answer::Forbidden(_)));
        }
    }
    assert!(open > cases / 100, "{open}: the cases don't tell");
    assert!(allowed > cases / 20 && forbidden > cases / 50, "{allowed}, {forbidden}: the cases don't tell");
}

/// What lists say about `use` holds for the one delivery that was asked for. Gives 1 if some are open and some aren't.
fn uses_agree(policy: &Policy, asked: &Asked, said: &Answer, surveyed: bool) -> usize {
    let open = policy.deliveries(&asked.who, &asked.target, asked.now);
    assert!(open.is_sorted());
    assert_eq!(surveyed, !open.is_empty());
    let listed = asked.delivery.as_ref().is_some_and(|delivery| open.contains(delivery));
    assert_eq!(listed, matches!(said, Answer::Allowed { .. }));
    usize::from(!open.is_empty() && open.len() < reference::DELIVERIES.len())
}

/// The same for each delivery there is, and for the question whether there's any.
fn each_way_agrees(policy: &Policy, rules: &[Rule], question: &Question, asked: &Asked) {
    let expected = reference::open_deliveries(rules, question);
    let open = policy.deliveries(&asked.who, &asked.target, asked.now);
    let open: BTreeSet<String> = open.iter().map(ToString::to_string).collect();
    assert_eq!(open, expected, "{question:?}\n{}", toml(rules));
    let outlook = match policy.outlook(&asked.who, asked.action, &asked.target, asked.now) {
        Ok((rules, obligations)) => Answer::Allowed {
            rules: rules.iter().map(ToString::to_string).collect(),
            reason: obligations.reason,
            rates: obligations.rates.iter().map(|(rule, rate)| (rule.to_string(), rate.to_string())).collect(),
        },
        Err(DenyReason::ClockUnreadable) => Answer::Clock,
        Err(DenyReason::Forbidden(rules)) => Answer::Forbidden(rules.iter().map(ToString::to_string).collect()),
        Err(DenyReason::NoRule) => Answer::NoRule,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(outlook, reference::somehow(rules, question), "{question:?}\n{}", toml(rules));
}

fn explanation_agrees(policy: &Policy, asked: &Asked, rules: &[Rule], question: &Question) {
    let by = asked.delivery.as_ref();
    let explained = policy.explain(&asked.who, asked.action, by, &asked.target, false, asked.now);
    // Where a question names no delivery, a rule may match and speak of other deliveries than those that decide.
    let somehow = asked.action == Action::Use && by.is_none();
    let expected = if somehow { reference::somehow(rules, question) } else { reference::decide(rules, question) };
    let deciding: BTreeSet<String> = explained.deciding.iter().map(ToString::to_string).collect();
    let matched = |effect| -> BTreeSet<String> {
        let matched = explained.rules.iter().filter(|rule| rule.matched && rule.effect == effect);
        matched.map(|rule| rule.rule.to_string()).collect()
    };
    assert_eq!(explained.rules.len(), policy.rules().count());
    assert!(explained.rules.iter().all(|rule| rule.matched == rule.unmet.is_none()));
    assert_eq!(explained.deliveries.is_some(), asked.action == Action::Use);
    match &expected {
        Answer::Allowed { rules, reason, .. } => {
            assert_eq!((explained.decision, &deciding), (Effect::Allow, rules));
            let matched = matched(Effect::Allow);
            assert!(matched == *rules || (somehow && matched.is_superset(rules)));
            assert_eq!((explained.obligations.reason, explained.reason_missing), (*reason, *reason));
        }
        Answer::Forbidden(rules) => {
            assert_eq!((explained.decision, &deciding), (Effect::Deny, rules));
            let matched = matched(Effect::Deny);
            assert!(matched == *rules || (somehow && matched.is_superset(rules)));
        }
        Answer::Clock | Answer::NoRule => {
            assert_eq!((explained.decision, deciding.len()), (Effect::Deny, 0));
            let none = matched(Effect::Allow).is_empty() && (somehow || matched(Effect::Deny).is_empty());
            assert!(none || expected == Answer::Clock);
        }
    }
}

#[test]
fn the_matcher_agrees_with_the_reference_on_100_000_cases() {
    matcher_agrees(100_000, 1);
}

#[test]
fn decisions_agree_with_the_reference_on_100_000_cases() {
    evaluator_agrees(100_000, 2);
}

#[test]
#[ignore = "takes a minute"]
fn the_matcher_agrees_with_the_reference_on_1_000_000_cases() {
    matcher_agrees(1_000_000, 3);
}

#[test]
#[ignore = "takes minutes"]
fn decisions_agree_with_the_reference_on_1_000_000_cases() {
    evaluator_agrees(1_000_000, 4);
}

fn allowed(rules: &[Rule], asked: &Asked) -> bool {
    matches!(answer(&policy(rules), asked), Answer::Allowed { .. })
}

#[test]
fn one_more_deny_or_one_allow_less_never_allows_more() {
    let mut dice = Dice(5);
    let mut narrowed = 0;
    for _ in 0..1_200 {
        let rules: Vec<Rule> = (0..=dice.roll(6)).map(|number| rule(&mut dice, number)).collect();
        let asked = asked(&question(&mut dice));
        let before = allowed(&rules, &asked);
        let mut denied = rules.clone();
        denied.push(Rule { deny: true, require_reason: false, rate: None, ..rule(&mut dice, 99) });
        let mut fewer = rules.clone();
        let removed = fewer.remove(dice.roll(rules.len()));
        for after in [allowed(&denied, &asked), !removed.deny && allowed(&fewer, &asked)] {
            assert!(before || !after, "{}", toml(&rules));
            narrowed += usize::from(before && !after);
        }
    }
    assert!(narrowed > 25, "{narrowed}: the cases don't tell");
}

#[test]
fn the_order_of_rules_changes_neither_decisions_nor_the_hash() {
    let mut dice = Dice(6);
    for _ in 0..300 {
        let rules: Vec<Rule> = (0..dice.roll(8)).map(|number| rule(&mut dice, number)).collect();
        let mut shuffled = rules.clone();
        (1..shuffled.len()).for_each(|last| shuffled.swap(last, dice.roll(last + 1)));
        let (one, other) = (policy(&rules), policy(&shuffled));
        assert_eq!(one.hash(), other.hash());
        for _ in 0..5 {
            let asked = asked(&question(&mut dice));
            assert_eq!(answer(&one, &asked), answer(&other, &asked));
        }
    }
}
