//! What a principal would gain by another category or other tags of an item.

use jiff::Timestamp;

use super::Policy;
use super::condition::Lasting;
use super::decide::candidates;
use super::rule::{Effect, Rule};
use crate::model::{Action, Principal, Target};

impl Policy {
    /// Whether a principal could do more with a secret, or do it on easier terms, once it's as `after` says: with
    /// another category or other tags, and otherwise the same as `before`.
    ///
    /// What a rule asks of time, address and claims may hold sooner or later, together or not, so each way counts: who
    /// takes a tag away at noon gains by it if a rule that asks for the tag denies at night.
    #[must_use]
    pub fn would_gain(&self, who: &Principal, before: &Target, after: &Target, now: Option<Timestamp>) -> bool {
        let Ok((compiled, now)) = self.in_force(now) else { return false };
        Action::ALL.into_iter().any(|action| {
            let about: Vec<Concerned<'_>> = candidates(compiled, who, action, before)
                .into_iter()
                .filter_map(|position| compiled.rule(position))
                .map(|rule| Concerned::by(rule, before, after, now))
                .filter(|concerned| concerned.lasting != Lasting::Over)
                .collect();
            if action == Action::Use {
                let speaking = |number| about.iter().filter(move |concerned| concerned.rule.speaks_of(Some(number)));
                compiled.deliveries().all().any(|(number, _)| gains(speaking(number)))
            } else {
                gains(about.iter())
            }
        })
    }
}

/// A rule about a principal, an action and a path, and whether it's about the item.
struct Concerned<'p> {
    rule: &'p Rule,
    lasting: Lasting,
    before: bool,
    after: bool,
}

impl<'p> Concerned<'p> {
    fn by(rule: &'p Rule, before: &Target, after: &Target, now: Timestamp) -> Self {
        let fits = |target| rule.unmet_by_item(target).is_none();
        Self { rule, lasting: rule.when().lasting(now), before: fits(before), after: fits(after) }
    }

    fn is_always(&self) -> bool {
        self.lasting == Lasting::Always
    }

    fn is_lost(&self) -> bool {
        self.before && !self.after
    }
}

