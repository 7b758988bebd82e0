//! What's known of one secret: who was given it, and when it was changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Exposure, How, Present};
use crate::model::{RuleId, SecretPath};

/// How long after its intent a value is opened at the latest: sources have less time to answer.
const OPENED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// For how many rules the first time is kept that each allowed an exposure. More than one or two is rare.
const MOST_RULES: usize = 64;

/// What's known of one secret.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// As it was spelled last.
    path: SecretPath,
    changed: Option<Moment>,
    /// Who wrote the value in force, and so knows it.
    writer: Option<Arc<str>>,
    given: BTreeMap<To, Given>,
}

/// A place in the log, and the time it was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) order: u64,
    pub(super) time: Timestamp,
}

/// To whom, and by which delivery; `None` for a read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct To {
    pub(super) principal: Arc<str>,
    pub(super) delivery: Option<Arc<str>>,
}

#[derive(Debug, Clone)]
struct Given {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Of the last time, one a line.
    rules: Arc<str>,
    /// How often the value in force was given; only possibly, where it was changed meanwhile.
    present: u64,
    owed: Vec<(Arc<str>, Timestamp)>,
    /// Whether the value in force was given for certain.
    certain: bool,
    /// When it was last heard of.
    order: u64,
}

impl Known {
    pub(super) fn new(path: SecretPath) -> Self {
        Self { path, changed: None, writer: None, given: BTreeMap::new() }
    }

    /// How many principals and ways are remembered.
    pub(super) fn len(&self) -> usize {
        self.given.len()
    }

    /// When each thing that's remembered was last heard of.
    pub(super) fn heard(&self) -> impl Iterator<Item = u64> {
        self.given.values().map(|given| given.order).chain(self.changed.map(|changed| changed.order))
    }

    /// Forgets what was last heard of at this place or before, and says whether anything is left.
    pub(super) fn forget(&mut self, until: u64) -> bool {
        self.given.retain(|_, given| given.order > until);
        !self.given.is_empty() || self.changed.is_some_and(|changed| changed.order > until)
    }

    /// The value was given, at this moment, by a request that began at that one. `names` gives each rule's name.
    pub(super) fn expose(
        &mut self,
        path: &SecretPath,
        to: To,
        at: Moment,
        began: Option<Moment>,
        rules: &Arc<str>,
        mut names: impl FnMut(&str) -> Arc<str>,
    ) {
        self.path = path.clone();
        let (certain, possible) = self.is_present(began);
        let given = self.given.entry(to).or_insert_with(|| Given {
            first: at.time,
            last: at.time,
            count: 0,
            rules: Arc::clone(rules),
            present: 0,
            owed: Vec::new(),
            certain: false,
            order: at.order,
        });
        given.first = given.first.min(at.time);
        given.last = given.last.max(at.time);
        given.count = given.count.saturating_add(1);
        given.order = at.order;
        given.certain |= certain;
        if possible {
            given.present = given.present.saturating_add(1);
            rules.lines().for_each(|rule| given.owe(rule, at.time, &mut names));
        }
        given.rules = Arc::clone(rules);
    }

    /// Whether what was opened by a request that began then is the value in force: for certain, and possibly.
    fn is_present(&self, began: Option<Moment>) -> (bool, bool) {
        match (self.changed, began) {
            (_, None) => (false, true),
            (None, Some(_)) => (true, true),
            (Some(changed), Some(began)) if began.order > changed.order => (true, true),
            (Some(changed), Some(began)) => (false, changed.time.duration_since(began.time) <= OPENED_WITHIN),
        }
    }

    /// The value was changed, by a request that began then; `writer` chose the new one.
    pub(super) fn change(&mut self, path: &SecretPath, at: Moment, began: Option<Moment>, writer: Option<Arc<str>>) {
        self.path = path.clone();
        // Of two changes under way at once, the one recorded last needn't be the one that holds.
        let alone = self.is_present(began).0;
        self.writer = writer.filter(|_| alone);
        self.changed = Some(at);
        for given in self.given.values_mut() {
            (given.present, given.certain) = (0, false);
            given.owed.clear();
        }
    }

    pub(super) fn knows(&self, principal: &str) -> bool {
        let is_given = |(to, given): (&To, &Given)| &*to.principal == principal && given.certain;
        self.writer.as_deref() == Some(principal) || self.given.iter().any(is_given)
    }

    pub(super) fn exposures(&self) -> impl Iterator<Item = Exposure> {
        self.given.iter().map(|(to, given)| Exposure {
            path: self.path.clone(),
            principal: to.principal.to_string(),
            how: How::of(to.delivery.as_deref()),
            delivery: to.delivery.as_deref().map(str::to_owned),
            first: given.first,
            last: given.last,
            count: given.count,
            rules: given.rules.lines().map(RuleId::new).collect(),
            changed_since: self.changed.filter(|_| given.present == 0).map(|changed| changed.time),
            present: (given.present > 0).then(|| Present {
                count: given.present,
                owed: given.owed.iter().map(|(rule, since)| (RuleId::new(rule), *since)).collect(),
            }),
        })
    }
}

impl Given {
    fn owe(&mut self, rule: &str, time: Timestamp, mut names: impl FnMut(&str) -> Arc<str>) {
        if let Some((_, since)) = self.owed.iter_mut().find(|(known, _)| **known == *rule) {
            *since = time.min(*since);
        } else if self.owed.len() < MOST_RULES {
            self.owed.push((names(rule), time));
        }
    }
}
