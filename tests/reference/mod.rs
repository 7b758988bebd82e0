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
}

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
    let matching: Vec<&Rule> = rules.iter().filter(|rule| matches(rule, question, now)).collect();
    let ids = |deny: bool| matching.iter().filter(|rule| rule.deny == deny).map(|rule| rule.id.clone()).collect();
    let denies: BTreeSet<String> = ids(true);
    let allows: BTreeSet<String> = ids(false);
    if !denies.is_empty() {
        Answer::Forbidden(denies)
    } else if allows.is_empty() {
        Answer::NoRule
    } else {
        let reason = matching.iter().any(|rule| rule.require_reason);
        let rates = matching.iter().filter_map(|rule| Some((rule.id.clone(), rule.rate.clone()?))).collect();
        Answer::Allowed { rules: allows, reason, rates }
    }
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
