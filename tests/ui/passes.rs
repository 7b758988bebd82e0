//! What the other files do wrongly, done rightly: were this refused, they might be refused for the wrong reason.

use opward::audit::{AuditError, Intent, Outcome};
use opward::authz::Permit;
use opward::custody::{Custody, Lease, Revealed, SecretValue};
use opward::identity::Authenticated;
use opward::model::kind::{Read, Use};
use opward::model::{Action, ActionKind, Principal, PrincipalName, Reason};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn cloned<T: Clone>() {}
fn compared<T: PartialEq>() {}
fn parsed<T: DeserializeOwned>() {}
fn written<T: Serialize>() {}

fn known<A: ActionKind>() -> Action {
    A::ACTION
}

fn who(authenticated: &Authenticated) -> &Principal {
    authenticated.principal()
}

async fn read(custody: &Custody, permit: Permit<Read>, asker: &PrincipalName) -> Option<Revealed> {
    let (lease, _pending) = custody.open(permit, asker).await;
    lease.ok()?.reveal()
}

async fn used(custody: &Custody, permit: Permit<Use>, asker: &PrincipalName) -> Option<Lease<Use>> {
    custody.open(permit, asker).await.0.ok()
}

async fn settled(intent: Intent) -> Result<(), AuditError> {
    intent.settle(Outcome::done()).await.map(drop)
}

fn main() {
    let _value = SecretValue::new("a text".to_owned());
    let _action = known::<Read>();
    cloned::<Reason>();
    compared::<Action>();
    parsed::<Action>();
    written::<Revealed>();
    written::<serde_json::Value>();
}
