//! The product's matcher and decisions against a second engine that shares no code with them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what it doesn't expect"
)]

mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use opward::model::{
    Action, ActionKind, Category, PathPattern, Principal, PrincipalName, Request, RequestId, SecretPath, Tag, Target,
    Transport, kind,
};
use opward::policy::{DenyReason, Effect, Policy, Verdict, WarningKind};
use reference::{Answer, Hours, Question, Rule};

/// 2026-11-20T10:00:00Z, a Friday, when Berlin is one hour ahead.
const FRIDAY: i64 = 1_795_168_800;

/// A small generator of its own, so that a seed names a case for good (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.roll(texts.len())]
    }

    fn some(&mut self, texts: &[&str]) -> Vec<String> {
        (0..=self.roll(2)).map(|_| self.pick(texts).to_owned()).collect()
    }
}

const NAMES: [&str; 12] = ["a", "b", "A", "ab", "aB", "ba", "aab", "é", "É", "b%2Fa", "a%25", "bab"];
const SEGMENTS: [&str; 24] = [
    "a", "b", "A", "ab", "aB", "*", "*", "**", "**", "a*", "*b", "A*b", "*a*", "é*", "*É", "b%2F*", "*%25", "a*b*",
    "*ab", "**", "b*a", "ba", "*A*b*", "aa*",
];

fn path(dice: &mut Dice) -> String {
    (0..3 + dice.roll(2)).map(|_| dice.pick(&NAMES)).collect::<Vec<_>>().join("/")
}

fn pattern(dice: &mut Dice) -> String {
    (0..=dice.roll(5)).map(|_| dice.pick(&SEGMENTS)).collect::<Vec<_>>().join("/")
}

fn rule(dice: &mut Dice, number: usize) -> Rule {
    let mut rule = Rule {
        id: format!("r{number}"),
        deny: dice.one_in(5),
        principals: dice
            .some(&["p", "q", "ci-1", "P", "*", "ci-*", "*-1", "c*1", "*", "p*", "*q", "*i*", "*-*", "c*-2", "*2"]),
        actions: Action::ALL.into_iter().filter(|_| dice.one_in(2)).map(|action| action.to_string()).collect(),
        paths: (0..=dice.roll(2)).map(|_| pattern(dice)).collect(),
        ..Rule::default()
    };
    if rule.actions.is_empty() {
        rule.actions.push("read".to_owned());
    }
    if dice.one_in(3) {
        rule.paths.push(dice.pick(&["*", "**", "a", "*b*/**", "**/A"]).to_owned());
    }
    if dice.one_in(6) {
        rule.categories = dice.some(&["LOGIN", "DATABASE", "API_CREDENTIAL"]);
    }
    if dice.one_in(6) {
        rule.tags = dice.some(&["x", "X", "y", "É"]);
    }
    let near = |dice: &mut Dice| FRIDAY + [-3600, -1, 0, 1, 3600][dice.roll(5)];
    if dice.one_in(8) {
        rule.expires = Some(near(dice));
    }
    if dice.one_in(8) {
        rule.not_before = Some(near(dice));
    }
    if dice.one_in(6) {
        rule.hours = Some(hours(dice));
    }
    if dice.one_in(8) {
        rule.source_ip = dice.some(&["10.0.0.0/8", "10.0.0.0/9", "10.0.0.1", "0.0.0.0/0", "::1"]);
    }
    if dice.one_in(8) {
        rule.transport = dice.some(&["stdio", "http", "socket", "cli"]);
    }
    if dice.one_in(8) {
        rule.claims = claims(dice);
    }
    if !rule.deny && dice.one_in(4) {
        rule.require_reason = true;
    }
    if !rule.deny && dice.one_in(4) {
        rule.rate = Some(dice.pick(&["1/1s", "30/1h", "5/1d"]).to_owned());
    }
    rule
}

