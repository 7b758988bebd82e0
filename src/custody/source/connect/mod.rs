//! 1Password through its Connect server.