/// Whether there can be a time when what these rules say of one action is more than it would have been.
fn gains<'c>(about: impl Iterator<Item = &'c Concerned<'c>>) -> bool {
    let (denies, allows): (Vec<_>, Vec<_>) = about.partition(|concerned| concerned.rule.effect() == Effect::Deny);
    let stays_shut = denies.iter().any(|deny| deny.after && deny.is_always());
    let allowed_after = || allows.iter().filter(|allow| allow.after);
    if stays_shut || allowed_after().next().is_none() {
        return false;
    }
    let is_lifted = denies.iter().any(|deny| deny.is_lost());
    let always_allowed = allows.iter().any(|allow| allow.before && allow.is_always());
    let is_opened = !always_allowed && allows.iter().any(|allow| allow.after && !allow.before);
    let always_after =
        |asks: &dyn Fn(&Rule) -> bool| allowed_after().any(|allow| allow.is_always() && asks(allow.rule));
    // What a rule asks for is shed if it goes with the rule, and no other is certain to ask for as much.
    let is_shed = allows.iter().filter(|allow| allow.is_lost()).any(|lost| {
        let reason = lost.rule.requires_reason() && !always_after(&Rule::requires_reason);
        let within = lost.rule.rotate_within();
        let soon = |rule: &Rule| rule.rotate_within() <= within && rule.rotate_within().is_some();
        reason || lost.rule.rate().is_some() || (within.is_some() && !always_after(&soon))
    });
    is_lifted || is_opened || is_shed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Category, PrincipalName, SecretPath, Tag, Transport};
    use std::sync::Arc;

    const COMMANDS: &str = "version = 1
        [[command]]\nname = \"sum\"\nexe = \"/usr/bin/sha256sum\"\nclass = \"sealed\"\nstdin = \"V/I/f\"
        [[command]]\nname = \"tests\"\nexe = \"/usr/bin/npm\"\nclass = \"trusted-code\"\naccept_exposure = true\nstdin = \"V/I/f\"\n";

    /// Of rules about everything of everybody's: each by its action and the rest of it.
    fn gains(rules: &[(&str, &str)], before: &[&str], after: &[&str]) -> bool {
        let rule = |(number, (action, rest)): (usize, &(&str, &str))| {
            format!(
                "[[rule]]\nid = \"r{number}\"\nprincipals = [\"*\"]\nactions = [\"{action}\"]\npaths = [\"**\"]\n{rest}\n"
            )
        };
        let rules: String = rules.iter().enumerate().map(rule).collect();
        let policy = Policy::parse(&format!("{COMMANDS}{rules}"), "p").unwrap_or_else(|problems| panic!("{problems}"));
        let who = Principal {
            name: PrincipalName::parse("p").unwrap(),
            transport: Transport::Stdio,
            source_ip: None,
            claims: Arc::default(),
        };
        let target = |tags: &[&str]| Target {
            path: SecretPath::parse("V/I/f").unwrap(),
            title_path: None,
            place: None,
            category: Category::Login,
            tags: tags.iter().map(|tag| Tag::new(tag).unwrap()).collect(),
        };
        policy.would_gain(&who, &target(before), &target(after), "2026-11-20T10:00:00Z".parse().ok())
    }

    #[test]
    fn one_more_delivery_is_a_gain() {
        let rules = [("use", "use.commands = [\"sum\"]"), ("use", "use.commands = [\"tests\"]\ntags = [\"test\"]")];
        assert!(gains(&rules, &[], &["test"]));
        assert!(!gains(&rules, &["test"], &[]));
        assert!(!gains(&rules, &["test"], &["test", "x"]));
        assert!(!gains(&rules, &[], &["other"]));
    }

    #[test]
    fn lifting_what_is_denied_is_a_gain_where_something_is_allowed() {
        let deny = ("use", "effect = \"deny\"\ntags = [\"locked\"]\nuse.commands = [\"sum\"]");
        let both = ("use", "use.commands = [\"sum\", \"tests\"]");
        assert!(gains(&[both, deny], &["locked"], &[]));
        assert!(!gains(&[both, deny], &[], &["locked"]));
        assert!(!gains(&[("use", "use.commands = [\"tests\"]"), deny], &["locked"], &[]), "nothing opens it");
        let shut = ("use", "effect = \"deny\"");
        assert!(!gains(&[both, deny, shut], &["locked"], &[]), "it stays shut");
        let read = ("read", "effect = \"deny\"\ntags = [\"locked\"]");
        assert!(gains(&[("read", ""), read], &["locked"], &[]));
        assert!(!gains(&[("write", ""), read], &["locked"], &[]));
    }

    #[test]
    fn what_a_rule_asks_for_goes_with_it() {
        let wide = ("read", "");
        for terms in ["require.reason = true", "limit.rate = \"1/1h\"", "after_read.rotate_within = \"24h\""] {
            let strict = ("read", format!("tags = [\"strict\"]\n{terms}"));
            let strict = (strict.0, strict.1.as_str());
            assert!(gains(&[wide, strict], &["strict"], &[]), "{terms}");
            assert!(!gains(&[wide, strict], &[], &["strict"]), "{terms}");
            assert!(!gains(&[strict], &["strict"], &[]), "without the rule there's nothing: {terms}");
        }
        let plain = ("read", "tags = [\"strict\"]");
        assert!(!gains(&[wide, plain], &["strict"], &[]), "it asked for nothing");
    }

    #[test]
    fn another_rule_that_asks_for_as_much_makes_up_for_it() {
        let pairs = [
            ("require.reason = true", "require.reason = true", false),
            ("require.reason = true", "limit.rate = \"1/1h\"", true),
            ("limit.rate = \"1/1h\"", "limit.rate = \"1/1h\"", true),
            ("after_read.rotate_within = \"24h\"", "after_read.rotate_within = \"1h\"", false),
            ("after_read.rotate_within = \"1h\"", "after_read.rotate_within = \"24h\"", true),
        ];
        for (lost, kept, gain) in pairs {
            let lost_rule = format!("tags = [\"strict\"]\n{lost}");
            assert_eq!(gains(&[("read", kept), ("read", &lost_rule)], &["strict"], &[]), gain, "{lost}; {kept}");
        }
    }

    #[test]
    fn what_a_rule_does_at_another_time_counts() {
        let night = "when.hours = \"Mon-Sun 22:00-23:00 UTC\"";
        let over = "when.expires = 2026-11-01T00:00:00Z";
        let (at_night, once) = (format!("tags = [\"a\"]\n{night}"), format!("tags = [\"a\"]\n{over}"));
        assert!(gains(&[("read", &at_night)], &[], &["a"]));
        assert!(!gains(&[("read", &once)], &[], &["a"]));
        let deny = format!("effect = \"deny\"\n{at_night}");
        assert!(gains(&[("read", ""), ("read", &deny)], &["a"], &[]));
        assert!(!gains(&[("read", ""), ("read", &at_night)], &[], &["a"]), "it's allowed anyway");
        assert!(gains(&[("read", night), ("read", "tags = [\"a\"]")], &[], &["a"]), "it's allowed at night only");
    }

    #[test]
    fn nothing_is_gained_by_tags_no_rule_speaks_of() {
        assert!(!gains(&[("read", ""), ("use", "use.run = \"masked\"")], &["a"], &["b"]));
        assert!(!gains(&[], &["a"], &["b"]));
    }
}
