#![doc = include_str!("README.md")]
#![deny(missing_docs)]

pub mod audit;
pub mod config;
pub mod memory;
pub mod model;
pub mod policy;
pub mod state;
