//! One permit, one opening; one intent, one outcome.

use opward::audit::{AuditError, Intent, Outcome};
use opward::authz::Permit;
use opward::custody::{Custody, Lease, Revealed};
use opward::model::PrincipalName;
use opward::model::kind::Read;

async fn opened_twice(custody: &Custody, permit: Permit<Read>, asker: &PrincipalName) {
    let _first = custody.open(permit, asker).await;
    let _second = custody.open(permit, asker).await; //~ E0382
}

async fn opened_together_and_alone(custody: &Custody, permit: Permit<Read>, asker: &PrincipalName) {
    let _together = custody.open_all(vec![permit], asker).await;
    let _alone = custody.open(permit, asker).await; //~ E0382
}

async fn settled_twice(intent: Intent) -> Result<(), AuditError> {
    intent.settle(Outcome::done()).await?;
    intent.settle(Outcome::done()).await?; //~ E0382
    Ok(())
}

fn revealed_twice(lease: Lease<Read>) -> [Option<Revealed>; 2] {
    [lease.reveal(), lease.reveal()] //~ E0382
}

fn main() {}
