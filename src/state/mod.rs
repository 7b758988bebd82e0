//! What several requests, and later several replicas, must share.
//!
//! One process keeps it in memory: a limit counts the requests of this process, and each client
//! that starts its own server counts for itself.

mod leaks;
mod rate_limits;

pub use leaks::{LEAK_WINDOW, LEAKS_UNTIL_OUT, Leaks, TRIED_AT_MOST, Taken};
pub use rate_limits::RateLimits;
