//! What must hold around a request for a rule to match: time, place, transport and claims.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::hours::Hours;
use super::rule::{Rule, sorted};
use crate::model::{Principal, Target, Transport};

/// The `when` of a rule: it matches only while all of it holds.
#[derive(Debug, Default)]
pub struct When {
    pub(super) expires: Option<Timestamp>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) hours: Option<Hours>,
    /// Empty: from anywhere.
    pub(super) source_ip: Vec<IpNet>,
    /// Empty: by any transport.
    pub(super) transport: Vec<Transport>,
    pub(super) claims: BTreeMap<String, String>,
}

/// How long a rule's `when` holds from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// From now on, whatever comes.
    Always,
    /// It may or may not.
    AtTimes,
    /// Never again.
    Over,
}

/// The first thing that keeps a rule from matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unmet {
    /// It's about other principals.
    Principal,
    /// It's about other actions.
    Action,
    /// No pattern covers the path.
    Path,
    /// It names other deliveries, or none.
    Delivery,
    /// The item has another category.
    Category,
    /// The item carries none of the tags.
    Tags,
    /// The clock can't be read.
    Clock,
    /// The time hasn't come.
    NotBefore,
    /// Its time is over.
    Expired,
    /// Outside its hours.
    Hours,
    /// The request came another way.
    Transport,
    /// The request came from another address, or from none.
    SourceIp,
    /// The token doesn't carry the claims.
    Claims,
}

impl Unmet {
    /// What to tell a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "it's about other principals",
            Self::Action => "it's about other actions",
            Self::Path => "none of its patterns covers the path",
            Self::Delivery => "it names other deliveries, or none (use.commands, use.hosts, use.run)",
            Self::Category => "the item has another category",
            Self::Tags => "the item carries none of its tags",
            Self::Clock => "the clock can't be read",
            Self::NotBefore => "its time hasn't come (when.not_before)",
            Self::Expired => "its time is over (when.expires)",
            Self::Hours => "it's outside its hours (when.hours)",
            Self::Transport => "the request came another way (when.transport)",
            Self::SourceIp => "the request came from another address (when.source_ip)",
            Self::Claims => "the token doesn't carry its claims (when.claims)",
        }
    }
}

impl Rule {
    /// What about the caller and the time keeps the rule from matching.
    pub(super) fn unmet_by_caller(&self, who: &Principal, now: Timestamp) -> Option<Unmet> {
        self.when.unmet(who, now)
    }

    /// What about the item keeps the rule from matching.
    pub(super) fn unmet_by_item(&self, target: &Target) -> Option<Unmet> {
        if !self.category_fits(target) {
            Some(Unmet::Category)
        } else if !self.tags_fit(target) {
            Some(Unmet::Tags)
        } else {
            None
        }
    }
}

impl When {
    /// The rule doesn't match from here on.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The rule matches from here on.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// The hours in which it matches.
    #[must_use]
    pub fn hours(&self) -> Option<&Hours> {
        self.hours.as_ref()
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { expires, not_before, hours, source_ip, transport, claims } = self;
        let unbounded = expires.is_none() && not_before.is_none() && hours.is_none();
        unbounded && source_ip.is_empty() && transport.is_empty() && claims.is_empty()
    }

    pub(super) fn lasting(&self, now: Timestamp) -> Lasting {
        let Self { expires, not_before, hours, source_ip, transport, claims } = self;
        let began = not_before.is_none_or(|begin| now >= begin);
        if expires.is_some_and(|end| now >= end) {
            Lasting::Over
        } else if began
            && expires.is_none()
            && hours.is_none()
            && source_ip.is_empty()
            && transport.is_empty()
            && claims.is_empty()
        {
            Lasting::Always
        } else {
            Lasting::AtTimes
        }
    }

    fn unmet(&self, who: &Principal, now: Timestamp) -> Option<Unmet> {
        if self.not_before.is_some_and(|begin| now < begin) {
            Some(Unmet::NotBefore)
        } else if self.expires.is_some_and(|end| now >= end) {
            Some(Unmet::Expired)
        } else if self.hours.as_ref().is_some_and(|hours| !hours.contain(now)) {
            Some(Unmet::Hours)
        } else if !self.transport.is_empty() && !self.transport.contains(&who.transport) {
            Some(Unmet::Transport)
        } else if !self.source_ip.is_empty() && !self.comes_from(who) {
            Some(Unmet::SourceIp)
        } else if self.claims.iter().any(|(claim, value)| who.claims.get(claim) != Some(value)) {
            Some(Unmet::Claims)
        } else {
            None
        }
    }

    fn comes_from(&self, who: &Principal) -> bool {
        // An IPv4 peer of a dual-stack listener shows as ::ffff:a.b.c.d.
        let address = who.source_ip.filter(|_| who.transport == Transport::Http).map(|address| address.to_canonical());
        address.is_some_and(|address| self.source_ip.iter().any(|net| net.contains(&address)))
    }

    pub(super) fn canonical(&self) -> Option<Value> {
        let mut when = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                when.insert(key.to_owned(), value);
            }
        };
        set("expires", self.expires.map(|time| json!(time.to_string())));
        set("not_before", self.not_before.map(|time| json!(time.to_string())));
        set("hours", self.hours.as_ref().map(|hours| json!(hours.as_str())));
        let nets: Vec<String> = self.source_ip.iter().map(IpNet::to_string).collect();
        set("source_ip", (!nets.is_empty()).then(|| json!(sorted(nets.iter().map(String::as_str)))));
        let transports = sorted(self.transport.iter().map(|transport| transport.as_str()));
        set("transport", (!transports.is_empty()).then(|| json!(transports)));
        set("claims", (!self.claims.is_empty()).then(|| json!(self.claims)));
        (!when.is_empty()).then_some(Value::Object(when))
    }
}
