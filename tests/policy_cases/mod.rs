//! Rules and questions made by dice, for the product and for the reference alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use opward::model::Action;

use crate::reference::{Hours, Question, Rule};

/// 2026-11-20T10:00:00Z, a Friday, when Berlin is one hour ahead.
const FRIDAY: i64 = 1_795_168_800;

/// A small generator of its own, so that a seed names a case for good (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }

    pub(crate) fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    pub(crate) fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.roll(texts.len())]
    }

    pub(crate) fn some(&mut self, texts: &[&str]) -> Vec<String> {
        (0..=self.roll(2)).map(|_| self.pick(texts).to_owned()).collect()
    }
}

const NAMES: [&str; 12] = ["a", "b", "A", "ab", "aB", "ba", "aab", "é", "É", "b%2Fa", "a%25", "bab"];
const SEGMENTS: [&str; 24] = [
    "a", "b", "A", "ab", "aB", "*", "*", "**", "**", "a*", "*b", "A*b", "*a*", "é*", "*É", "b%2F*", "*%25", "a*b*",
    "*ab", "**", "b*a", "ba", "*A*b*", "aa*",
];

/// Deliveries that exist, and some that don't or are spelled as another class.
const SPELLED: [&str; 12] = [
    "command:migrate",
    "command:report",
    "trusted-code:test",
    "http:stripe",
    "http:stripe-admin",
    "http:metrics",
    "run",
    "run-unmasked",
    "command:test",
    "trusted-code:migrate",
    "http:migrate",
    "command:none",
];

/// What every generated policy delivers to.
const DELIVERIES: &str = r#"
[[command]]
name = "report"
exe = "/usr/bin/report"
class = "sealed"
stdin = "a/b/c"
[[command]]
name = "migrate"
exe = "/usr/bin/psql"
class = "parametrised"
env.PGPASSWORD = "a/b/c"
[[command]]
name = "test"
exe = "/usr/bin/npm"
class = "trusted-code"
accept_exposure = true
fd.3 = "a/b/c"
[[http]]
name = "stripe"
base = "https://api.stripe.com/"
methods = ["GET"]
paths = ["/v1/**"]
inject = { header = "Authorization", format = "Bearer {}", secret = "a/b/c" }
limit.rate = "60/1m"
[[http]]
name = "stripe-admin"
base = "https://api.stripe.com/admin/"
methods = ["DELETE"]
paths = ["/admin/**"]
inject = { query = "key", secret = "a/b/c" }
[[http]]
name = "metrics"
base = "https://metrics.internal:9090/"
methods = ["GET"]
paths = ["/**"]
inject = { basic = "p", secret = "a/b/c" }
limit.rate = "5/1h"
"#;

pub(crate) fn path(dice: &mut Dice) -> String {
    (0..3 + dice.roll(2)).map(|_| dice.pick(&NAMES)).collect::<Vec<_>>().join("/")
}

pub(crate) fn pattern(dice: &mut Dice) -> String {
    (0..=dice.roll(5)).map(|_| dice.pick(&SEGMENTS)).collect::<Vec<_>>().join("/")
}

pub(crate) fn rule(dice: &mut Dice, number: usize) -> Rule {
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
    if rule.actions.iter().any(|action| action == "use") {
        uses(dice, &mut rule);
    }
    rule
}

fn uses(dice: &mut Dice, rule: &mut Rule) {
    if dice.one_in(2) {
        rule.commands = dice.some(&["migrate", "report", "test"]);
    }
    if dice.one_in(3) {
        rule.hosts = dice.some(&["api.stripe.com", "metrics.internal:9090"]);
    }
    if dice.one_in(3) {
        rule.run = Some(dice.pick(&["masked", "unmasked"]).to_owned());
    }
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

pub(crate) fn question(dice: &mut Dice) -> Question {
    let at = [0, 0, 0, -1, 1, -3600, 3600, 43_200, -43_200, 86_400, 172_800][dice.roll(11)];
    Question {
        principal: dice.pick(&["p", "q", "ci-1", "ci-2", "P"]).to_owned(),
        transport: dice.pick(&["stdio", "http", "http", "socket", "cli"]).to_owned(),
        source_ip: (!dice.one_in(4))
            .then(|| dice.pick(&["10.0.0.1", "10.128.0.1", "192.168.1.1", "::ffff:10.0.0.1", "::1"]).to_owned()),
        claims: if dice.one_in(2) { claims(dice) } else { BTreeMap::new() },
        action: if dice.one_in(3) { "use" } else { dice.pick(&Action::ALL.map(Action::as_str)) }.to_owned(),
        delivery: (!dice.one_in(6)).then(|| dice.pick(&SPELLED).to_owned()),
        path: path(dice),
        category: dice.pick(&["LOGIN", "DATABASE"]).to_owned(),
        tags: if dice.one_in(2) { dice.some(&["x", "Y", "é", "z"]) } else { Vec::new() },
        now: (!dice.one_in(40)).then_some(FRIDAY + at),
    }
}

pub(crate) fn toml(rules: &[Rule]) -> String {
    let mut text = format!("version = 1\n{DELIVERIES}");
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
        let uses = [("use.commands", &rule.commands), ("use.hosts", &rule.hosts)];
        for (key, texts) in lists.into_iter().chain(more).chain(when).chain(uses).filter(|(_, texts)| !texts.is_empty())
        {
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
        rule.run.iter().for_each(|run| writeln!(text, "use.run = \"{run}\"").unwrap());
        rule.rate.iter().for_each(|rate| writeln!(text, "limit.rate = \"{rate}\"").unwrap());
    }
    text
}
