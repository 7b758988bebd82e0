//! A plaintext can't be printed, compared, copied, written as data or read outside custody.

use std::fmt::Display;

use opward::custody::{Lease, Revealed, SecretValue};
use opward::model::kind::{Read, Use};
use serde::Serialize;

fn printed<T: Display>() {}
fn compared<T: PartialEq>() {}
fn copied<T: Clone>() {}
fn written<T: Serialize>() {}

fn plaintext(value: &SecretValue) -> &[u8] {
    value.plaintext() //~ E0624
}

fn main() {
    printed::<SecretValue>(); //~ E0277
    compared::<SecretValue>(); //~ E0277
    copied::<SecretValue>(); //~ E0277
    written::<SecretValue>(); //~ E0277
    written::<Lease<Read>>(); //~ E0277
    written::<Lease<Use>>(); //~ E0277
    copied::<Lease<Use>>(); //~ E0277
    printed::<Revealed>(); //~ E0277
    compared::<Revealed>(); //~ E0277
    copied::<Revealed>(); //~ E0277
}
