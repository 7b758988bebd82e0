//! The functions that make proofs can't be called from outside either.

use opward::audit::{Intent, Receipt};
use opward::authz::{Permit, Settled};
use opward::broker::Done;
use opward::custody::{Lease, Revealed, SecretValue};
use opward::model::kind::Read;
use opward::policy::Grant;
use opward::tools::Reply;

fn permit(grant: Grant<Read>, intent: Intent) -> Permit<Read> {
    Permit::new(grant, intent) //~ E0624
}

fn settled(receipt: Receipt) -> Settled {
    Settled::of(receipt) //~ E0624
}

fn reply(done: Done<String>) -> Reply {
    Reply::new(done) //~ E0624
}

fn reply_without_a_record(body: &str, proof: &Settled) -> Reply {
    Reply::recorded(&body, proof) //~ E0624
}

fn revealed(value: SecretValue) -> Revealed {
    Revealed(value) //~ E0423
}

fn lease() -> Lease<Read> {
    Lease::new(todo!()) //~ E0624
}

fn main() {}
