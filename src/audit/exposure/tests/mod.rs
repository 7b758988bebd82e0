//! The ledger over real logs.

mod bounds;
mod following;
mod meaning;
mod naive;

use std::time::Duration;

use jiff::Timestamp;

use super::{Exposure, How, Ledger};
use crate::audit::tests::{Asked, Place};
use crate::audit::{AuditLog, Durability, Entry, Intent, Outcome, SandboxWords};
use crate::model::{Action, Clock, Delivery, DeliveryName, ErrorCode, Output, PrincipalName, RuleId, SecretPath};

const START: &str = "2026-11-21T10:00:00Z";
const SECRET: &str = "Staging/Stripe/credential";

/// A log under a clock that stands still, and the ledger over it.
struct Book {
    place: Place,
    log: AuditLog,
    clock: Clock,
    ledger: Ledger,
}

/// A request that's about to be recorded.
#[derive(Debug, Clone)]
struct Wanted {
    action: Action,
    delivery: Option<Delivery>,
    path: &'static str,
    principal: &'static str,
    rules: Vec<&'static str>,
}

impl Book {
    fn new() -> Self {
        let place = Place::new();
        let clock = Clock::fixed(Some(START.parse().unwrap()));
        let log = AuditLog::open(&place.file, Durability::Write, clock.clone()).unwrap();
        let ledger = Ledger::open(&place.file);
        Self { place, log, clock, ledger }
    }

    fn minutes(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }

    async fn begin(&self, wanted: &Wanted) -> Intent {
        let mut asked = Asked::new();
        asked.path = path(wanted.path);
        asked.principal = PrincipalName::parse(wanted.principal).unwrap();
        asked.rules = wanted.rules.iter().map(|rule| RuleId::new(rule)).collect();
        let entry = Entry { action: wanted.action, delivery: wanted.delivery.as_ref(), ..asked.entry() };
        self.log.intent(entry).await.unwrap()
    }

    async fn whole(&self, wanted: &Wanted, outcome: Outcome) {
        let _ = self.begin(wanted).await.settle(outcome).await.unwrap();
    }

    async fn done(&self, wanted: &Wanted) {
        self.whole(wanted, Outcome::done()).await;
    }

    fn all(&self) -> Vec<Exposure> {
        self.ledger.since(None).unwrap()
    }

    fn knows(&self, principal: &str, secret: &str) -> bool {
        self.ledger.knows(&PrincipalName::parse(principal).unwrap(), &path(secret)).unwrap()
    }
}

impl Wanted {
    fn to(action: Action) -> Self {
        Self { action, delivery: None, path: SECRET, principal: "agent", rules: vec!["a-rule"] }
    }

    fn read() -> Self {
        Self::to(Action::Read)
    }

    fn by(delivery: Delivery) -> Self {
        Self { delivery: Some(delivery), ..Self::to(Action::Use) }
    }

    fn from(self, principal: &'static str) -> Self {
        Self { principal, ..self }
    }
}

fn path(text: &str) -> SecretPath {
    SecretPath::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn trusted() -> Delivery {
    Delivery::TrustedCode(DeliveryName::parse("test").unwrap())
}

/// Every way of delivery, and how it exposes, if it does.
fn deliveries() -> [(Delivery, Option<How>); 5] {
    let name = || DeliveryName::parse("x").unwrap();
    [
        (Delivery::Command(name()), None),
        (Delivery::TrustedCode(name()), Some(How::TrustedCode)),
        (Delivery::Http(name()), None),
        (Delivery::Run(Output::Masked), Some(How::Run)),
        (Delivery::Run(Output::Unmasked), Some(How::Run)),
    ]
}

/// Every way a request can end, and whether a program that was to get the value may have got it.
fn endings() -> Vec<(Outcome, bool)> {
    let words = || SandboxWords::parse("landlock:7").unwrap();
    vec![
        (Outcome::done(), true),
        (Outcome::done().within(words()), true),
        (Outcome::failed(ErrorCode::Internal), true),
        (Outcome::failed(ErrorCode::NotFound).within(words()), true),
        (Outcome::failed(ErrorCode::NotFound), false),
        (Outcome::failed(ErrorCode::SourceUnavailable), false),
        (Outcome::failed(ErrorCode::Invalid), false),
    ]
}