fn claims(dice: &mut Dice) -> BTreeMap<String, String> {
    let mut claims = BTreeMap::from([(dice.pick(&["team", "Team"]).to_owned(), dice.pick(&["a", "b"]).to_owned())]);
    if dice.one_in(2) {
        claims.insert("team".to_owned(), "a".to_owned());
    }
    claims
}

fn hours(dice: &mut Dice) -> Hours {
    let days: &[i64] = [&[0, 1, 2, 3, 4][..], &[4], &[3, 5], &[0, 1, 2, 3, 4, 5, 6], &[5, 6, 0]][dice.roll(5)];
    let minutes = [0, 599, 600, 601, 659, 660, 661, 929, 930, 931, 1320];
    let begin = minutes[dice.roll(minutes.len())];
    let end = [0, 360, 600, 601, 660, 661, 930, 931, 1440][dice.roll(9)];
    let end = if end == begin { 1440 - end } else { end };
    let zones = [("UTC", 0), ("Europe/Berlin", 60), ("Asia/Kolkata", 330)];
    let (zone, zone_minutes) = zones[dice.roll(3)];
    Hours { days: days.to_vec(), begin, end, zone, zone_minutes }
}

fn question(dice: &mut Dice) -> Question {
    let at = [0, 0, 0, -1, 1, -3600, 3600, 43_200, -43_200, 86_400, 172_800][dice.roll(11)];
    Question {
        principal: dice.pick(&["p", "q", "ci-1", "ci-2", "P"]).to_owned(),
        transport: dice.pick(&["stdio", "http", "http", "socket", "cli"]).to_owned(),
        source_ip: (!dice.one_in(4))
            .then(|| dice.pick(&["10.0.0.1", "10.128.0.1", "192.168.1.1", "::ffff:10.0.0.1", "::1"]).to_owned()),
        claims: if dice.one_in(2) { claims(dice) } else { BTreeMap::new() },
        action: dice.pick(&Action::ALL.map(Action::as_str)).to_owned(),
        path: path(dice),
        category: dice.pick(&["LOGIN", "DATABASE"]).to_owned(),
        tags: if dice.one_in(2) { dice.some(&["x", "Y", "é", "z"]) } else { Vec::new() },
        now: (!dice.one_in(40)).then_some(FRIDAY + at),
    }
}

fn toml(rules: &[Rule]) -> String {
    let mut text = String::from("version = 1\n");
    let list = |list: &[String]| format!("[\"{}\"]", list.join("\", \""));
    let time = |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap();
    for rule in rules {
        writeln!(text, "[[rule]]\nid = \"{}\"", rule.id).unwrap();
        if rule.deny {
            text += "effect = \"deny\"\n";
        }
        let lists = [("principals", &rule.principals), ("actions", &rule.actions), ("paths", &rule.paths)];
        let more = [("categories", &rule.categories), ("tags", &rule.tags)];
        let when = [("when.source_ip", &rule.source_ip), ("when.transport", &rule.transport)];
        for (key, texts) in lists.into_iter().chain(more).chain(when).filter(|(_, texts)| !texts.is_empty()) {
            writeln!(text, "{key} = {}", list(texts)).unwrap();
        }
        for (key, seconds) in [("expires", rule.expires), ("not_before", rule.not_before)] {
            if let Some(seconds) = seconds {
                writeln!(text, "when.{key} = {}", time(seconds)).unwrap();
            }
        }
        if let Some(Hours { days, begin, end, zone, .. }) = &rule.hours {
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let days: Vec<&str> = days.iter().map(|&day| names[usize::try_from(day).unwrap()]).collect();
            let clock = |minutes: &i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            writeln!(text, "when.hours = \"{} {}-{} {zone}\"", days.join(","), clock(begin), clock(end)).unwrap();
        }
        for (claim, value) in &rule.claims {
            writeln!(text, "when.claims.{claim} = \"{value}\"").unwrap();
        }
        if rule.require_reason {
            text += "require.reason = true\n";
        }
        rule.rate.iter().for_each(|rate| writeln!(text, "limit.rate = \"{rate}\"").unwrap());
    }
    text
}

