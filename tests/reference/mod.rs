//! A second policy engine, written from the words of the design by brute force.
//!
//! It works on plain strings and shares no code with the product: no path, pattern, time or address
//! type. It's slow and obvious on purpose, so that where the two disagree the product is wrong.

use std::collections::{BTreeMap, BTreeSet};

/// One rule, as the strings of a policy file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) deny: bool,
    pub(crate) principals: Vec<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) tags: Vec<String>,
    /// Seconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) not_before: Option<i64>,
    pub(crate) hours: Option<Hours>,
    pub(crate) source_ip: Vec<String>,
    pub(crate) transport: Vec<String>,
    pub(crate) claims: BTreeMap<String, String>,
    pub(crate) require_reason: bool,
    pub(crate) rate: Option<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) hosts: Vec<String>,
    /// `masked` or `unmasked`.
    pub(crate) run: Option<String>,
}

/// Every delivery of the file that the cases share: how it's spelled, the name or host by which a rule opens it, and
/// how often it may be used.
pub(crate) const DELIVERIES: [(&str, &str, Option<&str>); 8] = [
    ("command:migrate", "migrate", None),
    ("command:report", "report", None),
    ("trusted-code:test", "test", None),
    ("http:stripe", "api.stripe.com", Some("60/1m")),
    ("http:stripe-admin", "api.stripe.com", None),
    ("http:metrics", "metrics.internal:9090", Some("5/1h")),
    ("run", "masked", None),
    ("run-unmasked", "unmasked", None),
];

/// A window on a clock that's a fixed distance from UTC.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    /// Monday is 0.
    pub(crate) days: Vec<i64>,
    /// Minutes since midnight.
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) zone: &'static str,
    pub(crate) zone_minutes: i64,
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) principal: String,
    pub(crate) transport: String,
    pub(crate) source_ip: Option<String>,
    pub(crate) claims: BTreeMap<String, String>,
    pub(crate) action: String,
    /// For `use`; a delivery that may not exist.
    pub(crate) delivery: Option<String>,
    pub(crate) path: String,
    pub(crate) category: String,
    pub(crate) tags: Vec<String>,
    /// Seconds since 1970.
    pub(crate) now: Option<i64>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Clock,
    Forbidden(BTreeSet<String>),
    NoRule,
    Allowed { rules: BTreeSet<String>, reason: bool, rates: BTreeSet<(String, String)> },
}

/// "Deny wins, for every action, whatever the order or how specific. Else at least one matching allow
/// is needed, and the obligations of all matching allow rules add up."
pub(crate) fn decide(rules: &[Rule], question: &Question) -> Answer {
    let Some(now) = question.now else {
        return Answer::Clock;
    };
    let by = question.delivery.as_deref();
    let about = |rule: &&Rule| question.action != "use" || speaks_of(rule, by);
    let matching: Vec<&Rule> = rules.iter().filter(|rule| matches(rule, question, now)).filter(about).collect();
    let ids = |deny: bool| matching.iter().filter(|rule| rule.deny == deny).map(|rule| rule.id.clone()).collect();
    let denies: BTreeSet<String> = ids(true);
    let allows: BTreeSet<String> = ids(false);
    if !denies.is_empty() {
        Answer::Forbidden(denies)
    } else if allows.is_empty() {
        Answer::NoRule
    } else {
        let reason = matching.iter().any(|rule| rule.require_reason);
        let mut rates: BTreeSet<(String, String)> =
            matching.iter().filter_map(|rule| Some((rule.id.clone(), rule.rate.clone()?))).collect();
        for (delivery, _, rate) in DELIVERIES {
            if question.action == "use" && by == Some(delivery) {
                rates.extend(rate.map(|rate| (delivery.to_owned(), rate.to_owned())));
            }
        }
        Answer::Allowed { rules: allows, reason, rates }
    }
}

/// "An allow rule opens what it names; a deny rule closes what it names, or all if it names nothing. To allow `unmasked`
/// allows both ways to run, and to deny `masked` denies both."
fn speaks_of(rule: &Rule, delivery: Option<&str>) -> bool {
    if rule.deny && rule.commands.is_empty() && rule.hosts.is_empty() && rule.run.is_none() {
        return true;
    }
    let Some((spelled, name, _)) = DELIVERIES.into_iter().find(|(spelled, ..)| Some(*spelled) == delivery) else {
        return false;
    };
    match (spelled, rule.deny, rule.run.as_deref()) {
        ("run", false, Some(_)) | ("run-unmasked", true, Some(_)) => true,
        ("run", true, said) => said == Some("masked"),
        ("run-unmasked", false, said) => said == Some("unmasked"),
        ("run" | "run-unmasked", _, None) => false,
        (spelled, ..) if spelled.starts_with("http:") => rule.hosts.iter().any(|host| host == name),
        _ => rule.commands.iter().any(|command| command == name),
    }
}

/// The deliveries by which a question about `use` would be allowed.
pub(crate) fn open_deliveries(rules: &[Rule], question: &Question) -> BTreeSet<String> {
    let allowed = |delivery: &str| matches!(decide(rules, &by(question, delivery)), Answer::Allowed { .. });
    DELIVERIES.into_iter().map(|(spelled, ..)| spelled.to_owned()).filter(|delivery| allowed(delivery)).collect()
}

