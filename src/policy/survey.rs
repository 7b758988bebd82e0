//! Many decisions for one principal at one time, for lists.

use jiff::Timestamp;

use super::Policy;
use super::actions::ActionSet;
use super::compiled::{Compiled, Group};
use super::delivery::DeliverySet;
use super::rule::{Effect, Rule};
use super::trie::Segments;
use crate::model::{Action, Delivery, Principal, Target};

/// What one principal may do at one time: all that doesn't depend on the secret is settled.
#[derive(Debug)]
pub struct Survey<'p>(Option<Settled<'p>>);

#[derive(Debug)]
struct Settled<'p> {
    compiled: &'p Compiled,
    groups: Vec<&'p Group>,
    /// By position: whether the rule's circumstances hold.
    awake: Vec<bool>,
}

/// What rules allow and deny of one secret.
#[derive(Debug, Default)]
struct Weighed {
    allowed: ActionSet,
    denied: ActionSet,
    /// The deliveries that are opened for `use`, and those that are closed.
    opened: DeliverySet,
    closed: DeliverySet,
    /// Whether every delivery is closed.
    all_closed: bool,
}

impl Policy {
    /// The ways in which a principal may use a secret, in order.
    #[must_use]
    pub fn deliveries(&self, who: &Principal, target: &Target, now: Option<Timestamp>) -> Vec<Delivery> {
        self.survey(who, now).deliveries(target)
    }

    /// Settles everything about a principal and a time, so that many secrets can be asked about.
    /// It answers as [`Policy::decide`] would for each action.
    #[must_use]
    pub fn survey<'p>(&'p self, who: &'p Principal, now: Option<Timestamp>) -> Survey<'p> {
        let Ok((compiled, now)) = self.in_force(now) else {
            return Survey(None);
        };
        let mut groups = Vec::new();
        let mut awake = vec![false; compiled.rules().len()];
        compiled.each_group(who.name.as_str(), |group| {
            groups.push(group);
            for &position in &group.rules {
                let holds = compiled.rule(position).is_some_and(|rule| rule.unmet_by_caller(who, now).is_none());
                awake.get_mut(position).into_iter().for_each(|slot| *slot = holds);
            }
        });
        Survey(Some(Settled { compiled, groups, awake }))
    }
}

impl Survey<'_> {
    /// The actions permitted on one secret; `use` if there's a way to.
    #[must_use]
    pub fn actions(&self, target: &Target) -> ActionSet {
        let weighed = self.weigh(target);
        let plain = weighed.allowed.without(weighed.denied);
        let only_use = ActionSet::NONE.with(Action::Use);
        let usable = !weighed.all_closed && !weighed.opened.is_within(&weighed.closed);
        if usable { plain.union(only_use) } else { plain.without(only_use) }
    }

    /// The ways in which a secret may be used, in order.
    #[must_use]
    pub fn deliveries(&self, target: &Target) -> Vec<Delivery> {
        let weighed = self.weigh(target);
        let is_open =
            |number| !weighed.all_closed && weighed.opened.contains(number) && !weighed.closed.contains(number);
        let all = self.0.iter().flat_map(|settled| settled.compiled.deliveries().all());
        all.filter(|(number, _)| is_open(*number)).map(|(_, delivery)| delivery.clone()).collect()
    }

    fn weigh(&self, target: &Target) -> Weighed {
        let mut weighed = Weighed::default();
        let Some(Settled { compiled, groups, awake }) = &self.0 else {
            return weighed;
        };
        let paths = target.paths().map(|path| Segments::of(path.matching()));
        for (path, group) in paths.flat_map(|path| groups.iter().map(move |group| (path, group))) {
            group.paths.each(&path, &mut |end| {
                let awake = awake.get(end.rule).is_some_and(|&awake| awake);
                let rule = compiled.rule(end.rule).filter(|rule| awake && rule.unmet_by_item(target).is_none());
                if let Some(rule) = rule {
                    weighed.add(rule);
                }
            });
        }
        weighed
    }

    /// Whether any rule could permit anything on one of an item's fields, whatever they are. `path`
    /// is the item's in the matching form; `like` is any target of its, for its category and tags.
    #[must_use]
    pub fn reaches_into(&self, path: &str, like: &Target) -> bool {
        self.allowing(like).any(|rule| rule.paths().iter().any(|pattern| pattern.reaches_into(path)))
    }

    /// Whether any rule could permit anything in an item of this path, whatever its category and tags.
    #[must_use]
    pub fn speaks_of(&self, path: &str) -> bool {
        self.awake()
            .any(|rule| rule.effect == Effect::Allow && rule.paths().iter().any(|pattern| pattern.reaches_into(path)))
    }

    /// Whether a rule names the item and permits something to be listed in it.
    #[must_use]
    pub fn lists_in(&self, path: &str, like: &Target) -> bool {
        self.allowing(like)
            .filter(|rule| rule.actions().contains(Action::List))
            .any(|rule| rule.paths().iter().any(|pattern| pattern.names_below(path)))
    }

    /// The rules that allow anything on targets of this category and with these tags.
    fn allowing<'a>(&'a self, like: &'a Target) -> impl Iterator<Item = &'a Rule> {
        self.awake().filter(|rule| rule.effect == Effect::Allow && rule.unmet_by_item(like).is_none())
    }

    /// The rules that speak of the principal and whose circumstances hold.
    fn awake(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter().flat_map(|Settled { compiled, groups, awake }| {
            let positions = groups.iter().flat_map(|group| group.rules.iter());
            let awake = positions.filter(|position| awake.get(**position).is_some_and(|awake| *awake));
            awake.filter_map(|position| compiled.rule(*position))
        })
    }
}

impl Weighed {
    fn add(&mut self, rule: &Rule) {
        let (actions, deliveries) = match rule.effect {
            Effect::Allow => (&mut self.allowed, &mut self.opened),
            Effect::Deny => (&mut self.denied, &mut self.closed),
        };
        *actions = actions.union(rule.actions);
        if rule.actions.contains(Action::Use) {
            deliveries.take_in(rule.uses().named());
            self.all_closed |= rule.closes_all();
        }
    }
}
