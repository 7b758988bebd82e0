//! The stdio transport on a process's real standard streams, and what stays in that process's memory.
//!
//! This test has no harness: it starts itself as the server, whose standard output has to carry nothing but the
//! protocol, and with the shipped binary's allocator.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that starts itself and reports"
)]

#[cfg(target_os = "linux")]
#[path = "stdio_process/checks.rs"]
mod checks;
#[cfg(target_os = "linux")]
#[path = "support/memory.rs"]
mod mappings;
#[cfg(target_os = "linux")]
#[path = "stdio_process/server.rs"]
mod server;

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

#[cfg(target_os = "linux")]
fn main() {
    match std::env::var("OPWARD_TEST_ROLE").as_deref() {
        Ok("server") => server::serve(false),
        Ok("undumpable server") => server::serve(true),
        Ok(check) => checks::run(check),
        // Listing is what tools such as nextest ask for first.
        Err(_) if std::env::args().any(|argument| argument == "--list") => println!("stdio_process: test"),
        Err(_) => checks::run_all(),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the checks read /proc");
}
