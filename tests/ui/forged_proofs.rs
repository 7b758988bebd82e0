//! No proof can be written down by hand, whatever one has at hand to put into it.

use opward::audit::{Intent, Receipt};
use opward::authz::{Pending, Permit, Settled};
use opward::identity::Authenticated;
use opward::model::kind::Read;
use opward::model::{Principal, Request};
use opward::policy::{Grant, Obligations};
use opward::tools::Reply;

fn authenticated(principal: Principal) -> Authenticated {
    Authenticated { principal } //~ E0451
}

fn grant(request: Request<Read>, obligations: Obligations) -> Grant<Read> {
    Grant { request, rules: Box::new([]), policy: todo!(), obligations } //~ E0451
}

fn permit(request: Request<Read>, intent: Intent) -> Permit<Read> {
    Permit { request, intent } //~ E0451
}

fn pending(intent: Intent) -> Pending {
    Pending { intent } //~ E0451
}

fn settled(first: Receipt) -> Settled {
    Settled { first, more: Vec::new() } //~ E0451
}

fn reply() -> Reply {
    Reply { result: Ok(serde_json::Value::Null) } //~ E0451
}

fn main() {}
