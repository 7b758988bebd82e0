#![doc = include_str!("README.md")]
#![deny(missing_docs)]

pub mod app;
pub mod approval;
pub mod audit;
pub mod authz;
pub mod broker;
pub mod cli;
pub mod config;
pub mod custody;
pub mod egress;
pub mod identity;
pub mod memory;
pub mod model;
pub mod policy;
pub mod redact;
pub mod runner;
pub mod state;
pub mod telemetry;
pub mod tools;
pub mod transport;
