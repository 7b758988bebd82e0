//! The whole program from outside: the real binary, a real vault, and clients that speak MCP to it.
#![cfg(test)]
#![allow(
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets something else fails, as it should"
)]

mod asked;
mod attack;
mod bundles;
mod decisions;
mod denies_by_default;
mod exposures;
#[path = "../support/fake_connect.rs"]
mod fake_connect;
#[path = "../support/fake_op.rs"]
mod fake_op;
mod finds_and_describes;
mod guard;
mod http_calls;
mod http_cancel;
mod http_gate;
mod http_hostile;
#[cfg(debug_assertions)]
mod http_memory;
mod http_operations;
mod http_start;
mod http_streams;
mod http_tenancy;
mod http_tls;
mod http_tokens;
mod http_wire;
mod lifecycles;
#[cfg(debug_assertions)]
#[path = "../support/memory.rs"]
mod mappings;
mod not_there_and_not_yours;
mod one_password_calls;
mod one_password_cancel;
mod one_password_faults;
mod one_password_leaks;
#[cfg(debug_assertions)]
mod one_password_memory;
mod one_password_names;
mod one_password_outside;
mod one_password_quota;
mod one_password_settings;
mod one_password_setup;
mod one_password_sources;
mod one_password_troubled_writes;
mod one_password_writes;
mod other_peoples_text;
mod reads;
mod resources_and_completion;
mod robust_audit;
mod robust_cli;
mod robust_kill;
mod robust_leaks;
mod robust_lifecycle;
mod robust_memory;
mod robust_reload;
mod run;
mod run_streams;
mod run_terminal;
mod schemas;
mod support;
mod support_robust;
mod use_answers;
mod use_attacks;
mod use_commands;
mod use_terms;
mod writes;
