//! What a principal may know of an item, and what would come of a request.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Action, Delivery, Field, Item, Principal, RuleId, SecretPath, Target};
use crate::policy::{ActionSet, Obligations, Policy, Survey, Uses};

/// An item, and those of its fields the principal may know of. Only a decision makes one.
#[derive(Debug)]
pub struct Visible {
    item: Arc<Item>,
    fields: Vec<(usize, ActionSet)>,
}

impl Visible {
    /// The item, with all its fields: show only [`Visible::fields`].
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The fields the principal may know of, with what it may do with each; none as long as the
    /// item's fields are only supposed.
    pub fn fields(&self) -> impl Iterator<Item = (&Field, ActionSet)> {
        self.fields.iter().filter_map(|(index, actions)| Some((self.item.fields.known().get(*index)?, *actions)))
    }

    /// What the principal may do with at least one of the fields, be they only supposed.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(|action| self.fields.iter().any(|(_, actions)| actions.contains(*action)))
    }
}

pub(super) fn visible(survey: &Survey<'_>, item: &Arc<Item>, action: Action) -> Option<Visible> {
    let fields: Vec<_> = item
        .fields
        .decided_on()
        .iter()
        .enumerate()
        .map(|(index, field)| (index, survey.actions(&item.target(field))))
        .filter(|(_, actions)| actions.contains(action))
        .collect();
    (!fields.is_empty()).then(|| Visible { item: Arc::clone(item), fields })
}

/// Whether any rule could permit anything in an item, whatever fields it has.
pub(super) fn reaches(survey: &Survey<'_>, item: &Item) -> bool {
    let Some(like) = item.fields.decided_on().first().map(|field| item.target(field)) else { return false };
    let by_title = like.title_path.as_ref().map(SecretPath::item);
    survey.reaches_into(item.path.matching(), &like)
        || by_title.is_some_and(|path| survey.reaches_into(path.matching(), &like))
}

const ALLOW: &str = "allow";
const DENY: &str = "deny";

/// What a caller can do about a secret it may use, where nothing uses it.
const UNDELIVERED: &str = "ask the owner for a command or an HTTP entry that delivers this secret: none does";

/// What would come of a request.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Access {
    /// `allow` or `deny`.
    pub decision: &'static str,
    /// The rule that decides, where the principal may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What the caller must also do or keep to.
    pub obligations: Vec<String>,
    /// For `use`: the ways that are open, as records write them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub deliveries: Vec<String>,
    /// The policy's hash.
    pub policy: String,
}

pub(super) fn access(
    policy: &Policy,
    who: &Principal,
    now: Option<Timestamp>,
    (action, by): (Action, &[Delivery]),
    target: &Target,
) -> Access {
    let listable = policy.survey(who, now).actions(target).contains(Action::List);
    let policy_hash = policy.hash().to_string();
    match policy.outlook(who, action, target, now) {
        // Whatever rule opens one.
        Ok(_) if action == Action::Use && by.is_empty() => Access {
            decision: DENY,
            rule: None,
            obligations: vec![UNDELIVERED.to_owned()],
            deliveries: Vec::new(),
            policy: policy_hash,
        },
        Ok((rules, obligations)) => Access {
            decision: ALLOW,
            rule: rules.first().map(ToString::to_string),
            obligations: words(&obligations, by),
            deliveries: by.iter().map(ToString::to_string).collect(),
            policy: policy_hash,
        },
        Err(reason) => Access {
            decision: DENY,
            rule: reason.rules().first().filter(|_| listable).map(ToString::to_string),
            obligations: Vec::new(),
            deliveries: Vec::new(),
            policy: policy_hash,
        },
    }
}

/// The entries' limits among them are those of other secrets' entries, too.
fn words(obligations: &Obligations, by: &[Delivery]) -> Vec<String> {
    let is_elsewhere = |rule: &RuleId| {
        let entry = Delivery::parse(rule.as_str()).ok().filter(|delivery| matches!(delivery, Delivery::Http(_)));
        entry.is_some_and(|entry| by.iter().all(|open| *open != entry))
    };
    let rates = obligations.rates.iter().filter(|(rule, _)| !is_elsewhere(rule));
    let reason = obligations.reason.then(|| "pass a reason".to_owned());
    reason.into_iter().chain(rates.map(|(rule, rate)| format!("at most {rate} ({rule})"))).collect()
}

/// The rules that speak of a principal.
#[derive(Debug, Serialize)]
pub struct RulesOfMine {
    /// The policy's hash.
    policy: String,
    /// In the file's order; a deny wins whatever the order.
    rules: Vec<RuleOfMine>,
}

#[derive(Debug, Serialize)]
struct RuleOfMine {
    id: String,
    effect: &'static str,
    actions: Vec<Action>,
    paths: Vec<String>,
    /// The deliveries it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<String>,
    conditional: bool,
}

pub(super) fn rules(policy: &Policy, who: &Principal) -> RulesOfMine {
    let rules = policy
        .rules()
        .filter(|rule| rule.principals().iter().any(|pattern| pattern.matches(who.name.as_str())))
        .map(|rule| RuleOfMine {
            id: rule.id().to_string(),
            effect: rule.effect().as_str(),
            actions: rule.actions().iter().collect(),
            paths: rule.paths().iter().map(ToString::to_string).collect(),
            uses: named(rule.uses()),
            conditional: !rule.when().is_empty() || rule.requires_reason() || rule.rate().is_some(),
        })
        .collect();
    RulesOfMine { policy: policy.hash().to_string(), rules }
}

/// What a rule opens or closes for `use`, as records write deliveries; a host stands for all entries of that host.
fn named(uses: &Uses) -> Vec<String> {
    let commands = uses.commands().iter().map(|name| format!("command:{name}"));
    let hosts = uses.hosts().iter().map(|host| format!("host:{host}"));
    let run = uses.run().map(|output| Delivery::Run(output).to_string());
    commands.chain(hosts).chain(run).collect()
}
