//! No proof can be copied, conjured up or read from text.

use opward::audit::{Intent, Receipt};
use opward::authz::{Permit, Settled};
use opward::identity::Authenticated;
use opward::model::kind::Read;
use opward::policy::Grant;
use serde::de::DeserializeOwned;

fn cloned<T: Clone>() {}
fn conjured<T: Default>() {}
fn parsed<T: DeserializeOwned>() {}

fn main() {
    cloned::<Authenticated>(); //~ E0277
    cloned::<Grant<Read>>(); //~ E0277
    cloned::<Intent>(); //~ E0277
    cloned::<Permit<Read>>(); //~ E0277
    cloned::<Receipt>(); //~ E0277
    cloned::<Settled>(); //~ E0277
    conjured::<Authenticated>(); //~ E0277
    conjured::<Grant<Read>>(); //~ E0277
    conjured::<Intent>(); //~ E0277
    conjured::<Permit<Read>>(); //~ E0277
    conjured::<Receipt>(); //~ E0277
    conjured::<Settled>(); //~ E0277
    parsed::<Authenticated>(); //~ E0277
    parsed::<Grant<Read>>(); //~ E0277
    parsed::<Intent>(); //~ E0277
    parsed::<Permit<Read>>(); //~ E0277
    parsed::<Receipt>(); //~ E0277
    parsed::<Settled>(); //~ E0277
}
