//! Reads what a rule says about `use`.

use super::super::super::actions::ActionSet;
use super::super::super::diagnostics::Problems;
use super::super::super::parse::unknown;
use super::super::super::reader::{Placed, Section, list, suggestion};
use super::super::super::rule::Effect;
use super::super::set::DeliverySet;
use super::super::uses::{Uses, run_word};
use super::Read;
use super::words;
use crate::model::{Action, Delivery, DeliveryName, Output};

/// The keys of a rule's `use`.
pub(in crate::policy) const KEYS: [&str; 3] = ["commands", "hosts", "run"];

/// Reads a rule's `use`, and finds what it names.
pub(in crate::policy) fn read(
    rule: &Section<'_, '_>,
    effect: Option<Effect>,
    actions: Option<ActionSet>,
    known: &Read,
    problems: &mut Problems,
) -> Uses {
    let Some(section) = rule.table("use", "`use`", &KEYS, problems) else {
        return Uses::default();
    };
    if section.entries().next().is_none() {
        let help = format!("it has {}", list(&KEYS));
        problems.add_with_help(section.span(), "`use` is empty", "nothing in it", Some(help));
    }
    if actions.is_some_and(|actions| !actions.contains(Action::Use)) {
        let help = "add \"use\" to `actions`".to_owned();
        problems.add_with_help(section.span(), "the rule isn't about `use`", "it names deliveries", Some(help));
    }
    let mut uses = Uses {
        commands: names(&section, "commands", problems, |name, problems| command(name, known, problems)),
        hosts: names(&section, "hosts", problems, |host, problems| self::host(host, known, problems)),
        run: words::word(&section, "run", &[Output::Masked, Output::Unmasked], run_word, problems),
        named: DeliverySet::default(),
    };
    for (number, delivery) in known.deliveries.all() {
        if is_named(&uses, delivery, effect, known) {
            uses.named.insert(number);
        }
    }
    uses
}

/// Whether a rule names a delivery. To allow what's unmasked allows what's masked; to deny what's masked denies both.
fn is_named(uses: &Uses, delivery: &Delivery, effect: Option<Effect>, known: &Read) -> bool {
    match delivery {
        Delivery::Command(name) | Delivery::TrustedCode(name) => uses.commands.contains(name),
        Delivery::Http(_) => {
            known.deliveries.entry_of(delivery).is_some_and(|entry| uses.hosts.contains(&entry.host()))
        }
        Delivery::Run(output) => match effect {
            Some(Effect::Deny) => uses.run.is_some_and(|named| named <= *output),
            Some(Effect::Allow) | None => uses.run.is_some_and(|named| named >= *output),
        },
    }
}

fn names<T>(
    section: &Section<'_, '_>,
    key: &str,
    problems: &mut Problems,
    read: impl Fn(Placed<&str>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let texts = section.strings(key, problems);
    texts.into_iter().flat_map(|texts| texts.value).filter_map(|text| read(text, problems)).collect()
}

fn command(Placed { value, span }: Placed<&str>, known: &Read, problems: &mut Problems) -> Option<DeliveryName> {
    if known.commands.iter().any(|name| name == value) {
        return DeliveryName::parse(value).ok();
    }
    let names: Vec<&str> = known.commands.iter().map(String::as_str).collect();
    let (message, help) = if names.is_empty() {
        (format!("`{value}` isn't a command"), Some("this file has no [[command]]".to_owned()))
    } else {
        unknown("a command of this file", value, &names)
    };
    problems.add_with_help(span, message, "not known", help);
    None
}

fn host(Placed { value, span }: Placed<&str>, known: &Read, problems: &mut Problems) -> Option<String> {
    let hosts = known.hosts.as_ref()?;
    if hosts.iter().any(|host| host == value) {
        return Some(value.to_owned());
    }
    let plain = format!("{value}:80");
    if hosts.contains(&plain) {
        let help = format!("did you mean `{plain}`? Plain http is named with its port");
        problems.add_with_help(
            span,
            format!("no [[http]] of this file has the host `{value}`"),
            "not known",
            Some(help),
        );
        return None;
    }
    let meant = suggestion(value, hosts.iter().map(String::as_str)).or_else(|| {
        let same = |host: &&String| host.split(':').next() == value.split(':').next();
        hosts.iter().find(same).map(String::as_str)
    });
    let help = match (meant, hosts.is_empty()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, true) => "this file has no [[http]]".to_owned(),
        (None, false) => format!("one of {}", list(&hosts.iter().map(String::as_str).collect::<Vec<_>>())),
    };
    problems.add_with_help(span, format!("no [[http]] of this file has the host `{value}`"), "not known", Some(help));
    None
}
