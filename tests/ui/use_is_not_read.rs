//! A permit to use can't read, and a lease on use shows nothing.

use opward::authz::Permit;
use opward::custody::{Lease, Revealed};
use opward::model::kind::{Read, Use};

fn as_read(permit: Permit<Use>) -> Permit<Read> {
    permit //~ E0308
}

fn reveal(lease: Lease<Use>) -> Option<Revealed> {
    lease.reveal() //~ E0599
}

fn code(lease: Lease<Use>) {
    lease.one_time_code(todo!()); //~ E0599
}

fn variables(lease: Lease<Use>) {
    lease.variables(); //~ E0599
}

fn main() {}