fn policy(rules: &[Rule]) -> Policy {
    let text = toml(rules);
    Policy::parse(&text, "generated").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

struct Asked {
    who: Principal,
    target: Target,
    action: Action,
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
        now: question.now.map(|seconds| jiff::Timestamp::from_second(seconds).unwrap()),
    }
}

fn answer(policy: &Policy, asked: &Asked) -> Answer {
    match asked.action {
        Action::List => answer_as::<kind::List>(policy, asked),
        Action::Describe => answer_as::<kind::Describe>(policy, asked),
        Action::Use => answer_as::<kind::Use>(policy, asked),
        Action::Read => answer_as::<kind::Read>(policy, asked),
        Action::Write => answer_as::<kind::Write>(policy, asked),
        Action::Rotate => answer_as::<kind::Rotate>(policy, asked),
        Action::Delete => answer_as::<kind::Delete>(policy, asked),
    }
}

fn answer_as<A: ActionKind>(policy: &Policy, asked: &Asked) -> Answer {
    let request = Request::<A>::new(RequestId::new(), asked.target.clone(), None);
    match policy.decide(&asked.who, &request, asked.now) {
        Verdict::Allow(grant) => {
            assert_eq!(grant.request().target, asked.target);
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
    let (mut allowed, mut forbidden) = (0, 0);
    for turn in 0..cases / QUESTIONS {
        // Now and then many rules, so that indexes are built that few rules don't need.
        let count = if turn % 32 == 0 { 60 } else { dice.roll(8) };
        let rules: Vec<Rule> = (0..count).map(|number| rule(&mut dice, number)).collect();
        let policy = policy(&rules);
        let shadowed: Vec<String> = policy
            .lint(None)
            .into_iter()
            .filter(|warning| warning.kind == WarningKind::Shadowed)
            .map(|warning| warning.rule.to_string())
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
            assert_eq!(surveyed, matches!(expected, Answer::Allowed { .. }), "{question:?}\n{}", toml(&rules));
            if let Answer::Allowed { rules, .. } = &said {
                assert!(shadowed.iter().all(|rule| !rules.contains(rule)), "{shadowed:?} isn't shadowed");
            }
            if dice.one_in(8) {
                explanation_agrees(&policy, &asked, &expected);
            }
            allowed += usize::from(matches!(said, Answer::Allowed { .. }));
            forbidden += usize::from(matches!(said, Answer::Forbidden(_)));
        }
    }
    assert!(allowed > cases / 20 && forbidden > cases / 50, "{allowed}, {forbidden}: the cases don't tell");
}

fn explanation_agrees(policy: &Policy, asked: &Asked, expected: &Answer) {
    let explained = policy.explain(&asked.who, asked.action, &asked.target, false, asked.now);
    let deciding: BTreeSet<String> = explained.deciding.iter().map(ToString::to_string).collect();
    let matched = |effect| {
        explained
            .rules
            .iter()
            .filter(move |rule| rule.matched && rule.effect == effect)
            .map(|rule| rule.rule.to_string())
    };
    assert_eq!(explained.rules.len(), policy.rules().count());
    assert!(explained.rules.iter().all(|rule| rule.matched == rule.unmet.is_none()));
    match expected {
        Answer::Allowed { rules, reason, .. } => {
            assert_eq!((explained.decision, &deciding), (Effect::Allow, rules));
            assert_eq!(&matched(Effect::Allow).collect::<BTreeSet<_>>(), rules);
            assert_eq!((explained.obligations.reason, explained.reason_missing), (*reason, *reason));
        }
        Answer::Forbidden(rules) => {
            assert_eq!((explained.decision, &deciding), (Effect::Deny, rules));
            assert_eq!(&matched(Effect::Deny).collect::<BTreeSet<_>>(), rules);
        }
        Answer::Clock | Answer::NoRule => {
            assert_eq!((explained.decision, deciding.len()), (Effect::Deny, 0));
            assert!(explained.rules.iter().all(|rule| !rule.matched || expected == &Answer::Clock));
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
