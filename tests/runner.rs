//! Running programs: through the real supervisor, with a program that says what it finds and tries what it shouldn't.
//!
//! `cargo test` builds that program; after `cargo test --test runner`, which doesn't, build it with
//! `cargo build --example probe`.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "tests start processes and read the environment")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets these has failed")]

#[path = "runner/driver.rs"]
mod driver;
#[path = "runner/ends.rs"]
mod ends;
#[path = "runner/escapes.rs"]
mod escapes;
#[path = "runner/handed.rs"]
mod handed;
#[path = "runner/layers.rs"]
mod layers;
#[path = "runner/output.rs"]
mod output;
#[path = "runner/programs.rs"]
mod programs;
#[path = "runner/support.rs"]
mod support;
