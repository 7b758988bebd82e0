//! What several requests, and later several replicas, must share.
//!
//! One process keeps it in memory: a limit counts the requests of this process, and each client
//! that starts its own server counts for itself.

mod rate_limits;

pub use rate_limits::RateLimits;
