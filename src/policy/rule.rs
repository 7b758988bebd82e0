//! One rule, parsed.

use std::time::Duration;

use serde_json::{Value, json};

use super::actions::ActionSet;
use super::condition::When;
use super::delivery::{Uses, canonical_rate};
use super::rate::Rate;
use crate::model::{Category, NamePattern, PathPattern, RuleId, Tag, Target, fold};

/// What a matching rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Permits, unless a deny rule matches as well.
    Allow,
    /// Forbids, whatever else matches.
    Deny,
}

/// One `[[rule]]` of a policy file.
#[derive(Debug)]
pub struct Rule {
    pub(super) id: RuleId,
    pub(super) effect: Effect,
    pub(super) principals: Vec<NamePattern>,
    pub(super) actions: ActionSet,
    pub(super) paths: Vec<PathPattern>,
    /// Empty: any category.
    pub(super) categories: Vec<Category>,
    /// Empty: any tags, or none.
    pub(super) tags: Vec<WantedTag>,
    pub(super) reason: Option<String>,
    pub(super) when: When,
    pub(super) require_reason: bool,
    pub(super) rate: Option<Rate>,
    pub(super) uses: Uses,
    pub(super) rotate_within: Option<Duration>,
    /// The line its table begins on, for people.
    pub(super) line: usize,
}

/// A tag a rule asks for, ready to be compared without regard to case.
#[derive(Debug)]
pub(super) struct WantedTag {
    written: Tag,
    folded: String,
}

impl WantedTag {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Tag::new(text).map(|written| Self { folded: fold(written.as_str()), written })
    }

    fn is(&self, tag: &Tag) -> bool {
        let text = tag.as_str();
        if text.is_ascii() { text.eq_ignore_ascii_case(&self.folded) } else { fold(text) == self.folded }
    }
}

impl Effect {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl Rule {
    /// The name it bears in decisions and records.
    #[must_use]
    pub fn id(&self) -> &RuleId {
        &self.id
    }

    /// Whether it permits or forbids.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Who it's about.
    #[must_use]
    pub fn principals(&self) -> &[NamePattern] {
        &self.principals
    }

    /// What it's about.
    #[must_use]
    pub fn actions(&self) -> ActionSet {
        self.actions
    }

    /// Which secrets it's about.
    #[must_use]
    pub fn paths(&self) -> &[PathPattern] {
        &self.paths
    }

    /// The categories it's limited to; empty if it isn't.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The tags of which an item must carry one; empty if it needn't.
    #[must_use]
    pub fn tags(&self) -> impl ExactSizeIterator<Item = &Tag> {
        self.tags.iter().map(|tag| &tag.written)
    }

    /// What its author noted.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What must hold around the request.
    #[must_use]
    pub fn when(&self) -> &When {
        &self.when
    }

    /// Whether the caller must say why.
    #[must_use]
    pub fn requires_reason(&self) -> bool {
        self.require_reason
    }

    /// How often each principal may use it.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// What it opens for `use` or, if it denies, closes. A deny rule that names nothing closes all.
    #[must_use]
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// How soon a value must be replaced after it was shown under this rule.
    #[must_use]
    pub fn rotate_within(&self) -> Option<Duration> {
        self.rotate_within
    }

    /// The line of the policy file it begins on.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    pub(super) fn category_fits(&self, target: &Target) -> bool {
        self.categories.is_empty() || self.categories.contains(&target.category)
    }

    pub(super) fn tags_fit(&self, target: &Target) -> bool {
        self.tags.is_empty() || self.tags.iter().any(|wanted| target.tags.iter().any(|tag| wanted.is(tag)))
    }

    /// The rule as data. Lists of which the order means nothing are sorted and free of duplicates.
    pub(super) fn canonical(&self) -> Value {
        let mut rule = json!({
            "id": self.id.as_str(),
            "effect": self.effect.as_str(),
            "principals": sorted(self.principals.iter().map(NamePattern::as_str)),
            "actions": sorted(self.actions.iter().map(crate::model::Action::as_str)),
            "paths": sorted(self.paths.iter().map(PathPattern::as_str)),
        });
        let mut set = |key: &str, value: Option<Value>| {
            if let (Some(rule), Some(value)) = (rule.as_object_mut(), value) {
                rule.insert(key.to_owned(), value);
            }
        };
        let list = |list: Vec<String>| (!list.is_empty()).then(|| json!(list));
        set("categories", list(sorted(self.categories.iter().map(|category| category.as_str()))));
        set("tags", list(sorted(self.tags.iter().map(|tag| tag.written.as_str()))));
        set("reason", self.reason.as_ref().map(|reason| json!(reason)));
        set("when", self.when.canonical());
        set("require", self.require_reason.then(|| json!({ "reason": true })));
        set("limit", self.rate.map(|rate| json!({ "rate": canonical_rate(rate) })));
        set("use", self.uses.canonical());
        set("after_read", self.rotate_within.map(|within| json!({ "rotate_within": within.as_secs() })));
        rule
    }
}

pub(super) fn sorted<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
