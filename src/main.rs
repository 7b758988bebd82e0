//! The opward binary: harden the process, read the command line, do what it says.

use std::alloc::System;
use std::process::ExitCode;

use opward::memory::{self, Readers, WipingAllocator};

/// Wipes every block of the heap as it's freed: whatever held a value once, holds it no longer.
#[global_allocator]
static HEAP: WipingAllocator<System> = WipingAllocator(System);

fn main() -> ExitCode {
    // Before anything is read. The rest follows once the configuration is, before a thread is started.
    opward::cli::run(memory::harden(readers()))
}

/// Tests may read this process's memory, in builds that aren't shipped.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "hardening comes before the environment is read for good")]
fn readers() -> Readers {
    if std::env::var_os("OPWARD_TEST_READABLE").is_some() { Readers::Tests } else { Readers::Nobody }
}

#[cfg(not(debug_assertions))]
fn readers() -> Readers {
    Readers::Nobody
}
