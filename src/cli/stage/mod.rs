//! What `demo` and `doctor --attack` are played on: a folder of their own, a service on a loopback port, and a client
//! with a server that's this very program.

mod client;
mod home;
mod interrupt;
mod service;

pub(super) use client::{Client, Start};
pub(super) use home::{Home, Item};
pub(super) use interrupt::unless_interrupted;
pub(super) use service::Service;