/// "Without a delivery, `use` is allowed if there's any, with what each of them asks for; it's forbidden by what closes
/// all, or closes what would be open."
pub(crate) fn somehow(rules: &[Rule], question: &Question) -> Answer {
    let answers = DELIVERIES.map(|(spelled, ..)| (spelled, decide(rules, &by(question, spelled))));
    let mut all = (BTreeSet::new(), false, BTreeSet::new());
    for (_, answer) in &answers {
        match answer {
            Answer::Clock => return Answer::Clock,
            Answer::Allowed { rules, reason, rates } => {
                all.0.extend(rules.iter().cloned());
                all.1 |= reason;
                all.2.extend(rates.iter().cloned());
            }
            Answer::Forbidden(_) | Answer::NoRule => {}
        }
    }
    if !all.0.is_empty() {
        return Answer::Allowed { rules: all.0, reason: all.1, rates: all.2 };
    }
    let allows: Vec<Rule> = rules.iter().filter(|rule| !rule.deny).cloned().collect();
    let mut forbidden = BTreeSet::new();
    for (delivery, answer) in answers {
        let opened = matches!(decide(&allows, &by(question, delivery)), Answer::Allowed { .. });
        if let (Answer::Forbidden(rules), true) = (answer, opened) {
            forbidden.extend(rules);
        }
    }
    if let Answer::Forbidden(rules) = decide(rules, &Question { delivery: None, ..question.clone() }) {
        forbidden.extend(rules);
    }
    if forbidden.is_empty() { Answer::NoRule } else { Answer::Forbidden(forbidden) }
}

fn by(question: &Question, delivery: &str) -> Question {
    Question { delivery: Some(delivery.to_owned()), ..question.clone() }
}

fn matches(rule: &Rule, question: &Question, now: i64) -> bool {
    let principal: Vec<char> = question.principal.chars().collect();
    rule.principals.iter().any(|pattern| star(&pattern.chars().collect::<Vec<_>>(), &principal))
        && rule.actions.contains(&question.action)
        && (rule.categories.is_empty() || rule.categories.contains(&question.category))
        && (rule.tags.is_empty()
            || rule.tags.iter().any(|want| question.tags.iter().any(|tag| tag.to_lowercase() == want.to_lowercase())))
        && rule.expires.is_none_or(|end| now < end)
        && rule.not_before.is_none_or(|begin| now >= begin)
        && rule.hours.as_ref().is_none_or(|hours| open(hours, now))
        && (rule.transport.is_empty() || rule.transport.contains(&question.transport))
        && (rule.source_ip.is_empty() || rule.source_ip.iter().any(|net| comes_from(net, question)))
        && rule.claims.iter().all(|(claim, value)| question.claims.get(claim) == Some(value))
        && rule.paths.iter().any(|pattern| covers(pattern, &question.path))
}

/// "A pattern covers a path if it matches the path or any of its ancestors."
pub(crate) fn covers(pattern: &str, path: &str) -> bool {
    let pattern: Vec<String> = pattern.split('/').map(segment).collect();
    let path: Vec<String> = path.split('/').map(segment).collect();
    (1..=path.len()).any(|length| whole(&pattern, &path[..length]))
}

/// A segment as it's compared: unescaped, without regard to case. Unescaping comes after splitting,
/// so a slash in a name stays inside its segment.
fn segment(written: &str) -> String {
    written.replace("%2F", "/").replace("%25", "%").to_lowercase()
}

/// "`**` is zero or more whole segments": try every number.
fn whole(pattern: &[String], path: &[String]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((first, rest)) if first == "**" => (0..=path.len()).any(|skipped| whole(rest, &path[skipped..])),
        Some((first, rest)) => path.split_first().is_some_and(|(segment, below)| {
            star(&first.chars().collect::<Vec<_>>(), &segment.chars().collect::<Vec<_>>()) && whole(rest, below)
        }),
    }
}

/// "`*` is any run of characters": try every length.
fn star(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|length| star(rest, &text[length..])),
        Some((first, rest)) => text.split_first().is_some_and(|(c, below)| c == first && star(rest, below)),
    }
}

fn open(hours: &Hours, now: i64) -> bool {
    let local = now.div_euclid(60) + hours.zone_minutes;
    let (day, minute) = (local.div_euclid(1440), local.rem_euclid(1440));
    // 1970-01-01 was a Thursday.
    let weekday = |day: i64| (day + 3).rem_euclid(7);
    // Look at the windows that began today and yesterday.
    [0, 1].into_iter().any(|ago| {
        let length = (hours.end - hours.begin).rem_euclid(1440);
        let length = if length == 0 { 1440 } else { length };
        let since = minute + ago * 1440 - hours.begin;
        hours.days.contains(&weekday(day - ago)) && (0..length).contains(&since)
    })
}

/// "HTTP only; never matches stdio." Addresses as strings of bits.
fn comes_from(net: &str, question: &Question) -> bool {
    let (address, length) = net.split_once('/').unwrap_or((net, "999"));
    let length: usize = length.parse().unwrap();
    let Some(source) = question.source_ip.as_ref().filter(|_| question.transport == "http") else {
        return false;
    };
    let (net, source) = (bits(address), bits(source.trim_start_matches("::ffff:")));
    net.len() == source.len() && net.chars().zip(source.chars()).take(length).all(|(a, b)| a == b)
}

fn bits(address: &str) -> String {
    if address == "::1" {
        return format!("{:0>128}", 1);
    }
    let bytes: Vec<String> = address.split('.').map(|byte| format!("{:08b}", byte.parse::<u8>().unwrap())).collect();
    bytes.concat()
}
